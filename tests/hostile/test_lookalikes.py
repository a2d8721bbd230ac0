"""Different names look different."""

from __future__ import annotations

import unicodedata

import pytest

from tests.cli.conftest import run_cli
from tests.console.dump import dump, open_console, settled
from tests.hostile.place import lookalikes
from tests.hostile.screens import every_screen
from tests.hostile.strings import LOOKALIKES


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
