"""Levels of extremes: nothing that a chart must show is lost on the way up."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modeldeck.backends.api.runs import Points
from modeldeck.backends.local import chunks, points
from modeldeck.backends.local.columns import columns
from modeldeck.backends.local.migrations import statements
from modeldeck.backends.local.points import append, read
from modeldeck.backends.local.schema import TELEMETRY
from modeldeck.backends.local.series import forget

from .records import points as made

VALUES = st.sampled_from([0.0, 1.0, 2.0, -3.0, math.nan, math.inf, -math.inf]) | st.floats(
    -9, 9, width=16
)
FLUSHES = st.lists(st.lists(VALUES, max_size=40), min_size=1, max_size=8)


def telemetry():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements("".join(TELEMETRY.steps)):
        connection.execute(statement)
    return connection


def small(patch):
    """Levels after a few points."""
    for name, value in (("SEAL_FROM", 2), ("HOT_POINTS", 8)):
        patch.setattr(points, name, value)
    for name, value in (("CHUNK", 4), ("BLOCK", 4), ("GROUP", 3)):
        patch.setattr(chunks, name, value)


def logged(flushes, *, ended=True):
    connection = telemetry()
    step = 0
    for place, values in enumerate(flushes):
        rows = [(step + at, (step + at) * 10, value) for at, value in enumerate(values)]
        step += len(values)
        append(connection, "r", {"a": made(rows)}, last=ended and place == len(flushes) - 1)
    return connection, [value for values in flushes for value in values]


def kinds(values):
    array = np.array(values, np.float64)
    finite = array[np.isfinite(array)]
    least, most = (finite.min(), finite.max()) if len(finite) else (None, None)
    odd = (np.isnan(array).any(), (array == np.inf).any(), (array == -np.inf).any())
    return least, most, *map(bool, odd)


@given(FLUSHES, st.booleans(), st.integers(1, 40))
def test_every_level_has_the_extremes_and_the_gaps_of_the_series(flushes, ended, most):
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        connection, values = logged(flushes, ended=ended)
        found = read(connection, "r", "a", None, None, "step", most)
        assert kinds(columns(found)[2]) == kinds(values)
        steps = list(found.steps)
        assert steps == sorted(set(steps))
        if values:
            assert steps[0] == 0
            assert steps[-1] == len(values) - 1
        for step, value in zip(found.steps, found.values, strict=True):
            assert value == values[step] or math.isnan(value) == math.isnan(values[step])
        connection.close()


@given(FLUSHES, st.integers(0, 200), st.integers(0, 200), st.integers(1, 20))
@example([[0.0] * 22, [0.0, 0.0, 1.0, -3.0, 0.0, 1.0, math.nan, 0.0]], 13, 9, 11)
def test_an_interval_has_no_point_outside_and_all_of_a_short_one(flushes, low, width, most):
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        connection, values = logged(flushes)
        found = read(connection, "r", "a", low, low + width, "step", most)
        inside = values[low : low + width + 1]
        assert all(low <= step <= low + width for step in found.steps)
        if len(inside) < most:
            assert len(found) == len(inside)
        connection.close()


def test_one_spike_in_a_million_points_is_on_every_level():
    values = np.random.default_rng(1).random(1_000_000)
    values[654_321] = 7.0
    values[123_456] = math.nan
    steps = np.arange(len(values))
    connection = telemetry()
    whole = Points(*(made([]).steps, made([]).times, made([]).values))
    whole.steps.frombytes(steps.tobytes())
    whole.times.frombytes(steps.tobytes())
    whole.values.frombytes(values.tobytes())
    append(connection, "r", {"a": whole}, last=True)
    for most in (100, 1_000, 30_000):
        found = read(connection, "r", "a", None, None, "step", most)
        assert most <= len(found) < 60 * most
        at = list(found.steps).index(654_321)
        assert found.values[at] == 7.0
        assert 123_456 in found.steps
        for width in (10, 300, 5_000, 70_000, 500_000):
            part = read(connection, "r", "a", 333_333, 333_333 + width - 1, "step", most)
            assert len(part) >= min(width, most), "as many of the interval, not of what meets it"
    near = read(connection, "r", "a", 600_000, 700_000, "time", 100)
    assert max(near.values) == 7.0
    sizes = connection.execute(
        "SELECT level, sum(count) FROM chunk GROUP BY level ORDER BY level"
    ).fetchall()
    assert [level for level, _ in sizes] == [0, 1, 2]
    assert sum(count for level, count in sizes if level) < sizes[0][1] / 20
    connection.close()


def test_a_series_from_before_there_were_levels_is_read_whole_and_summed_up_with_what_comes():
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        patch.setattr(chunks, "_build", lambda *_, **__: None)
        connection, values = logged([[float(n) for n in range(30)]])
        assert len(read(connection, "r", "a", None, None, "step", 2)) == len(values)
        patch.undo()
        small(patch)
        append(connection, "r", {"a": made([(30, 300, 99.0), (31, 310, 1.0)])}, last=True)
        found = read(connection, "r", "a", None, None, "step", 2)
        assert len(found) < len(values)
        assert {min(found.values), max(found.values)} == {0.0, 99.0}
        connection.close()


def test_forgetting_a_run_leaves_nothing_of_its_levels():
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        connection, _ = logged([[float(n) for n in range(40)]])
        assert connection.execute("SELECT count(*) FROM summary").fetchone()[0]
        forget(connection, ["r"])
        for table in ("chunk", "summary", "series", "hot"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
        connection.close()
