"""Two areas under ROC curves of the same rows, compared (DeLong, DeLong & Clarke-Pearson 1988).

By midranks in O(n log n): Sun & Xu, "Fast Implementation of DeLong's Algorithm", IEEE Signal
Processing Letters 21 (2014).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .unfit import UnfitError

Floats = NDArray[np.float64]


class Areas(NamedTuple):
    """The two areas, and the standard error of second - first."""

    first: float
    second: float
    se: float


def midranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: Floats = ends - (counts - 1) / 2
    return middles[inverse]


def delong(labels: Floats, first: Floats, second: Floats) -> Areas:
    """Areas of two scores for the same `labels` (1.0 positive, 0.0 not).

    UnfitError for fewer than two rows of a class: they have no variance.
    """
    positive = labels == 1
    ups, downs = int(positive.sum()), int((~positive).sum())
    if min(ups, downs) < 2:
        raise UnfitError(f"{ups} positive and {downs} negative rows: each class needs two")
    areas, by_up, by_down = [], [], []
    for scores in (first, second):
        x, y = scores[positive], scores[~positive]
        together = midranks(np.concatenate((x, y)))
        by_up.append((together[:ups] - midranks(x)) / downs)
        by_down.append(1 - (together[ups:] - midranks(y)) / ups)
        areas.append((float(together[:ups].sum()) - ups * (ups + 1) / 2) / (ups * downs))
    variance = (
        float(np.var(by_up[1] - by_up[0], ddof=1)) / ups
        + float(np.var(by_down[1] - by_down[0], ddof=1)) / downs
    )
    return Areas(areas[0], areas[1], variance**0.5)
