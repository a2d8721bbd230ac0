"""Changes made from here of which it is not known whether they arrived."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from modeldeck.backends.api.events import Event
from modeldeck.backends.api.query import And, Compare, Field

from .audit import list_events
from .session import Session

LATELY = timedelta(days=7)
UNDER_WAY = timedelta(minutes=1)
"""An intent younger than that may still get its outcome from whoever has it in hand."""
_MOST = 20


async def unsettled(session: Session) -> Sequence[Event]:
    """Intents whose outcome nobody wrote, and unknown outcomes of the last days, newest first.

    An unknown one is settled by what was done to the same thing later, or was seen there.
    """
    if not session.remote:
        return ()
    now = session.clock()
    unknown = await list_events(session, where="phase = unknown", first=_MOST)
    recent = [event for event in unknown.first[:_MOST] if now - event.time < LATELY]
    found = [event for event in recent if not await _settled(session, event)]
    found += await _open(session, now - UNDER_WAY)
    return sorted(found, key=lambda event: event.seq, reverse=True)


async def _open(session: Session, before: Any) -> Sequence[Event]:
    records = getattr(session.registry, "records", None)
    found: Sequence[Event] = await records.opened() if records is not None else ()
    return [one for one in found if one.context == session.context and one.time < before]


async def _settled(session: Session, event: Event) -> bool:
    later = And(
        (
            Compare(Field("subject"), "=", event.subject),
            Compare(Field("seq"), ">", event.seq),
        )
    )
    window = await session.registry.events(later, (), _MOST)
    return any(one.phase in ("done", "observed", "learned") for one in window.first)
