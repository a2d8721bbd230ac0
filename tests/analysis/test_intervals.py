"""Tests and intervals against published figures and other people's code."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modeldeck.app.analysis.intervals import below, detectable, holm, quantile, sign_test, two_sided

# Disagreements and the exact p of McNemar's test, as the tests of statsmodels have them from R.
PUBLISHED = {
    (121, 59): 4e-6,
    (70, 59): 0.378688,
    (80, 59): 0.089452,
    (30, 60): 0.00206,
    (10, 30): 0.002221,
    (11, 1): 0.006348,
}


@pytest.mark.parametrize("counts", PUBLISHED)
def test_the_exact_p_is_the_published_one(counts):
    assert sign_test(*counts) == pytest.approx(PUBLISHED[counts], abs=5e-7)


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_exact_p_is_that_of_scipy_s_binomial_test(fewer, more):
    expected = stats.binomtest(fewer, fewer + more).pvalue if fewer + more else 1.0
    assert sign_test(fewer, more) == pytest.approx(expected, rel=1e-9)
    assert sign_test(fewer, more) == sign_test(more, fewer)


def test_a_great_count_is_summed_too():
    assert sign_test(999_000, 1_001_000) == pytest.approx(
        stats.binomtest(999_000, 2_000_000).pvalue, rel=1e-6
    )
    assert 0 <= sign_test(1, 2_000_000) < 1e-300


@pytest.mark.parametrize("z", [-3.0, -0.5, 0.0, 1.0, 1.959964, 8.0])
def test_the_normal_distribution(z):
    assert below(z) == pytest.approx(stats.norm.cdf(z), rel=1e-12)
    assert two_sided(z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)


def test_what_can_be_detected_is_found_with_a_power_of_80_percent():
    se, alpha = 0.0021, 0.05
    effect = detectable(se, alpha) / se
    assert stats.norm.sf(quantile(1 - alpha / 2) - effect) == pytest.approx(0.8)


def test_holm_of_an_example_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_stepping_down_rejects(values):
    adjusted = holm(values)
    assert all(p <= a <= 1 for p, a in zip(values, adjusted, strict=True))
    order = sorted(range(len(values)), key=values.__getitem__)
    assert all(adjusted[a] <= adjusted[b] for a, b in itertools.pairwise(order))
    for alpha in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, place in enumerate(order):
            if (len(values) - rank) * values[place] >= alpha:
                break
            rejected.add(place)
        assert {at for at, p in enumerate(adjusted) if p < alpha} == rejected


def test_nothing_disagrees():
    assert sign_test(0, 0) == 1.0
    assert math.isclose(sign_test(0, 1), 1.0)
