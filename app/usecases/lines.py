"""From points to the few that a chart shows. numpy comes with the first chart that is drawn."""

from typing import Any

from modeldeck.backends.api.runs import Points

from .samples import By

_MICRO = 1_000_000
Arrays = tuple[Any, Any]


def decimated(
    points: Points, columns: int, low: float | None, high: float | None, by: By, weight: float = 0
) -> tuple[Any, Any, int, Arrays | None]:
    """Points for so many columns: x (steps or Unix seconds), y, how many are finite, and smoothed.

    Bounds are in the unit of x. The smoothed line is made of all `points`, then decimated; it is
    None without a `weight`.
    """
    if not len(points):
        return [], [], 0, None
    import numpy as np

    from modeldeck.app.analysis.decimate import ascending, minmax

    x = np.frombuffer(points.steps if by == "step" else points.times, dtype=np.int64)
    y = np.frombuffer(points.values, dtype=np.float64)
    scale = 1 if by == "step" else _MICRO
    bounds = [None if bound is None else bound * scale for bound in (low, high)]
    found = minmax(x, y, columns, *bounds)
    drawn = _in_unit(x[found.index], by), y[found.index], found.shown
    if not weight:
        return *drawn, None
    from modeldeck.app.analysis.smooth import smoothed

    order = ascending(x)
    if order is not None:
        x, y = x[order], y[order]
    line = smoothed(y, weight)
    index = minmax(x, line, columns, *bounds, ordered=True).index
    return *drawn, (_in_unit(x[index], by), line[index])


def _in_unit(x: Any, by: By) -> Any:
    return x if by == "step" else x / _MICRO
