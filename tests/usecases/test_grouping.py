"""Groups: what SQL counts is what is counted in memory, and the filter of a group finds it."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modeldeck.app.usecases import grouping
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.groups import Group, Spread
from modeldeck.backends.api.lists import ListWindow, RunQuery, all_of
from modeldeck.backends.api.order import run_fields
from modeldeck.backends.api.parse import parse_filter
from modeldeck.backends.api.query import EXPERIMENTS, RUNS, Field
from modeldeck.backends.api.runs import Experiment, Run, Shelf, Status
from tests.local.records import NOW, ORIGIN, fresh, passing, record

FIRST = [Experiment(id="first", name="first"), Experiment(id="other", name="other")]
NUMBERS = st.sampled_from([0.1, 0.25, 1 / 3, -2.5e-7, float("nan"), float("inf"), 7.0])
TEXTS = st.sampled_from(
    ["", "a", "A", "0.1", "nan", 'quo"te', "back\\slash", "a, b", "日本", "\x1b[31m", "x' or 1"]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "params": st.dictionaries(st.just("p"), TEXTS),
            "tags": st.dictionaries(st.just("my tag"), TEXTS),
            "metrics": st.dictionaries(st.sampled_from(["m", 'odd "m"']), NUMBERS),
            "user": TEXTS,
            "name": TEXTS,
            "status": st.sampled_from([Status.FINISHED, Status.FAILED]),
            "exit_code": st.none() | st.sampled_from([0, 1, 137]),
            "hours": st.integers(0, 60),
        }
    ),
    max_size=8,
)
FIELDS = [
    Field("p", "params"),
    Field("my tag", "tags"),
    Field("m", "metrics"),
    Field('odd "m"', "metrics"),
    *map(Field, ("user", "name", "status", "exit", "started", "experiment", "reason")),
]


def field_pairs():
    return st.lists(st.sampled_from(FIELDS), min_size=2, max_size=3, unique=True)


def runs_of(rows):
    found = []
    for at, row in enumerate(rows):
        fields = dict(row)
        hours = fields.pop("hours")
        found.append(record(f"{at:04d}", started_at=NOW - timedelta(hours=hours), **fields))
    return found


def told(groups):
    return sorted((one.count, one.values[0] or "", one.values[0] is None) for one in groups.groups)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(FIELDS))
def test_sql_and_memory_agree_and_the_filter_of_a_group_finds_it(rows, by):
    async def check(backend):
        await backend.take(ORIGIN, "test", experiments=FIRST, runs=runs_of(rows))
        ours = await backend.run_groups(RunQuery(), [by], ["m"])
        runs = await all_of(await backend.runs(RunQuery()))
        facts = [(run_fields(run, (), NOW), run.metrics) for run in runs]
        theirs = grouping._grouped(facts, [by], ["m"], "")
        assert told(ours) == told(theirs)
        assert (ours.counted, ours.distinct) == (len(runs), len(ours.groups))
        spreads = {one.values[0]: one.metrics for one in theirs.groups}
        for group in ours.groups:
            text = grouping.term_of(by, group)
            window = await backend.runs(RunQuery(where=parse_filter(text, RUNS, NOW)))
            await window.whole()
            assert (text, window.count) == (text, group.count)
            for name, spread in group.metrics.items():
                other = spreads[group.values[0]][name]
                assert (spread.low, spread.high) == (other.low, other.high)
                assert spread.mean == pytest.approx(other.mean)
            assert group.metrics.keys() == spreads[group.values[0]].keys()

    with passing() as backend:
        asyncio.run(check(backend))


WHERES = st.sampled_from(["", "params.p = a", "not params.p = a", "not has metrics.m", "exit = 0"])


@settings(max_examples=80, deadline=None)
@given(ROWS, st.sets(st.integers(0, 7)), st.sampled_from(FIELDS), WHERES, st.sampled_from(Shelf))
def test_counts_alone_are_those_of_the_runs_that_are_found(rows, gone, by, where, shelf):
    async def check(backend):
        runs = runs_of(rows)
        for at in gone & set(range(len(runs))):
            runs[at] = replace(runs[at], run=replace(runs[at].run, deleted_at=NOW))
        await backend.take(ORIGIN, "test", experiments=FIRST, runs=runs)
        query = RunQuery(where=parse_filter(where, RUNS, NOW) if where else None, shelf=shelf)
        ours = await backend.run_groups(query, [by], [])
        found = await all_of(await backend.runs(query))
        facts = [(run_fields(run, (), NOW), run.metrics) for run in found]
        assert ours == grouping._grouped(facts, [by], [], "")

    with passing() as backend:
        asyncio.run(check(backend))


@settings(max_examples=40, deadline=None)
@given(ROWS, field_pairs())
def test_by_several_fields_sql_and_memory_agree(rows, by):
    async def check(backend):
        await backend.take(ORIGIN, "test", experiments=FIRST, runs=runs_of(rows))
        ours = await backend.run_groups(RunQuery(), by, [])
        runs = await all_of(await backend.runs(RunQuery()))
        facts = [(run_fields(run, (), NOW), run.metrics) for run in runs]
        assert ours == grouping._grouped(facts, by, [], "")

    with passing() as backend:
        asyncio.run(check(backend))


async def test_deleted_runs_are_counted_on_their_shelf_alone(tmp_path):
    backend = fresh(tmp_path)
    gone = {"deleted_at": NOW}
    rows = [record(f"{n:04d}", metrics={"m": n / 4}, **(gone if n < 3 else {})) for n in range(5)]
    await backend.take(ORIGIN, "test", experiments=FIRST, runs=rows)
    counts = {}
    for shelf in Shelf:
        found = await backend.run_groups(RunQuery(shelf=shelf), [Field("status")], ["m"])
        [group] = found.groups
        counts[shelf] = (group.count, group.metrics["m"].low, group.metrics["m"].high)
    assert counts == {
        Shelf.ACTIVE: (2, 0.75, 1.0),
        Shelf.DELETED: (3, 0.0, 0.5),
        Shelf.ALL: (5, 0.0, 1.0),
    }
    await backend.close()


async def test_groups_are_of_what_a_query_finds_the_largest_first(tmp_path):
    backend = fresh(tmp_path)
    rows = [
        record(f"{n:04d}", started_at=NOW, params={"d": str(n % 3)}, metrics={"m": n / 4})
        for n in range(10)
    ]
    await backend.take(ORIGIN, "test", experiments=FIRST, runs=rows)
    query = RunQuery(where=parse_filter("metrics.m < 2", RUNS, NOW))
    found = await backend.run_groups(query, [Field("d", "params")], ["m", "never"])
    assert [(one.values[0], one.count) for one in found.groups] == [("0", 3), ("1", 3), ("2", 2)]
    assert found.groups[0].metrics == {"m": Spread(0.0, 1.5, 0.75)}
    assert (found.counted, found.distinct, found.note) == (8, 3, "")
    with pytest.raises(UsageError, match="not grouped by duration"):
        await backend.run_groups(RunQuery(), [Field("duration")], [])
    await backend.close()


def test_secrets_and_what_nobody_shares_are_not_grouped():
    assert "masked" in grouping.why_not_by("runs", Field("api_token", "params"))
    assert grouping.why_not_by("runs", Field("id")) == "runs are not grouped by id"
    assert grouping.why_not_by("runs", Field("depth", "params")) == ""
    assert grouping.why_not_by("events", Field("actor")) != ""


def test_a_short_list_is_grouped_over_what_is_loaded():
    items = [Experiment(id=str(n), name=f"e{n}", runs=n % 2) for n in range(5)]
    found = grouping.group_loaded("experiments", items, Field("runs"), whole=False)
    assert [(one.values[0], one.count) for one in found.groups] == [("0", 3), ("1", 2)]
    assert found.note == "of the 5 experiments that are loaded; the server does not count"
    term = grouping.term_of(Field("runs"), found.groups[0])
    assert str(parse_filter(term, EXPERIMENTS, NOW).value) == "0.0"


def test_a_term_joins_the_filter_that_is_there():
    group = Group(values=('a "b"',), count=1)
    term = grouping.term_of(Field("my tag", "tags"), group)
    assert term == 'tags."my tag" = "a \\"b\\""'
    assert grouping.narrowed("x or y", "z") == "(x or y) and z"
    assert grouping.narrowed(" ", "z") == "z"


async def test_where_the_backend_does_not_count_the_loaded_runs_are():
    class Server:
        async def runs(self, query, first):
            return ListWindow(runs, [run.id for run in runs], first=1)

    class Far:
        registry = Server()

        def clock(self):
            return NOW

    runs = [Run(id=str(n), name="x", experiment="e", status=Status.FAILED) for n in range(2)]
    found = await grouping.group_runs(Far(), RunQuery(), [Field("status")], loaded=runs)
    assert [(one.values[0], one.count) for one in found.groups] == [("failed", 2)]
    assert "loaded" in found.note
    found = await grouping.group_runs(Far(), RunQuery(), [Field("status")], loaded=runs, whole=True)
    assert found.note == ""
    assert found == await grouping.group_runs(Far(), RunQuery(), [Field("status")])
