"""Servers of the tests as the adapter reaches them, and what it asked of them."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from modeldeck.backends.api.connect import Connection
from modeldeck.backends.api.lists import RunQuery, Window, all_of
from modeldeck.backends.api.runs import Run, Shelf
from modeldeck.backends.mlflow import connect
from modeldeck.backends.mlflow.backend import MlflowServer


class Basic:
    """A user and a password."""

    def __init__(self, user: str, password: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    async def header(self, *, refresh: bool = False) -> str | None:
        return self._header

    def describe(self) -> str:
        return "a test's own"


def reach(server, *, user: str | None = None, password: str = "", **options) -> MlflowServer:
    """The adapter on a server of a test, as the administrator or as `user`."""
    name = server.user if user is None else user
    known = Basic(name, password or server.password) if name else None
    return connect(Connection(context="test", url=server.url, options=options, credentials=known))


@contextmanager
def asked(server: MlflowServer) -> Iterator[list[str]]:
    """The requests that are made in the block, as method and path."""
    before = len(server.exchanges)
    found: list[str] = []
    yield found
    for one in list(server.exchanges)[before:]:
        path = one.url.partition("?")[0].partition("/api/2.0/mlflow/")
        found.append(f"{one.method} {path[2] or path[0]}")


async def every_run(server: MlflowServer) -> Sequence[Run]:
    window: Window[Run] = await server.runs(RunQuery(shelf=Shelf.ALL))
    return await all_of(window)
