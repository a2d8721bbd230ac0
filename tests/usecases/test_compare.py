"""Runs beside one another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.compare import Side, compare, compare_runs, difference
from modeldeck.backends.api.errors import NotFoundError, UsageError
from modeldeck.backends.api.runs import Dataset, Package, Run, Status
from tests.usecases.project import FIRST, SECOND, lock, refused

BOTH = {"auc": "higher", "loss": "lower"}


def side(name: str, *, data: str | None = "d1", locked=None, **fields) -> Side:
    given = {"git": "c1", "dirty": False, "lock": "l1"} | fields
    run = Run(id=name, name=name, experiment="e", status=Status.FINISHED, **given)
    datasets = [Dataset(name="train", digest=data, context="training")] if data else []
    return Side(run=run, datasets=datasets, lock=locked)


def metric_row(*values: float | None, directions=BOTH, key="auc", baseline=0):
    sides = [
        side(str(place), metrics={} if value is None else {key: value})
        for place, value in enumerate(values)
    ]
    return compare(sides, directions, baseline).metrics[0]


def test_deltas_are_exact_in_the_digits_that_are_shown():
    assert metric_row(0.1, 0.3).deltas == [Decimal(0), Decimal("0.2")]
    assert metric_row(0.9312, 0.9355).deltas[1] == Decimal("0.0043")
    assert metric_row(1e-7, 1e7, baseline=1).deltas[0] == Decimal("-9999999.9999999")


@given(st.floats(), st.floats())
def test_a_difference_is_there_for_finite_numbers_only(one, other):
    found = difference(one, other)
    finite = all(abs(value) < float("inf") for value in (one, other))
    assert (found is not None) == finite
    if found is not None:
        assert found == -difference(other, one)


@pytest.mark.parametrize(
    ("key", "values", "best"),
    [
        ("auc", [0.9, 0.95, 0.8], [1]),
        ("loss", [0.9, 0.95, 0.8], [2]),
        ("auc", [0.9, 0.9, 0.8], [0, 1]),
        ("auc", [0.9, 0.9], []),
        ("auc", [0.9, None], []),
        ("auc", [float("nan"), 0.5, 0.4], [1]),
        ("auc", [float("inf"), 0.5, 0.4], [1]),
        ("loss", [float("-inf"), None, 0.4], []),
        ("f1", [0.9, 0.95], []),
    ],
)
def test_best_is_marked_where_a_direction_is_declared(key, values, best):
    assert list(metric_row(*values, key=key).best) == best


def test_only_what_differs_differs():
    found = compare([side("a", params={"x": "1", "y": "2"}), side("b", params={"x": "1"})], BOTH, 0)
    assert [(row.key, row.values, row.differs) for row in found.params] == [
        ("x", ["1", "1"], False),
        ("y", ["2", None], True),
    ]
    assert found.warnings == []
    assert found.lock == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (side("b", data="d2"), "data differs from the baseline too"),
        (side("b", git="c2"), "code differs from the baseline too"),
        (side("b", git="c2", lock="l2"), "code and lock differ from the baseline too"),
        (side("b", data="d2", git="c2", lock="l2"), "data, code and lock differ"),
        (side("b", data=None), "data was not recorded for every run"),
        (side("b", data=None, lock=None), "data and lock were not recorded for every run"),
        (side("b", dirty=True), "with changes that no commit holds: b"),
    ],
)
def test_what_makes_it_no_fair_comparison_is_said(other, words):
    (found,) = compare([side("a"), other], BOTH, 0).warnings
    assert found.startswith(words)


def test_one_that_differs_is_said_even_when_another_is_not_known():
    found = compare([side("a"), side("b", git=None), side("c", git="c2")], BOTH, 0).warnings
    assert [text.split()[0] for text in found] == ["code", "code"]


def test_a_dataset_for_another_purpose_is_other_data():
    a, b = side("a"), side("b")
    b = Side(run=b.run, datasets=[Dataset(name="train", digest="d1", context="test")])
    assert compare([a, b], BOTH, 0).warnings[0].startswith("data differs")


def test_locks_differ_where_what_is_known_differs():
    newer = lock(python="3.12.1", packages=(Package("numpy", "2.1.0", "ab" * 32),))
    sides = [side("a", locked=lock()), side("b", locked=newer), side("c", locked=None)]
    found = compare(sides, BOTH, 0).lock
    assert [(row.key, row.values) for row in found] == [
        ("python", ["3.11.9", "3.12.1", None]),
        ("package xgboost", ["2.1.1 cdcdcdcdcdcd", None, None]),
    ]


async def test_runs_are_read_with_what_they_hold(session):
    found = await compare_runs(session, [FIRST, "xgb-deep"])
    assert [run.id for run in found.runs] == [FIRST, SECOND]
    assert [row.key for row in found.datasets] == ["tx_w46 (training)", "tx_w47 (training)"]
    assert [row.key for row in found.lock] == ["package xgboost"]
    assert len(found.warnings) == 2


async def test_the_baseline_may_be_one_of_them_or_another(session):
    inside = await compare_runs(session, [FIRST, SECOND], baseline="xgb-deep")
    assert ([run.id for run in inside.runs], inside.baseline) == ([FIRST, SECOND], 1)
    outside = await compare_runs(session, [FIRST, "logit"], baseline=SECOND)
    assert ([run.name for run in outside.runs], outside.baseline) == (
        ["xgb-deep", "xgb-base", "logit"],
        0,
    )


async def test_two_to_twenty(session):
    error = await refused(UsageError, lambda: compare_runs(session, [FIRST, FIRST]))
    assert "2 to 20 runs can be compared, these are 1" in str(error)
    await refused(NotFoundError, lambda: compare_runs(session, [FIRST, "nobody"]))
