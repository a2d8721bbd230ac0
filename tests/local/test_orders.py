"""Runs come in the same order from SQLite as from lists in memory, whichever way is taken."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.query import Compare, Field, Has, Sort
from modeldeck.backends.api.runs import Experiment, Shelf
from modeldeck.backends.local import orders, selections, windows

from .records import NOW, ORIGIN, fresh, record
from .test_filters import getter, listed, runs

FIELDS = st.one_of(
    st.sampled_from(
        ["name", "id", "experiment", "status", "started", "ended", "duration", "user"]
    ).map(Field),
    st.sampled_from(["parent", "reason", "exit", "git", "note"]).map(Field),
    st.builds(Field, st.sampled_from(["a", "b"]), st.sampled_from(["metrics", "params", "tags"])),
)
WAYS = st.tuples(st.sampled_from([0, 2000]), st.sampled_from([0, 8000]))
SORTS = st.lists(st.builds(Sort, FIELDS, st.booleans()), min_size=1, max_size=3)
RECORDS = st.integers(0, 8).flatmap(lambda count: st.tuples(*(runs(n) for n in range(count))))
WHERE = st.sampled_from(
    [None, Has(Field("a", "params")), Compare(Field("a", "metrics"), "!=", 1.0)]
)


def plain(record):
    """SQLite compares folded texts only up to a NUL."""
    run = record.run
    texts = [run.name, run.user, run.reason, run.git, run.note, *run.params.values()]
    return not any("\0" in text for text in [*texts, *run.tags.values()] if text)


@given(RECORDS, SORTS, WHERE, st.sampled_from(list(Shelf)), WAYS)
def test_the_order_is_that_of_lists_in_memory(records, sorts, where, shelf, ways):
    small, walk = ways
    records = [one for one in records if plain(one)]
    with pytest.MonkeyPatch.context() as patch:
        for module in (selections, orders):
            patch.setattr(module, "SMALL", small)
        patch.setattr(windows, "WALK", walk)
        query = RunQuery(where=where, sort=tuple(sorts), shelf=shelf)
        first, whole = asyncio.run(listed(records, query, 1))
    standing = {
        Shelf.ALL: lambda run: True,
        Shelf.ACTIVE: lambda run: run.deleted_at is None,
        Shelf.DELETED: lambda run: run.deleted_at is not None,
    }[shelf]
    inside = [one for one in records if standing(one.run)]
    if sorts[-1].descending:
        inside.reverse()
    assert whole == [one.run.id for one in arranged(inside, getter, where, sorts)]
    assert first == whole[:1]


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        (Sort(Field("m", "metrics")), ["low", "one", "uno", "high", "nan", "non", "none"]),
        (
            Sort(Field("m", "metrics"), descending=True),
            ["high", "uno", "one", "low", "non", "nan", "none"],
        ),
    ],
)
async def test_numbers_then_nan_then_missing_both_ways(tmp_path, sort, ids):
    backend = fresh(tmp_path)
    values = {"nan": float("nan"), "one": 1.0, "high": float("inf"), "uno": 1.0, "low": -1e9}
    records = [record(uid, metrics={"m": value}) for uid, value in values.items()]
    records += [record("none"), record("non", metrics={"m": float("nan")})]
    await backend.take(
        ORIGIN, "test", experiments=[Experiment(id="first", name="first")], runs=records
    )
    window = await backend.runs(RunQuery(sort=[sort]))
    assert [run.id for run in window.first] == ids
    await backend.close()


async def test_a_running_run_has_lasted_until_now(tmp_path):
    backend = fresh(tmp_path)
    from datetime import timedelta

    from modeldeck.backends.api.runs import Status

    hour = timedelta(hours=1)
    records = [
        record("short", started_at=NOW - 9 * hour, ended_at=NOW - 8 * hour),
        record("runs", started_at=NOW - 2 * hour, status=Status.RUNNING),
        record("long", started_at=NOW - 9 * hour, ended_at=NOW - 6 * hour),
        record("lost", started_at=NOW - 9 * hour),
        record("waits", status=Status.SCHEDULED),
    ]
    await backend.take(
        ORIGIN, "test", experiments=[Experiment(id="first", name="first")], runs=records
    )
    window = await backend.runs(RunQuery(sort=[Sort(Field("duration"), descending=True)]))
    assert [run.id for run in window.first] == ["long", "runs", "short", "waits", "lost"]
    await backend.close()
