"""Who made which change: the events of one plan together, found in the trail."""

import re
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from modeldeck.backends.api.errors import NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.events import ELSEWHERE, Actor, Event
from modeldeck.backends.api.lists import pages_of
from modeldeck.backends.api.query import And, Compare, Expression, Field, Operator, Sort

from .session import Session

_PLAN = re.compile(r"(?:sha256:)?([0-9a-f]{8,64})")
_NUMBER = re.compile(r"[0-9]{1,18}")
_OLDEST = (Sort(Field("seq")),)
_DONE = Compare(Field("phase"), "=", "done")


async def last_own(session: Session, fits: Callable[[Sequence[Event]], bool]) -> Sequence[Event]:
    """The events of one's own last plan that `fits`, not taken back yet and taking none back."""
    undone: set[int] = set()
    async for events in _plans(session):
        if events[0].undo_of is not None:
            undone.add(events[0].undo_of)
        elif is_mine(session, events[0]) and fits(events) and events[-1].seq not in undone:
            return events
    raise NotFoundError(
        "there is no change of yours here that can be undone",
        way_out="`modeldeck audit ls` lists all changes; `modeldeck undo ID` takes one back",
    )


async def made_by_ref(session: Session, ref: str) -> Sequence[Event]:
    """The events of the plan that made event `ref`, or whose digest begins so.

    RefusedError where it was taken back already.
    """
    plan = _PLAN.fullmatch(ref.lower())
    if _NUMBER.fullmatch(ref):
        window = await session.registry.events(_at("=", int(ref)), (), 1)
        if window.first:
            return await _not_undone(session, await _whole(session, window.first[0]))
    if plan is None:
        raise (NotFoundError if _NUMBER.fullmatch(ref) else UsageError)(
            f"there is no event {ref!r}",
            way_out="Name the number of an event, or 8 digits or more of a plan",
        )
    found: dict[str, Sequence[Event]] = {}
    async for events in _plans(session):
        if (events[0].plan or "").startswith(f"sha256:{plan[1]}"):
            found.setdefault(events[0].plan or "", events)
    if len(found) != 1:
        what = "no plan was" if not found else f"{len(found)} plans were"
        raise NotFoundError(f"{what} applied here with {ref!r}", way_out="`modeldeck audit ls`")
    return await _not_undone(session, next(iter(found.values())))


async def _plans(session: Session) -> AsyncIterator[Sequence[Event]]:
    """The done events of each plan in the order of their making, the last plan first.

    What was observed, recorded or imported has no plan. Records may be those of several servers.
    """
    window = await session.registry.events(_DONE, (), 100)
    held: list[Event] = []
    async for page in pages_of(window):
        for event in page:
            if held and event.plan != held[0].plan:
                yield held[::-1]
                held = []
            if event.plan is not None and (not session.remote or event.context == session.context):
                held.append(event)
    if held:
        yield held[::-1]


async def _whole(session: Session, event: Event) -> Sequence[Event]:
    """All that the plan of an event has done; of an intent, what came of it."""
    if event.plan is None:
        raise RefusedError(
            f"{event.action} was not made by a plan", where=f"event {event.seq}", way_out=""
        )
    before = await _while(session, event, "<=", ())
    after = await _while(session, event, ">", _OLDEST)
    events = [one for one in (*before[::-1], *after) if one.phase == "done"]
    if not events:
        raise RefusedError("nothing was done by it", where=f"event {event.seq}")
    return events


async def _while(
    session: Session, event: Event, operator: Operator, sort: Sequence[Sort]
) -> Sequence[Event]:
    """Its neighbors of the same plan. What was only observed may lie between them."""
    found = []
    window = await session.registry.events(_at(operator, event.seq), sort, 100)
    async for page in pages_of(window):
        for one in page:
            if one.plan == event.plan:
                found.append(one)
            elif one.phase not in ELSEWHERE:
                return found
    return found


async def _not_undone(session: Session, events: Sequence[Event]) -> Sequence[Event]:
    seqs = {event.seq for event in events}
    later = And((_at(">", events[-1].seq), _DONE))
    async for page in pages_of(await session.registry.events(later, _OLDEST, 100)):
        for event in page:
            if event.undo_of in seqs:
                raise RefusedError(
                    f"was undone already, by event {event.seq} of {who(event)}",
                    where=f"event {events[-1].seq}",
                )
    return events


def _at(operator: Operator, seq: int) -> Expression:
    return Compare(Field("seq"), operator, seq)


def is_mine(session: Session, event: Event) -> bool:
    """Whether who acts here made it: the same key, login and host, or person of the policy."""
    me, other = session.actor, event.actor
    if other.key is not None and other.key == me.key:
        return True
    if (_login(me), me.host) == (_login(other), other.host):
        return True
    if not session.policy.people:
        return False
    from .roles import person_of

    mine = person_of(session)
    return bool(mine) and mine == person_of(msgspec.structs.replace(session, actor=other))


def who(event: Event) -> str:
    """`op2@jump1`."""
    return f"{_login(event.actor)}@{event.actor.host}"


def _login(actor: Actor) -> str:
    return actor.sudo_user or actor.user
