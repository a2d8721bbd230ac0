"""A server in memory that does as a test tells it, and records of what happens to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.lists import ListWindow
from modeldeck.backends.api.models import Alias, Model, Version
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.protocols import YES
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local import LocalBackend, create_registry
from tests.local.records import NOW

TOOL = "modeldeck test"
CHAMPION = "models/fraud@champion"
Act = Callable[[Change], Awaitable[None]]


class Clock:
    """The time that a test says it is."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class Scripted:
    """Models with aliases. `write` and `read` are what a test makes of the next such calls."""

    name = "scripted"
    place = "memory"
    exchanges = ()

    def __init__(self) -> None:
        self.aliases_of: dict[str, dict[str, int]] = {"fraud": {"champion": 1}}
        self.fields: dict[tuple[str, str], Any] = {}
        self.writes: list[Change] = []
        self.write: list[Act] = []
        self.read: list[Callable[[], Awaitable[None]]] = []
        self.closed = False
        self.counts = True

    def availability(self, operation: str, subject: str = "") -> Any:
        return YES

    def link(self, address: str) -> str | None:
        return f"http://server/{address}"

    def request(self, changes: Any) -> str:
        return f"{len(changes)} requests"

    def caveats(self, operation: str) -> Any:
        return ("anybody may do it there",)

    async def close(self) -> None:
        self.closed = True

    # Fields

    async def read_field(self, subject: str, field: str) -> Any:
        await asyncio.sleep(0)
        if self.read:
            await self.read.pop(0)()
        address = parse_address(subject)
        if address.alias is not None:
            return (await self._found(address.name)).aliases.get(address.alias)
        return self.fields.get((subject, field))

    async def write_field(self, change: Change) -> None:
        self.writes.append(change)
        await asyncio.sleep(0)
        if self.write:
            await self.write.pop(0)(change)
        else:
            self.put(change.subject, change.after, change.field)

    def put(self, subject: str, value: Any, field: str = "version") -> None:
        """What it is from now on, whoever did it."""
        address = parse_address(subject)
        if address.alias is None:
            self.fields[subject, field] = value
        elif value is None:
            self.aliases_of[address.name].pop(address.alias)
        else:
            self.aliases_of[address.name][address.alias] = value

    # Models

    async def models(self, where: Any = None, sort: Any = (), shelf: Any = None) -> Any:
        rows = [await self._found(name) for name in self.aliases_of]
        window = ListWindow(rows, [row.name for row in rows], first=2)
        if not self.counts:
            window.count = None
        return window

    async def model(self, name: str) -> Model:
        if self.read:
            await self.read.pop(0)()
        return await self._found(name)

    async def versions(self, model: Any = None, *_: Any) -> Any:
        names = [model] if model else list(self.aliases_of)
        rows = [await self.version(name, n) for name in names for n in (1, 2, 3)]
        return ListWindow(rows, [f"{row.model}/{row.version}" for row in rows])

    async def version(self, model: str, number: int) -> Version:
        on_it = [name for name, at in self.aliases_of[model].items() if at == number]
        return Version(model=model, version=number, aliases=on_it)

    async def aliases(self, model: str | None = None) -> Any:
        names = [model] if model else list(self.aliases_of)
        return [
            Alias(model=name, alias=alias, version=number)
            for name in names
            for alias, number in self.aliases_of[name].items()
        ]

    async def _found(self, name: str) -> Model:
        if name not in self.aliases_of:
            raise NotFoundError(f"no model {name!r}")
        return Model(name=name, aliases=dict(self.aliases_of[name]))


class Filed(Scripted):
    """One that keeps its state in a file and outlives its process, which ends where `die` says."""

    def __init__(self, path: Path, die: str = "") -> None:
        super().__init__()
        self.path = path
        self.die = die
        if path.exists():
            self.aliases_of, count = json.loads(path.read_text())
            self.writes = [Change("", "", None, None)] * count

    async def write_field(self, change: Change) -> None:
        self.writes.append(change)
        end_at("before the write", self.die)
        self.put(change.subject, change.after)
        self.path.write_text(json.dumps([self.aliases_of, len(self.writes)]))
        end_at("after the write", self.die)

    async def read_field(self, subject: str, field: str) -> Any:
        if self.writes and self.die:
            end_at("reading back", self.die)
        return await super().read_field(subject, field)


def end_at(place: str, die: str) -> None:
    """End this process here, as a power cut does."""
    if place == die:
        os.kill(os.getpid(), signal.SIGKILL)


def journaled(server: Scripted, folder: Path, clock: Clock, **fields: Any) -> Journaled:
    """A registry of it, with records in `folder`."""
    return Journaled(
        server, records(folder, clock), tool=TOOL, clock=clock, context="here", **fields
    )


def records(folder: Path, clock: Clock) -> LocalBackend:
    """Records in `folder`, which go by the same clock."""
    return create_registry(folder, clock=clock)
