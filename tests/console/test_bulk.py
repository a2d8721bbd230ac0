"""A thousand runs at once on the screen: a count to type, and a list of what became of each."""

from modeldeck.app.console.screens.runs import RunsScreen
from modeldeck.app.console.screens.text import TextScreen
from modeldeck.app.usecases.locks import plan_lock
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.errors import DeniedError, UnreachableError
from modeldeck.backends.api.ingest import ModelRecord
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Experiment, Shelf
from modeldeck.backends.local.opening import create_registry
from tests.console.dump import NOW, clock, dump, open_console, press, session_of, settled, typed
from tests.console.far import far_session
from tests.local.records import ORIGIN, record

RUNS = 1000
EXPERIMENTS = [Experiment(id="first", name="first")]


def uid(at):
    return f"{at:032x}"


async def filled(folder, runs=RUNS):
    """So many runs, of which three made versions."""
    backend = create_registry(folder, clock=clock)
    rows = [record(uid(at), started_at=NOW, params={"p": str(at % 7)}) for at in range(runs)]
    made = [Version(model="fraud", version=n, run_id=uid(n), created_at=NOW) for n in (1, 2, 3)]
    models = [ModelRecord(model=Model(name="fraud", created_at=NOW), versions=made)]
    await backend.take(ORIGIN, "test", experiments=EXPERIMENTS, runs=rows, models=models)
    await backend.close()
    return folder


async def count(session, shelf):
    window = await session.registry.runs(RunQuery(shelf=shelf))
    await window.whole()
    return window.count


async def confirm(pilot, words):
    pilot.app.screen.query_one("#confirm").focus()
    await typed(pilot, words)
    await press(pilot, "tab", "tab", "enter")
    await settled(pilot)


async def shown(pilot):
    await settled(pilot)
    return dump(pilot.app)


async def test_a_thousand_marked_of_which_some_are_held(tmp_path):
    session = session_of(await filled(tmp_path / "lab"))
    await apply_plan(session, await plan_lock(session, ["fraud/1", "fraud/3"], reason="audit"))
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "ctrl+a")
        assert "1,000 marked" in dump(pilot.app)
        await press(pilot, "delete")
        plan = await shown(pilot)
        assert "Delete 998 runs" in plan
        assert "2 are left out" in plan
        await confirm(pilot, "99")
        assert await count(session, Shelf.ACTIVE) == RUNS
        await press(pilot, "escape", "delete")
        await confirm(pilot, "998")
        await settled(pilot)
        results = pilot.app.screen
        assert isinstance(results, TextScreen)
        told = dump(pilot.app)
        assert "998 done, 2 refused" in told
        first, second, third = [line for line in told.splitlines() if " runs/" in line][:3]
        assert first.strip().startswith(f"refused  runs/{uid(1)}")
        assert "it made fraud/1, which is locked" in first
        assert second.strip().startswith(f"refused  runs/{uid(3)}")
        assert third.strip().startswith("done     runs/")
        assert await count(session, Shelf.DELETED) == 998
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, RunsScreen)
        assert "marked" not in dump(pilot.app)
        assert pilot.app.screen.rows.count == 2
    await session.registry.close()


async def test_on_a_server_each_that_fails_is_told_and_the_rest_is_done(tmp_path):
    session = far_session(await filled(tmp_path / "there", 120), tmp_path / "records", size=500)
    server = session.registry.server
    fails = {
        uid(5): DeniedError("ada may not delete this run"),
        uid(9): UnreachableError("the answer was lost"),
    }
    deleted = {}

    async def read_field(subject, field):
        return deleted.get(subject.removeprefix("runs/"))

    async def write_field(change):
        run = change.subject.removeprefix("runs/")
        if run in fails:
            raise fails[run]
        deleted[run] = change.after

    server.read_field, server.write_field = read_field, write_field
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "ctrl+a", "delete")
        assert "Delete 120 runs" in await shown(pilot)
        pilot.app.screen.query_one("#reason").focus()
        await typed(pilot, "a sweep that nobody needs")
        await confirm(pilot, "prod 120")
        await settled(pilot)
        told = dump(pilot.app)
        assert "118 done, 1 refused, 1 unknown" in told
        first, second, third = [line for line in told.splitlines() if " runs/" in line][:3]
        assert first.strip().startswith(f"unknown  runs/{uid(9)}  the answer was lost")
        assert second.strip().startswith(f"refused  runs/{uid(5)}  ada may not delete this run")
        assert third.strip().startswith("done     runs/")
    assert len(deleted) == 118
    await session.registry.close()
