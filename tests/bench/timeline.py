"""Where aliases were at any instant of 10,000 events; the whole time line of them."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modeldeck.app.config.actor import current_actor
from modeldeck.app.usecases import timeline as usecase
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.events import Actor, Entry
from modeldeck.backends.local.opening import create_registry, open_registry
from modeldeck.backends.local.trail import write

from .harness import Cost, cost, paired
from .place import Bench
from .report import SECONDS, AtMost, Line

EVENTS = 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)
ALIASES = ("champion", "candidate", "shadow")
GATES = [
    {"rule": f"auc >= 0.9 on slice {n}", "verdict": "pass", "shows": "0.9312 n=48,210"}
    for n in range(6)
]
_QUICK = AtMost(0.050)


def measure(bench: Bench) -> Iterator[Line]:
    """One instant after the other, near and far; beside reading all of it."""
    made = bench.kept("timeline", Path(__file__).read_bytes(), make)
    with asyncio.Runner() as runner:
        backend = open_registry(made)
        session = Session(context="bench", registry=backend, actor=current_actor())
        try:
            yield from _lines(bench, runner, session)
        finally:
            runner.run(backend.close())


def _lines(bench: Bench, runner: asyncio.Runner, session: Session) -> Iterator[Line]:
    random_ = random.Random(7)

    def instant() -> datetime:
        return START + timedelta(minutes=random_.uniform(-10, EVENTS + 10))

    def timed(work: Any) -> Cost:
        return cost(lambda: runner.run(work()))

    async def one() -> None:
        at = instant()
        (await usecase.at(session, at, "fraud")).at(at)

    async def every() -> None:
        at = instant()
        (await usecase.at(session, at)).at(at)

    async def whole() -> None:
        (await usecase.timeline(session, "fraud")).at(instant())

    beside = "all events read"
    for what, work in (("any instant of 10,000 events", one), ("of all models", every)):
        pair = paired(lambda work=work: timed(work), lambda: timed(whole), bench.rounds(15))
        for kind, (ours, reference) in (("", pair.wall()), (" (CPU)", pair.cpu())):
            yield Line(what + kind, SECONDS, ours, _QUICK, reference, beside)


def make(folder: Path) -> None:
    """A registry whose model has moved so often."""

    def fill(connection: Any) -> None:
        random_, now = random.Random(1), dict[str, int]()
        for number in range(EVENTS):
            alias = random_.choice(ALIASES)
            before = now.get(alias)
            now[alias] = random_.choice([one for one in range(1, 50) if one != before])
            entry = Entry(
                actor=Actor(user="ada", host="jump1"),
                tool="bench",
                context="bench",
                phase="done",
                action="alias.set",
                subject=address.alias("fraud", alias),
                before={"version": before},
                after={"version": now[alias]},
                reason=f"better than the one before, try {number}",
                evidence={"as": "promote", "gates": GATES},
            )
            write(connection, entry, START + timedelta(minutes=number))
        connection.execute("INSERT INTO model(name) VALUES('fraud')")

    async def work() -> None:
        backend = create_registry(folder)
        try:
            await backend.registry.write(fill)
        finally:
            await backend.close()

    asyncio.run(work())
