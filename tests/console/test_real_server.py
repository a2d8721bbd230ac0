"""A real MLflow server of a real size, operated from the console: browse, move an alias, undo."""

from __future__ import annotations

import pytest

from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.lists import all_of
from tests.console.dump import dump, open_console, press, settled, typed
from tests.servers.fill import MODELS
from tests.servers.lab import make_lab

pytestmark = [pytest.mark.real, pytest.mark.slow]
MODEL = "model 321"


@pytest.fixture
def server(mlflow_server, filled_store):
    return mlflow_server("3", store=filled_store)


@pytest.fixture
def config(server):
    """A context that is this server."""
    make_lab(server.url, auth="none", deadline=60)


@pytest.fixture
async def session(config, tmp_path):
    """As the program opens it."""
    found = await open_session(Wish(), tmp_path)
    yield found
    await found.registry.close()


def champion(server) -> str:
    """Where the alias is, asked past everything of ours."""
    model = server.api("GET", "registered-models/get", name=MODEL)["registered_model"]
    return next(one["version"] for one in model["aliases"] if one["alias"] == "champion")


def posted(session) -> int:
    """How many requests that change something were sent."""
    return sum(
        one.method != "GET" and not one.url.endswith("/search")
        for one in session.registry.exchanges
    )


async def reach(pilot, name: str) -> None:
    """Tab to what has that id."""
    for _ in range(8):
        if pilot.app.screen.focused.id == name:
            return
        await press(pilot, "tab")
    raise AssertionError(f"{name} is never reached")


async def fill_in(pilot, name: str, text: str) -> None:
    await reach(pilot, name)
    await typed(pilot, text)


async def test_from_browsing_to_an_alias_move_and_back(server, session):
    assert champion(server) == "2"
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        assert pilot.app.screen.rows.count == MODELS
        pilot.app.go(f"models /name = '{MODEL}'")
        await settled(pilot)
        assert pilot.app.screen.rows.count == 1
        await press(pilot, "enter")
        assert pilot.app.screen.rows.count == 3
        # The newest version is the first row.
        await press(pilot, "home", "p")
        await typed(pilot, "champion")
        await press(pilot, "enter")
        shown = " ".join(dump(pilot.app).split())
        assert "POST" in shown
        assert "registered-models/alias" in shown
        assert champion(server) == "2", "a plan changes nothing"
        await fill_in(pilot, "ticket", "CHG0431")
        await fill_in(pilot, "reason", "week 48")
        await reach(pilot, "apply")
        await press(pilot, "enter")
        assert champion(server) == "3"
        assert "z undoes it" in dump(pilot.app)
        assert posted(session) == 1
        await press(pilot, "z")
        await reach(pilot, "apply")
        await press(pilot, "enter")
        assert champion(server) == "2"
        assert f"undone: {MODEL}@champion is version" in dump(pilot.app)
        assert posted(session) == 2
        pilot.app.go("audit")
        await settled(pilot)
        assert "CHG0431" in dump(pilot.app)
    await session.registry.settled()
    events = await all_of(await session.registry.events())
    ours = [event for event in reversed(events) if event.phase != "observed"]
    assert [event.phase for event in ours] == ["intent", "done", "intent", "done"]
    assert [event.after["version"] for event in ours] == [3, 3, 2, 2]
    assert ours[2].undo_of is not None


async def test_runs_are_browsed_and_nothing_is_asked_twice(session):
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        screen = pilot.app.screen
        if not screen.nested:
            await press(pilot, "t")
        closed = [n for n, run in enumerate(screen.rows.items()) if run.children]
        assert closed, "runs with others below them"
        await press(pilot, *["j"] * closed[0], "right")
        first = screen.rows.item(closed[0])
        below = screen.rows.item(closed[0] + 1)
        assert below.parent_id == first.id
        pilot.app.go("runs /name ~ 'run 1'")
        await settled(pilot)
        before = [one.url for one in session.registry.exchanges]
        await press(pilot, *["pagedown"] * 4)
        assert pilot.app.screen.table.cursor > 100
        searches = len(session.registry.exchanges) - len(before)
        await press(pilot, *["pageup"] * 4)
        assert pilot.app.screen.table.cursor == 0
        assert len(session.registry.exchanges) - len(before) == searches
