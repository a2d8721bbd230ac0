"""Runs beside one another: the rows, and the screen on a real small registry."""

import json
from decimal import Decimal

import pytest

from modeldeck.app.console.compare_rows import columns, counted, differs, rows, signed
from modeldeck.app.console.screens.compare import CompareScreen
from modeldeck.app.usecases.compare import Comparison, MetricRow, Side, TextRow, compare
from modeldeck.backends.api.runs import Dataset, Run, Status
from modeldeck.widgets.chart import Chart
from modeldeck.widgets.table import Cell, Table
from tests.console.dump import check, dump, open_console, press, session_of, settled, typed
from tests.console.run_samples import DIRECTIONS, ident, recorded


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
async def session(written):
    found = session_of(written, directions=DIRECTIONS)
    yield found
    await found.registry.close()


def side(name, metrics, params, digest="w1", git="7be2"):
    run = Run(
        id=name * 8, name=name, experiment="e", status=Status.FINISHED, metrics=metrics,
        params=params, git=git,
    )  # fmt: skip
    return Side(run=run, datasets=[Dataset(name="tx", digest=digest)])


def made(baseline=0) -> Comparison:
    sides = [
        side("a", {"auc": 0.9, "loss": 0.2, "n": float("nan")}, {"depth": "6", "eta": "0.1"}),
        side(
            "b", {"auc": 0.95, "loss": 0.3, "n": float("nan")}, {"depth": "8", "eta": "0.1"}, "w2"
        ),
        side("c", {"auc": 0.9, "loss": 0.1}, {"depth": "6", "eta": "0.1"}),
    ]
    return compare(sides, {"auc": "higher"}, baseline)


def shown(item, *, everything):
    return [
        [cell if isinstance(cell, str) else cell.text for cell in row.cells]
        for row in rows(item, everything=everything)
    ]


def test_rows_that_differ_stand_under_headings():
    assert shown(made(), everything=False) == [
        ["METRICS", "3 of 3 differ"],
        ["auc+", "0.9000", "0.9500 +.0500 b", "0.9000 same"],
        ["loss", "0.2000", "0.3000 +.1000", "0.1000 -.1000"],
        ["n", "NaN", "NaN", "-"],
        ["PARAMS", "1 of 2 differ"],
        ["depth", "6", "8", "6"],
        ["DATA !", "1 of 1 differ"],
        ["tx", "w1", "w2", "w1"],
        ["CODE", "all the same"],
    ]
    everything = shown(made(), everything=True)
    assert ["eta", "0.1", "0.1", "0.1"] in everything
    assert ["commit", "7be2", "7be2", "7be2"] in everything
    assert counted(made()) == (5, 7)


def test_another_baseline_moves_differences_and_its_column():
    item = made(1)
    assert ["auc+", "0.9000 -.0500", "0.9500 b", "0.9000 -.0500"] in shown(item, everything=False)
    heads = [(column.key, column.title, column.pinned) for column in columns(item)]
    assert heads == [
        ("key", "", True), ("0", "0 a", False), ("1", "= b", True), ("2", "2 c", False),
    ]  # fmt: skip


def test_nothing_is_best_where_no_direction_is_declared():
    found = {row.cells[0]: row.cells for row in rows(made(), everything=True)}
    assert [cell.style for cell in found["loss"][1:]] == ["", "", ""]
    assert [cell.style for cell in found["auc+"][1:]] == ["", "best", ""]
    assert found["depth"][2] == Cell("8", "accent")


@pytest.mark.parametrize(
    ("delta", "words"),
    [("0.0043", "+.0043"), ("-0.25", "-.2500"), ("0", "same"), ("0.0", "same"), ("12.5", "+12.5"),
     ("-3", "-3"), ("-1826816", "-1826816"), ("0.00001", "+1.00e-05"), ("2e9", "+2.00e+09")],
)  # fmt: skip
def test_differences_in_few_characters(delta, words):
    assert signed(Decimal(delta)) == words


def test_nan_is_the_same_as_nan():
    nan = float("nan")
    same = MetricRow(key="x", direction=None, values=[nan, float("nan")], deltas=[None, None])
    assert not differs(same)
    assert differs(TextRow(key="x", values=["1", None]))


# The screen.


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80", "120", "200"])
async def test_as_it_looks(session, size):
    async with open_console(session, size=size) as pilot:
        pilot.app.push_screen(CompareScreen([ident(at) for at in range(4)]))
        await settled(pilot)
        check(f"compare-{size[0]}", dump(pilot.app))
        await press(pilot, "f")
        check(f"compare-all-{size[0]}", dump(pilot.app))


async def test_another_baseline_by_number_or_column(session):
    async with open_console(session, size=(120, 40)) as pilot:
        screen = CompareScreen([ident(0), ident(1), ident(2)])
        pilot.app.push_screen(screen)
        await settled(pilot)
        await press(pilot, "2")
        assert screen.item.baseline == 2
        assert "base = run-2" in dump(pilot.app)
        await press(pilot, "7")
        assert "there is no run 7" in dump(pilot.app)
        await press(pilot, "equals_sign")
        assert "choose a run" in dump(pilot.app)
        await press(pilot, "shift+right", "shift+right", "equals_sign")
        assert screen.query_one(Table).selected_column == "0"
        assert screen.item.baseline == 0


async def test_the_chart_follows_and_runs_keep_their_markers(session):
    async with open_console(session, size=(120, 40)) as pilot:
        screen = CompareScreen([ident(0), ident(1)])
        pilot.app.push_screen(screen)
        await settled(pilot)
        chart = screen.query_one(Chart)
        assert chart.text.startswith("val/auc")
        assert "● 0 run-0" in chart.text
        assert "■ 1 run-1" in chart.text
        await press(pilot, "right_square_bracket")
        assert chart.text.startswith("val/loss")
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert chart.text.startswith("train/loss")
        await press(pilot, "g", "j", "m")
        assert chart.text.startswith("train/loss") is False
        await press(pilot, "plus")
        assert "zoomed 2x" in chart.text


async def test_it_is_exported_in_long_form(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_console(session) as pilot:
        pilot.app.push_screen(CompareScreen([ident(0), ident(1)]))
        await settled(pilot)
        await press(pilot, "ctrl+s", "enter")
        text = (tmp_path / "compare-20261123.csv").read_text()
        assert text.startswith("kind,key,run,value,delta,best\nmetric,lr,")
        await press(pilot, "y")
        assert '"baseline"' in dump(pilot.app)


async def test_a_list_is_exported_as_the_command_line_would(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        for ending in ("csv", "json", "jsonl", "odt"):
            await press(pilot, "ctrl+s", "ctrl+l")
            await typed(pilot, f"out.{ending}")
            await press(pilot, "enter")
        assert "out.odt must end in .csv, .json, .jsonl" in dump(pilot.app)
    found = json.loads((tmp_path / "out.json").read_text())
    assert (found["schema"], found["next"]) == (1, None)
    names = [run["name"] for run in found["items"]]
    assert set(names) == {"run-0", "run-2", "run-3", "bare"}
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == names
    assert len((tmp_path / "out.csv").read_text().splitlines()) == len(names) + 1
    assert not (tmp_path / "out.odt").exists()


async def test_runs_that_cannot_be_compared_say_why(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(CompareScreen([ident(0)]))
        await settled(pilot)
        assert "2 to 20 runs can be compared" in dump(pilot.app)
        await press(pilot, "m", "f", "y", "escape")
        assert not isinstance(pilot.app.screen, CompareScreen)
