"""Smoothing: the law of TensorBoard's loop, and no number that leads out of the values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.analysis.smooth import smoothed
from modeldeck.app.analysis.spread import bins, box

WEIGHTS = (0.0, 0.6, 0.9, 0.99)
number = st.one_of(
    st.floats(), st.sampled_from([1e308, -1.79e308, 5e-324, -0.0, math.nan, math.inf, -math.inf])
)


def by_hand(values, weight):
    """TensorBoard's loop, one point after the other."""
    last, count, found = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            found.append(value)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        found.append(last / (1 - weight**count) if weight else last)
    return found


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.sampled_from(WEIGHTS))
def test_it_is_the_loop_of_tensorboard(values, weight):
    size = max([1.0, *map(abs, values)])
    assert smoothed(np.array(values), weight) == pytest.approx(
        by_hand(values, weight), rel=1e-9, abs=1e-9 * size
    )


@pytest.mark.parametrize("weight", WEIGHTS)
def test_also_over_the_seams_of_blocks(weight):
    values = np.cumsum(np.random.default_rng(1).normal(size=60_000))
    values[::97] = np.nan
    found, wanted = smoothed(values, weight), np.array(by_hand(values.tolist(), weight))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@given(st.lists(number, max_size=40), st.sampled_from(WEIGHTS))
def test_any_numbers_stay_among_themselves(values, weight):
    found = smoothed(np.array(values, dtype=float), weight)
    finite = [value for value in values if math.isfinite(value)]
    for before, after in zip(values, found.tolist(), strict=True):
        if math.isfinite(before):
            assert min(finite) <= after <= max(finite)
        else:
            assert after == before or (math.isnan(after) and math.isnan(before))


def test_a_constant_stays_and_the_first_does_not_lag():
    assert smoothed(np.full(500, 0.25), 0.99) == pytest.approx(np.full(500, 0.25))
    assert smoothed(np.array([7.0, 7.0, 8.0]), 0.9)[0] == 7


@pytest.mark.parametrize("weight", [-0.1, 1, math.nan])
def test_a_weight_has_bounds(weight):
    with pytest.raises(ValueError, match="a weight lies"):
        smoothed(np.array([1.0]), weight)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=80), st.integers(1, 30))
def test_every_value_is_in_one_bin(values, most):
    found = bins(values, most)
    assert sum(count for _, _, count in found) == len(values)
    assert len(found) <= most
    if values:
        assert (found[0][0], found[-1][1]) == (min(values), max(values))


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_quartiles_are_those_of_numpy(values):
    low, first, median, third, high = box(values)
    assert (low, high) == (min(values), max(values))
    wanted = np.quantile(np.array(values), [0.25, 0.5, 0.75])
    size = max(map(abs, values)) or 1.0
    assert [first, median, third] == pytest.approx(wanted.tolist(), rel=1e-9, abs=size * 1e-12)
