"""The lists, the overview, keys, verbs and calls as they stand on the screen."""

import pytest

from modeldeck.app.console.screens import filtering
from modeldeck.app.console.screens.keys import keys_of
from tests.console.dump import (
    SIZES,
    check,
    dump,
    open_console,
    press,
    session_of,
    settled,
    typed,
)
from tests.console.samples import DIRECTIONS, entry


@pytest.fixture
async def session(registry):
    found = session_of(registry, directions=DIRECTIONS)
    yield found
    await found.registry.close()


def line(pilot, at):
    return dump(pilot.app).splitlines()[at]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("goal", ["overview", "experiments", "runs", "models", "versions", "audit"])
async def test_every_list_at_every_size(session, goal, size):
    async with open_console(session, size=size) as pilot:
        if goal != "overview":
            pilot.app.go(goal)
            await settled(pilot)
        check(f"{goal}-{size[0]}", dump(pilot.app))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
async def test_every_key_says_what_it_does_or_why_not(session, size):
    async with open_console(session, size=size) as pilot:
        pilot.app.go("runs fraud")
        await settled(pilot)
        await press(pilot, "?")
        check(f"keys-{size[0]}", dump(pilot.app))


async def test_keys_are_found_by_words_and_done_from_there(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        reasons = {key.action: key.reason for key in keys_of(pilot.app.screen) if key.action}
        assert reasons["compare"] == "mark 2 to 20 runs with Space to compare them; 1 now"
        assert reasons["rollback"] == "not on this screen"
        await press(pilot, "?", "/")
        await typed(pilot, "flat nested")
        await press(pilot, "enter")
        assert line(pilot, 2).split()[:6] == [">", "t", "yes", "nested", "or", "flat;"]
        await press(pilot, "enter")
        assert "flat: all runs" in dump(pilot.app)


async def test_nothing_recorded_yet(empty):
    async with open_console(empty) as pilot:
        check("overview-empty-80", dump(pilot.app))
        for goal in ("experiments", "runs", "models", "versions"):
            pilot.app.go(goal)
            await settled(pilot)
            assert "modeldeck " in line(pilot, 3) + line(pilot, 4)


async def test_a_filter_typed_in_a_burst_loses_nothing_and_escape_restores(session, monkeypatch):
    # What is typed in between would be listed too on a slow machine, and widths follow what was.
    monkeypatch.setattr(filtering, "PAUSE", 0.5)
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        before = dump(pilot.app)
        await press(pilot, "slash")
        await typed(pilot, "metrics.auc > 0.93")
        assert pilot.app.screen.where == "metrics.auc > 0.93"
        assert "rows 1-4 of 4" in dump(pilot.app)
        check("runs-filtering-80", dump(pilot.app))
        await press(pilot, "escape")
        assert dump(pilot.app) == before
        await press(pilot, "slash")
        await typed(pilot, "status = failed")
        await press(pilot, "enter")
        check("runs-filtered-80", dump(pilot.app))
        await press(pilot, "slash", "ctrl+l")
        await typed(pilot, "status = zzz")
        assert line(pilot, -2) == "/ status = zzz"
        words = "^ status cannot be 'zzz'; expected one of scheduled, running, finish…"
        assert line(pilot, -1) == " " * 11 + words
        await press(pilot, "enter")
        assert "status cannot be 'zzz'" in dump(pilot.app)
        assert pilot.app.screen.where == "status = failed"
        await press(pilot, "escape")
        assert dump(pilot.app).splitlines()[1:-2] == before.splitlines()[1:-2]


async def test_a_filter_that_fits_nothing_says_how_to_take_it_off(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs /name = nobody")
        await settled(pilot)
        check("runs-nothing-fits-80", dump(pilot.app))


async def test_filters_and_nouns_complete(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "slash")
        await typed(pilot, "metrics.lo")
        await press(pilot, "tab")
        assert line(pilot, -2).startswith("/ metrics.loss")
        await press(pilot, "escape", ":")
        await typed(pilot, "ru")
        await press(pilot, "tab")
        await typed(pilot, " fr")
        await press(pilot, "tab", "enter")
        assert line(pilot, 0).startswith("lab > overview > runs > fraud ")
        await press(pilot, "colon", "up")
        assert line(pilot, -2).startswith(": runs fraud")
        await press(pilot, "escape", ":")
        await typed(pilot, "rnus")
        await press(pilot, "enter")
        assert "there is no 'rnus' to go to. Did you mean runs?" in dump(pilot.app)


async def test_children_open_in_place_and_stay_open(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "end", "up", "up", "right", "down", "down", "down", "down")
        await press(pilot, "up", "right", "up", "up", "right")
        check("runs-nested-80", dump(pilot.app))
        table = pilot.app.screen.table
        key, count = table.cursor_key, pilot.app.screen.rows.count
        await press(pilot, "ctrl+r")
        assert (table.cursor_key, pilot.app.screen.rows.count) == (key, count)
        await press(pilot, "shift+right", "o")
        assert table.cursor_key == key
        assert pilot.app.screen.rows.count == count
        await press(pilot, "slash")
        await typed(pilot, "sweep")
        assert pilot.app.screen.rows.opened() == []
        assert "rows 1-4 of 4" in dump(pilot.app)
        await press(pilot, "escape", "t")
        assert "flat: all runs" in dump(pilot.app)
        assert pilot.app.screen.rows.count == 13


async def test_sorting_keeps_the_row_or_the_top(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        table = pilot.app.screen.table
        await press(pilot, *["shift+right"] * 5, "o")
        assert table.sorts == (("metrics.auc", True),)
        assert (table.cursor, line(pilot, 2)[3:9]) == (0, "xgb-07")
        await press(pilot, "down")
        key = table.cursor_key
        await press(pilot, "o")
        assert table.sorts == (("metrics.auc", False),)
        assert table.cursor_key == key
        assert table.cursor == 3
        check("runs-sorted-80", dump(pilot.app))


async def test_marks_and_baseline_stay_with_their_rows(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs fraud")
        await settled(pilot)
        await press(pilot, "down", "equals_sign", "space", "down", "space", "up", "up")
        check("runs-baseline-80", dump(pilot.app))
        await press(pilot, "ctrl+a")
        assert "7 marked" in dump(pilot.app)
        await press(pilot, "escape")
        assert "marked" not in dump(pilot.app)


async def test_verbs_are_found_by_a_few_letters(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "ctrl+p")
        check("verbs-80", dump(pilot.app))
        await typed(pilot, "nest")
        await press(pilot, "enter")
        assert "flat: all runs" in dump(pilot.app)
        await press(pilot, "ctrl+p")
        await typed(pilot, "audit")
        await press(pilot, "enter")
        assert line(pilot, 0).startswith("lab > overview > runs > audit")
        await press(pilot, "ctrl+p", "down", "up", "escape")
        assert line(pilot, 0).startswith("lab > overview > runs > audit")


async def test_calls_are_listed_newest_first(session):
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        await press(pilot, "at")
        rows = [row.split() for row in dump(pilot.app).splitlines()[2:5]]
        assert [row[-1] for row in rows if row] == ["models", "overview"]
        assert rows[0][-2] == "ok"


async def test_the_overview_opens_what_the_cursor_is_on(session):
    async with open_console(session) as pilot:
        await press(pilot, "up", "enter")
        assert "/ status in (failed, killed)" in dump(pilot.app)
        await press(pilot, "escape")
        assert line(pilot, 0).startswith("lab > overview  ")
        await press(pilot, *["down"] * 8, "enter")
        assert line(pilot, 0).startswith("lab > overview > churn")


async def test_what_changed_since_one_last_looked(session):
    async with open_console(session) as pilot:
        assert "CHANGED 1  lately" in dump(pilot.app)
    async with open_console(session) as pilot:
        assert "CHANGED" not in dump(pilot.app)
        await session.registry.note(entry("done", "alias.set", "models/x", {}))
        pilot.app.screen.look()
        await settled(pilot)
        assert "CHANGED 1  since you last looked, 12:30" in dump(pilot.app)


async def test_a_change_by_somebody_else_comes_by_itself(session):
    async with open_console(session) as pilot:
        pilot.app.go("audit")
        await settled(pilot)
        screen = pilot.app.screen
        await press(pilot, "down")
        key = screen.table.cursor_key
        screen.look()
        await settled(pilot)
        calls = len(pilot.app.bridge.calls)
        screen.look()
        await settled(pilot)
        assert len(pilot.app.bridge.calls) == calls
        await session.registry.note(entry("done", "import", "x", {}))
        screen.look()
        await settled(pilot)
        assert "import" in line(pilot, 2)
        assert screen.table.cursor_key == key


async def test_when_reading_fails_the_rows_stay_and_say_how_old_they_are(session, monkeypatch):
    from modeldeck.backends.api.errors import BusyError

    async def busy(*_, **__):
        raise BusyError("somebody else holds it", where="registry.db", way_out="Wait")

    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        monkeypatch.setattr(type(session.registry), "models", busy)
        await press(pilot, "ctrl+r")
        assert "fraud" in dump(pilot.app)
        assert "registry.db: somebody else holds it. Wait" in line(pilot, -2)
        assert line(pilot, -2).endswith("local 12:30:00 (0s old)")
        await press(pilot, "down")
        assert line(pilot, -2).startswith("rows 1-2 of 2")
        assert line(pilot, -2).endswith("local 12:30:00 (0s old): somebody else holds it")
        await press(pilot, "?")
        assert "registry.db: somebody else holds it. Wait" in dump(pilot.app)
        await press(pilot, "escape")
        pilot.app.go("models")
        await settled(pilot)
        assert "registry.db: somebody else holds it. Wait" in line(pilot, 3)


async def test_a_defect_ends_the_question_alone(session, monkeypatch):
    async def broken(*_, **__):
        raise KeyError("boom")

    async with open_console(session) as pilot:
        monkeypatch.setattr(type(session.registry), "models", broken)
        pilot.app.go("models")
        await settled(pilot)
        assert "a defect: KeyError" in dump(pilot.app)


async def test_a_screen_that_is_too_small_says_so(session):
    async with open_console(session, size=(59, 24)) as pilot:
        assert dump(pilot.app).split("\n")[0] == "60x16 needed, this is 59x24"
        await pilot.resize_terminal(60, 16)
        await settled(pilot)
        check("overview-60", dump(pilot.app))
        await pilot.resize_terminal(60, 15)
        await settled(pilot)
        assert "60x16 needed, this is 60x15" in dump(pilot.app)


async def test_esc_never_quits(session):
    async with open_console(session) as pilot:
        await press(pilot, "escape", "escape", "left")
        assert "this is the first screen; q quits" in dump(pilot.app)
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "left")
        assert line(pilot, 0).startswith("lab > overview  ")


async def test_read_only_is_said_and_refuses_with_the_reason(registry):
    session = session_of(registry, readonly="this session was opened with --readonly")
    async with open_console(session) as pilot:
        assert "READ-ONLY" in line(pilot, 0)
        pilot.app.go("versions fraud")
        await settled(pilot)
        assert "p alias" not in line(pilot, -1)
        await press(pilot, "p")
        assert "this session was opened with --readonly" in line(pilot, -2)
    await session.registry.close()


async def test_an_address_typed_after_a_colon_is_gone_to(session):
    async with open_console(session) as pilot:
        pilot.app.go("models/fraud/1")
        await settled(pilot)
        assert pilot.app.screen.address == "models/fraud/1"
        pilot.app.go(f"{session.context}/models/fraud")
        await settled(pilot)
        assert pilot.app.screen.address == "models/fraud"
