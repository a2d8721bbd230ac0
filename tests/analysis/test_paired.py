"""Two models on the same rows: what is promoted how often, and that nothing passes by accident."""

from __future__ import annotations

import contextlib
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.analysis.bootstrap import difference, resamples
from modeldeck.app.analysis.paired import chosen, compare
from modeldeck.app.analysis.scoring import score_of
from modeldeck.app.analysis.unfit import UnfitError


def promoted(rows, first, second, times, seed):
    """How often McNemar lets a second model through: shares right, latent correlation .8."""
    random = np.random.default_rng(seed)
    limits = [NormalDist().inv_cdf(share) for share in (first, second)]
    labels = np.ones(rows)
    count = 0
    for _ in range(times):
        a = random.standard_normal(rows)
        b = 0.8 * a + 0.6 * random.standard_normal(rows)
        found = compare("accuracy", labels, (a < limits[0]) * 1.0, (b < limits[1]) * 1.0)
        assert found.p is not None
        count += found.p < 0.05 and found.gain > 0
    return count / times


@pytest.mark.parametrize(
    ("rows", "better", "rate"),
    [(2000, 0.90, 0.022), (2000, 0.91, 0.33), (2000, 0.92, 0.855), (5000, 0.91, 0.65),
     (500, 0.92, 0.30)],
)  # fmt: skip
def test_as_many_are_promoted_as_was_measured(rows, better, rate):
    found = promoted(rows, 0.90, better, 1000, seed=rows)
    assert found == pytest.approx(rate, abs=3.5 * math.sqrt(rate * (1 - rate) / 1000))


@pytest.mark.parametrize("metric", ["auc", "accuracy", "logloss"])
def test_the_interval_covers_the_truth(metric):
    """Nominal 95 %; the truth is what 400,000 rows say."""
    random = np.random.default_rng(11)

    def drawn(rows):
        labels = (random.random(rows) < 0.4).astype(float)
        a = labels + random.normal(size=rows)
        b = 1.3 * labels + 0.7 * (a - labels) + 0.6 * random.normal(size=rows)
        first, second = (1 / (1 + np.exp(1.0 - 2 * x)) for x in (a, b))
        if metric == "accuracy":
            return labels, (first > 0.5) * 1.0, (second > 0.5) * 1.0
        return labels, first, second

    labels, first, second = drawn(400_000)
    whole = np.ones(len(labels))
    truth = score_of(metric, labels, second)(whole) - score_of(metric, labels, first)(whole)
    times = 300
    covered = 0
    for seed in range(times):
        found = compare(metric, *drawn(400), times=300, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered / times == pytest.approx(0.95, abs=0.045)


def test_the_bootstrap_agrees_with_delong():
    random = np.random.default_rng(3)
    labels = (random.random(2000) < 0.3).astype(float)
    first = labels + random.normal(size=2000)
    second = 1.2 * labels + 0.8 * (first - labels) + 0.5 * random.normal(size=2000)
    exact = compare("auc", labels, first, second)
    drawn = compare("auc", labels, first, second, test="bootstrap", seed=9)
    assert (exact.test, drawn.test, drawn.times) == ("delong", "bootstrap", 2000)
    assert drawn.delta == pytest.approx(exact.delta)
    assert drawn.se == pytest.approx(exact.se, rel=0.08)
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.1 * exact.se * 4)
    assert drawn.p is None


def test_a_resample_is_the_same_on_every_machine():
    first = next(resamples(10, 1, seed=0xFEED))
    assert first.tolist() == [2, 1, 0, 0, 1, 1, 1, 1, 1, 2]
    assert first.sum() == 10


def test_a_resample_is_fair():
    counts = sum(resamples(50, 4000, seed=1))
    assert counts.mean() == 4000
    assert np.abs(counts - 4000).max() < 5 * math.sqrt(4000)


def test_the_same_seed_gives_the_same_and_another_another():
    random = np.random.default_rng(0)
    labels = (random.random(100) < 0.5).astype(float)
    a, b = random.random(100), random.random(100)
    one, same, other = (compare("brier", labels, a, b, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_many_rows_get_fewer_resamples_but_enough():
    labels = np.arange(10) % 2 * 1.0
    score = score_of("mae", labels, labels + 1)
    spread = difference(score, score, 10, times=300, alpha=0.05, seed=1)
    assert spread.times == 300


def test_lower_is_better_for_a_loss():
    labels = np.arange(40) % 2 * 1.0
    worse, better = labels + 2.0, labels + 1.0 + np.linspace(0, 0.1, 40)
    found = compare("mae", labels, worse, better)
    assert found.delta < 0 < found.gain
    assert found.least_gain == -found.high


FEW = {
    "no row": 0,
    "one row": 1,
    "29 rows": 29,
}


@pytest.mark.parametrize("rows", FEW.values(), ids=list(FEW))
@pytest.mark.parametrize("metric", ["auc", "accuracy", "brier", "f1", "rmse"])
def test_few_rows_are_refused_in_words(metric, rows):
    labels = np.arange(rows) % 2 * 1.0
    with pytest.raises(UnfitError, match=r"no rows|fewer than 30"):
        compare(metric, labels, labels, labels)


@pytest.mark.parametrize("metric", ["auc", "f1"])
def test_one_class_only_is_refused_in_words(metric):
    with pytest.raises(UnfitError, match="only one class is there"):
        compare(metric, np.zeros(50), np.zeros(50), np.zeros(50))


def test_resamples_without_a_value_are_refused_in_words():
    labels = np.zeros(60)
    labels[0] = 1
    scores = np.linspace(0, 1, 60)
    with pytest.raises(UnfitError, match="resamples have no value: too few rows"):
        compare("auc", labels, scores, scores[::-1].copy(), test="bootstrap")


@pytest.mark.parametrize("where", [0, 1])
def test_nan_is_refused_in_words(where):
    labels = np.arange(60) % 2 * 1.0
    sides = [np.linspace(0, 1, 60), np.linspace(0, 1, 60)]
    sides[where][7] = math.nan
    with pytest.raises(UnfitError, match="1 rows have no finite value"):
        compare("auc", labels, *sides)


def test_equal_predictions_say_that_they_are():
    labels = np.arange(60) % 2 * 1.0
    scores = np.linspace(0, 1, 60)
    found = compare("auc", labels, scores, scores.copy())
    assert (found.same, found.delta, found.se, found.p) == (True, 0, 0, 1.0)
    classes = compare("accuracy", labels, labels, labels.copy())
    assert classes.same
    assert classes.low < 0 < classes.high, "no interval without a width where nothing disagrees"


def test_a_test_that_does_not_fit_is_refused():
    assert chosen("auto", "f1") == "bootstrap"
    assert chosen("bootstrap", "auc") == "bootstrap"
    with pytest.raises(UnfitError, match="take delong, or bootstrap"):
        chosen("mcnemar", "auc")
    with pytest.raises(UnfitError, match="take bootstrap"):
        chosen("delong", "f1")


@given(
    st.sampled_from(["auc", "accuracy", "f1", "brier", "mae"]),
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, math.nan, math.inf])] * 3), max_size=70),
)
def test_any_data_gives_figures_or_words(metric, rows):
    columns = [np.array([row[at] for row in rows], float) for at in range(3)]
    columns[0] = (columns[0] == 1).astype(float)
    found = None
    with contextlib.suppress(UnfitError):
        found = compare(metric, *columns, times=200)
    if found is None:
        return
    assert found.low <= found.high
    assert all(map(math.isfinite, (found.delta, found.low, found.high, found.detectable)))
