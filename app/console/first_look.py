"""What the overview shows first, read while the program itself is still being imported."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from modeldeck.app.usecases import audit
from modeldeck.app.usecases.outcomes import unsettled
from modeldeck.app.usecases.overview import Overview, overview
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.watch import state_of
from modeldeck.backends.api.events import Event

from .memory import Memory

CHANGES = 8


class Look(NamedTuple):
    """The overview, how many events came after the one looked at last, some of them, the open."""

    found: Overview
    new: int
    changes: Sequence[Event]
    open_: Sequence[Event]


class FirstLook:
    """A look that has begun, at the registry as it was then. Needs a running loop."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._state = state_of(session)
        seq, _ = looked_up_to(Memory(session.registry.place))
        self._task = asyncio.create_task(look(session, seq))
        self._task.add_done_callback(_retrieved)

    async def take(self) -> Look | None:
        """What it saw, None when that has become old."""
        return await self._task if state_of(self._session) == self._state else None

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._task.cancel()


def _retrieved(task: "asyncio.Task[Look]") -> None:
    if not task.cancelled():
        task.exception()


async def look(session: Session, seq: int) -> Look:
    """All that the overview shows; one has looked up to event `seq`."""
    found = await overview(session)
    where = f"seq > {seq} and action != run and phase != intent"
    new = await audit.list_events(session, where=where, first=CHANGES)
    await new.whole()
    return Look(found, new.count or 0, new.first[:CHANGES], await unsettled(session))


def looked_up_to(memory: Memory) -> tuple[int, datetime | None]:
    """The event up to which one had looked, and when."""
    found = memory.texts("looked")
    with suppress(ValueError):
        if found and len(found) == 2 and int(found[0]) >= 0:
            return int(found[0]), datetime.fromisoformat(found[1])
    return 0, None
