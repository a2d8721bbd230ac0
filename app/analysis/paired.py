"""Two models on the same rows: by how much the second is better, and how sure that is."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bootstrap import difference
from .delong import delong
from .intervals import detectable, quantile, sign_test, two_sided
from .scoring import LOWER, score_of
from .unfit import UnfitError

TESTS = ("auto", "mcnemar", "delong", "bootstrap")
FEWEST = 30
"""Rows under which no interval here is to be trusted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Second - first on `rows` rows. `low` and `high` bound the difference at 1 - alpha.

    `p` is two-sided, None where the interval is the test. `detectable` is the difference that such
    data finds with a power of 80 %. `same` says that no row differs. `times` counts resamples.
    """

    test: str
    metric: str
    rows: int
    first: float
    second: float
    delta: float
    low: float
    high: float
    se: float
    p: float | None
    detectable: float
    same: bool
    times: int = 0

    @property
    def gain(self) -> float:
        """The difference, positive where the second is better."""
        return -self.delta if self.metric in LOWER else self.delta

    @property
    def least_gain(self) -> float:
        """The lower bound of the gain."""
        return -self.high if self.metric in LOWER else self.low


def compare(
    metric: str,
    labels: NDArray[Any],
    first: NDArray[Any],
    second: NDArray[Any],
    *,
    test: str = "auto",
    alpha: float = 0.05,
    times: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare two models' values for the same `labels` (see `scoring.score_of`).

    `auto` is McNemar for accuracy, DeLong for auc, else the bootstrap. UnfitError for what cannot
    be compared, so also for fewer than 30 rows.
    """
    test = chosen(test, metric)
    rows = len(labels)
    scores = [score_of(metric, labels, values) for values in (first, second)]
    if rows < FEWEST:
        raise UnfitError(f"{rows} row{'' if rows == 1 else 's'}: fewer than {FEWEST}")
    whole = np.ones(rows)
    values = [score(whole) for score in scores]
    if not all(map(math.isfinite, values)):
        raise UnfitError(f"{metric} has no value on these rows: only one class is there")
    same = bool(np.array_equal(first, second))
    p: float | None = None
    counted = 0
    if test == "mcnemar":
        low, high, se, p = _mcnemar(labels == first, labels == second, alpha)
    elif test == "delong":
        areas = delong(labels, first, second)
        values, se = [areas.first, areas.second], areas.se
        wide = quantile(1 - alpha / 2) * se
        delta = areas.second - areas.first
        low, high = delta - wide, delta + wide
        p = two_sided(delta / se) if se else 1.0
    else:
        spread = difference(scores[0], scores[1], rows, times=times, alpha=alpha, seed=seed)
        low, high, se, counted = spread
    return Comparison(
        test=test,
        metric=metric,
        rows=rows,
        first=values[0],
        second=values[1],
        delta=values[1] - values[0],
        low=low,
        high=high,
        se=se,
        p=p,
        detectable=detectable(se, alpha),
        same=same,
        times=counted,
    )


def chosen(test: str, metric: str) -> str:
    """The test that is meant; UnfitError when it does not fit the metric."""
    fitting = {"accuracy": "mcnemar", "auc": "delong"}.get(metric, "bootstrap")
    if test == "auto":
        return fitting
    if test not in ("bootstrap", fitting):
        raise UnfitError(f"{test} does not fit {metric}: take {fitting}, or bootstrap")
    return test


def _mcnemar(
    first: NDArray[np.bool_], second: NDArray[np.bool_], alpha: float
) -> tuple[float, float, float, float]:
    """Interval, standard error and exact p of the difference of two shares of the same rows.

    The p is McNemar's exact one. The interval is the adjusted Wald one of Bonett & Price (2012),
    which adds one to each kind of disagreement: it stays wide where nothing disagrees.
    """
    rows = len(first)
    worse = int(np.count_nonzero(first & ~second))
    better = int(np.count_nonzero(~first & second))
    lost, won = (worse + 1) / (rows + 2), (better + 1) / (rows + 2)
    se = math.sqrt((lost + won - (won - lost) ** 2) / (rows + 2))
    wide = quantile(1 - alpha / 2) * se
    middle = won - lost
    return max(-1.0, middle - wide), min(1.0, middle + wide), se, sign_test(worse, better)
