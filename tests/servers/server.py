"""What a test is given of a running server."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Server:
    """How a server is reached. `user` is empty where it knows no accounts.

    `python` has its MLflow, `root` is its folder: the log, artifacts, a SQLite store.
    """

    url: str
    user: str
    password: str = field(repr=False)
    python: Path
    root: Path

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        **query: Any,
    ) -> tuple[int, Any]:
        """Speak to the server without anything of ours: the status, and JSON or text.

        As the administrator; as `user`, where one is named; "" for nobody.
        """
        user = self.user if user is None else user
        password = self.password if password is None else password
        address = urlsplit(self.url)
        headers = {"Content-Type": "application/json"}
        if user:
            known = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {known}"
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        connection = http.client.HTTPConnection(address.netloc, timeout=120)
        try:
            connection.request(method, target, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if "json" in answer.headers.get("Content-Type", ""):
            return answer.status, json.loads(text)
        return answer.status, text

    def api(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any
    ) -> Any:
        """What `/api/2.0/mlflow/path` answers to the administrator, who is not refused."""
        status, answer = self.call(method, f"/api/2.0/mlflow/{path}", body, **query)
        assert status == 200, f"{method} {path}: {status} {answer}"
        return answer
