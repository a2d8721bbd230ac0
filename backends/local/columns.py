"""Points as numpy columns: in order, between bounds, what is known of them in figures."""

from array import array
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..api.runs import Points


class Figures(NamedTuple):
    """What is known of some points without reading them again."""

    points: int
    first_step: int
    last_step: int
    first_time: int
    last_time: int
    low: float | None
    high: float | None
    total: float
    finite: int


class Latest(NamedTuple):
    """The greatest point by step, time, value; NaN is greater than any number."""

    step: int
    time: int
    value: float

    def beats(self, other: "Latest") -> bool:
        """Whether this one is later."""
        if self[:2] != other[:2]:
            return self[:2] > other[:2]
        nan, other_nan = self.value != self.value, other.value != other.value
        return nan > other_nan if nan or other_nan else self.value > other.value


def columns(
    points: Points,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Steps, times in microseconds and values of `points`, without a copy."""
    return (
        np.frombuffer(points.steps, np.int64),
        np.frombuffer(points.times, np.int64),
        np.frombuffer(points.values, np.float64),
    )


def from_columns(
    steps: npt.NDArray[np.int64], times: npt.NDArray[np.int64], bits: npt.NDArray[np.int64]
) -> Points:
    """Points of such columns; `bits` are those of the values."""
    # Columns of hot rows are little-endian everywhere; arrays are as the machine is.
    whole = [np.ascontiguousarray(one, np.int64).tobytes() for one in (steps, times, bits)]
    return Points(array("q", whole[0]), array("q", whole[1]), array("d", whole[2]))


def at(points: Points, places: npt.NDArray[Any]) -> Points:
    """The points at these places, numbers or a mask."""
    steps, times, values = columns(points)
    return from_columns(steps[places], times[places], values[places].view(np.int64))


def figures(points: Points) -> Figures:
    """The figures of at least one point."""
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    values = np.frombuffer(points.values, np.float64)
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(finite.sum())
    return Figures(
        len(points),
        int(steps.min()),
        int(steps.max()),
        int(times.min()),
        int(times.max()),
        float(finite.min()) if len(finite) else None,
        float(finite.max()) if len(finite) else None,
        total if np.isfinite(total) else float(np.copysign(np.finfo(np.float64).max, total)),
        len(finite),
    )


def latest_of(points: Points) -> Latest:
    """The latest of at least one point."""
    steps = np.frombuffer(points.steps, np.int64)
    best: Latest | None = None
    for at in np.flatnonzero(steps == steps.max()):
        one = Latest(points.steps[at], points.times[at], points.values[at])
        if best is None or one.beats(best):
            best = one
    assert best is not None
    return best


def in_order(points: Points) -> Points:
    """`points` by step, time, value (NaN last); the same object when they are in order already."""
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    if np.all(steps[1:] > steps[:-1]):
        return points
    values = np.frombuffer(points.values, np.float64)
    order = np.lexsort((values, times, steps))
    return from_columns(steps[order], times[order], values[order].view(np.int64))


def between(points: Points, low: int | None, high: int | None, axis: str) -> Points:
    """The points with low <= x <= high, x being step or time."""
    if low is None and high is None:
        return points
    x = np.frombuffer(points.times if axis == "time" else points.steps, np.int64)
    keep = np.ones(len(x), bool)
    if low is not None:
        keep &= x >= low
    if high is not None:
        keep &= x <= high
    if keep.all():
        return points
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    return from_columns(steps[keep], times[keep], np.frombuffer(points.values, np.int64)[keep])
