"""Real MLflow servers for tests: on loopback, started by the first test that asks, then shared.

    def test_speaks_to_a_server(mlflow_server):
        server = mlflow_server("3")
        server.api("POST", "registered-models/create", {"name": "a name of this test alone"})

| kind | is |
|---|---|
| `3` | MLflow 3 on SQLite |
| `2` | MLflow 2 on SQLite |
| `3-postgres` | MLflow 3 on PostgreSQL with accounts (basic-auth), which are in another database |
| `3-workspaces` | MLflow 3 on SQLite with workspaces |

A server costs some eight seconds and 500 MB. All tests of a session share those of a kind,
whichever worker they run in: take names of your own, and expect those of others. What must be
alone, or must have known contents, gives a database to serve a copy of: `mlflow_server("3",
store=mlflow_store("3-sqlite").path)`; the copy is shared as well, by who names the same database.
`filled_store` is one of a real size: 500 models, 20,000 runs, nested ones among them.

`proxy.Proxy` is a door before a server that misbehaves as a test has scripted.

The server ends with the session, even with a killed one: `keeping.py`, `guard.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.mlflow_store import server_python
from tests.servers.fill import filled
from tests.servers.keeping import Keeper
from tests.servers.mlflow import start_mlflow
from tests.servers.postgres import binaries
from tests.servers.server import Server

__all__ = ["KINDS", "Keeper", "Server", "filled_store", "mlflow_server"]

KINDS = ("3", "2", "3-postgres", "3-workspaces")


def given(config: pytest.Config, kind: str, store: Path | None = None) -> Server:
    """The session's server of this kind."""
    python = server_python(kind)
    if kind == "3-postgres":
        binaries()  # skips without them
    keeper = config.pluginmanager.get_plugin(Keeper.NAME)
    assert isinstance(keeper, Keeper)
    name = kind
    if store is not None:
        name += "-" + hashlib.sha256(bytes(store)).hexdigest()[:12]

    def make(folder: Path) -> bytes:
        server = start_mlflow(kind, python, folder, keeper.session, store)
        return json.dumps(asdict(server), default=str).encode()

    told = json.loads(keeper.shared(name, make))
    return Server(**told | {"python": Path(told["python"]), "root": Path(told["root"])})


@pytest.fixture(scope="session")
def mlflow_server(pytestconfig: pytest.Config) -> Callable[..., Server]:
    """Give a server by kind (`KINDS`), on a copy of the SQLite database `store` if one is named."""

    def give(kind: str, store: Path | None = None) -> Server:
        return given(pytestconfig, kind, store)

    return give


@pytest.fixture(scope="session")
def filled_store(pytestconfig: pytest.Config) -> Path:
    """The SQLite database of a store of a real size (`fill.py`); made once for each machine."""
    return filled(pytestconfig.cache.mkdir("mlflow-stores"))
