"""A real MLflow server behind a proxy, opened as a context is opened."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from modeldeck.app.usecases.session import Session
from modeldeck.backends import mlflow
from modeldeck.backends.api.connect import Connection, Limits, Trust
from modeldeck.backends.api.events import Actor, Event
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local import create_registry
from tests.servers import Server
from tests.servers.certificates import Authority
from tests.servers.proxy import Proxy

CONTEXT = "prod"
HOST = "mlflow.tests.example.org"
NOBODY = "no-such-host.invalid"
SECRET = "a-token-that-stands-nowhere"


class Tokens:
    """Credentials that count how often they were renewed."""

    def __init__(self) -> None:
        self.renewed = 0

    async def header(self, *, refresh: bool = False) -> str | None:
        self.renewed += refresh
        return f"Bearer {SECRET}-{self.renewed}"

    def describe(self) -> str:
        return "a test"


class NameServer:
    """Says that `HOST` is the loopback address, until it is `gone`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gone = False
        real = socket.getaddrinfo

        def asked(host: Any, *args: Any, **kwargs: Any) -> Any:
            if host in (HOST, HOST.encode()):
                host = NOBODY if self.gone else "127.0.0.1"
            return real(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", asked)


@dataclass
class Place:
    """A session on a server through a proxy; `server` is asked past everything of ours."""

    server: Server
    proxy: Proxy
    session: Session
    registry: Journaled
    tokens: Tokens
    authority: Authority

    def alias(self, model: str, alias: str = "champion") -> int:
        """Where an alias points."""
        found = self.server.api("GET", "registered-models/get", name=model)
        aliases = found["registered_model"]["aliases"]
        return next(int(one["version"]) for one in aliases if one["alias"] == alias)

    async def trail(self) -> list[Event]:
        """The whole trail, oldest first."""
        await self.registry.settled()
        events = await all_of(await self.registry.events())
        return sorted(events, key=lambda event: event.seq)

    def show(self, kind: str) -> None:
        """Show a certificate of this kind from the next connection on (`certificates.KINDS`)."""
        assert self.proxy.tls
        self.proxy.tls.load_cert_chain(self.authority.chain(kind))


@asynccontextmanager
async def opened(
    server: Server, folder: Path, limits: Limits, *, tls: bool = False, keep: bool = True
) -> AsyncIterator[Place]:
    """A session on `server` through a proxy, with records of its own in `folder`.

    Without `keep` each request makes a connection of its own, which is where some faults are met.
    """
    authority = Authority(folder)
    context = authority.context("good") if tls else None
    async with Proxy(server.url, tls=context, keep=keep) as proxy:
        tokens = Tokens()
        connection = Connection(
            context=CONTEXT,
            # Certificates are made out to the address; else a name is what can be lost.
            url=proxy.url if tls else proxy.url.replace("127.0.0.1", HOST),
            credentials=tokens,
            trust=Trust(ca_file=str(authority.file)),
            limits=limits,
        )
        registry = Journaled(
            mlflow.connect(connection),
            create_registry(folder),
            tool="modeldeck test",
            clock=lambda: datetime.now(UTC),
            context=CONTEXT,
        )
        session = Session(context=CONTEXT, registry=registry, actor=Actor(user="ada", host="here"))
        try:
            yield Place(server, proxy, session, registry, tokens, authority)
        finally:
            await registry.close()
