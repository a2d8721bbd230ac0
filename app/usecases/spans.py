"""Where an alias was at any instant, as spans of time in which one answer holds.

Pure. Moves are taken in the order in which they were written down, whatever the clock said. What
nobody knows is a span of its own, which says what it may have been and why nobody knows:

    before     nothing was known yet
    moving     between two looks, or while it was being sent
    unsettled  a change may have arrived or not
    broken     it was left elsewhere than it was found, and no event says how
    clock      the clock was set back: these minutes were told twice
    unlooked   nobody has looked since
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from .moves import Move

How = Literal["known", "before", "moving", "unsettled", "broken", "clock", "unlooked"]
Lane = tuple[str, str]
"""A model and an alias."""


class Watch(Struct, frozen=True, kw_only=True):
    """What is known of an alias beside its moves.

    It was watched from `first` on, None where nobody knows. It was seen at `version` (None: not
    set) from `since` to `looked`, which are None where it was not seen. `far`: others may have
    moved it since then without our being told.
    """

    first: datetime | None = None
    version: int | None = None
    since: datetime | None = None
    looked: datetime | None = None
    far: bool = False


class Span(Struct, frozen=True, kw_only=True):
    """One answer, good from `start` on and before `end`; None is from or for ever.

    `version` is where the alias was where that is `known`, None for not set. Else it was one of
    `among`, as far as can be told, and nothing can be told where that is empty. `by` is the move
    that brought it there, `to` the one that took it away, or may have.
    """

    model: str
    alias: str
    how: How
    version: int | None = None
    among: Sequence[int | None] = ()
    start: datetime | None = None
    end: datetime | None = None
    by: Move | None = None
    to: Move | None = None

    @property
    def known(self) -> bool:
        """Whether it is certain where the alias was."""
        return self.how == "known"


def lanes_of(moves: Iterable[Move]) -> Mapping[Lane, Sequence[Move]]:
    """The moves of each alias, in their order."""
    found: dict[Lane, list[Move]] = {}
    for move in moves:
        if move.kind == "alias":
            found.setdefault((move.model, move.alias), []).append(move)
    return found


def spans_of(lane: Lane, moves: Sequence[Move], watch: Watch | None = None) -> Sequence[Span]:
    """All of the time of one alias; each span begins where the one before ends."""
    return _Sweep(lane, moves, watch or Watch()).spans()


def state_at(
    moves: Sequence[Move], instant: datetime, watches: Mapping[Lane, Watch] | None = None
) -> Sequence[Span]:
    """Where each alias that is named in `moves` or `watches` was, by model and alias."""
    lanes, watches = lanes_of(moves), watches or {}
    return [
        span_at(spans_of(lane, lanes.get(lane, ()), watches.get(lane)), instant)
        for lane in sorted({*lanes, *watches})
    ]


def span_at(spans: Sequence[Span], instant: datetime) -> Span:
    """The one of the `spans` of an alias that holds at an instant."""
    starts = [span.start for span in spans[1:] if span.start is not None]
    return spans[bisect_right(starts, instant)]


class _Sweep:
    """One walk along all instants at which the answer may change."""

    def __init__(self, lane: Lane, moves: Sequence[Move], watch: Watch) -> None:
        self._lane = lane
        self._watch = watch
        self._moves = sorted(moves, key=lambda move: move.seq)
        self._certain = [move for move in self._moves if move.latest is not None]
        # What was tried before each of them, and after the last, and nobody knows the outcome of.
        self._tried: list[list[Move]] = [[]]
        for move in self._moves:
            if move.latest is None:
                self._tried[-1].append(move)
            else:
                self._tried.append([])
        # To when the clock had come before each of them.
        self._high: list[datetime | None] = []
        high: datetime | None = None
        for move in self._certain:
            self._high.append(high)
            if move.latest is not None and (high is None or move.latest > high):
                high = move.latest

    def spans(self) -> Sequence[Span]:
        """Them all, neighbors with the same answer as one."""
        places = {move.seq: at for at, move in enumerate(self._certain)}
        ends: dict[datetime, list[Move]] = {}
        begins: dict[datetime, list[Move]] = {}
        for move in self._moves:
            begins.setdefault(move.earliest, []).append(move)
            if move.latest is not None:
                ends.setdefault(move.latest, []).append(move)
        watch = self._watch
        marks = {time for time in (watch.first, watch.since, watch.looked) if time is not None}
        highs = {time for time in self._high if time is not None}
        found: list[Span] = []
        settled, air = -1, dict[int, Move]()
        self._add(found, self._answer(None, -1, []), None)
        for time in sorted({*ends, *begins, *marks, *highs}):
            for move in begins.get(time, ()):
                air[move.seq] = move
            settled = max([settled, *(places[move.seq] for move in ends.get(time, ()))])
            last = self._certain[settled].seq if settled >= 0 else 0
            landed = {move.seq for move in ends.get(time, ())}
            for seq in [seq for seq in air if seq <= last or seq in landed]:
                del air[seq]
            flying = [air[seq] for seq in sorted(air)]
            self._add(found, self._answer(time, settled, flying), time)
        return found

    def _add(self, found: list[Span], answer: dict[str, Any], time: datetime | None) -> None:
        model, alias = self._lane
        span = Span(model=model, alias=alias, start=time, **answer)
        if found:
            old = found[-1]
            same = (old.how, old.version, old.among, old.by, old.to)
            if same == (span.how, span.version, span.among, span.by, span.to):
                return
            found[-1] = _ending(old, time)
        found.append(span)

    def _answer(self, time: datetime | None, settled: int, air: Sequence[Move]) -> dict[str, Any]:
        """What is known from `time` on, after the certain move at place `settled`."""
        by = self._certain[settled] if settled >= 0 else None
        following = self._certain[settled + 1] if settled + 1 < len(self._certain) else None
        to = air[0] if air else following
        high = self._high[settled] if by is not None else None
        if by is not None and high is not None and time is not None and high > time:
            return _not_known("clock", (by.before, by.after), by, to)
        known, value = self._value(time, by, following)
        if air and not self._resolved(time, following, air):
            among = [value] if known else []
            among += [at for move in air for at in (move.before, move.after)]
            sure = any(move.certain for move in air)
            return _not_known("moving" if sure else "unsettled", among, by, to)
        if not known and by is None:
            if following is None and self._watch.looked is not None and time is not None:
                return self._end(time, None, None)
            return _not_known("before", (), None, following)
        if following is None:
            return self._end(time, by, value)
        tried = self._tried[settled + 1]
        if following.before not in (value, *(move.after for move in tried)):
            return _not_known("broken", (value, following.before), by, following)
        return {"how": "known", "version": value, "by": by, "to": to}

    def _value(
        self, time: datetime | None, by: Move | None, following: Move | None
    ) -> tuple[bool, int | None]:
        """Whether it is known where the alias was, and where, if nothing else has come since."""
        if by is not None:
            return True, by.after
        first = self._watch.first
        if following is None or first is None or time is None or time < first:
            return False, None
        tried = self._tried[0]
        return True, tried[0].before if tried else following.before

    def _resolved(self, time: datetime | None, following: Move | None, air: Sequence[Move]) -> bool:
        """Whether a later look has told whether what may have arrived has."""
        looked = self._watch.looked
        return (
            following is None
            and looked is not None
            and time is not None
            and time >= looked
            and not any(move.certain or move.earliest > looked for move in air)
        )

    def _end(self, time: datetime | None, by: Move | None, value: int | None) -> dict[str, Any]:
        """What is known after the last move."""
        watch = self._watch
        if time is None:
            return _not_known("before", (), None, None)
        if watch.looked is None or watch.since is None:
            if watch.far:
                return _not_known("unlooked", (value,) if by else (), by, None)
            return {"how": "known", "version": value, "by": by}
        if by is None or watch.version != value:
            if time < watch.since:
                if by is None:
                    return _not_known("before", (), None, None)
                return _not_known("broken", (value, watch.version), by, None)
            by = None
        if watch.far and time >= watch.looked:
            return _not_known("unlooked", (watch.version,), by, None)
        return {"how": "known", "version": watch.version, "by": by}


def _not_known(
    how: How, among: Sequence[int | None], by: Move | None, to: Move | None
) -> dict[str, Any]:
    return {"how": how, "among": tuple(dict.fromkeys(among)), "by": by, "to": to}


def _ending(span: Span, end: datetime | None) -> Span:
    return Span(
        model=span.model, alias=span.alias, how=span.how, version=span.version, among=span.among,
        start=span.start, end=end, by=span.by, to=span.to,
    )  # fmt: skip
