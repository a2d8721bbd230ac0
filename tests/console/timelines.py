"""A server with a past: moves made here, moves of others, a gap, broken glass, an undo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.plan import LIFETIME, Change, Plan
from tests.console.dump import NOW
from tests.console.far import Clock, far_session

OP2 = Actor(user="root", host="jump2", sudo_user="op2", key="SHA256:Qw8x")
EVIDENCE = {
    "as": "promote",
    "gates": [
        {"gate": "production", "rule": "auc >= 0.9", "verdict": "pass", "shows": "0.9312 n=48,210"},
        {"gate": "production", "rule": "approvals 1 of 1", "verdict": "pass", "shows": "rev1"},
    ],
    "policy": {"place": "modeldeck.toml", "commit": "a1b2c3d4e5f6", "digest": "sha256:55"},
    "approvals": ["5f" * 32],
}
GLASS = {
    "as": "rollback",
    "glass": "INC77",
    "gates": [
        {"gate": "production", "rule": "artifact whole", "verdict": "pass"},
        {
            "gate": "production",
            "rule": "freeze window",
            "verdict": "waived",
            "shows": "to 1 Dec",
        },
    ],
}


def plan(session: Session, alias: str, before: int | None, after: int | None, **more: Any) -> Plan:
    """A plan as somebody made it."""
    now = session.clock()
    return Plan(
        operation="alias.rm" if after is None else "alias.set",
        arguments={},
        context=session.context,
        changes=[Change(address.alias("fraud", alias), "version", before, after)],
        created_at=now,
        lapses_at=now + LIFETIME,
        **more,
    )


async def live(session: Session, clock: Clock) -> None:
    """Three days of it, which end now."""
    registry: Any = session.registry
    server = registry.server

    async def move(alias: str, before: Any, after: Any, actor: Actor, **more: Any) -> Any:
        found = await registry.apply(
            plan(session, alias, before, after, **more), actor, session.context
        )
        return found[-1]

    async def look() -> None:
        await registry.model("fraud")
        await registry.settled()

    clock.now = NOW - timedelta(days=2, hours=4)
    await look()
    clock.forward(3600)
    await move("champion", 2, 3, OP2, reason="retrain week 48", ticket="CHG0412",
               evidence=EVIDENCE)  # fmt: skip
    clock.now = NOW - timedelta(days=1, hours=1)
    await look()
    clock.forward(900)
    await server.move(Change(address.alias("fraud", "champion"), "version", 3, 1))
    clock.forward(300)
    await look()
    clock.forward(1200)
    back = await move("champion", 1, 2, session.actor, reason="p95 over 300 ms since 11:50",
                      ticket="INC77", evidence=GLASS)  # fmt: skip
    clock.now = NOW - timedelta(hours=2)
    await look()
    clock.forward(60)
    await move("candidate", 3, 4, session.actor, reason="look at the pickle")
    clock.forward(120)
    await move("candidate", 4, 3, session.actor, undo_of=back.seq + 2)
    clock.now = NOW - timedelta(minutes=20)
    await look()
    clock.now = NOW


@asynccontextmanager
async def past(made: Path, records: Path, **options: Any) -> AsyncIterator[tuple[Session, Clock]]:
    """A session on the server behind `made`, after all that."""
    clock = Clock()
    session = far_session(made, records, clock=clock, **options)
    try:
        await live(session, clock)
        yield session, clock
    finally:
        await session.registry.close()
