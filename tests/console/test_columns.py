"""Choosing and ordering columns: the model, and the dialog on a list of runs."""

import time

import pytest

from modeldeck.app.console.column_choice import ColumnChoice, Fits
from modeldeck.app.console.screens.columns import ColumnsDialog
from modeldeck.app.console.screens.runs import RunsScreen
from tests.console.dump import check, dump, open_console, press, settled, typed

EVERY = ["metrics.auc", "metrics.loss", "params.depth", "params.eta", "tags.team", "git", "id"]


def test_the_shown_ones_stand_first_in_their_order():
    choice = ColumnChoice(["git", "metrics.loss"], EVERY)
    assert choice.keys[:3] == ["git", "metrics.loss", "metrics.auc"]
    assert [cell.text if hasattr(cell, "text") else cell for cell in choice.row(1).cells] == [
        "2", "loss", "metric",
    ]  # fmt: skip
    assert choice.row(99) is None


def test_choosing_keeps_rows_in_their_places_and_puts_new_ones_last():
    choice = ColumnChoice(["git"], EVERY)
    before = list(choice.keys)
    choice.choose(frozenset({"git", "params.eta", "metrics.auc"}))
    assert choice.keys == before
    assert choice.chosen == ["git", "metrics.auc", "params.eta"]
    choice.choose(frozenset({"params.eta", "metrics.auc"}))
    assert choice.chosen == ["metrics.auc", "params.eta"]


def test_only_a_chosen_one_moves_and_not_beyond_the_ends():
    choice = ColumnChoice(["git", "id", "metrics.auc"], EVERY)
    assert choice.move("id", -1)
    assert choice.chosen == choice.keys[:3] == ["id", "git", "metrics.auc"]
    assert not choice.move("id", -1)
    assert not choice.move("params.eta", 1)
    assert choice.move("id", 1)
    assert choice.index_of("id") == 1


def test_a_filter_hides_and_never_drops():
    choice = ColumnChoice(["git", "id"], EVERY)
    choice.filter("^params")
    assert choice.keys == ["params.depth", "params.eta"]
    choice.choose(frozenset({"git", "id", "params.eta"}))
    choice.filter("")
    assert choice.keys[:3] == ["git", "id", "params.eta"]
    assert choice.count == len(EVERY)


@pytest.mark.parametrize(
    ("text", "key", "fits"),
    [
        ("AUC", "metrics.auc", True),
        ("^auc", "metrics.auc", False),
        ("auc$|eta$", "params.eta", True),
        ("f1[macro", "metrics.f1[macro]", True),
        ("f1[macro]", "metrics.f1[macro]", True),
        ("*", "metrics.auc", False),
        ("", "anything", True),
    ],
)
def test_a_filter_is_a_substring_or_a_pattern(text, key, fits):
    assert Fits(text)(key) is fits


def test_a_key_that_no_run_has_any_more_can_be_taken_off():
    choice = ColumnChoice(["metrics.old"], EVERY)
    assert "metrics.old" in choice.every
    choice.choose(frozenset())
    assert choice.chosen == []


def test_twelve_thousand_keys_are_no_burden():
    every = [f"metrics.layer.{n}.weight" for n in range(12_000)]
    begin = time.process_time()
    choice = ColumnChoice(every[:6], every)
    for text in ("1", "11", "11.w", "^.*9\\d+", ""):
        choice.filter(text)
    choice.choose(frozenset(every[:2000]))
    choice.move(every[5], -1)
    assert choice.row(11_999) is not None
    assert time.process_time() - begin < 2


async def opened(pilot):
    pilot.app.go("runs fraud")
    await settled(pilot)
    await press(pilot, "C")
    assert isinstance(pilot.app.screen, ColumnsDialog)
    return pilot.app.screen.choice


async def test_columns_are_chosen_ordered_kept_and_remembered(registry):
    async with open_console(registry) as pilot:
        choice = await opened(pilot)
        check("columns-80", dump(pilot.app))
        first, second = choice.chosen[:2]
        await press(pilot, "shift+down", "G", "space", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, RunsScreen)
        assert screen.shown_keys()[:2] == [second, first]
        assert screen.shown_keys()[-1] == "id"
        chosen = screen.shown_keys()
    async with open_console(registry) as pilot:
        assert (await opened(pilot)).chosen == chosen
        await press(pilot, "D")
        assert pilot.app.screen.shown_keys()[:2] == [first, second]
        assert pilot.app.screen.chosen_columns is None


async def test_columns_on_a_larger_screen(registry):
    async with open_console(registry, size=(120, 40)) as pilot:
        await opened(pilot)
        check("columns-120", dump(pilot.app))


async def test_escape_leaves_everything_and_a_filter_finds(registry):
    async with open_console(registry) as pilot:
        choice = await opened(pilot)
        before = list(choice.chosen)
        await press(pilot, "slash")
        await typed(pilot, "exp/")
        assert pilot.app.screen.choice.needle == "exp/"
        await press(pilot, "escape", "slash")
        await typed(pilot, "exp")
        await press(pilot, "enter")
        assert choice.keys == ["experiment"]
        await press(pilot, "shift+up")
        assert "only a chosen one has a place" in dump(pilot.app)
        await press(pilot, "space")
        assert choice.chosen[-1] == "experiment"
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ColumnsDialog), "the filter goes first"
        await press(pilot, "escape")
        assert pilot.app.screen.shown_keys() == before
