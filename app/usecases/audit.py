"""The audit trail: listing, one event whole, how many there are."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EVENTS, And, Compare, Expression, Field
from modeldeck.backends.api.trail import Auditing, Record

from .session import Session
from .words import filter_of, sort_of


class Wanted(Struct, frozen=True, kw_only=True):
    """Which events, in words of their own beside a filter; empty ones say nothing.

    `since` and `until` are times as a filter takes them; `until` itself is left out. `action` may
    end in `*`; `subject` also means what stands below it.
    """

    since: str = ""
    until: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""


async def list_events(
    session: Session,
    *,
    where: str = "",
    sort: str = "",
    first: int = 100,
    wanted: Wanted | None = None,
) -> Window[Event]:
    """Events that fit the filter text; newest first unless sorted otherwise."""
    terms = [filter_of(session, where, EVENTS), *_terms(session, wanted or Wanted())]
    return await session.registry.events(_all(terms), sort_of(sort, EVENTS), first)


def _terms(session: Session, wanted: Wanted) -> Sequence[Expression | None]:
    found: list[Expression | None] = []
    for word, text in ((">=", wanted.since), ("<", wanted.until)):
        if text:
            found.append(filter_of(session, f"time {word} {text}", EVENTS))
    if wanted.actor:
        found.append(Compare(Field("actor"), "=", wanted.actor))
    if wanted.action.endswith("*"):
        found.append(Compare(Field("action"), "~", f"^{re.escape(wanted.action[:-1])}"))
    elif wanted.action:
        found.append(Compare(Field("action"), "=", wanted.action))
    if wanted.subject:
        found.append(Compare(Field("subject"), "~", rf"^{re.escape(wanted.subject)}([/@]|\Z)"))
    return found


def _all(terms: Sequence[Expression | None]) -> Expression | None:
    there = [term for term in terms if term is not None]
    if not there:
        return None
    return there[0] if len(there) == 1 else And(tuple(there))


def auditing_of(session: Session) -> Auditing:
    """What keeps the trail: for a server, its records. RefusedError where it proves nothing."""
    found: Any = getattr(session.registry, "records", session.registry)
    if not isinstance(found, Auditing):
        raise RefusedError(
            "the trail of this backend cannot be proven", where=session.registry.place
        )
    return found


async def count_events(session: Session) -> int:
    """How many events there are in all."""
    found: Any = getattr(session.registry, "records", session.registry)
    if isinstance(found, Auditing):
        return await found.trail_size()
    window = await session.registry.events(first=1)
    await window.whole()
    return window.count or 0


async def event_record(session: Session, seq: int) -> Record:
    """One event with all that proves it."""
    return await auditing_of(session).record(seq)


async def event_proof(session: Session, seq: int) -> str:
    """The proof that an event stands in the newest checkpoint, as a C2SP tlog-proof."""
    return await auditing_of(session).prove(seq)
