"""A client whose time is the test's own, and the server it speaks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from modeldeck.backends.http import Http

from .serving import Script, Served, serving

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass
class Time:
    """A clock that only sleeping moves. Randomness is always the middle."""

    now: datetime = NOON
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def client(self, base: str, **how) -> Http:
        how = {"clock": lambda: self.now, "sleep": self.sleep, "random": lambda: 0.5, **how}
        return Http(base, **how)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def world(time: Time) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(time, stack)


@dataclass
class World:
    """Starts servers and clients, and ends them with the test."""

    time: Time
    stack: AsyncExitStack

    async def server(self, script: Script | None = None, **how) -> Served:
        return await self.stack.enter_async_context(serving(script, **how))

    def client(self, base: str, **how) -> Http:
        http = self.time.client(base, **how)
        self.stack.push_async_callback(http.close)
        return http

    async def pair(self, script: Script, *, path: str = "", **how) -> tuple[Http, Served]:
        served = await self.server(script)
        return self.client(served.url + path, **how), served


class Known:
    """Credentials that hand out these values in turn, the next at each refresh."""

    def __init__(self, *values: str | None) -> None:
        self.values = list(values)
        self.refreshed = 0

    async def header(self, *, refresh: bool = False) -> str | None:
        if refresh:
            self.refreshed += 1
            if len(self.values) > 1:
                self.values.pop(0)
        return self.values[0]

    def describe(self) -> str:
        return "the variable TEST_TOKEN"
