"""Resamples of rows that are the same on every machine."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scoring import Score
from .unfit import UnfitError

_DRAWS = 400_000_000
_FEWEST = 200
_UNDEFINED = 0.01


class Spread(NamedTuple):
    """Percentiles and standard deviation of a difference over `times` resamples."""

    low: float
    high: float
    se: float
    times: int


def resamples(rows: int, times: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each of `rows` (below 2**32) was drawn, for each of `times` resamples.

    Made of the raw output of PCG64, which numpy keeps the same for good, unlike what its Generator
    makes of it: the upper 32 bits of each times n, divided by 2**32.
    """
    bits = np.random.PCG64(seed)
    shift, count = np.uint64(32), np.uint64(rows)
    for _ in range(times):
        index = ((bits.random_raw(rows) >> shift) * count) >> shift
        yield np.bincount(index.astype(np.int64), minlength=rows).astype(np.float64)


def difference(
    first: Score, second: Score, rows: int, *, times: int, alpha: float, seed: int
) -> Spread:
    """How `second` - `first` spreads over resamples of the same rows: percentile interval.

    Many rows get fewer resamples, so that no more than about 4e8 rows are drawn, but never under
    200. UnfitError where more than one in a hundred of them define no value.
    """
    times = min(times, max(_FEWEST, _DRAWS // rows))
    deltas = np.array([second(w) - first(w) for w in resamples(rows, times, seed)])
    defined = np.sort(deltas[np.isfinite(deltas)])
    if len(defined) < 2 or len(defined) < times * (1 - _UNDEFINED):
        raise UnfitError(f"{times - len(defined)} of {times} resamples have no value: too few rows")
    last = len(defined) - 1
    low = defined[int(np.floor(alpha / 2 * last))]
    high = defined[int(np.ceil((1 - alpha / 2) * last))]
    return Spread(float(low), float(high), float(np.std(defined, ddof=1)), times)
