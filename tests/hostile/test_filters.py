"""Filters and orders that try to be more than that: each list takes them or says why not."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from modeldeck.app.cli.main import program
from modeldeck.app.console.screens.filtering import FilterScreen
from modeldeck.app.console.screens.ordered import OrderedScreen
from modeldeck.widgets.prompt import Prompt
from tests.cli.conftest import run_cli
from tests.cli.test_hostile import safe
from tests.console.dump import press, settled
from tests.hostile.screens import OPENED, console_of, every_screen, session_of
from tests.hostile.strings import FILTERS, SORTS
from tests.hostile.test_every_screen import steered

SCREENS = [name for name in OPENED if issubclass(every_screen()[name], FilterScreen)]
QUICK = ("RunsScreen", "JumpScreen")
"""One of each kind: a filter that is parsed, and letters that are looked for."""


def lists(group: click.Group, *words: str) -> Iterator[list[str]]:
    """The commands that print a list which can be filtered and ordered."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from lists(command, *words, name)
        elif {"where", "sort", "limit"} <= {one.name for one in command.params}:
            yield [*words, name]


LISTS = list(lists(program))


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_every_list_of_the_command_line(registry, words):
    def asked(*more: str):
        return run_cli("--registry", registry, *words, *more)

    whole = asked("-o", "json", "--limit", "0").out
    for option, texts in (("--filter", FILTERS), ("--sort", SORTS)):
        for text in texts:
            done = asked(f"{option}={text}")
            assert done.code in (0, 2), (text[:60], done.err)
            assert safe(done.out + done.err), text[:60]
            assert done.err or not done.code, text[:60]
            assert len(done.err) < 2000, "of a long one what is around the place"
    assert asked("-o", "json", "--limit", "0").out == whole


def test_there_are_such_lists():
    assert ["runs", "ls"] in LISTS
    assert len(LISTS) > 7
    assert len(SCREENS) > 12


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SCREENS],
)
async def test_every_list_of_the_console(registry, name):
    session = session_of(registry)
    console = console_of(session)
    try:
        async with console.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            below = console.screen
            for text in FILTERS:
                if console.screen is below:
                    console.push_screen(await OPENED[name][0](console))
                    await settled(pilot)
                screen = console.screen
                if not screen.query_one(Prompt).display:
                    await press(pilot, "slash")
                screen.query_one(Prompt).field.value = text
                await settled(pilot)
                assert steered(console) == [], text[:60]
                await press(pilot, "enter")
                assert steered(console) == [], text[:60]
                while console.screen not in (screen, below):
                    console.pop_screen()
            if isinstance(console.screen, OrderedScreen):
                for text in SORTS:
                    console.screen.sort = text
                    console.screen.show_sort()
                    await press(pilot, "ctrl+r")
                    assert steered(console) == [], text
            assert console._exception is None
            assert not [one for one in console.bridge.calls if "defect" in one.outcome]
    finally:
        await session.registry.close()
