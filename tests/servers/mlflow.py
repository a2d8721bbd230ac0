"""Real MLflow servers, one process each, on loopback."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.postgres import USER, start_postgres
from tests.servers.process import answers, start
from tests.servers.server import Server

ADMIN = "admin"
ENV = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight processes more
    "GIT_PYTHON_REFRESH": "quiet",
}


def start_mlflow(
    kind: str, python: Path, folder: Path, lock: Path, store: Path | None = None
) -> Server:
    """Start a server of this kind in `folder`, on a copy of the database `store` if one is given.

    It lives until nobody holds `lock`.
    """
    accounts = kind == "3-postgres"
    settings = on_postgres(folder, lock) if accounts else on_sqlite(folder, store)
    options = ["--artifacts-destination", folder / "mlartifacts", "--workers", "1"]
    if accounts:
        options += ["--app-name", "basic-auth"]
    if kind == "3-workspaces":
        options += ["--enable-workspaces"]

    def command(port: int) -> Sequence[str | Path]:
        where = ["--host", "127.0.0.1", "--port", str(port)]
        return [python, "-m", "mlflow", "server", *where, *options]

    port = start(
        command,
        lock=lock,
        folder=folder,
        ready=lambda port: answers(port, "/health"),
        env=ENV | settings,
    )
    return Server(
        url=f"http://127.0.0.1:{port}",
        user=ADMIN if accounts else "",
        password=settings.get("MLFLOW_AUTH_ADMIN_PASSWORD", ""),
        python=python,
        root=folder,
    )


def on_sqlite(folder: Path, store: Path | None) -> Mapping[str, str]:
    if store is not None:
        shutil.copyfile(store, folder / "mlflow.db")
        if (kept := store.with_name("mlartifacts")).is_dir():
            shutil.copytree(kept, folder / "mlartifacts")
    return {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder}/mlflow.db"}


def on_postgres(folder: Path, lock: Path) -> Mapping[str, str]:
    """A database for the store and one for the accounts; passwords stay off command lines."""
    password, admin = secrets.token_urlsafe(), secrets.token_urlsafe()
    below = folder.with_name(f"{folder.name}-database")
    below.mkdir()
    port = start_postgres(below, lock, password, ["mlflow", "accounts"])
    uri = f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{port}"
    config = folder / "accounts.ini"
    config.touch(0o600)
    config.write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
        f"database_uri = {uri}/accounts\n"
        f"admin_username = {ADMIN}\n"
        # Else each request costs a quarter of a second of hashing.
        "auth_cache_ttl_seconds = 600\n",
        encoding="utf-8",
    )
    return {
        "MLFLOW_BACKEND_STORE_URI": f"{uri}/mlflow",
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_PASSWORD": admin,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(),
    }
