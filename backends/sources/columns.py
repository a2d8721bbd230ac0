"""The series of one run as they are read, and their latest values."""

from array import array
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from ..api.runs import Metric, Points
from .series import latest_logged, ordered

MAX_KEYS = 100_000
MAX_POINTS = 40_000_000
STEPS = -(1 << 63), (1 << 63) - 1
MICROS = 1 << 62


class Columns:
    """Points by key in the order they were logged. `left` counts those past the bounds."""

    def __init__(self) -> None:
        self.points: dict[str, Points] = {}
        self.count = 0
        self.left = 0
        self._shared: set[str] = set()
        self._together: AbstractSet[str] = frozenset()

    def share(self) -> None:
        """Have series of the same steps and times hold them once, until more is added."""
        axes: dict[tuple[int, int, int], str] = {}
        for key, points in self.points.items():
            if not points:
                continue
            same = axes.setdefault((len(points), points.steps[-1], points.times[-1]), key)
            first = self.points[same]
            if first.steps is points.steps:
                continue
            if first.steps == points.steps and first.times == points.times:
                points.steps, points.times = first.steps, first.times
                self._shared.update((same, key))
                self._together = frozenset()

    def add(self, key: str, step: int, time: int, value: float) -> None:
        """One point; `time` in microseconds since 1970."""
        if not self._room(1):
            return
        self._part(key)
        found = self.points.get(key)
        if found is None:
            if len(self.points) >= MAX_KEYS:
                self.left += 1
                return
            found = self.points[key] = Points()
        found.append(step, time, value)
        self.count += 1

    def extend(
        self, key: str, steps: "array[int]", times: "array[int]", values: "array[float]"
    ) -> None:
        """Some points of one series."""
        if key not in self.points and len(self.points) >= MAX_KEYS:
            self.left += len(values)
        elif self._room(len(values)):
            self._part(key)
            self.points.setdefault(key, Points()).extend(Points(steps, times, values))
            self.count += len(values)

    def extend_together(
        self, steps: "array[int]", times: "array[int]", columns: Mapping[str, "array[float]"]
    ) -> None:
        """Points of several series at the same steps, which they hold once while that goes on."""
        count = len(columns) * len(steps)
        if not count or not self._room(count):
            return
        if columns.keys() != self._together:
            if any(key in self.points for key in columns):
                for key, values in columns.items():
                    self.extend(key, steps, times, values)
                return
            self._begin_together(columns.keys())
        for key, values in columns.items():
            one = self.points[key]
            one.values.extend(values)
        one.steps.extend(steps)
        one.times.extend(times)
        self.count += count

    def fit(self, keys: Sequence[str], count: int) -> bool:
        """Whether so many points of these series are all within the bounds, or all past them."""
        if self.count >= MAX_POINTS:
            return True
        new = sum(key not in self.points for key in keys)
        return self.count + count <= MAX_POINTS and len(self.points) + new <= MAX_KEYS

    def purge(self, step: int) -> None:
        """Take back all points from that step on, as a program that began again there asks."""
        self._together = frozenset()
        for key, points in list(self.points.items()):
            self._part(key)
            kept = [at for at, there in enumerate(points.steps) if there < step]
            self.count -= len(points) - len(kept)
            if not kept:
                del self.points[key]
            elif len(kept) < len(points):
                self.points[key] = Points(
                    array("q", [points.steps[at] for at in kept]),
                    array("q", [points.times[at] for at in kept]),
                    array("d", [points.values[at] for at in kept]),
                )

    def latest(self) -> dict[str, Metric]:
        """The latest value of each series."""
        return {key: latest(points) for key, points in self.points.items() if points}

    def ordered(self) -> Mapping[str, Points]:
        """All series, each in order of step, time, value."""
        return {key: ordered(points) for key, points in self.points.items() if points}

    def _room(self, count: int) -> bool:
        if self.count + count <= MAX_POINTS:
            return True
        self.left += count
        return False

    def _begin_together(self, keys: AbstractSet[str]) -> None:
        axes = Points()
        self.points.update({key: Points(axes.steps, axes.times) for key in keys})
        self._together = frozenset(keys)
        self._shared.update(keys)

    def _part(self, key: str) -> None:
        """Give a series its own steps and times again."""
        if key in self._shared:
            self._shared.discard(key)
            self._together = frozenset()
            points = self.points[key]
            points.steps, points.times = points.steps[:], points.times[:]


def latest(points: Points) -> Metric:
    """The latest value; quick where steps rise to the last one."""
    tail = points.cut(max(len(points) - 64, 0), len(points))
    if len(tail) == len(points) or (
        tail.steps[-1] > tail.steps[0] and max(points.steps) == max(tail.steps)
    ):
        return latest_logged(tail)
    return latest_logged(points)


def micros(seconds: object) -> int | None:
    """Seconds since 1970 as whole microseconds; None for what is no time."""
    if not isinstance(seconds, int | float):
        return None
    try:
        found = round(seconds * 1e6)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < MICROS else None


def clamped(step: int) -> int:
    """A step within 64 bits."""
    return min(max(step, STEPS[0]), STEPS[1])
