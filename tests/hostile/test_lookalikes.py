"""Different names look different, and ten thousand odd ones harm no list."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from modeldeck.widgets.table.render import UNICODE, cell_text
from tests.cli.conftest import run_cli
from tests.console.dump import dump, open_console, press, settled
from tests.hostile.place import lookalikes
from tests.hostile.screens import every_screen
from tests.hostile.strings import LOOKALIKES

LISTS = ["ExperimentsScreen", "RunsScreen", "ModelsScreen", "EventsScreen"]


def seen(text: str) -> bool:
    return all(char.isprintable() and unicodedata.category(char) != "Cf" for char in text)


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    return lookalikes(tmp_path_factory.mktemp("alike"), LOOKALIKES)


@pytest.mark.parametrize("name", ["ExperimentsScreen", "RunsScreen", "ModelsScreen"])
async def test_no_two_rows_look_alike(alike, name):
    async with open_console(alike, size=(120, 60)) as pilot:
        screen = every_screen()[name]()
        pilot.app.push_screen(screen)
        await settled(pilot)
        rows = [screen.table.source.row(at) for at in range(screen.rows.count)]
        assert len(rows) == len(LOOKALIKES)
        lines = [unicodedata.normalize("NFC", line) for line in dump(pilot.app).splitlines()]
        shown = [
            line.lstrip("> ").split("  ")[0] for line in lines if "\\u{" in line or "fraud" in line
        ]
        assert len(set(shown)) == len(shown)
        assert len(shown) >= len([one for one in LOOKALIKES if not one.isascii()])


def test_nor_on_the_command_line(alike):
    out = run_cli("--registry", alike, "models", "ls").out.splitlines()[1:]
    names = [unicodedata.normalize("NFC", line.split("  ")[0]) for line in out]
    assert len(set(names)) == len(names) == len(LOOKALIKES)


def made_names(count: int) -> list[str]:
    """So many names as hypothesis makes them; none that cannot be stored."""
    found: dict[str, None] = {}
    letters = st.characters(exclude_categories=["Cs"])

    @settings(
        max_examples=count // 4,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.text(letters, min_size=1, max_size=30), min_size=20, max_size=60))
    def collect(names: list[str]) -> None:
        if len(found) < count:
            found.update(dict.fromkeys(name[:200] for name in names))

    collect()
    return list(found)[:count]


@pytest.fixture(params=[300, pytest.param(10_000, marks=pytest.mark.slow)])
def many(tmp_path, request):
    """A registry with so many, and their count."""
    names = made_names(request.param)
    assert len(names) == request.param
    return lookalikes(tmp_path, names), len(names)


async def test_names_that_hypothesis_makes_as_rows_of_every_list(many):
    path, count = many
    async with open_console(path, size=(120, 40)) as pilot:
        for name in LISTS:
            screen = every_screen()[name]()
            pilot.app.push_screen(screen)
            await settled(pilot)
            window, columns = screen.rows.window, range(len(screen.columns()))
            await window.whole()
            start = 0
            while items := await window.page(start, 1000):
                for item in items:
                    row = screen.row(item)
                    assert all(seen(cell_text(row, at, UNICODE)[0]) for at in columns)
                start += len(items)
            if name != "EventsScreen":
                assert start == count
            for key in ("end", "pageup", "home", "pagedown"):
                await press(pilot, key)
                assert all(map(seen, dump(pilot.app).splitlines()))
            assert pilot.app._exception is None
