"""A console that starts while the server is away, with what was kept on disk: as the program is."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from modeldeck.app.config.paths import cache_folder
from modeldeck.app.remote import forget_answers
from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.ages import Age
from modeldeck.backends.api.errors import UnreachableError
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.plan import Change
from tests.console.dump import dump, open_console, press, settled
from tests.console.slow_server import EXPERIMENT, INFO
from tests.http.serving import answer, serving
from tests.servers.lab import make_lab

pytestmark = [pytest.mark.simulated, pytest.mark.slow]

TOKEN = "s3cret-token"
CHAMPION = "models/fraud@champion"
RUN = {
    "info": INFO,
    "data": {"metrics": [{"key": "auc", "value": 0.9, "timestamp": 1_700_000_000_000}]},
}
MODEL = {"name": "fraud", "aliases": [{"alias": "champion", "version": "1"}]}
VERSIONS = [{"name": "fraud", "version": number, "source": f"s3://b/{number}"} for number in "12"]
SAYS = {
    "experiments/search": {"experiments": [EXPERIMENT]},
    "runs/search": {"runs": [RUN]},
    "registered-models/search": {"registered_models": [MODEL]},
    "registered-models/get": {"registered_model": MODEL},
    "model-versions/search": {"model_versions": VERSIONS},
    "model-versions/get": {"model_version": VERSIONS[1]},
}


async def mlflow(request, line):
    """What an MLflow of one run and one model says."""
    path = request.target.partition("?")[0].partition("/api/2.0/mlflow/")[2]
    said = SAYS.get(path)
    body = json.dumps(said or {"error_code": "ENDPOINT_NOT_FOUND", "message": "no"})
    await line.write(answer(body, 200 if said else 404))


@pytest.fixture
def config(monkeypatch):
    """A context with answers on disk; gives a function that says where its server is."""
    monkeypatch.setenv("LAB_TOKEN", TOKEN)

    def write(url: str, cache: str = "disk") -> None:
        make_lab(url, auth="token", credential_env="LAB_TOKEN", cache=cache)

    return write


@asynccontextmanager
async def opened(tmp_path, later=timedelta()) -> AsyncIterator:
    """The context, at a time that is `later` than now."""
    session = await open_session(Wish(), tmp_path)
    shifted = replace(session, clock=lambda: datetime.now().astimezone() + later)
    try:
        yield shifted
    finally:
        await session.registry.close()


async def look(pilot):
    """The list of runs and of models, as they stand there."""
    found = []
    for noun in ("runs", "models"):
        pilot.app.go(noun)
        await settled(pilot)
        found.append(dump(pilot.app))
    return found


async def test_the_last_lists_are_there_with_their_age_and_why(config, tmp_path):
    async with serving(mlflow) as served:
        config(served.url)
        async with opened(tmp_path) as session, open_console(session, size=(140, 24)) as pilot:
            runs, models = await look(pilot)
            assert "forest" in runs
            assert "fraud" in models
            assert "old)" not in runs + models
    files = [path for path in cache_folder().rglob("*") if path.is_file()]
    assert files
    assert not any(TOKEN.encode() in path.read_bytes() for path in files)
    assert {path.parent for path in files} == {cache_folder() / "contexts" / "lab"}
    async with (
        opened(tmp_path, timedelta(hours=3)) as session,
        open_console(session, size=(140, 24)) as pilot,
    ):
        start = dump(pilot.app)
        assert "forest" in start, "the overview"
        assert "fraud" in start
        runs, models = await look(pilot)
        for shown, name in ((start, ""), (runs, "forest"), (models, "fraud")):
            assert name in shown
            assert re.search(r"mlflow \d\d:\d\d:\d\d \(3h old\): ", shown), shown
        await press(pilot, "?")
        assert "failed" in dump(pilot.app) or "connect" in dump(pilot.app)
        # What was never seen is not made up.
        pilot.app.go("runs /status = failed")
        await settled(pilot)
        assert "forest" not in dump(pilot.app)
        await session.registry.settled()
        events = await all_of(await session.registry.events())
        assert not [event for event in events if event.phase == "observed"]


async def test_no_change_and_no_command_is_based_on_it(config, tmp_path):
    change = Change(CHAMPION, "version", 1, 2)
    async with serving(mlflow) as served:
        config(served.url)
        async with opened(tmp_path) as session:
            with Age(session.clock(), old=True):
                await session.registry.models()
                await session.registry.model("fraud")
                await session.registry.version("fraud", 2)
                await session.registry.runs(RunQuery())
            plan = await plan_set(session, "fraud", "champion", 2)
    async with opened(tmp_path) as session:
        registry = session.registry
        with Age(session.clock(), old=True) as age:
            assert (await registry.model("fraud")).aliases == {"champion": 1}
            assert age.missed is not None
            assert (await registry.models()).count == 1
            assert (await registry.runs(RunQuery())).count == 1
            for ask in (
                registry.server.read_field(CHAMPION, "version"),
                registry.server.read_field("models/fraud/2", "content"),
                registry.server.write_field(change),
                registry.apply(plan, session.actor, session.context),
            ):
                with pytest.raises(UnreachableError):
                    await ask
        # Nor is what was read in there kept in memory for others.
        for ask in (
            registry.models(),
            registry.runs(RunQuery()),
            plan_set(session, "fraud", "champion", 2),
        ):
            with pytest.raises(UnreachableError):
                await ask


@pytest.mark.parametrize("how", ["memory", "off", "forgotten"])
async def test_without_it_there_is_nothing(config, tmp_path, how):
    async with serving(mlflow) as served:
        config(served.url, "disk" if how == "forgotten" else how)
        async with opened(tmp_path) as session:
            with Age(session.clock(), old=True):
                await session.registry.models()
    if how == "forgotten":
        assert (cache_folder() / "contexts" / "lab").exists()
        forget_answers("lab")
    assert not (cache_folder() / "contexts" / "lab").exists()
    async with opened(tmp_path) as session:
        with pytest.raises(UnreachableError), Age(session.clock(), old=True):
            await session.registry.models()
