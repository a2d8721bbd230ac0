"""How values are spread: quartiles, and counts in bins of equal width. Plain Python, few values."""

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of ascending values (Hyndman and Fan 1996, type 7, as numpy's)."""
    at = (len(ordered) - 1) * share
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    part = at - low
    return ordered[low] * (1 - part) + ordered[high] * part


def box(values: Sequence[float]) -> tuple[float, float, float, float, float]:
    """Return lowest, lower quartile, median, upper quartile, highest of finite values."""
    ordered = sorted(values)
    low, median, high = (quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    return ordered[0], low, median, high, ordered[-1]


def bins(values: Sequence[float], most: int) -> list[tuple[float, float, int]]:
    """Return at most `most` bins of finite values: from, to, how many; the last holds its end.

    As many as the rule of Sturges (1926) asks for; one value in all has one bin.
    """
    if not values:
        return []
    low, high = min(values), max(values)
    if low == high:
        return [(low, high, len(values))]
    count = max(1, min(most, math.ceil(math.log2(len(values))) + 1))
    edges = [low * (1 - at / count) + high * (at / count) for at in range(count + 1)]
    half = high / 2 - low / 2
    counts = [0] * count
    for value in values:
        share = (value / 2 - low / 2) / half if half else 0.0
        counts[min(int(share * count), count - 1)] += 1
    return [(edges[at], edges[at + 1], counts[at]) for at in range(count)]
