"""The time line on the screen: moves, gaps, travelling, then beside now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modeldeck.app.console.screens.timeline import TimelineScreen
from tests.console.dump import check, dump, open_console, press, session_of, settled, typed
from tests.console.releases import HOSTILE, make
from tests.console.timelines import past


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
async def far(made, tmp_path):
    there = Path(shutil.copytree(made, tmp_path / "there" / ".modeldeck"))
    async with past(there, tmp_path / "records") as found:
        yield found


@pytest.fixture
async def session(made, tmp_path):
    session = session_of(shutil.copytree(made, tmp_path / ".modeldeck"))
    yield session
    await session.registry.close()


async def goes(pilot, where: str) -> str:
    pilot.app.go(where)
    await settled(pilot)
    return dump(pilot.app)


async def slash(pilot, text: str) -> str:
    """Go to an instant, as one types it."""
    await press(pilot, "slash")
    await typed(pilot, text)
    await press(pilot, "enter")
    return dump(pilot.app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_moves_of_all_kinds(far, size):
    session, _ = far
    async with open_console(session, size=size) as pilot:
        await goes(pilot, "history fraud")
        await press(pilot, *["left_square_bracket"] * 3)
        check(f"timeline-{size[0]}", dump(pilot.app))
        await press(pilot, "right_square_bracket")
        check(f"timeline-glass-{size[0]}", dump(pilot.app))


async def test_an_instant_between_two_looks_is_not_known(far):
    session, _ = far
    async with open_console(session) as pilot:
        await goes(pilot, "history fraud")
        shown = " ".join((await slash(pilot, "2026-11-22 11:40")).split())
        assert "AT 2026-11-22 11:40:00" in shown
        assert (
            "champion 3, moved to 1 some time between 11:30 and 11:50; not known which at 11:40"
            in shown
        )
        assert "NOW 2" in shown
        shown = await slash(pilot, "2026-11-21 08:00")
        assert shown.count("not known, nothing is known before 08:30") == 2
        shown = await slash(pilot, "14:05")
        assert "still to come" in shown
        assert "AT 2026-11-21 08:00:00" in shown, "it stays where it was"
        await press(pilot, "up")
        assert "AT 2026-11-21 09:30:00" in dump(pilot.app), "the cursor travels on"


async def test_a_server_that_is_away_leaves_what_is_known_and_since_when_nobody_looked(far):
    session, clock = far
    clock.forward(600)
    session.registry.server.down = "it does not answer"
    async with open_console(session) as pilot:
        shown = await goes(pilot, "history fraud")
        assert "when last looked at, 12:10; nobody has looked since" in shown
        assert "NOW not known" in shown
        assert "it does not answer" in shown
        assert "OUTSIDE" in shown


async def test_keys_lead_to_the_event_the_version_the_difference_and_the_command(far, monkeypatch):
    session, _ = far
    async with open_console(session, size=(120, 40)) as pilot:
        await goes(pilot, "history fraud")
        await press(pilot, *["left_square_bracket"] * 3)
        await press(pilot, "enter")
        assert '"phase": "observed"' in dump(pilot.app)
        await press(pilot, "escape", "J")
        assert "fraud v1" in dump(pilot.app)
        await press(pilot, "escape", "D")
        assert "fraud: then v1 -> v2" in dump(pilot.app)
        copied = []
        monkeypatch.setattr(pilot.app, "copy", lambda text: copied.append(text) or "copied")
        await press(pilot, "escape", "Y")
        assert copied == ["modeldeck at 2026-11-22T11:50:00Z fraud"]
        await press(pilot, "d")
        assert "moved 11:30..11:50, seen by poll" in dump(pilot.app)
        await press(pilot, "escape", "h")
        shown = dump(pilot.app)
        assert "fraud@champion  3 moves" in shown
        assert "candidate" not in shown
        await press(pilot, "h")
        assert "this is the history of one alias already" in dump(pilot.app)


async def test_reasons_why_not(session):
    async with open_console(session) as pilot:
        await goes(pilot, "history fraud")
        await press(pilot, "D")
        assert "candidate is there now too" in dump(pilot.app)
        await press(pilot, "right_square_bracket")
        assert "there is no newer move" in dump(pilot.app)
        await press(pilot, "home", "enter")
        assert "there is no event here" in dump(pilot.app)
        await press(pilot, "J")
        assert "there is no version here" in dump(pilot.app)


async def test_h_opens_it_on_a_model_a_version_and_an_alias(session):
    async with open_console(session, address="models") as pilot:
        while pilot.app.screen.current().name != "fraud":
            await press(pilot, "down")
        await press(pilot, "h")
        assert isinstance(pilot.app.screen, TimelineScreen)
        assert (pilot.app.screen.model, pilot.app.screen.alias) == ("fraud", "")
        await press(pilot, "escape", "enter", "h")
        assert pilot.app.screen.model == "fraud"
        pilot.app.open_address("models/fraud/2")
        await settled(pilot)
        await press(pilot, "7", "h")
        assert (pilot.app.screen.model, pilot.app.screen.alias) == ("fraud", "")
        await press(pilot, "escape", "1", "home")
        version = pilot.app.screen
        while version.table.cursor_key != "alias:champion":
            await press(pilot, "down")
        await press(pilot, "h")
        assert pilot.app.screen.alias == "champion"


async def test_hostile_names_and_nothing_at_all(session):
    from modeldeck.app.usecases.aliases import plan_set
    from modeldeck.app.usecases.plans import apply_plan

    plan = await plan_set(session, HOSTILE, "[x]$y", 1, reason=HOSTILE, ticket=HOSTILE)
    await apply_plan(session, plan)
    async with open_console(session) as pilot:
        pilot.app.push_screen(TimelineScreen(HOSTILE))
        await settled(pilot)
        shown = dump(pilot.app)
        assert "\x1b" not in shown
        assert "\\u{1b}]52" in shown
        assert "[x]$y" in shown
        assert "no model 'nobody'" in await goes(pilot, "history nobody")


async def test_of_all_models_the_lower_part_is_that_of_the_row(session):
    async with open_console(session, size=(120, 40)) as pilot:
        shown = await goes(pilot, "history")
        assert "MODEL" in shown
        assert "all models  3 moves" in shown
        assert "AT 2026-11-23 12:30:00  fraud" in shown


async def test_an_empty_registry_says_so(empty):
    async with open_console(empty) as pilot:
        shown = await goes(pilot, "history")
        assert "nothing is known to have happened to any model here" in shown
        await press(pilot, "left_square_bracket")
        assert "there is no older move" in dump(pilot.app)


async def test_of_all_models_only_the_newest_are_read_and_it_says_so(session, monkeypatch):
    monkeypatch.setattr("modeldeck.app.console.screens.timeline.NEWEST", 2)
    async with open_console(session, size=(120, 40)) as pilot:
        shown = await goes(pilot, "history")
        assert "2 moves of aliases  older ones are not shown" in shown
        assert "nothing is known before" not in shown
        assert "older moves are not read here" in await slash(pilot, "yesterday")
