"""What holds for runs and lists of them."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from ..api.errors import NotFoundError, RefusedError
from ..api.evaluate import matches
from ..api.lists import RunQuery, all_of
from ..api.order import run_fields
from ..api.protocols import Registry
from ..api.query import RUNS, Field, Sort
from ..api.runs import Dataset, Fields, Run, Status
from ..api.times import rfc3339
from .maker import START, Given, Maker, now, parsed, unique
from .suite import NEVER, Suite

NAN, INFINITE = float("nan"), float("inf")
DATA = Dataset(name="people", digest="d1", source_type="local", source="people.csv")
VARIED = (
    Given(
        name="alpha", params={"depth": "3"}, tags={"team": "risk"}, datasets=[DATA],
        series={"m": [(0, 0.5), (1, 2.5)]},
    ),
    Given(name="beta", status=Status.FAILED, params={"depth": "10"}, series={"m": [(0, -1.0)]}),
    Given(name="gamma", tags={"team": "Risk"}, series={"m": [(0, NAN)]}, lasted=timedelta(hours=2)),
    Given(name="delta", params={"depth": "deep"}, tags={"team": "ads"}),
    Given(
        name="Alphabet", status=Status.KILLED, params={"depth": "3"}, series={"m": [(0, 0.0)]},
        started_at=START - timedelta(days=2),
    ),
    Given(name="it's", status=Status.RUNNING, lasted=None, series={"m": [(0, 1e300)]}),
)  # fmt: skip
FILTERS = (
    "metrics.m > 0",
    "metrics.m <= 0.0",
    "metrics.m = 2.5",
    "metrics.m != 2.5",
    "metrics.m = nan",
    "has metrics.m",
    "not metrics.m > 0",
    'params.depth = "3"',
    "params.depth = 3",
    "params.depth > 3",
    "params.depth != 3",
    "has params.depth",
    "tags.team = risk",
    "tags.team ~ risk",
    "tags.team != risk",
    "not has tags.team",
    "status = failed",
    "status in (failed, killed)",
    "not status = finished",
    "name ~ alpha",
    'name ~ "^alpha"',
    "name = alpha",
    'name = "it\'s"',
    "name !~ a",
    "duration > 2m",
    f'started < "{rfc3339(START - timedelta(days=1))}"',
    "dataset = people",
    "dataset = d1",
    "alpha",
    "status = finished and metrics.m > 0",
    "status = failed or metrics.m > 0",
    "not (status = finished and (has tags.team or metrics.m > 0))",
)


@pytest.mark.asyncio
class RunsContract(Suite):
    """Exact, in order, whole: the same from every backend."""

    async def runs_of(
        self, maker: Maker, given: Sequence[Given]
    ) -> tuple[str, Mapping[str, Given]]:
        """An experiment of these runs: its name, and the runs by their ids."""
        name = unique("runs")
        experiment = await maker.experiment(name, tags={}, note="")
        return name, {await maker.run(experiment, one): one for one in given}

    async def test_a_run_comes_back_as_it_was_made(self, registry: Registry, maker: Maker) -> None:
        name, made = await self.runs_of(maker, VARIED)
        for run_id, given in made.items():
            found = await registry.run(run_id)
            assert (found.id, found.name, found.experiment) == (run_id, given.name, name)
            assert (found.status, found.parent_id, found.deleted_at) == (given.status, None, None)
            assert (found.started_at, found.ended_at) == (given.started_at, given.ended_at)
            assert found.params == given.params
            assert found.tags.items() >= given.tags.items()
            assert found.metrics.keys() == given.series.keys()
            for key, points in given.series.items():
                assert _same(found.metrics[key], points[-1][1])

    async def test_texts_of_runs_are_exact(self, registry: Registry, maker: Maker) -> None:
        given = [
            Given(name=f"t{n}", params={"p": text}, tags={"t": text})
            for n, text in enumerate(self.TEXTS)
        ]
        name, made = await self.runs_of(maker, given)
        listed = {one.id: one for one in await _all(registry, RunQuery(experiments=[name]))}
        for run_id, one in made.items():
            for found in (await registry.run(run_id), listed[run_id]):
                assert found.params == one.params
                assert found.tags["t"] == one.tags["t"]

    async def test_numbers_are_exact(self, registry: Registry, maker: Maker) -> None:
        values = [0.1, 1 / 3, -1e-300, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, NAN]
        values += [INFINITE, -INFINITE] if self.INFINITIES else []
        given = [Given(name=str(value), series={"m": [(0, value)]}) for value in values]
        name, made = await self.runs_of(maker, given)
        for found in await _all(registry, RunQuery(experiments=[name])):
            assert _same(found.metrics["m"], made[found.id].series["m"][0][1])

    async def test_the_ways_to_name_a_run(self, registry: Registry, maker: Maker) -> None:
        word = unique("named")
        _, made = await self.runs_of(maker, [Given(name=word)])
        (run_id,) = made
        for ref in (run_id, run_id[:-1], word):
            assert (await registry.run(ref)).id == run_id
        for ref in (NEVER, unique("none"), "..", "a/b"):
            with pytest.raises(NotFoundError) as caught:
                await registry.run(ref)
            assert ref in str(caught.value)

    @pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
    async def test_runs_by_a_metric_are_numbers_then_nan_then_missing(
        self, registry: Registry, maker: Maker, descending: bool
    ) -> None:
        name, _ = await self.runs_of(maker, VARIED)
        sort = [Sort(Field("m", "metrics"), descending)]
        window = await registry.runs(RunQuery(experiments=[name], sort=sort))
        found = [one.name for one in await all_of(window)]
        numbers = ["beta", "Alphabet", "alpha", "it's"]
        wanted = [*(reversed(numbers) if descending else numbers), "gamma", "delta"]
        assert sorted(found) == sorted(wanted)
        assert found == wanted or window.notes, "an order of its own is said"

    @pytest.mark.parametrize("field", ["name", "status", "started", "duration", "params.depth"])
    async def test_an_order_of_runs_loses_nothing(
        self, registry: Registry, maker: Maker, field: str
    ) -> None:
        name, made = await self.runs_of(maker, VARIED)
        of, _, word = field.rpartition(".")
        for descending in (False, True):
            query = RunQuery(experiments=[name], sort=[Sort(Field(word, of), descending)])
            try:
                found = {one.id for one in await _all(registry, query)}
            except RefusedError as error:
                # It says that it has no such order, which is better than another one.
                found = set(made) if field in str(error) else set()
            assert found == set(made)

    async def test_the_newest_runs_are_first(self, registry: Registry, maker: Maker) -> None:
        given = [
            Given(name=str(n), started_at=START + timedelta(minutes=n % 5, seconds=n))
            for n in range(10)
        ]
        name, _ = await self.runs_of(maker, given)
        found = await _all(registry, RunQuery(experiments=[name]))
        times = [one.started_at for one in found]
        assert times == sorted(times, key=lambda time: time or START, reverse=True)

    async def test_pages_of_runs_have_no_gaps_and_no_repeats(
        self, registry: Registry, maker: Maker
    ) -> None:
        given = [
            Given(name=f"p{n:02}", started_at=START + timedelta(seconds=n // 3)) for n in range(23)
        ]
        name, made = await self.runs_of(maker, given)
        window = await registry.runs(RunQuery(experiments=[name]), first=5)
        assert len(window.first) == 5
        assert window.count in (None, 23)
        assert window.at_least <= 23
        found: list[str] = []
        while page := await window.page(len(found), 4):
            assert len(page) <= 4
            found += [one.id for one in page]
        assert sorted(found) == sorted(made)
        assert [one.id for one in window.first] == found[:5]
        await window.whole()
        assert window.count == 23, "its end was reached"
        assert list(await window.keys()) == found
        assert [await window.index_of(one) for one in found] == list(range(23))
        assert await window.index_of(NEVER) is None
        assert [one.id for one in await window.page(7, 3)] == found[7:10], "rows keep their places"
        assert await window.page(23, 10) == await window.page(100, 1) == []

    async def test_filters_of_runs_mean_what_they_mean_everywhere(
        self, registry: Registry, maker: Maker
    ) -> None:
        name, made = await self.runs_of(maker, VARIED)
        known = [(await registry.run(one), await registry.datasets(one)) for one in made]
        wrong = {}
        for text in FILTERS:
            where = parsed(text, RUNS)
            assert where is not None
            wanted = {
                run.name for run, data in known if matches(where, run_fields(run, data, now()))
            }
            assert 0 < len(wanted) < len(VARIED), f"{text} tells them apart"
            found = {
                one.name for one in await _all(registry, RunQuery(experiments=[name], where=where))
            }
            if found != wanted:
                wrong[text] = f"found {sorted(found)}, not {sorted(wanted)}"
        assert wrong == {}

    async def test_parents_and_children(self, registry: Registry, maker: Maker) -> None:
        name = unique("nested")
        experiment = await maker.experiment(name, tags={}, note="")
        parent = await maker.run(experiment, Given(name="parent"))
        children = {
            await maker.run(experiment, Given(name=f"child {n}", parent=parent)) for n in range(3)
        }
        top = await _all(registry, RunQuery(experiments=[name], top=True))
        assert [one.id for one in top] == [parent]
        below = await _all(registry, RunQuery(experiments=[name], parent=parent))
        assert {one.id for one in below} == children
        assert {one.parent_id for one in below} == {parent}

    async def test_experiments_are_kept_apart(self, registry: Registry, maker: Maker) -> None:
        one, mine = await self.runs_of(maker, [Given(name="x")])
        two, others = await self.runs_of(maker, [Given(name="x")])
        for names, wanted in (([one], mine), ([one, two], {**mine, **others}), ([], {})):
            found = await _all(registry, RunQuery(experiments=names))
            assert {run.id for run in found} == set(wanted)

    async def test_keys_and_the_fields_that_are_asked_for(
        self, registry: Registry, maker: Maker
    ) -> None:
        name, made = await self.runs_of(maker, VARIED)
        query = RunQuery(experiments=[name])
        keys = await registry.run_keys(query)
        assert {"m"} <= set(keys.metrics)
        assert {"depth"} <= set(keys.params)
        assert {"team"} <= set(keys.tags)
        fields = Fields(metrics=["m"], params=[], tags=["team"])
        for one in await _all(registry, RunQuery(experiments=[name], fields=fields)):
            given = made[one.id]
            assert (one.metrics.keys(), one.params) == (given.series.keys(), {})
            assert one.tags == given.tags

    async def test_what_a_run_used(self, registry: Registry, maker: Maker) -> None:
        _, made = await self.runs_of(maker, VARIED[:2])
        first, second = made
        [data] = await registry.datasets(first)
        assert (data.name, data.digest) == ("people", "d1")
        assert list(await registry.datasets(second)) == []
        assert list(await registry.evaluations(first)) == []
        assert (await registry.usage(first)).wall_seconds in (60.0, None)
        assert await registry.lock("sha256:none") is None


async def _all(registry: Registry, query: RunQuery) -> Sequence[Run]:
    return await all_of(await registry.runs(query))


def _same(found: float, wanted: float) -> bool:
    return found == wanted or (math.isnan(found) and math.isnan(wanted))
