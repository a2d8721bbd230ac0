"""How much a server is asked: few, large pages, and nothing twice."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from modeldeck.backends.api.ages import Age
from modeldeck.backends.api.connect import Connection, Limits
from modeldeck.backends.api.errors import NotFoundError, UnreachableError, UsageError
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.runs import Fields
from modeldeck.backends.mlflow import connect, mapping, wire
from modeldeck.backends.mlflow.names import Names
from modeldeck.backends.mlflow.runs import Runs
from tests.mlflow.reaching import asked, reach


@pytest.fixture
async def server(mlflow_server, mlflow_store):
    found = reach(mlflow_server("3", store=mlflow_store("3-sqlite").path))
    yield found
    await found.close()


def test_nothing_is_asked_before_something_is_wanted():
    server = connect(Connection(context="test", url="http://127.0.0.1:9/prefix"))
    assert server.availability("alias.set", "models/fraud").supported
    assert server.link("models/fraud") == "http://127.0.0.1:9/prefix/#/models/fraud"
    assert list(server.exchanges) == []


@pytest.mark.parametrize(("cache", "why"), [("disk", "needs a folder"), ("always", "not known")])
def test_a_cache_that_there_is_not_is_refused(cache, why):
    with pytest.raises(UsageError, match=why):
        connect(Connection(context="test", url="http://127.0.0.1:9", options={"cache": cache}))


class Told:
    """A client that only tells with which limits runs are searched for."""

    limits = Limits(deadline=10, total=30, tries=4)
    away = False

    def __init__(self):
        self.limits_of = {}

    async def pages(self, *_, **__):
        yield wire.ExperimentsPage([wire.Experiment("1", "fraud")])

    async def search(self, path, shape, *, limits=None, order_by=(), **_):
        self.limits_of[tuple(order_by)] = limits
        if limits is not None:
            raise UnreachableError("no answer", way_out="Wait")
        return shape()


async def test_a_sort_that_mlflow_is_slow_at_is_asked_once_and_waited_for():
    """What is given up goes on in the server, and a second try beside it makes both slower."""
    client = Told()
    clock = partial(datetime.now, UTC)
    names = Names(client, mapping.Trouble(), clock, keep=True)
    runs = Runs(client, names, mapping.Trouble(), clock, keep=True)
    await runs.window(RunQuery(), 10)
    with pytest.raises(UnreachableError, match=r"Wait.*name an experiment"):
        await runs.window(RunQuery(sort=[Sort(Field("auc", "metrics"))]), 10)
    plain, slow = client.limits_of.values()
    assert plain is None
    assert (slow.deadline, slow.total, slow.tries) == (120, 120, 1)


class Changing:
    """A client whose list of experiments is held back and changes; it notes what it is asked."""

    limits = Limits(deadline=10, total=30, tries=4)

    def __init__(self):
        self.away = False
        self.there = ["1"]
        self.gone = set()
        self.asked = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def pages(self, *_, **__):
        self.asked.append("experiments")
        await self.gate.wait()
        yield wire.ExperimentsPage([wire.Experiment(one, f"e{one}") for one in self.there])

    async def search(self, path, shape, *, experiment_ids, **_):
        self.asked.append("runs of " + " ".join(sorted(experiment_ids)))
        if self.gone & set(experiment_ids):
            raise NotFoundError("no such experiment")
        self.gate.set()
        runs = [wire.Run(wire.RunInfo(one * 32, experiment_id=one)) for one in experiment_ids]
        return shape(runs)


@pytest.fixture
async def changing(monkeypatch):
    """Runs whose list of experiments was read, and is too old to be taken for what is there."""
    client = Changing()
    clock = partial(datetime.now, UTC)
    monkeypatch.setattr("modeldeck.backends.mlflow.names.AGE", -1.0)
    names = Names(client, mapping.Trouble(), clock, keep=True)
    runs = Runs(client, names, mapping.Trouble(), clock, keep=True)
    await runs.window(RunQuery(), 10)
    client.asked.clear()
    return client, runs


async def shown(runs, experiments=None):
    window = await runs.window(RunQuery(experiments=experiments), 10)
    return [run.experiment for run in window.first]


async def test_runs_are_asked_for_while_old_names_are_read_again(changing):
    client, runs = changing
    client.gate.clear()  # the names come only after the runs were asked for
    async with asyncio.timeout(10):
        assert await shown(runs) == ["e1"]
    assert sorted(client.asked) == ["experiments", "runs of 1"]


async def test_runs_of_a_new_experiment_are_there_though_old_names_were_asked_with(changing):
    client, runs = changing
    client.there = ["1", "2"]
    assert sorted(await shown(runs)) == ["e1", "e2"]
    assert client.asked[-1] == "runs of 1 2"
    assert len(client.asked) == 3
    client.asked.clear()
    assert await shown(runs, ["e2"]) == ["e2"]
    assert sorted(client.asked) == ["experiments", "runs of 2"]


async def test_an_experiment_that_is_gone_is_no_trouble_for_the_others(changing):
    client, runs = changing
    client.there, client.gone = ["2"], {"1"}
    assert await shown(runs) == ["e2"]


async def test_trouble_that_is_not_of_old_names_is_told(changing):
    client, runs = changing
    client.gone = {"1"}
    with pytest.raises(NotFoundError, match="no such experiment"):
        await shown(runs)
    assert sorted(client.asked) == ["experiments", "runs of 1"]


async def test_one_question_at_a_time_finds_out_whether_a_server_is_back(changing):
    client, runs = changing
    client.away = True
    assert await shown(runs) == ["e1"]
    assert client.asked == ["experiments", "runs of 1"]
    client.asked.clear()
    client.away = False
    runs._names.forget()
    client.there = ["2"]
    assert await shown(runs) == ["e2"]
    assert client.asked == ["experiments", "runs of 2"]


@pytest.mark.real
@pytest.mark.slow
async def test_the_screen_of_runs_costs_two_requests(server):
    """Keys for the columns, then the list: the page that told the keys is its first one."""
    with asked(server) as requests:
        keys = await server.run_keys(RunQuery())
        fields = Fields(metrics=keys.metrics[:3], params=keys.params[:2], tags=())
        window = await server.runs(RunQuery(fields=fields), 128)
    assert requests == ["GET experiments/search", "POST runs/search"]
    assert window.count >= 37
    assert {"auc", "loss"} <= set(keys.metrics)
    assert all(set(run.metrics) <= set(fields.metrics) for run in window.first)
    assert all(not run.tags for run in window.first)
    with asked(server) as requests:
        await server.runs(RunQuery(fields=fields), 128)
    assert requests == ["POST runs/search"]  # a new list is asked for anew


@pytest.mark.real
@pytest.mark.slow
async def test_browsing_runs_asks_nothing_twice(server):
    window = await server.runs(RunQuery(), 10)
    ids = [run.id for run in await window.page(0, 37)]
    with asked(server) as requests:
        for start in range(0, 37, 10):
            await window.page(start, 10)
        for _ in range(2):
            for run_id in ids:
                await server.run(run_id)
                await server.usage(run_id)
                await server.series(run_id)
                await server.datasets(run_id)
    ended = [run for run in window.first if run.ended_at]
    assert ended
    assert sorted(requests) == ["GET runs/get"] * len(ids)


@pytest.mark.real
@pytest.mark.slow
async def test_what_is_kept_tells_its_age_and_what_is_written_is_asked_for(server):
    run = await server.run("sweep")
    with Age(server.clock()) as age:
        now = age.at
        await server.run(run.id)
    assert age.at < now
    server.forget()
    with asked(server) as requests, Age(server.clock()) as age:
        now = age.at
        await server.run(run.id)
    assert "GET runs/get" in requests
    assert age.at == now


@pytest.mark.real
@pytest.mark.slow
async def test_without_a_cache_everything_is_asked_for(mlflow_server, mlflow_store):
    server = reach(mlflow_server("3", store=mlflow_store("3-sqlite").path), cache="off")
    try:
        run = await server.run("sweep")
        with asked(server) as requests:
            await server.usage(run.id)
            await server.usage(run.id)
        assert requests.count("GET runs/get") == 2
    finally:
        await server.close()
