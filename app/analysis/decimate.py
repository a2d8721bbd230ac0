"""What of a long series has to be drawn, so that no extreme and no gap is lost."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CHUNK = 1 << 16
"""Points looked at together where a whole-array temporary would cost more than the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Decimated:
    """The points of a series to draw, as positions in the arrays that were given.

    Counts are of points. `nan`, `above` (+inf) and `below` (-inf) are counted inside the interval.
    """

    index: NDArray[np.intp]
    """Positions to draw, in the order of x: finite points, and the NaN and infinities between."""
    shown: int
    """How many of them are finite."""
    total: int
    """How many points the whole series has."""
    nan: int
    above: int
    below: int


def is_ascending(x: NDArray[Any]) -> bool:
    """Return whether `x` is finite and never falls; equal neighbours are fine."""
    if len(x) == 0:
        return True
    if not (math.isfinite(x[0]) and math.isfinite(x[-1])):
        return False
    for start in range(0, len(x) - 1, _CHUNK):
        after = x[start + 1 : start + 1 + _CHUNK]
        # Written so that a NaN, which compares as false, fails it.
        if not (after >= x[start : start + len(after)]).all():
            return False
    return True


def ascending(x: ArrayLike) -> NDArray[np.intp] | None:
    """Return the positions that put `x` in order, or None if it is in order already.

    The order is stable: points at the same x stay in the order in which they were logged. Points
    whose x is NaN or infinite have no place and are left out.
    """
    array = _numbers(x)
    if is_ascending(array):
        return None
    placed = np.flatnonzero(np.isfinite(array))
    return placed[np.argsort(array[placed], kind="stable")]


def minmax(
    x: ArrayLike,
    y: ArrayLike,
    columns: int,
    lo: float | None = None,
    hi: float | None = None,
    *,
    ordered: bool = False,
) -> Decimated:
    """Choose at most two points a column: the lowest and the highest of each bucket of x.

    `columns` buckets of equal width cover x from `lo` to `hi` (by default the whole series), the
    last one with its upper edge. Chosen are, in the order of x:

    - of each bucket the lowest and the highest finite y (the first of equals), and the first and
      the last finite point of the interval;
    - the nearest point on either side of the interval, so that a line can leave the picture;
    - of each stretch of NaN or infinities between two chosen points its first and its last point:
      a gap is never bridged, however narrow, and never hides an extreme beside it;
    - of each bucket the first +inf and the first -inf.

    `x` and `y` are of one length, in any unit. With `ordered=True` the caller promises that x is
    finite and never falls (see `ascending`); an interval then costs only the points inside it.
    Otherwise x is checked, and put in order if it has to be.
    """
    xs, ys = _numbers(x), _numbers(y)
    if xs.shape != ys.shape or xs.ndim != 1:
        msg = f"x and y must be of one length, not {xs.shape} and {ys.shape}"
        raise ValueError(msg)
    if columns < 1:
        raise ValueError("a chart has at least one column")
    if lo is not None and hi is not None and not lo <= hi:
        msg = f"the interval {lo} to {hi} is empty"
        raise ValueError(msg)
    order = None if ordered else ascending(xs)
    if order is not None:
        xs, ys = xs[order], ys[order]
    found = _Scan(xs, ys)
    if len(xs):
        found.run(columns, xs[0] if lo is None else lo, xs[-1] if hi is None else hi)
    index = found.index()
    shown = int(np.isfinite(ys[index]).sum())
    if order is not None:
        index = order[index]
    return Decimated(index, shown, np.size(y), found.nan, found.above, found.below)


class _Scan:
    """One pass over the buckets of an ordered series."""

    def __init__(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        self.x = x
        self.y = y
        self.keep: list[int] = []  # finite points to draw
        self.odd: list[NDArray[np.intp]] = []  # where it is not finite, in order
        self.marks: list[int] = []  # infinities to draw
        self.nan = self.above = self.below = 0

    def run(self, columns: int, lo: float, hi: float) -> None:
        start = int(np.searchsorted(self.x, _exact(self.x, lo), "left"))
        stop = int(np.searchsorted(self.x, _exact(self.x, hi, up=False), "right"))
        stop = max(start, stop)
        cuts = [start, *_cuts(self.x, columns, lo, hi).clip(start, stop).tolist(), stop]
        first = last = None
        self._beside(start - 1)
        for a, b in itertools.pairwise(cuts):
            if a == b:
                continue
            ends = self._bucket(a, b)
            if ends is not None:
                first = ends[0] if first is None else first
                last = ends[1]
        if first is not None and last is not None:
            self.keep += (first, last)
        self._beside(stop)

    def _beside(self, at: int) -> None:
        if 0 <= at < len(self.y):
            if math.isfinite(self.y[at]):
                self.keep.append(at)
            else:
                self.odd.append(np.array([at]))

    def _bucket(self, a: int, b: int) -> tuple[int, int] | None:
        """Choose from points a to b; return the first and the last finite one."""
        part = self.y[a:b]
        low, high = int(part.argmin()), int(part.argmax())
        # Both give back a NaN if there is one, and an infinity is the lowest or the highest.
        if math.isfinite(part[low]) and math.isfinite(part[high]):
            self.keep += (a + low, a + high)
            return a, b - 1
        finite = np.isfinite(part)
        odd = np.flatnonzero(~finite)
        self.odd.append(odd + a)
        values = part[odd]
        above, below = odd[values == math.inf], odd[values == -math.inf]
        self.above += len(above)
        self.below += len(below)
        self.nan += len(odd) - len(above) - len(below)
        self.marks += [a + int(found[0]) for found in (above, below) if len(found)]
        if len(odd) == b - a:
            return None
        # Filling a copy is several times quicker than gathering the finite ones.
        filled = part.copy()
        filled[odd] = math.inf
        low = int(filled.argmin())
        filled[odd] = -math.inf
        self.keep += (a + low, a + int(filled.argmax()))
        return a + int(finite.argmax()), b - 1 - int(finite[::-1].argmax())

    def index(self) -> NDArray[np.intp]:
        keep = np.unique(np.array(self.keep, dtype=np.intp))
        if not self.odd:
            return keep
        odd = np.concatenate(self.odd)
        after = np.searchsorted(odd, np.concatenate(([-1], keep)), "right")
        before = np.searchsorted(odd, np.concatenate((keep, [len(self.y)])), "left") - 1
        gap = after <= before
        marks = np.array(self.marks, dtype=np.intp)
        return np.unique(np.concatenate((keep, odd[after[gap]], odd[before[gap]], marks)))


def _numbers(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    # Other kinds (objects, unsigned, half) would make searchsorted copy the array every time.
    if array.dtype not in (np.dtype(np.float64), np.dtype(np.int64)):
        return array.astype(np.float64)
    return array


def _exact(x: NDArray[Any], edge: float, *, up: bool = True) -> Any:
    """Return `edge` in the type of x: a float edge would turn ten million integers into floats."""
    if x.dtype != np.int64:
        return np.float64(edge)
    if isinstance(edge, int | np.integer):
        whole = int(edge)
    elif math.isinf(edge):
        whole = 2**63 if edge > 0 else -(2**63)
    else:
        whole = math.ceil(edge) if up else math.floor(edge)
    return np.int64(min(max(whole, -(2**63)), 2**63 - 1))


def _cuts(x: NDArray[Any], columns: int, lo: float, hi: float) -> NDArray[np.intp]:
    """Return where each bucket but the first begins."""
    share = np.arange(1, columns) / columns
    # Not lo + share * (hi - lo): the difference of two floats may overflow.
    edges = np.maximum.accumulate(float(lo) * (1 - share) + float(hi) * share)
    if x.dtype == np.int64:
        edges = np.ceil(edges).clip(-(2.0**63), 2.0**63 - 1024).astype(np.int64)
    return np.searchsorted(x, edges, "left")
