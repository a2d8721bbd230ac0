"""Measures of predictions with a weight a row, made once and asked often: what a bootstrap needs.

Each maker checks its data and gives a function of weights (float64, one a row; a resample's are
how often each row was drawn). It gives NaN where the weighted rows define no value.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .unfit import UnfitError

Floats = NDArray[np.float64]
Score = Callable[[Floats], float]
_EPSILON = 1e-15


def score_of(metric: str, labels: NDArray[Any], values: NDArray[Any]) -> Score:
    """The measure of `values` against `labels`, both of n rows.

    Labels are classes for accuracy, numbers for rmse, mse and mae, else 1.0 for positive and 0.0.
    Values are classes for accuracy, 1.0 and 0.0 for f1, precision and recall, numbers for the rest;
    probabilities of positive for logloss and brier. UnfitError for what cannot be measured.
    """
    if metric not in MEASURES:
        raise UnfitError(f"{metric} cannot be computed from rows; known: {', '.join(MEASURES)}")
    if not len(labels):
        raise UnfitError("there are no rows")
    if metric != "accuracy":
        for what, array in (("label", labels), ("value", values)):
            if bad := int(np.count_nonzero(~np.isfinite(array))):
                raise UnfitError(f"{bad} rows have no finite {what}")
    made: Score = MEASURES[metric](labels, values)
    return made


def _mean(each: Floats) -> Score:
    # Not by BLAS: it adds in another order on every processor, and with threads of its own.
    return lambda weights: float((weights * each).sum()) / float(weights.sum())


def _accuracy(labels: NDArray[Any], values: NDArray[Any]) -> Score:
    return _mean((labels == values).astype(np.float64))


def _mse(labels: Floats, values: Floats) -> Score:
    return _mean((labels - values) ** 2)


def _rmse(labels: Floats, values: Floats) -> Score:
    mean = _mse(labels, values)
    return lambda weights: math.sqrt(mean(weights))


def _mae(labels: Floats, values: Floats) -> Score:
    return _mean(np.abs(labels - values))


def _probabilities(values: Floats) -> Floats:
    if bad := int(np.count_nonzero((values < 0) | (values > 1))):
        raise UnfitError(f"{bad} scores are no probabilities between 0 and 1")
    return values


def _logloss(labels: Floats, values: Floats) -> Score:
    sure = np.clip(_probabilities(values), _EPSILON, 1 - _EPSILON)
    return _mean(-np.log(np.where(labels == 1, sure, 1 - sure)))


def _brier(labels: Floats, values: Floats) -> Score:
    return _mse(labels, _probabilities(values))


def _counted(combine: Callable[[float, float, float], float]) -> Any:
    """A measure made of true positives, false positives, false negatives."""

    def make(labels: Floats, values: Floats) -> Score:
        true, said = labels == 1, values == 1
        parts = [(true & said), (~true & said), (true & ~said)]
        columns = np.stack([part.astype(np.float64) for part in parts])

        def score(weights: Floats) -> float:
            right, wrong, missed = (float(count) for count in (columns * weights).sum(axis=1))
            return combine(right, wrong, missed)

        return score

    return make


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else math.nan


def _auc(labels: Floats, values: Floats) -> Score:
    """Area under the ROC curve, ties counted half: P(score of a positive > of a negative)."""
    order = np.argsort(values, kind="stable")
    ranked, positive = values[order], labels[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))

    def score(weights: Floats) -> float:
        sorted_weights = weights[order]
        ups = np.add.reduceat(sorted_weights * positive, starts)
        downs = np.add.reduceat(sorted_weights * (1 - positive), starts)
        below = np.cumsum(downs) - downs
        pairs = float(ups.sum()) * float(downs.sum())
        return float((ups * (below + downs / 2)).sum()) / pairs if pairs else math.nan

    return score


MEASURES: Mapping[str, Any] = {
    "accuracy": _accuracy,
    "auc": _auc,
    "f1": _counted(lambda right, wrong, missed: _share(2 * right, wrong + missed)),
    "precision": _counted(lambda right, wrong, _: _share(right, wrong)),
    "recall": _counted(lambda right, _, missed: _share(right, missed)),
    "logloss": _logloss,
    "brier": _brier,
    "rmse": _rmse,
    "mse": _mse,
    "mae": _mae,
}
CLASSES = frozenset({"accuracy"})
"""Measures of classes as they are named."""
DECISIONS = frozenset({"f1", "precision", "recall"})
"""Measures of positive or not."""
SCORES = frozenset({"auc", "logloss", "brier"})
"""Measures of a score for positive."""
LOWER = frozenset({"logloss", "brier", "rmse", "mse", "mae"})
"""Measures that are better when lower."""
