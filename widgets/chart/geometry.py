"""From series to lines on a canvas: what is in sight, where it is cut, what is left out."""

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .model import Line
from .scale import Axis, around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

_FAR = 1e7
"""Cells. What lies further outside of the canvas is moved here: no slope shows the difference."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A line as float64 arrays in ascending, finite x; `total` points stand behind it.

    `sampled`: those are a part of more.
    """

    x: "Floats"
    y: "Floats"
    total: int
    sampled: bool = False


@dataclass(slots=True, eq=False)
class Drawn:
    """One line on a canvas of `width` x `height` cells.

    Strokes are points (x, y) in cells from the lower left corner, all inside; each stroke is
    connected, and a gap lies between two. Marks are (column, +1 above or -1 below) of infinities.
    """

    strokes: list[tuple[list[float], list[float]]] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    points: int = 0
    """Finite points in sight."""
    nan: int = 0
    above: int = 0
    below: int = 0
    not_positive: int = 0
    """Left out of a log axis."""


def prepare(line: Line) -> Series:
    """Return a line in the order of its x (stable); a point without a finite x has no place."""
    x = np.asarray(line.x, dtype=np.float64)
    y = np.asarray(line.y, dtype=np.float64)
    total = len(x) if line.total is None else line.total
    if not (np.isfinite(x).all() and (x[1:] >= x[:-1]).all()):
        placed = np.flatnonzero(np.isfinite(x))
        order = placed[np.argsort(x[placed], kind="stable")]
        x, y = x[order], y[order]
    return Series(x, y, total, line.sampled)


def reach(series: list[Series]) -> tuple[float, float] | None:
    """Return the lowest and the highest x of all."""
    ends = [(float(s.x[0]), float(s.x[-1])) for s in series if len(s.x)]
    return (min(lo for lo, _ in ends), max(hi for _, hi in ends)) if ends else None


def y_axis(series: list[Series], x: Axis, rows: int, log: bool) -> Axis | None:
    """Return the axis that holds all finite values in sight, or None when there are none.

    Where there are infinities a row is left free for their marks.
    """
    lows, highs, above, below = [], [], False, False
    for one in series:
        a, b = _inside(one, x)
        y = one.y[a:b]
        above, below = above or bool((y == math.inf).any()), below or bool((y == -math.inf).any())
        good = y[_usable(y, log)]
        if not len(good):
            # A line may still pass from one side to the other.
            good = one.y[max(a - 1, 0) : b + 1]
            good = good[_usable(good, log)] if 0 < a == b < len(one.y) else good[:0]
        if len(good):
            lows.append(float(good.min()))
            highs.append(float(good.max()))
    if not lows:
        return None
    axis = around(min(lows), max(highs), log)
    room = 1 / max(rows - 2, 1)
    lo = axis.value(-room) if below else axis.lo
    return Axis(lo, axis.value(1 + room) if above else axis.hi, log)


def project(
    series: Series,
    x: Axis,
    y: Axis | None,
    size: tuple[int, int],
    dots: tuple[int, int],
    columns: int,
    *,
    log: bool = False,
) -> Drawn:
    """Put a series on a canvas of `size` cells (columns, rows) with `dots` in each cell.

    `y` is None when nothing in sight can be drawn. With more than four points in one of `columns`
    only the first, lowest, highest and last of each stay: the picture is the same.
    """
    a, b = _inside(series, x)
    inside = series.y[a:b]
    drawn = Drawn(
        nan=int(np.isnan(inside).sum()),
        above=int((inside == math.inf).sum()),
        below=int((inside == -math.inf).sum()),
    )
    width, height = size
    for sign in (1, -1):
        at = shares(x, series.x[a:b][inside == sign * math.inf]) * width
        drawn.marks += [(column, sign) for column in np.unique(_cells(at, width)).tolist()]
    drawn.not_positive = int((inside <= 0).sum()) - drawn.below if log else 0
    if y is None:
        return drawn
    # The nearest points outside: lines run on to the edge.
    first, last = max(a - 1, 0), min(b + 1, len(series.y))
    good = np.flatnonzero(_usable(series.y[first:last], log)) + first
    drawn.points = int(((good >= a) & (good < b)).sum())
    u = (shares(x, series.x[good]) * width).clip(-_FAR, _FAR)
    rows = height * dots[1]
    v = ((shares(y, series.y[good]) * (rows - 1) + 0.5) / dots[1]).clip(-_FAR, _FAR)
    inner = (good >= a) & (good < b)
    u[inner] = u[inner].clip(0, width)
    v[inner] = v[inner].clip(0, height)
    breaks = (np.flatnonzero(np.diff(good) > 1) + 1).tolist()
    for start, stop in itertools.pairwise([0, *breaks, len(good)]):
        if start < stop:
            us, vs = _cut(u[start:stop], v[start:stop], width, height)
            us, vs = _thin(us, vs, width, columns)
            if len(us):
                drawn.strokes.append((us.tolist(), vs.tolist()))
    return drawn


def shares(axis: Axis, values: "Floats") -> "Floats":
    """Return `Axis.share` of every value, which must be positive on a log axis."""
    with np.errstate(over="ignore"):
        lo, hi = axis.lo, axis.hi
        if axis.log:
            lo, hi, values = math.log10(lo), math.log10(hi), np.log10(values)
        if math.isinf(hi - lo):
            return (values / 2 - lo / 2) / (hi / 2 - lo / 2)
        # Cut, so that they can be multiplied by a size.
        return ((values - lo) / (hi - lo)).clip(-1e300, 1e300)


def _inside(series: Series, x: Axis) -> tuple[int, int]:
    return (
        int(np.searchsorted(series.x, x.lo, "left")),
        int(np.searchsorted(series.x, x.hi, "right")),
    )


def _usable(y: "Floats", log: bool) -> "NDArray[np.bool_]":
    return np.isfinite(y) & (y > 0) if log else np.isfinite(y)


def _cells(at: "Floats", width: int) -> "NDArray[np.intp]":
    return np.floor(at).astype(np.intp).clip(0, width - 1)


def _thin(u: "Floats", v: "Floats", width: int, columns: int) -> "tuple[Floats, Floats]":
    if len(u) <= 4 * columns:
        return u, v
    column = np.minimum(np.floor(u * (columns / width)), columns - 1)
    starts = np.flatnonzero(np.concatenate(([True], np.diff(column) != 0)))
    ends = np.concatenate((starts[1:], [len(u)])) - 1
    low, high = np.minimum.reduceat(v, starts), np.maximum.reduceat(v, starts)
    across = np.stack((u[starts], u[starts], u[ends], u[ends]), axis=1)
    up = np.stack((v[starts], low, high, v[ends]), axis=1)
    return across.ravel(), up.ravel()


def _cut(u: "Floats", v: "Floats", width: int, height: int) -> "tuple[Floats, Floats]":
    """Cut a stroke, whose first and last point may lie outside, at the edges of the canvas."""
    if len(u) == 1:
        return (u, v) if _holds(u[0], v[0], width, height) else (u[:0], v[:0])
    u, v = u.copy(), v.copy()
    for end, beside in ((0, 1), (-1, -2)):
        if _holds(u[end], v[end], width, height):
            continue
        found = _clip((u[beside], v[beside]), (u[end], v[end]), width, height)
        if found is not None:
            (u[beside], v[beside]), (u[end], v[end]) = found
        elif len(u) > 2:
            u, v = (u[1:], v[1:]) if end == 0 else (u[:-1], v[:-1])
        else:
            keep = slice(1, 2) if end == 0 else slice(0, 1)
            u, v = u[keep], v[keep]
            return (u, v) if _holds(u[0], v[0], width, height) else (u[:0], v[:0])
    return u, v


def _holds(u: float, v: float, width: int, height: int) -> bool:
    return 0 <= u <= width and 0 <= v <= height


def _clip(
    a: tuple[float, float], b: tuple[float, float], width: int, height: int
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the part of the segment from a to b that lies on the canvas, if any."""
    enter, leave = 0.0, 1.0
    for start, way, most in ((a[0], b[0] - a[0], width), (a[1], b[1] - a[1], height)):
        if not way:
            if not 0 <= start <= most:
                return None
            continue
        near, far = sorted((-start / way, (most - start) / way))
        enter, leave = max(enter, near), min(leave, far)
    if enter > leave:
        return None

    def at(share: float) -> tuple[float, float]:
        u, v = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        return min(max(u, 0.0), float(width)), min(max(v, 0.0), float(height))

    return at(enter), at(leave)


def column_values(series: Series, lo: float, hi: float) -> "tuple[Floats, Floats] | None":
    """Return the points from x `lo` up to `hi`, else the nearest one, None beyond either end."""
    if not len(series.x) or hi < series.x[0] or lo > series.x[-1]:
        return None
    a, b = np.searchsorted(series.x, (lo, hi), "left").tolist()
    if a == b:
        middle = lo / 2 + hi / 2
        before = max(a - 1, 0)
        after = min(a, len(series.x) - 1)
        nearer = middle - series.x[before] <= series.x[after] - middle
        a = before if nearer else after
        # Points at the same x belong together.
        x = series.x[a]
        a, b = np.searchsorted(series.x, x, "left"), np.searchsorted(series.x, x, "right")
    return series.x[a:b], series.y[a:b]
