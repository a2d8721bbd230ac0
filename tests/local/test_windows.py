"""A window is a plain list of which only what is looked at is loaded."""

from __future__ import annotations

import asyncio
import struct
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.parse import parse_filter
from modeldeck.backends.api.query import RUNS, Field, Sort
from modeldeck.backends.api.runs import Experiment, Fields, Shelf

from .records import NOW, ORIGIN, fresh, passing, record

FIRST = [Experiment(id="first", name="first"), Experiment(id="other", name="other")]


def many(count, **fields):
    return [
        record(f"{n:04d}", started_at=NOW + timedelta(seconds=n), metrics={"m": n % 7}, **fields)
        for n in range(count)
    ]


@pytest.fixture
async def backend(tmp_path):
    found = fresh(tmp_path)
    await found.take(ORIGIN, "test", experiments=FIRST, runs=many(250))
    yield found
    await found.close()


async def test_pages_and_places_are_those_of_the_list(backend):
    window = await backend.runs(RunQuery(), 10)
    ids = [f"{n:04d}" for n in reversed(range(250))]
    assert (window.count, window.at_least) == (None, 10)
    assert [run.id for run in window.first] == ids[:10]
    assert [run.id for run in await window.page(3, 4)] == ids[3:7]
    assert window.count is None, "what is loaded already asks for nothing"
    for start, limit in ((0, 10), (5, 20), (240, 20), (250, 5), (0, 0), (300, 1)):
        assert [run.id for run in await window.page(start, limit)] == ids[start : start + limit]
    assert (window.count, window.at_least) == (250, 250)
    assert await window.index_of("0000") == 249
    assert await window.index_of("0249") == 0
    assert await window.index_of("none") is None
    assert await window.keys() == ids


async def test_a_list_that_fits_its_first_page_is_whole_at_once(backend):
    window = await backend.runs(RunQuery(where=parse_filter("name = 0007", RUNS, NOW)), 10)
    assert (window.count, [run.id for run in window.first]) == (1, ["0007"])
    assert (await backend.runs(RunQuery(), 1000)).count == 250


async def test_rows_keep_their_places_when_some_are_purged(backend):
    window = await backend.runs(RunQuery(), 5)
    await window.whole()
    await backend.registry.write(lambda c: c.execute("DELETE FROM run WHERE uid = '0200'"))
    assert [run.id for run in await window.page(48, 4)] == ["0201", "0199", "0198"]
    assert window.count == 250
    assert await window.index_of("0199") == 50
    assert await window.index_of("0200") is None


async def test_what_is_written_between_first_and_whole_leaves_one_moment(backend):
    window = await backend.runs(RunQuery(), 5)
    late = record("late", started_at=NOW + timedelta(days=1))
    await backend.take(ORIGIN, "test", runs=[late])
    await window.whole()
    assert window.count == 251
    assert [run.id for run in window.first] == ["late", "0249", "0248", "0247", "0246"]
    assert await window.page(0, 5) == window.first


async def test_a_window_of_experiments_parents_and_shelves(backend):
    await backend.take(
        ORIGIN,
        "test",
        runs=[
            record("top", experiment="other"),
            record("child", experiment="other", parent_id="top"),
            record("gone", experiment="other", deleted_at=NOW),
            record("orphan", experiment="other", parent_id="gone"),
        ],
    )

    async def ids(**query):
        window = await backend.runs(RunQuery(sort=[Sort(Field("id"))], **query), 50)
        return [run.id for run in window.first]

    assert await ids(experiments=["other"]) == ["child", "orphan", "top"]
    assert await ids(experiments=["other"], top=True) == ["orphan", "top"]
    assert await ids(parent="top") == ["child"]
    assert await ids(experiments=["other"], shelf=Shelf.DELETED) == ["gone"]
    assert await ids(experiments=["other"], shelf=Shelf.ALL) == ["child", "gone", "orphan", "top"]
    assert await ids(experiments=["OTHER"]) == []
    assert await ids(experiments=[]) == []
    assert (await backend.run("top")).children == 1
    keys = await backend.run_keys(RunQuery(experiments=["other"]))
    assert keys.metrics == []
    assert (await backend.run_keys(RunQuery())).metrics == ["m"]


async def test_only_the_fields_asked_for_are_loaded(tmp_path):
    backend = fresh(tmp_path)
    odd = record("a", metrics={"m": 1.0, "n\0x": 2.0}, params={"p": "1"}, tags={"t": "x", "u": "y"})
    await backend.take(ORIGIN, "test", experiments=FIRST, runs=[odd])
    fields = Fields(metrics=["n\0x", "none"], params=[], tags=["u"])
    run = (await backend.runs(RunQuery(fields=fields))).first[0]
    assert (run.metrics, run.params, run.tags) == ({"n\0x": 2.0}, {}, {"u": "y"})
    await backend.close()


@given(
    st.lists(
        st.sampled_from([float("nan"), float("inf"), 0.0, -0.0, 1.0]) | st.floats(), max_size=5
    )
)
def test_latest_values_come_back_bit_for_bit(values):
    async def work():
        with passing() as backend:
            metrics = {f"m{n}": value for n, value in enumerate(values)}
            await backend.take(
                ORIGIN, "test", experiments=FIRST, runs=[record("a", metrics=metrics)]
            )
            found = (await backend.run("a")).metrics
            return [struct.pack("<d", found[key]) for key in metrics]

    assert asyncio.run(work()) == [struct.pack("<d", value) for value in values]
