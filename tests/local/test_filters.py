"""The filter language means the same over SQL, by walk and by sets, as over values in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.overview import _failed
from modeldeck.backends.api.evaluate import literal, matches, pattern
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.parse import parse_filter
from modeldeck.backends.api.query import (
    RUNS,
    And,
    Compare,
    Expression,
    Field,
    Has,
    In,
    Not,
    Or,
)
from modeldeck.backends.api.runs import Dataset, Experiment, Fields, Status
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local import selections, windows
from modeldeck.backends.local.runs import runs_by_id
from modeldeck.backends.local.windows import RunListing

from .records import NOW, ORIGIN, fresh, passing, record

WAYS = st.tuples(st.sampled_from([0, 2000]), st.sampled_from([0, 8000]))
TEXTS = st.one_of(
    st.sampled_from(["", "a", "A", "ab", "aB", "K", "\u212a", "ß", "İ", "é", "É", "a%b", "a_b"]),
    st.sampled_from(["nan", "NaN ", "\tnan", "inf", "-Infinity", "1", "1.0", " 2 ", "１", "1_0"]),
    st.text(alphabet='aAbkK.*é\u212a\x00"\\ ', max_size=4),
)
NUMBERS = st.sampled_from(
    [0.0, -0.0, 1.0, 2.0, 0.1, -1.5, 1e300, float("inf"), float("-inf"), float("nan")]
)
TIMES = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days))
PATTERNS = st.sampled_from(["a", "A", "ab", "K", "ß", "é", "^a", "a$", "a.b", "[ab]", r"a\.b", "1"])
ORDERED = ("=", "!=", "<", "<=", ">", ">=")


@st.composite
def runs(draw: Callable[..., Any], number: int = 0) -> Any:
    maybe = lambda values: draw(st.none() | values)  # noqa: E731
    keys = draw(st.sets(st.sampled_from(["a", "b"])))
    started, ended = maybe(TIMES), maybe(TIMES)
    return record(
        f"{number:02d}{draw(st.sampled_from(['a', 'B', 'f']))}",
        experiment=draw(st.sampled_from(["first", "Second"])),
        name=draw(TEXTS),
        status=draw(st.sampled_from(list(Status))),
        started_at=started,
        ended_at=ended,
        deleted_at=draw(st.sampled_from([None, None, None, NOW])),
        parent_id=maybe(st.sampled_from(["00a", "zz"])),
        user=draw(TEXTS),
        reason=maybe(TEXTS),
        exit_code=maybe(st.integers(-1, 2)),
        note=draw(TEXTS),
        git=maybe(TEXTS),
        params={key: draw(TEXTS) for key in draw(st.sets(st.sampled_from(["a", "b"])))},
        tags={key: draw(TEXTS) for key in draw(st.sets(st.sampled_from(["a", "b"])))},
        metrics={key: draw(NUMBERS) for key in keys},
        datasets=[
            Dataset(name=draw(TEXTS), digest=draw(st.sampled_from(["a", "d1"])))
            for _ in range(draw(st.integers(0, 2)))
        ],
    )


@st.composite
def terms(draw: Callable[..., Any]) -> Expression:
    of = draw(st.sampled_from(["", "", "metrics", "params", "tags"]))
    if of:
        field = Field(draw(st.sampled_from(["a", "b", "none"])), of)
        kind = "number" if of == "metrics" else "either"
    else:
        name = draw(st.sampled_from(sorted(RUNS.attributes)))
        field, kind = Field(name), RUNS.attributes[name].kind
    values = {
        "number": NUMBERS,
        "duration": st.sampled_from([0.0, 86400.0, -86400.0, 172800.0, float("nan")]),
        "time": TIMES,
        "choice": st.sampled_from(RUNS.attributes["status"].choices),
        "either": TEXTS | NUMBERS,
        "text": TEXTS | st.sampled_from(["first", "Second", "00a", "d1"]),
    }[kind]
    shape = draw(st.sampled_from(["compare", "compare", "compare", "in", "has", "like", "nan"]))
    if shape == "nan" and kind in ("number", "duration", "either"):
        return Compare(field, draw(st.sampled_from(ORDERED)), float("nan"))
    if shape == "has":
        return Has(field)
    if shape == "in":
        return In(field, tuple(draw(st.lists(values, min_size=1, max_size=3))))
    if shape == "like" and kind in ("text", "either", "choice"):
        return Compare(field, draw(st.sampled_from(["~", "!~"])), draw(PATTERNS))
    return Compare(field, draw(st.sampled_from(ORDERED)), draw(values))


EXPRESSIONS = st.recursive(
    terms(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: And(tuple(found))),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: Or(tuple(found))),
    ),
    max_leaves=6,
)


def getter(found: Any) -> Callable[[Field], Any]:
    run = found.run
    until = run.ended_at or (NOW if run.status == Status.RUNNING else None)
    lasted = None
    if until is not None and run.started_at is not None:
        lasted = (to_micros(until) - to_micros(run.started_at)) / 1e6
    attributes = {
        "name": run.name,
        "id": run.id,
        "experiment": run.experiment,
        "status": run.status.value,
        "started": run.started_at,
        "ended": run.ended_at,
        "duration": lasted,
        "user": run.user or None,
        "parent": run.parent_id,
        "reason": run.reason or None,
        "exit": None if run.exit_code is None else float(run.exit_code),
        "git": run.git or None,
        "note": run.note or None,
        "dataset": tuple(word for one in found.datasets for word in (one.name, one.digest)) or None,
    }

    def get(field: Field) -> Any:
        if field.of == "metrics":
            metric = found.latest.get(field.name)
            return None if metric is None else metric.value
        if field.of:
            return getattr(run, field.of).get(field.name)
        return attributes[field.name]

    return get


async def listed(records: list[Any], query: RunQuery, page: int) -> tuple[list[str], list[str]]:
    """The ids of a first page along the index, and of the whole list from sets."""
    with passing() as backend:
        experiments = [Experiment(id=name, name=name) for name in ("first", "Second")]
        await backend.take(ORIGIN, "test", experiments=experiments, runs=records)
        window = await backend.runs(query, page)
        first = [run.id for run in window.first]
        listing = RunListing(query, to_micros(NOW))
        whole = backend.registry.read_now(
            lambda c: [run.id for run in runs_by_id(c, listing.whole(c), Fields())]
        )
        await window.whole()
        assert [run.id for run in await window.page(0, len(whole) + 1)] == whole
        return first, whole


RECORDS = st.integers(0, 6).flatmap(lambda count: st.tuples(*(runs(n) for n in range(count))))


@given(RECORDS, EXPRESSIONS, WAYS)
def test_sql_and_evaluator_agree(records, expression, ways):
    with pytest.MonkeyPatch.context() as patch:
        # With nothing small, the walk along an index and the sets are tried; else the few.
        patch.setattr(selections, "SMALL", ways[0])
        patch.setattr(windows, "WALK", ways[1])
        first, whole = asyncio.run(listed(list(records), RunQuery(where=expression), 1))
    fitting = [
        one.run.id
        for one in records
        if one.run.deleted_at is None and matches(expression, getter(one))
    ]
    assert sorted(whole) == sorted(fitting)
    assert first == whole[:1]


@given(st.text(max_size=8))
def test_a_literal_finds_what_its_pattern_finds(text):
    plain = literal(text)
    if plain is not None:
        found = pattern(text)
        assert found.search("x" + plain + "y")
        assert (found.search("ab.c") is not None) == (plain.lower() in "ab.c")


@pytest.mark.parametrize(
    ("text", "meant"),
    [("run-7", "run-7"), (r"a\.b", "a.b"), ("a.b", None), (r"\d", None), ("", ""), ("a\\", None)],
)
def test_literal(text, meant):
    assert literal(text) == meant


async def test_a_thousand_terms_are_no_matter(tmp_path):
    backend = fresh(tmp_path)
    await backend.take(
        ORIGIN,
        "test",
        experiments=[Experiment(id="first", name="first")],
        runs=[record(f"{n:03d}", params={"p": str(n)}) for n in range(5)],
    )
    text = f"params.p in ({', '.join(str(n) for n in range(2, 900))}) or " + " or ".join(
        f"name = n{n}" for n in range(90)
    )
    window = await backend.runs(RunQuery(where=parse_filter(text, RUNS, NOW)))
    assert [run.id for run in window.first] == ["004", "003", "002"]
    await backend.close()


async def test_what_failed_lately_is_found_by_its_indexes():
    def plans(connection: sqlite3.Connection) -> list[str]:
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        try:
            RunListing(query, to_micros(NOW)).first(connection, 8)
        finally:
            connection.set_trace_callback(None)
        return [row[3] for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]

    query = RunQuery(where=parse_filter(_failed(), RUNS, NOW))
    with passing() as backend:
        found = await backend.registry.read(plans)
    assert "SEARCH run USING COVERING INDEX run_ended (deleted_at=? AND ended_at>?)" in found
    assert "SEARCH run USING COVERING INDEX run_started (deleted_at=? AND started_at>?)" in found
    assert not [plan for plan in found if plan.startswith("SCAN run")]
    assert not [plan for plan in found if plan.endswith("INDEX run_ended (deleted_at=?)")]
