"""Grouping, further sorts, ranges and sideways scrolling in the lists of the console."""

import pytest

from modeldeck.app.console.screens.groups import GroupsScreen
from modeldeck.app.console.screens.runs import RunsScreen
from tests.console.dump import check, dump, open_console, press, session_of, settled, typed
from tests.console.samples import DIRECTIONS

SIZES = ((60, 16), (80, 24), (120, 40))


@pytest.fixture
async def session(registry):
    found = session_of(registry, directions=DIRECTIONS)
    yield found
    await found.registry.close()


async def choose(pilot, column):
    pilot.app.screen.table.select_column(column)
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
async def test_runs_by_a_parameter(session, size):
    async with open_console(session, size=size) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await choose(pilot, "params.depth")
        await press(pilot, "B")
        check(f"groups-{size[0]}", dump(pilot.app))


async def test_a_group_opens_as_a_filter_and_escape_takes_it_off(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "B")
        assert "choose a column with shift+Right, then B groups by it" in dump(pilot.app)
        await choose(pilot, "status")
        await press(pilot, "B")
        assert isinstance(pilot.app.screen, GroupsScreen)
        counts = {row.key: row.cells[1] for row in map(pilot.app.screen.table.source.row, range(4))}
        assert counts == {"=finished": "10", "=failed": "1", "=killed": "1", "=running": "1"}
        await press(pilot, "slash")
        await typed(pilot, "fail")
        await press(pilot, "enter", "enter")
        assert isinstance(pilot.app.screen, RunsScreen)
        assert pilot.app.screen.where == 'status = "failed"'
        assert "rows 1-1 of 1" in dump(pilot.app)
        await press(pilot, "escape")
        assert pilot.app.screen.where == ""


async def test_groups_are_sorted_and_narrowed_by_what_they_reached(session):
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("runs /user = ada")
        await settled(pilot)
        await choose(pilot, "params.depth")
        await press(pilot, "B")
        screen = pilot.app.screen
        await choose(pilot, "metrics.best auc")
        await press(pilot, "o")
        best = [screen.rows.item(at).metrics.get("auc") for at in range(screen.rows.count)]
        highs = [spread.high for spread in best if spread is not None]
        assert highs == sorted(highs, reverse=True)
        assert None not in best[: len(highs)]
        await press(pilot, "B")
        assert "these are groups already" in dump(pilot.app)
        await press(pilot, "home", "enter")
        assert pilot.app.screen.where.startswith("(user = ada) and params.depth = ")
        assert pilot.app.screen.rows.count == screen.rows.item(0).count


async def test_what_is_not_grouped_says_why(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await choose(pilot, "duration")
        await press(pilot, "B")
        assert "runs are not grouped by duration" in dump(pilot.app)


async def test_counts_come_first_and_an_order_counts_nothing_again(session, monkeypatch):
    asked, groups = [], RunsScreen.groups

    async def noted(self, by, *, measured=True):
        asked.append(measured)
        return await groups(self, by, measured=measured)

    monkeypatch.setattr(RunsScreen, "groups", noted)
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await choose(pilot, "params.depth")
        await press(pilot, "B")
        assert asked == [False, True]
        await choose(pilot, "count")
        await press(pilot, "o", "slash")
        await typed(pilot, "count > 1")
        await press(pilot, "enter")
        assert asked == [False, True]
        await press(pilot, "ctrl+r")
        assert asked == [False, True, False, True]


async def test_experiments_are_grouped_over_what_is_loaded(session):
    async with open_console(session) as pilot:
        pilot.app.go("experiments")
        await settled(pilot)
        await choose(pilot, "runs")
        await press(pilot, "B")
        assert isinstance(pilot.app.screen, GroupsScreen)
        assert sum(one.count for one in pilot.app.screen.rows.items()) == 2


async def test_a_further_column_sorts_what_ties(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "t")
        await choose(pilot, "status")
        await press(pilot, "o", "o")
        await choose(pilot, "name")
        await press(pilot, "O", "O")
        assert pilot.app.screen.sort == "status, name"
        items = [pilot.app.screen.rows.item(at) for at in range(pilot.app.screen.rows.count)]
        pairs = [(item.status.value, item.name) for item in items]
        assert pairs == sorted(pairs)
        check("runs-sorted-twice-80", dump(pilot.app))
        await choose(pilot, "status")
        await press(pilot, "O")
        assert pilot.app.screen.sort == "-status, name"


async def test_marks_of_a_range_survive_a_refresh(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "down", "space", "down", "down", "M")
        marks = pilot.app.screen.table.marks
        assert len(marks) == 4
        assert "4 marked" in dump(pilot.app)
        await press(pilot, "ctrl+r")
        assert pilot.app.screen.table.marks == marks
        assert "4 marked" in dump(pilot.app)


async def test_columns_scroll_past_the_name_and_stay_on_a_refresh(session):
    async with open_console(session, size=(60, 16)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        check("runs-60", dump(pilot.app))
        await press(pilot, ")")
        scrolled = dump(pilot.app)
        check("runs-scrolled-60", scrolled)
        await press(pilot, "ctrl+r")
        assert dump(pilot.app) == scrolled
        await press(pilot, "(", "(", "(")
        assert pilot.app.screen.table.visible_columns[1].key == "status"
