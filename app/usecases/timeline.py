"""What happened to models, and where each alias was at any instant.

The trail tells of moves; what was seen of a server, or what stands in the registry here, tells from
when and until when that is all there is to know. `spans` puts the two together.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.query import And, Compare, Expression, Field, In, Or, Sort

from .moves import Move, moves_of
from .session import Session
from .spans import Lane, Span, Watch, lanes_of, span_at, spans_of, state_at
from .watches import MODELS, Present, after_all, bounds, read_present, trail_of, watches_of

SKEW = timedelta(minutes=10)
"""By how much the clock of a server may be ahead of ours when a version is said to be newer."""
_ERASED = "(erased)"
_ALIASES = ("alias.set", "alias.rm")
_GONE = ("deleted", "restored", "purged")
_SUBJECT, _ACTION = Field("subject"), Field("action")


class Timeline(Struct, frozen=True, kw_only=True):
    """What is known of a `model`, or of one `alias` of it, or of all models where it is empty.

    `moves` are in the order in which they were written down; without `whole` they are the newest.
    `now` is where aliases are, as read at `read_at`; None where that could not be read, and
    `trouble` says why. `far`: others may move them without our being told. `begun` is when the
    trail begins, `erased` how many moves of aliases in it nobody can tell the alias of.
    """

    model: str = ""
    alias: str = ""
    moves: Sequence[Move] = ()
    watches: Mapping[Lane, Watch] = {}
    now: Mapping[Lane, int] | None = None
    read_at: datetime
    far: bool = False
    begun: datetime | None = None
    erased: int = 0
    trouble: str = ""
    whole: bool = True

    def spans(self) -> Mapping[Lane, Sequence[Span]]:
        """All of the time of each alias, by model and alias."""
        lanes = lanes_of(self.moves)
        return {
            lane: spans_of(lane, lanes.get(lane, ()), self.watches.get(lane))
            for lane in sorted({*lanes, *self.watches})
        }

    def at(self, instant: datetime) -> Sequence[Span]:
        """Where each alias was."""
        return [span_at(spans, instant) for spans in self.spans().values()]


async def timeline(
    session: Session, model: str = "", alias: str = "", *, newest: int = 0
) -> Timeline:
    """All that is known of a model, an alias of it, or of all; of the `newest` events if given.

    NotFoundError where there is no such model and never was.
    """
    present = await read_present(session, model)
    events, whole = await _events(session, _about(model, alias), newest)
    moves = _moves(session, _own(session, events))
    return await _timeline(session, present, moves, model, alias, whole=whole)


async def moves(session: Session, model: str, alias: str | None = None) -> Sequence[Move]:
    """The moves of the aliases of a model, or of one, the oldest first."""
    events, _ = await _events(session, _about(model, alias or ""), 0)
    return [move for move in _moves(session, _own(session, events)) if move.kind == "alias"]


async def was_live(session: Session, model: str, alias: str, number: int) -> bool:
    """Whether an alias was ever certainly on that version.

    A version made after the last time is another one: its model was made anew.
    """
    lane = await moves(session, model, alias)
    certain = [move for move in lane if move.latest is not None]
    times = [move.latest for move in certain if number in (move.before, move.after)]
    if not times:
        return False
    try:
        made = (await session.registry.version(model, number)).created_at
    except NotFoundError:
        return True
    return made is None or any(time is not None and made <= time + SKEW for time in times)


async def at(session: Session, instant: datetime, model: str = "") -> Timeline:
    """What is known around an instant alone, as quickly as the index of the trail can tell.

    `Timeline.at` answers for that instant and for no other.
    """
    trail = trail_of(session)
    if trail is None:
        return await timeline(session, model)
    present = await read_present(session, model)
    first, after = bounds(model)
    events = await trail.around(first, after, instant, "@")
    if session.remote and any(event.context != session.context for event in events):
        # Several contexts write into these records: the nearest events may be another's.
        return await timeline(session, model)
    gone, _ = await _events(session, And((_about(model, ""), _some_of(_shelving()))), 0)
    moves = _moves(session, [*events, *_own(session, gone)])
    return await _timeline(session, present, moves, model, "", whole=False)


def gone_at(
    moves: Iterable[Move], model: str, version: int | None, instant: datetime
) -> Move | None:
    """What had deleted a version, or its model, at an instant; None where it was there."""
    found: dict[int | None, Move] = {}
    for move in moves:
        about = move.kind in _GONE and move.model == model and move.version in (None, version)
        if about and move.latest is not None and move.latest <= instant:
            found[move.version] = move
    return next((move for move in found.values() if move.kind != "restored"), None)


# Reading.


def _about(model: str, alias: str) -> Expression:
    """The events of a model with its versions and aliases, of one alias, or of all models."""
    if alias:
        return Compare(_SUBJECT, "=", address.alias(model, alias))
    if not model:
        return _between(*MODELS)
    whole = address.model(model)
    parts = [_between(start, after_all(start)) for start in (f"{whole}@", f"{whole}/")]
    return Or((Compare(_SUBJECT, "=", whole), *parts))


def _between(first: str, after: str) -> Expression:
    return And((Compare(_SUBJECT, ">=", first), Compare(_SUBJECT, "<", after)))


def _shelving() -> Sequence[str]:
    return [
        f"{noun}.{verb}" for noun in ("model", "version") for verb in ("rm", "restore", "purge")
    ]


def _some_of(actions: Sequence[str]) -> Expression:
    return In(_ACTION, tuple(actions))


async def _events(session: Session, where: Expression, newest: int) -> tuple[Sequence[Event], bool]:
    """The events that fit, in order, and whether these are all."""
    if not newest:
        found = await session.registry.events(where, [Sort(Field("seq"))])
        return await all_of(found), True
    window = await session.registry.events(where, [Sort(Field("seq"), True)], newest + 1)
    return window.first[newest - 1 :: -1], len(window.first) <= newest


def _moves(session: Session, events: Iterable[Event]) -> Sequence[Move]:
    if not session.policy.people:
        return moves_of(events)
    from .audit_keys import people_of

    return moves_of(events, people_of(session).keys)


def _own(session: Session, events: Iterable[Event]) -> Sequence[Event]:
    """Those of this context, where several servers share their records."""
    if not session.remote:
        return list(events)
    return [event for event in events if event.context == session.context]


# What is known beside moves.


async def _timeline(
    session: Session,
    present: Present,
    moves: Sequence[Move],
    model: str,
    alias: str,
    *,
    whole: bool,
) -> Timeline:
    trail = trail_of(session)
    begun = await trail.begun() if trail is not None else None
    watches = await watches_of(session, present, model, lanes_of(moves), begun)
    if model and not (moves or watches or present.models):
        # Says that there is none, or why nobody knows.
        await session.registry.model(model)
    if alias:
        watches = {lane: watch for lane, watch in watches.items() if lane == (model, alias)}
    return Timeline(
        model=model,
        alias=alias,
        moves=moves,
        watches=watches,
        now=present.now,
        read_at=present.read_at,
        far=session.remote,
        begun=begun,
        erased=await _erased(session),
        trouble=present.trouble,
        whole=whole,
    )


async def _erased(session: Session) -> int:
    where = And((Compare(_SUBJECT, "=", _ERASED), _some_of(_ALIASES)))
    window = await session.registry.events(where)
    await window.whole()
    return window.count or 0


__all__ = [
    "Move", "Span", "Timeline", "Watch", "at", "gone_at", "moves", "state_at", "timeline",
    "trail_of", "was_live",
]  # fmt: skip
