"""Points as three columns: put in order, and summed up in figures."""

import math
from array import array
from collections.abc import Sequence
from itertools import islice
from operator import lt
from typing import TypeVar

from ..api.runs import Metric, Points, SeriesInfo
from ..api.times import from_micros

T = TypeVar("T", int, float)
NAN = float("nan")
MANY = 10_000
"""Series of so many points are worth the import of numpy."""


def ordered(points: Points) -> Points:
    """The same points by step, time, value; a NaN after the numbers of its step and time."""
    steps = points.steps
    if _rise(steps):
        return points
    ranks = list(
        zip(steps, points.times, map(math.isnan, points.values), points.values, strict=True)
    )
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    return Points(
        type(steps)("q", map(steps.__getitem__, order)),
        type(steps)("q", map(points.times.__getitem__, order)),
        type(points.values)("d", map(points.values.__getitem__, order)),
    )


def _rise(steps: "array[int]") -> bool:
    if len(steps) < MANY:
        return all(map(lt, steps, islice(steps, 1, None)))
    import numpy as np

    numbers = np.frombuffer(steps, np.int64)
    return bool((numbers[1:] > numbers[:-1]).all())


def figures(key: str, points: Points) -> SeriesInfo:
    """The figures of a series that is not empty and in order."""
    finite = points.values
    # The sum of what is all finite is finite too, unless it is too great: then each is asked.
    total = sum(finite)
    if not math.isfinite(total):
        finite = array("d", filter(math.isfinite, finite))
        total = sum(finite)
    low, high = bounds(finite) if finite else (None, None)
    first, last = bounds(points.times)
    return SeriesInfo(
        key=key,
        count=len(points),
        first_step=points.steps[0],
        last_step=points.steps[-1],
        first_time=from_micros(first),
        last_time=from_micros(last),
        low=low,
        high=high,
        total=total,
        finite=len(finite),
    )


def bounds(numbers: "array[T]") -> tuple[T, T]:
    """The lowest and the highest of at least one number that are all finite."""
    if len(numbers) < MANY:
        return min(numbers), max(numbers)
    import numpy as np

    found = np.frombuffer(numbers, np.dtype(numbers.typecode))
    return found.min().item(), found.max().item()


def latest_logged(points: Points) -> Metric:
    """The greatest (step, time, value) of points in the order they were logged.

    As MLflow's file store finds it: by Python's comparison, to which a NaN is never less, so that
    of several values at the last step and time a NaN stays latest when it was logged first.
    """
    last = max(zip(points.steps, points.times, strict=True))
    values: Sequence[float] = [
        value
        for step, time, value in zip(points.steps, points.times, points.values, strict=True)
        if (step, time) == last
    ]
    best = values[0]
    for value in values[1:]:
        if value > best:
            best = value
    return Metric(best, last[0], from_micros(last[1]))
