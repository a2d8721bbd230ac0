"""Measures with weights against scikit-learn's with sample weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from modeldeck.app.analysis.calibration import expected_error
from modeldeck.app.analysis.scoring import MEASURES, score_of
from modeldeck.app.analysis.unfit import UnfitError

RANDOM = np.random.default_rng(5)
ROWS = 500
YES = (RANDOM.random(ROWS) < 0.3).astype(float)
# Two decimals, so that there are ties.
SCORES = np.round(np.clip(0.3 * YES + 0.7 * RANDOM.random(ROWS), 0, 1), 2)
SAID = (SCORES > 0.5).astype(float)
NUMBERS = RANDOM.normal(size=ROWS)
GUESSES = NUMBERS + RANDOM.normal(size=ROWS) / 3
WEIGHTS = RANDOM.integers(0, 4, ROWS).astype(float)

ORACLES = {
    "accuracy": (YES, SAID, metrics.accuracy_score),
    "auc": (YES, SCORES, metrics.roc_auc_score),
    "f1": (YES, SAID, metrics.f1_score),
    "precision": (YES, SAID, metrics.precision_score),
    "recall": (YES, SAID, metrics.recall_score),
    "logloss": (YES, SCORES, metrics.log_loss),
    "brier": (YES, SCORES, metrics.brier_score_loss),
    "rmse": (NUMBERS, GUESSES, metrics.root_mean_squared_error),
    "mse": (NUMBERS, GUESSES, metrics.mean_squared_error),
    "mae": (NUMBERS, GUESSES, metrics.mean_absolute_error),
}


def test_each_measure_has_an_oracle():
    assert ORACLES.keys() == MEASURES.keys()


@pytest.mark.parametrize("weights", [np.ones(ROWS), WEIGHTS], ids=["even", "weighted"])
@pytest.mark.parametrize("name", ORACLES)
def test_it_is_what_scikit_learn_says(name, weights):
    labels, values, oracle = ORACLES[name]
    expected = oracle(labels, values, sample_weight=weights)
    assert score_of(name, labels, values)(weights) == pytest.approx(expected, rel=1e-9)


def test_accuracy_is_of_classes_with_any_name():
    labels, said = np.array(["cat", "dog", "cat"]), np.array(["cat", "cat", "cat"])
    assert score_of("accuracy", labels, said)(np.ones(3)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["auc", "recall"])
def test_without_a_positive_row_there_is_no_value(name):
    assert math.isnan(score_of(name, np.zeros(4), np.zeros(4))(np.ones(4)))


UNFIT = {
    "an unknown one": ("gini", [1.0], [1.0], "cannot be computed from rows; known: accuracy"),
    "no rows": ("auc", [], [], "there are no rows"),
    "a label that is NaN": ("auc", [math.nan, 1.0], [0.1, 0.2], "1 rows have no finite label"),
    "a score that is NaN": ("auc", [0.0, 1.0], [0.1, math.nan], "1 rows have no finite value"),
    "an infinite one": ("rmse", [0.0], [math.inf], "no finite value"),
    "no probability": ("logloss", [0.0, 1.0], [0.5, 1.5], "1 scores are no probabilities"),
    "nor for brier": ("brier", [0.0], [-0.1], "no probabilities between 0 and 1"),
}


@pytest.mark.parametrize("about", UNFIT)
def test_what_cannot_be_measured_is_said(about):
    name, labels, values, words = UNFIT[about]
    with pytest.raises(UnfitError, match=words):
        score_of(name, np.array(labels), np.array(values))


def calibration_by_hand(labels, scores, bins):
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = (scores > low) & (scores <= high) | ((number == 0) & (scores == 0))
        if inside.any():
            total += inside.mean() * abs(labels[inside].mean() - scores[inside].mean())
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_is_its_definition(bins):
    expected = calibration_by_hand(YES, SCORES, bins)
    assert expected_error(YES, SCORES, bins) == pytest.approx(expected)


def test_calibration_of_nothing_and_of_no_probabilities():
    with pytest.raises(UnfitError, match="no rows"):
        expected_error(np.array([]), np.array([]))
    for wrong in (math.nan, 1.2):
        with pytest.raises(UnfitError, match="no probabilities"):
            expected_error(np.array([1.0]), np.array([wrong]))
    assert expected_error(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0
