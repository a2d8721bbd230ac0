"""Back and forward, where one was, jumps by letters, saved views, what is written."""

import json

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.console.console import Console
from modeldeck.app.console.goto import NOUNS, Goal
from modeldeck.app.console.memory import Memory
from modeldeck.app.console.places import Place, place_of, read_place, screen_for, screen_of, written
from tests.console.dump import NOW, check, dump, open_console, press, session_of, settled, typed
from tests.console.samples import DIRECTIONS

TAB = Settings()


@pytest.fixture
async def session(registry):
    found = session_of(registry, directions=DIRECTIONS)
    yield found
    await found.registry.close()


def crumbs(pilot):
    return pilot.app.crumbs_of(pilot.app.screen)


async def go(pilot, *goals):
    for goal in goals:
        pilot.app.go(goal)
        await settled(pilot)


async def test_back_and_forward_and_the_last_place(session):
    async with open_console(session) as pilot:
        await press(pilot, "alt+left")
        assert "there is no place before this one" in dump(pilot.app)
        await go(pilot, "runs /status = failed", "models", "audit")
        await press(pilot, "alt+left", "ctrl+b")
        assert (pilot.app.screen.noun, pilot.app.screen.where) == ("runs", "status = failed")
        assert len(pilot.app.screen_stack) == 2
        await press(pilot, "alt+right")
        assert pilot.app.screen.noun == "models"
        await press(pilot, "ctrl+f")
        assert pilot.app.screen.noun == "audit"
        await press(pilot, "alt+right")
        assert "there is no place after this one" in dump(pilot.app)
        await press(pilot, "minus")
        assert pilot.app.screen.noun == "models"
        await press(pilot, "minus")
        assert pilot.app.screen.noun == "audit"
        await press(pilot, "alt+left", "alt+left")
        await go(pilot, "trash")
        await press(pilot, "alt+right")
        assert pilot.app.screen.noun == "trash"


async def test_a_place_comes_back_with_the_filter_it_was_left_with(session):
    async with open_console(session) as pilot:
        await go(pilot, "runs")
        await press(pilot, "slash")
        await typed(pilot, "metrics.auc > 0.93")
        await press(pilot, "enter", "enter")
        run = pilot.app.screen.address
        await press(pilot, "escape", "escape", "escape")
        assert crumbs(pilot) == ["overview"]
        await press(pilot, "alt+left", "alt+left")
        assert pilot.app.screen.address == run
        await press(pilot, "alt+left")
        assert pilot.app.screen.noun == "runs"


async def test_every_noun_is_a_place_that_comes_back(session):
    async with open_console(session):
        for noun in NOUNS:
            if noun in ("quit", "views"):
                continue
            place = place_of(screen_of(Goal(noun)))
            assert place is not None
            assert place.noun == noun
            assert read_place(written(place), NOW) == place
            assert place_of(screen_for(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"noun": "rnus"}',
        '{"noun": "quit"}',
        '{"noun": "runs", "sort": NaN}',
        '{"noun": "runs", "where": 7}',
        '{"noun": "runs", "more": "x"}',
        '{"address": "nowhere/x"}',
        '{"noun": "\\ud800"}',
        "\ud800",
    ],
)
def test_what_is_no_place_is_left_out(text):
    assert read_place(text, NOW) is None


def test_a_filter_and_an_order_that_mean_nothing_any_more_are_left_out():
    text = json.dumps({"noun": "runs", "where": "colour = ", "sort": "-wishes,"})
    assert read_place(text, NOW) == Place("runs")
    assert written(Place("runs", where="x" * 2000)) == ""


async def test_where_one_was_is_offered_and_comes_back_only_when_asked(session):
    async with open_console(session) as pilot:
        await go(pilot, "runs /status = failed", "versions fraud")
    async with open_console(session) as pilot:
        assert crumbs(pilot) == ["overview"]
        assert "alt+Left goes back to where you were: versions fraud" in dump(pilot.app)
        check("restore-offered-80", dump(pilot.app))
        await press(pilot, "alt+left")
        assert crumbs(pilot) == ["overview", "runs", "fraud"]
        await press(pilot, "escape")
        assert pilot.app.screen.where == "status = failed"
    async with open_console(session, settings=Settings(restore="always")) as pilot:
        assert crumbs(pilot) == ["overview", "runs"]
    console = Console(session, Settings(), back=True)
    async with console.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert crumbs(pilot) == ["overview", "runs"]
    async with open_console(session, settings=Settings(restore="off")) as pilot:
        await go(pilot, "models")
        assert "where you were" not in dump(pilot.app)
    kept = Memory(session.registry.place).texts("session/stack")
    assert [json.loads(one)["noun"] for one in kept] == ["overview", "runs"]


async def test_damaged_and_gone_places_end_nothing(session):
    memory = Memory(session.registry.place)
    memory.put(
        "session/stack",
        ['{"noun": "overview"}', "{", '{"address": "runs/gone"}', '{"noun": "models"}'],
    )
    console = Console(session, Settings(), back=True)
    async with console.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert pilot.app.screen.noun == "models"
        await press(pilot, "escape")
        assert "gone" in dump(pilot.app)


async def test_jump_by_letters_asks_nobody_after_the_first_time(session):
    async with open_console(session) as pilot:
        await press(pilot, "ctrl+o")
        check("jump-80", dump(pilot.app))
        calls = len(pilot.app.bridge.calls)
        await typed(pilot, "frau")
        check("jump-typed-80", dump(pilot.app))
        assert len(pilot.app.bridge.calls) == calls
        await press(pilot, "enter")
        assert pilot.app.screen.crumb == "fraud"
        await press(pilot, "ctrl+o")
        await typed(pilot, "zzzz")
        assert "no names fit" in dump(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen.crumb == "fraud"


async def test_the_first_name_is_chosen_also_where_others_were_seen_before(session):
    async with open_console(session) as pilot:
        await go(pilot, "runs")
        await press(pilot, "escape", "ctrl+o")
        table = pilot.app.screen.table
        assert table.source.index_of(table.cursor_key) == 0
        assert pilot.app.screen.where == ""


async def test_views_are_kept_taken_and_removed(session):
    async with open_console(session) as pilot:
        await go(pilot, "runs /status = failed")
        pilot.app.screen.chosen_columns = ["metrics.loss", "git"]
        pilot.app.screen.sort = "name"
        await press(pilot, "v", "s")
        await typed(pilot, "broken")
        await press(pilot, "enter")
        assert "broken is kept: `:view broken`" in dump(pilot.app)
        check("views-80", dump(pilot.app))
    async with open_console(session) as pilot:
        await go(pilot, "view broken")
        screen = pilot.app.screen
        assert (screen.where, screen.sort) == ("status = failed", "name")
        assert screen.shown_keys() == ["metrics.loss", "git"]
        await go(pilot, "runs", "view broken")
        assert pilot.app.screen.where == "status = failed"
        await go(pilot, "view brokn")
        assert "Did you mean broken?" in dump(pilot.app)
        await press(pilot, "v", "delete")
        assert "broken is removed" in dump(pilot.app)
        await press(pilot, "escape")
        await go(pilot, "view broken")
        assert "there is no view 'broken'" in dump(pilot.app)


async def test_what_is_shown_is_written_as_text_and_as_a_picture(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEPLOY_TOKEN", "overview")
    async with open_console(session) as pilot:
        before = dump(pilot.app)
        await press(pilot, "ctrl+s", "enter")
        (found,) = tmp_path.glob("*.txt")
        assert found.read_text() == before.replace("overview", "***")
        assert found.stat().st_mode & 0o777 == 0o600
        assert str(found.name) in dump(pilot.app)
        await press(pilot, "ctrl+s", "ctrl+l")
        await typed(pilot, "seen.svg")
        await press(pilot, "enter")
        assert (tmp_path / "seen.svg").read_text().startswith("<svg")
        assert "overview" not in (tmp_path / "seen.svg").read_text()
        await press(pilot, "ctrl+s", "ctrl+l")
        await typed(pilot, "seen.pdf")
        await press(pilot, "enter")
        assert "must end in .txt, .svg" in dump(pilot.app)
        await go(pilot, "runs")
        await press(pilot, "ctrl+s", "ctrl+l")
        await typed(pilot, "runs.txt")
        await press(pilot, "enter")
        assert "runs" in (tmp_path / "runs.txt").read_text()
