"""However points come in, the same ones come out, in order, bit for bit."""

from __future__ import annotations

import math
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.local import chunks
from modeldeck.backends.local import points as store
from modeldeck.backends.local.columns import Latest, between, in_order
from modeldeck.backends.local.migrations import statements
from modeldeck.backends.local.points import append, latest, read
from modeldeck.backends.local.schema import TELEMETRY
from modeldeck.backends.local.series import forget, infos

from .records import exact, points

VALUES = st.sampled_from(
    [0.0, -0.0, 0.5, 1.0, 1e308, -1e308, math.nan, math.inf, -math.inf, 2**-1074]
)
ROWS = st.tuples(st.integers(-3, 6), st.integers(0, 3), VALUES)
FLUSH = st.dictionaries(st.sampled_from(["a", "b"]), st.lists(ROWS, max_size=12))


def telemetry():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in statements("".join(TELEMETRY.steps)):
        connection.execute(statement)
    return connection


def written(flushes, *, seal_at=(), hot=8):
    """A database with these flushes of run `r`, few points staying hot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", 4)
        patch.setattr(store, "SEAL_FROM", 2)
        patch.setattr(store, "HOT_POINTS", hot)
        connection = telemetry()
        for place, flush in enumerate(flushes):
            found = {key: points(rows) for key, rows in flush.items()}
            append(connection, "r", found, last=place in seal_at)
        return connection


def all_rows(flushes, key):
    return [row for flush in flushes for row in flush.get(key, [])]


@given(st.lists(FLUSH, max_size=6), st.sets(st.integers(0, 5)), st.integers(0, 30))
def test_any_split_into_flushes_reads_as_all_at_once(flushes, seal_at, hot):
    split = written(flushes, seal_at=seal_at, hot=hot)
    for key in ("a", "b"):
        rows = all_rows(flushes, key)
        found = read(split, "r", key, None, None, "step")
        assert exact(found) == exact(in_order(points(rows)))
        assert sorted(zip(found.steps, found.times, strict=True)) == sorted(r[:2] for r in rows)
    split.close()


@given(st.lists(FLUSH, max_size=4), st.integers(-4, 7), st.integers(-4, 7), st.booleans())
def test_a_range_is_what_lies_between(flushes, low, high, by_time):
    by = "time" if by_time else "step"
    connection = written(flushes, seal_at={0})
    for key in ("a", "b"):
        inside = [row for row in all_rows(flushes, key) if low <= row[by_time] <= high]
        found = read(connection, "r", key, low, high, by)
        assert exact(found) == exact(in_order(points(inside)))
    connection.close()


def in_step_time_value(row):
    return row[0], row[1], math.isnan(row[2]), 0.0 if math.isnan(row[2]) else row[2]


@given(st.lists(FLUSH, min_size=1, max_size=5))
def test_latest_is_the_greatest_step_time_value(flushes):
    connection = written(flushes)
    for key in ("a", "b"):
        rows = all_rows(flushes, key)
        row = connection.execute(
            "SELECT latest_step, latest_time, latest_bits FROM series WHERE key = ?", (key,)
        ).fetchone()
        if not rows:
            assert row is None
            continue
        best = max(rows, key=in_step_time_value)
        found = Latest(row[0], row[1], store.float_of(row[2]))
        assert in_step_time_value(found) == in_step_time_value(best)
        one = latest({key: points(rows)})[key]
        assert (one.step, one.value) == (best[0], best[2]) or math.isnan(one.value)
    connection.close()


@given(st.lists(FLUSH, max_size=5))
def test_figures_are_those_of_all_points(flushes):
    connection = written(flushes)
    found = {one.key: one for one in infos(connection, "r")}
    for key in ("a", "b"):
        rows = all_rows(flushes, key)
        assert (key in found) == bool(rows)
        if not rows:
            continue
        finite = [row[2] for row in rows if math.isfinite(row[2])]
        one = found[key]
        assert (one.count, one.finite) == (len(rows), len(finite))
        assert (one.first_step, one.last_step) == (min(r[0] for r in rows), max(r[0] for r in rows))
        assert (one.low, one.high) == (min(finite, default=None), max(finite, default=None))
        assert not math.isnan(one.total)
    connection.close()


def test_nothing_of_one_run_is_read_for_another_and_it_can_be_forgotten():
    connection = telemetry()
    for run in ("r", "s"):
        append(connection, run, {"a": points([(0, 0, 1.0)])}, last=run == "r")
    forget(connection, ["r"])
    assert len(read(connection, "r", "a", None, None, "step")) == 0
    assert len(read(connection, "s", "a", None, None, "step")) == 1
    assert len(read(connection, "s", "none", None, None, "step")) == 0
    connection.close()


def test_a_damaged_chunk_names_its_series():
    connection = telemetry()
    append(connection, "r", {"a": points([(0, 0, 1.0)])}, last=True)
    connection.execute("UPDATE chunk SET points = x'00'")
    with pytest.raises(DamagedError, match="r, series a"):
        read(connection, "r", "a", None, None, "step")
    connection.close()


def test_what_needs_no_copy_is_not_copied():
    one = points([(0, 0, 1.0), (1, 0, 2.0)])
    assert in_order(one) is one
    assert between(one, 0, 5, "step") is one
