"""A server, simulated: a local registry stands behind it, and it does as a test tells it.

It is slow while its `gate` is shut, and away while `down` says why. Lists of runs come in pages and
do not know how long they are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import RefusedError, UnreachableError
from modeldeck.backends.api.exchanges import Exchange
from modeldeck.backends.api.lists import ListWindow, RunQuery
from modeldeck.backends.api.plan import LIFETIME, Change, Plan
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local.opening import create_registry, open_registry
from tests.console.dump import ACTOR, NOW

PLACE = "https://mlflow.example.org/risk"
CAVEAT = "anybody with MLflow EDIT can still move this alias outside modeldeck"


class Clock:
    """The time that a test says it is."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Pages(ListWindow):
    """A list that is fetched in pages of `size`; its length comes out at its end."""

    def __init__(self, server: Far, rows: Any, size: int, notes: tuple[str, ...]) -> None:
        super().__init__(rows, [row.id for row in rows], first=size)
        self.notes = notes
        self._server, self._size, self._whole = server, size, rows
        self._reach(size)

    def _reach(self, end: int) -> None:
        self.at_least = min(max(end, getattr(self, "at_least", 0)), len(self._whole))
        if end < len(self._whole):
            self.at_least = min(-(-end // self._size) * self._size, len(self._whole))
        self.count = len(self._whole) if self.at_least == len(self._whole) else None

    async def page(self, start: int, limit: int) -> Any:
        if self.count is None and start + limit > self.at_least:
            await self._server.ask("POST", f"runs/search?page={self.at_least}", self._size * 200)
            known = self.count
            self.at_least = min(self.at_least + self._size, len(self._whole))
            self.count = len(self._whole) if self.at_least == len(self._whole) else known
        return self._whole[start : min(start + limit, self.at_least)]

    async def index_of(self, key: str) -> int | None:
        place = await super().index_of(key)
        return place if place is not None and place < self.at_least else None

    async def keys(self) -> Any:
        return (await super().keys())[: self.at_least]


class Far:
    """What an adapter would give."""

    name = "mlflow"
    place = PLACE

    def __init__(self, behind: Any, clock: Clock, *, size: int = 5) -> None:
        self.behind, self.clock, self.size = behind, clock, size
        self.exchanges: deque[Exchange] = deque(maxlen=500)
        self.down = ""
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuses_sort = ""
        self.lost = False
        self.notes: tuple[str, ...] = ()

    async def ask(self, method: str, path: str, received: int = 640) -> None:
        """One request."""
        await self.gate.wait()
        self.exchanges.append(
            Exchange(
                at=self.clock(),
                method=method,
                url=f"{PLACE}/api/2.0/mlflow/{path}",
                status=None if self.down else 200,
                seconds=0.031,
                received=0 if self.down else received,
                outcome=self.down or "ok",
            )
        )
        if self.down:
            raise UnreachableError(self.down, where=PLACE, way_out="Try again")

    def availability(self, operation: str, subject: str = "") -> Any:
        return self.behind.availability(operation, subject)

    def link(self, address: str) -> str | None:
        return f"{PLACE}/#/{address}" if address.startswith(("runs/", "models/")) else None

    def request(self, changes: Any) -> str:
        moved = [one for one in changes if one.before != one.after]
        return "\n".join(f"POST {PLACE}/alias {one.after}" for one in moved)

    def caveats(self, operation: str) -> Any:
        return (CAVEAT,)

    async def close(self) -> None:
        await self.behind.close()

    async def runs(self, query: RunQuery, first: int = 100) -> Pages:
        await self.ask("POST", "runs/search", self.size * 200)
        if query.sort and query.sort[0].field.name == self.refuses_sort:
            raise RefusedError(f"the server cannot sort by {self.refuses_sort}")
        window = await self.behind.runs(query, 10_000)
        return Pages(self, window.first, self.size, self.notes)

    async def read_field(self, subject: str, field: str) -> Any:
        await self.ask("GET", "field")
        address = parse_address(subject)
        return (await self.behind.model(address.name)).aliases.get(address.alias)

    async def write_field(self, change: Change) -> None:
        await self.ask("POST", "alias")
        if not self.lost:
            await self.move(change)
            return
        self.down = "the answer was lost"
        raise UnreachableError(self.down)

    async def move(self, change: Change) -> None:
        """What somebody does there."""
        now = self.clock()
        plan = Plan(
            operation="alias.set",
            arguments={},
            context="there",
            changes=(change,),
            created_at=now,
            lapses_at=now + LIFETIME,
        )
        await self.behind.apply(plan, ACTOR, "there")

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self.behind, name)

        async def ask(*args: Any, **options: Any) -> Any:
            await self.ask("GET", name.replace("_", "-"))
            return await verb(*args, **options)

        return ask


def far_session(there: Path, records: Path, **options: Any) -> Session:
    """A protected context on such a server, with records of its own."""
    clock = options.pop("clock", None) or Clock()
    server = Far(open_registry(there, clock=clock), clock, size=options.pop("size", 5))
    kept = create_registry(records, clock=clock)
    context = options.pop("context", "prod")
    registry = Journaled(server, kept, tool="modeldeck test", clock=clock, context=context)
    return Session(
        **{
            "context": context,
            "registry": registry,
            "actor": ACTOR,
            "clock": clock,
            "protected": True,
            **options,
        }
    )
