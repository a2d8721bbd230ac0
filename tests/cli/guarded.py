"""A server that wants to know who asks; simulated, as little of MLflow as a list needs."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def guarded(user: str, password: str) -> Iterator[tuple[str, list[str | None]]]:
    """Its address, and what came as `Authorization`, in order."""
    known = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            good = self.headers["Authorization"] == known
            body = b"{}" if good else b'{"error_code": "UNAUTHENTICATED", "message": "no"}'
            self.send_response(200 if good else 401)
            if not good:
                self.send_header("WWW-Authenticate", 'Basic realm="mlflow"')
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
