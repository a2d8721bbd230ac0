"""Lines of metrics.jsonl as points.

A line is an object: "step" is its step, "time" or "timestamp" its time (seconds since 1970, or
RFC 3339), every other key a metric; objects inside are flattened with "/". Booleans are 0 and 1;
NaN, Infinity and -Infinity are numbers, with or without quotes.

A line without a step gets, for each of its series, one more than the greatest step that the series
has in this file (0 for its first), so that it is the latest. That depends on the file alone, not on
when it was read. A line without a time has that at which it was read.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from modeldeck.backends.api.runs import Points
from modeldeck.backends.api.text import exact

from . import loose
from .moment import MomentError, micros
from .rundir import METRICS
from .tail import Tail
from .tally import Tally

_LOWEST: Final = -(1 << 63)
_HIGHEST: Final = (1 << 63) - 1
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode: Final = msgspec.json.Decoder().decode
_Adders = tuple[Callable[[int], None], Callable[[int], None], Callable[[Any], None]]


class Metrics:
    """The points of a run's metrics file, read as it grows."""

    def __init__(self, tail: Tail, tally: Tally, clock: Callable[[], int]) -> None:
        self.tail = tail
        self._tally = tally
        self._clock = clock
        self._tops: dict[str, int] = {}
        self._whole = tail.offset == 0
        self._points: dict[str, Points] = {}
        self._adders: dict[str, _Adders] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._place = 0

    def read(self, limit: int, *, finish: bool = False) -> dict[str, Points]:
        """The points of the next lines, by series, in the order in which they were logged."""
        before = self.tail.offset
        lines = self.tail.lines(limit, finish=finish)
        if self.tail.start < before:
            self._tops, self._whole = {}, True
        return self._take(lines, self._clock()) if lines else {}

    def _take(self, lines: list[bytes], now: int) -> dict[str, Points]:
        self._points, self._adders, self._seen = {}, {}, {}
        adders = self._adders
        decode = _decode
        for self._place, line in enumerate(lines):
            try:
                row = decode(line)
                if type(row) is not dict or line.count(b'"') != 2 * len(row):
                    row = self._looked_at(line, row)
            except _BAD:
                row = self._slow(line)
            if not row:
                continue
            step = row.pop("step", None)
            if type(step) is not int or not _LOWEST <= step <= _HIGHEST:
                step = self._step(step)
            time = now
            if "time" in row or "timestamp" in row:
                time = self._time(row.pop("time", None), row.pop("timestamp", None), now)
            if step is None:
                for key, value in self._values(row):
                    self._add_last(key, time, value)
                continue
            for key, value in row.items():
                try:
                    add_step, add_time, add_value = adders[key]
                except KeyError:
                    add_step, add_time, add_value = self._series(key)
                try:
                    add_value(value)
                except (TypeError, OverflowError):
                    for inner, number in self._values({key: value}):
                        add_step, add_time, add_value = self._series(inner)
                        add_value(number)
                        add_step(step)
                        add_time(time)
                else:
                    add_step(step)
                    add_time(time)
        found = {key: points for key, points in self._points.items() if len(points)}
        for key, points in found.items():
            self._tops[key] = max(self._tops.get(key, -1), max(points.steps))
        return found

    def _series(self, key: str) -> _Adders:
        """Where to put the step, time and value of a series' next point."""
        found = self._adders.get(key)
        if found is None:
            points = self._points.setdefault(exact(key), Points())
            found = (points.steps.append, points.times.append, points.values.append)
            self._adders[key] = found
        return found

    def _add_last(self, key: str, time: int, value: float) -> None:
        """Add a point that has no step of its own."""
        if not self._whole:
            self._whole = True
            self._look_back()
        add_step, add_time, add_value = self._series(key)
        key = exact(key)
        steps: array[int] = self._points[key].steps
        looked, top = self._seen.get(key) or (0, self._tops.get(key, -1))
        if looked < len(steps):
            top = max(top, max(steps[looked:]))
        top = min(top + 1, _HIGHEST)
        self._seen[key] = (len(steps) + 1, top)
        add_value(value)
        add_step(top)
        add_time(time)

    def _look_back(self) -> None:
        """Learn the greatest steps of what was read before, perhaps by another process."""
        again = Metrics(self.tail, Tally(), self._clock)
        again._whole = True
        for lines in self.tail.earlier():
            again._take(lines, 0)
        for key, top in again._tops.items():
            self._tops[key] = max(top, self._tops.get(key, -1))

    def _values(self, row: dict[str, Any]) -> Iterator[tuple[str, float]]:
        """The numbers of an object, inner objects flattened; what is no number is noted."""
        for key, value in row.items():
            if type(value) is float:
                yield key, value
            elif isinstance(value, dict):
                yield from self._values({f"{key}/{name}": inner for name, inner in value.items()})
            elif isinstance(value, str) and (number := loose.number(value)) is not None:
                yield key, number
            elif isinstance(value, int) and (whole := _float(value)) is not None:
                yield key, whole
            elif isinstance(value, int | loose.Beyond):
                self._note(f"{key!r} is beyond any float", kind=f"beyond {key}")
            else:
                kind = _KINDS[type(value)]
                self._note(f"{key!r} is {kind}, not a number", kind=f"{kind} {key}")

    def _looked_at(self, line: bytes, row: Any) -> dict[str, Any] | None:
        """The row, when its quotation marks are those of its keys and texts: no key stands twice.

        The fast decoder keeps the last of two equal keys and says nothing.
        """
        if type(row) is dict and _quotes(row) == line.count(b'"'):
            return row
        return self._slow(line)

    def _slow(self, line: bytes) -> dict[str, Any] | None:
        """The row of a line that is not plain; None when it is empty or wrong."""
        if not line.strip():
            return None
        try:
            found = loose.decode(line)
        except ValueError as error:
            self._note(str(error), kind=str(error).partition(" at ")[0])
            return None
        for key in found.twice:
            self._note(f"{key!r} stands twice, the last one counts", kind=f"twice {key}")
        if not isinstance(found.value, dict):
            self._note("no JSON object", kind="object")
            return None
        return found.value

    def _step(self, step: Any) -> int | None:
        if isinstance(step, float) and step.is_integer() and _LOWEST <= step < _HIGHEST:
            return int(step)
        if step is not None:
            self._note("the step is no whole number of 64 bits", kind="step")
        return None

    def _time(self, time: Any, stamp: Any, now: int) -> int:
        try:
            return micros(stamp if time is None else time)
        except MomentError as error:
            self._note(f"the time is {error}; the time of reading stands in", kind="time")
            return now

    def _note(self, what: str, *, kind: str) -> None:
        self._tally.note(METRICS, what, line=self.tail.line_number(self._place), kind=kind)


_KINDS = {str: "text", list: "a list", type(None): "null"}


def _float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _quotes(value: Any, depth: int = 0) -> int:
    """How many quotation marks a value has as JSON without escapes; less than none if too deep."""
    kind = type(value)
    if kind is str:
        return 2
    if kind is not dict and kind is not list:
        return 0
    if depth == loose.DEPTH:
        return -(1 << 40)
    if kind is list:
        return sum([_quotes(inner, depth + 1) for inner in value])
    total = 2 * len(value)
    for inner in value.values():
        if type(inner) is not float:
            total += _quotes(inner, depth + 1)
    return total
