"""What a server gives for a pushed filter holds all that fits; what comes out is exactly that."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modeldeck.backends.api.evaluate import matches
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.order import run_fields
from modeldeck.backends.api.query import And, Compare, Field, Has, In, Not, Or, Sort
from modeldeck.backends.api.runs import Fields, Shelf
from modeldeck.backends.api.said import said
from tests.mlflow.reaching import every_run, reach

pytestmark = [pytest.mark.real, pytest.mark.slow]

KINDS = ("3", "2")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
NONE = Fields(metrics=(), params=(), tags=())
START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
METRICS = ("auc", "single/0", "single/2", "single/3", "nan last", "Größe 模型", "a-b_c.d e", "none")
PARAMS = ("seed", "empty", "odd/markup", "odd/lines", "odd/looks like NaN", "odd/spaces", "long")
TAGS = ("stage", "empty", "odd.escape", "odd.bidi", "mlflow.user", "mlflow.parentRunId", "none")
TEXTS = (
    "",
    "1",
    "12",
    "one",
    "TWO",
    "ada",
    "trial",
    "Trial 1 FOLD",
    "fold_1",
    "50%",
    "größe",
    "GRÖSSE",
    "ſweep",
    "\N{KELVIN SIGN}",
    "it's",
    'say "x"',
    "both ' and \"",
    "back\\slash",
    "[red]",
    r"\[red\]",
    "^t.*1$",
    "NaN",
    "x;y -- z",
    "模型",
    "train.py",
)
NUMBERS = (0.0, -0.0, 0.5, 0.61, 1e-300, -1e308, 1.7976931348623157e308, math.inf, math.nan, 7.0)


def fields(of, names):
    return st.sampled_from(names).map(lambda name: Field(name, of))


texts = st.sampled_from(TEXTS)
keys = fields("params", PARAMS) | fields("tags", TAGS)
words = st.sampled_from(
    [Field(name) for name in ("name", "id", "user", "parent", "git", "note", "dataset")]
)
times = st.integers(0, 50 * 60_000_000).map(lambda us: START + timedelta(microseconds=us))
terms = st.one_of(
    st.builds(
        Compare,
        fields("metrics", METRICS),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        Compare,
        keys,
        st.sampled_from(["=", "!=", "<", ">="]),
        st.sampled_from(NUMBERS) | texts,
    ),
    st.builds(Compare, keys | words, st.sampled_from(["=", "!=", "~", "!~"]), texts),
    st.builds(In, keys | words, st.lists(texts, min_size=1, max_size=3)),
    st.builds(Has, keys | words | fields("metrics", METRICS)),
    st.builds(Has, st.sampled_from([Field("started"), Field("ended"), Field("duration")])),
    st.builds(
        Compare,
        st.sampled_from([Field("started"), Field("ended")]),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        times,
    ),
    st.builds(Compare, st.just(Field("duration")), st.sampled_from(["<", ">="]), st.just(45.5)),
    st.builds(
        In,
        st.just(Field("status")),
        st.lists(st.sampled_from(["running", "finished", "failed", "killed"]), min_size=1),
    ),
    st.builds(Compare, st.just(Field("experiment")), st.sampled_from(["=", "!=", "~"]), texts),
    st.just(Compare(Field("experiment"), "=", "fraud")),
)
expressions = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=3)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(params=KINDS)
def store(request, mlflow_store):
    return mlflow_store(f"{request.param}-sqlite")


@pytest.fixture
async def server(store, mlflow_server):
    found = reach(mlflow_server(store.kind[0], store=store.path))
    yield found
    await found.close()


async def test_filters_give_exactly_what_fits(server):
    server._runs._clock = lambda: NOW
    runs = [(run, await server.datasets(run.id)) for run in await every_run(server)]
    tried = []

    # One loop for all examples: hypothesis itself knows none.
    def run_examples(loop_run):
        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @given(expressions)
        def examples(where):
            window = loop_run(server.runs(RunQuery(where=where, shelf=Shelf.ALL, fields=NONE), 50))
            found = loop_run(all_of(window))
            wanted = {run.id for run, data in runs if matches(where, run_fields(run, data, NOW))}
            tried.append(len(wanted))
            assert {run.id for run in found} == wanted, said(where)
            assert len(found) == len(wanted)

        examples()

    await in_thread(run_examples)
    assert sum(0 < count < len(runs) for count in tried) > 25


async def in_thread(work):
    """Run `work` in a thread; what it is given runs a coroutine in this loop and waits for it."""
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(
        work, lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
    )


@pytest.mark.parametrize("way", ["", "-"])
async def test_metrics_are_sorted_with_nan_then_missing_last(server, way):
    sort = Sort(Field("single/2", "metrics"), descending=way == "-")
    window = await server.runs(RunQuery(sort=[sort]))
    first, *rest = window.first
    assert math.isnan(first.metrics["single/2"])  # the only run that has it
    assert rest
    assert not any("single/2" in run.metrics for run in rest)
    window = await server.runs(RunQuery(sort=[Sort(Field("auc", "metrics"), way == "-")]))
    values = [run.metrics["auc"] for run in window.first if "auc" in run.metrics]
    assert values == sorted(values, reverse=way == "-")
    assert "auc" not in window.first[-1].metrics


async def test_runs_are_newest_first_without_a_sort(server):
    starts = [run.started_at for run in (await server.runs(RunQuery())).first]
    assert starts == sorted(starts, reverse=True)


async def test_children_are_found_by_their_parent_and_left_out_by_top(server):
    sweep = await server.run("sweep")
    window = await server.runs(RunQuery(parent=sweep.id))
    assert {run.name for run in window.first} == {f"trial {n}" for n in range(3)}
    top = {run.name for run in (await server.runs(RunQuery(top=True))).first}
    assert {"sweep", "orphan"} <= top
    assert not any(name.startswith("trial") for name in top)
    (row,) = [r for r in (await server.runs(RunQuery(top=True))).first if r.id == sweep.id]
    assert row.children == 3
