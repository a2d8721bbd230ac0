"""Decimation: every law against brute force on the whole series."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.analysis.decimate import ascending, is_ascending, minmax

any_float = st.floats(width=64)
finite_x = st.one_of(
    st.integers(-50, 50).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-1.7e308, 1.7e308, 5e-324, -0.0]),
)
any_y = st.one_of(st.integers(-5, 5).map(float), any_float)
points = st.lists(st.tuples(finite_x, any_y), max_size=60)


def buckets(x, columns, lo, hi):
    """The bucket of each point of the interval, by the definition and one point at a time."""
    edges = [float(lo) * (1 - k / columns) + float(hi) * (k / columns) for k in range(1, columns)]
    for at in range(1, len(edges)):
        edges[at] = max(edges[at], edges[at - 1])
    return [(at, sum(e <= v for e in edges)) for at, v in enumerate(x) if lo <= v <= hi]


def check_laws(x, y, columns, lo, hi, got):
    by_bucket = {}
    for at, bucket in buckets(x, columns, lo, hi):
        by_bucket.setdefault(bucket, []).append(at)
    chosen = set(got.index.tolist())
    for inside in by_bucket.values():
        finite = [y[at] for at in inside if math.isfinite(y[at])]
        kept = [y[at] for at in inside if at in chosen and math.isfinite(y[at])]
        assert bool(finite) == bool(kept)
        if finite:
            assert min(kept) == min(finite)
            assert max(kept) == max(finite)
        for infinity in (math.inf, -math.inf):
            assert any(y[at] == infinity for at in inside) == any(
                at in chosen and y[at] == infinity for at in inside
            )
    # A gap stays a gap, and none is made up.
    shown = [at for at in got.index.tolist() if math.isfinite(y[at])]
    for a, b in itertools.pairwise(shown):
        there = any(not math.isfinite(y[at]) for at in range(a + 1, b))
        drawn = any(at in chosen and not math.isfinite(y[at]) for at in range(a + 1, b))
        assert there == drawn
    inside = [at for group in by_bucket.values() for at in group]
    finite = [at for at in inside if math.isfinite(y[at])]
    assert {finite[0], finite[-1]} <= chosen if finite else True
    assert got.nan == sum(math.isnan(y[at]) for at in inside)
    assert got.above == sum(y[at] == math.inf for at in inside)
    assert got.below == sum(y[at] == -math.inf for at in inside)
    assert got.shown == len(shown) <= 2 * columns + 4
    assert len(got.index) <= 3 * got.shown + 2 + 2 * columns
    assert got.total == len(y)


@given(points, st.integers(1, 12))
def test_the_whole_series(series, columns):
    series = sorted(series, key=lambda point: point[0])
    x, y = [p[0] for p in series], [p[1] for p in series]
    got = minmax(x, y, columns)
    assert got.index.tolist() == sorted(set(got.index.tolist()))
    if series:
        check_laws(x, y, columns, x[0], x[-1], got)


@given(points, st.integers(1, 12), finite_x, finite_x)
def test_an_interval(series, columns, one, other):
    series = sorted(series, key=lambda point: point[0])
    x, y = [p[0] for p in series], [p[1] for p in series]
    lo, hi = min(one, other), max(one, other)
    check_laws(x, y, columns, lo, hi, minmax(x, y, columns, lo, hi))


@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), any_y), min_size=1, max_size=40),
    st.integers(1, 12),
    st.floats(-60, 60),
    st.floats(0, 60),
)
def test_integer_steps_are_not_turned_into_floats(series, columns, lo, width):
    small = sorted((step % 97 - 48, value) for step, value in series)
    x = np.array([p[0] for p in small])
    y = [p[1] for p in small]
    check_laws(x.tolist(), y, columns, lo, lo + width, minmax(x, y, columns, lo, lo + width))
    big = np.array(sorted(step for step, _ in series))
    assert set(minmax(big, y, columns).index.tolist()) <= set(range(len(big)))


@given(st.lists(st.tuples(any_float, any_y), max_size=40), st.integers(1, 8))
def test_steps_may_go_back_repeat_or_be_missing(series, columns):
    x = np.array([p[0] for p in series])
    y = np.array([p[1] for p in series])
    got = minmax(x, y, columns)
    placed = [at for at in range(len(x)) if math.isfinite(x[at])]
    placed.sort(key=lambda at: x[at])
    order = ascending(x)
    assert (list(range(len(x))) if order is None else order.tolist()) == placed
    again = minmax(x[placed], y[placed], columns, ordered=True)
    assert got.index.tolist() == [placed[at] for at in again.index]
    assert got.total == len(y)


@given(st.lists(any_float, max_size=30))
def test_in_order_means_finite_and_never_falling(x):
    expected = all(map(math.isfinite, x)) and x == sorted(x)
    assert is_ascending(np.array(x)) == expected


def test_disorder_is_found_beyond_the_first_chunk():
    x = np.arange(200_000.0)
    assert is_ascending(x)
    x[65_536] = 0
    assert not is_ascending(x)


def test_a_spike_in_a_million_is_kept_at_every_zoom():
    x = np.arange(1_000_000)
    y = np.sin(x / 1e5)
    y[777_777] = 50
    half = 1_000_000
    while half > 1:
        got = minmax(x, y, 100, 777_777 - half, 777_777 + half, ordered=True)
        assert y[got.index].max() == 50
        half //= 3


def test_the_neighbours_of_an_interval_come_along():
    got = minmax([0, 10, 20, 30], [1, 2, 3, 4], 5, 12, 18)
    assert got.index.tolist() == [1, 2]
    got = minmax([0, 10, 20, 30], [1, math.nan, 3, 4], 5, 12, 25)
    assert got.index.tolist() == [1, 2, 3]


def test_what_cannot_be_decimated():
    with pytest.raises(ValueError, match="one length"):
        minmax([1, 2], [1], 3)
    with pytest.raises(ValueError, match="column"):
        minmax([1], [1], 0)
    with pytest.raises(ValueError, match="empty"):
        minmax([1], [1], 3, 2, 1)
    with pytest.raises(ValueError, match="empty"):
        minmax([1], [1], 3, math.nan, 1)
