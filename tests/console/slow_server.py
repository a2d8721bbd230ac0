"""An MLflow of one run, in a thread of its own, that can leave a change without an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EXPERIMENT = {"experiment_id": "1", "name": "risk", "lifecycle_stage": "active"}
INFO = {
    "run_id": "a" * 32,
    "run_name": "forest",
    "experiment_id": "1",
    "status": "FINISHED",
    "start_time": 1_700_000_000_000,
    "end_time": 1_700_000_060_000,
    "lifecycle_stage": "active",
}


class SlowServer:
    """`does`: whether a change that hangs is made all the same.

    `deaf`: after it no question is answered either.
    """

    def __init__(self) -> None:
        self.url = ""
        self.does = self.deaf = False
        self.tags: dict[str, str] = {}
        self.changes: list[str] = []
        self.asked = threading.Event()
        """A change has come."""
        self.over = threading.Event()

    def said(self, path: str, words: Any) -> Any:
        """What is answered; None never comes."""
        if path.endswith("-tag"):
            self.changes.append(path)
            if self.does:
                self.tags[words["key"]] = words["value"]
            self.asked.set()
            return None
        if self.deaf and self.asked.is_set():
            return None
        tags = [{"key": key, "value": value} for key, value in self.tags.items()]
        run = {"info": INFO, "data": {"tags": tags}}
        return {
            "experiments/search": {"experiments": [EXPERIMENT]},
            "experiments/get": {"experiment": EXPERIMENT},
            "runs/search": {"runs": [run]},
            "runs/get": {"run": run},
        }.get(path, {})


@contextmanager
def slow_server() -> Iterator[SlowServer]:
    """The server, while it is there."""
    server = SlowServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].partition("/api/2.0/mlflow/")[2]
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            found = server.said(path, json.loads(body or b"{}"))
            if found is None:
                server.over.wait()
                return
            answer = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        server.url = f"http://127.0.0.1:{listener.server_port}"
        yield server
    finally:
        server.over.set()
        listener.shutdown()
        listener.server_close()
