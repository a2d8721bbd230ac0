"""A registry that is damaged, foreign, held or full: clear words everywhere, never a defect."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from modeldeck.backends.api.errors import DamagedError, ModeldeckError
from tests.cli.conftest import run_cli
from tests.cli.test_hostile import safe
from tests.console.dump import settled
from tests.hostile.damage import HARMS
from tests.hostile.place import RUN
from tests.hostile.screens import OPENED, console_of, session_of
from tests.hostile.test_every_screen import steered
from tests.hostile.test_filters import LISTS

COMMANDS = [
    *LISTS,
    ["status"],
    ["inbox"],
    ["runs", "show", RUN],
    ["artifacts", "ls", RUN],
    ["info"],
    ["doctor"],
    ["audit", "verify"],
    ["runs", "export", "--filter", "*"],
]
NOT_OF_IT = {"KeysScreen", "PaletteScreen", "TextScreen", "JsonScreen", "CommandLogScreen"}
SCREENS = [name for name in OPENED if name.endswith("Screen") and name not in NOT_OF_IT]
QUICK = ("cut at 0.5", "flipped 1", "times 4611686018427387904", "from the future")
FULL = """
import resource, sys
from modeldeck.app.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
sys.exit(main(sys.argv[1:]))
"""


def spoken(registry, words) -> str:
    """What a command says, which ended in good order."""
    done = run_cli("--registry", registry, *words)
    said = f"{' '.join(words)}: {done.err[-2000:]}"
    assert done.code in ((0, 1, 2, 3, 4) if words[0] in ("doctor", "audit") else (0, 2, 3, 4)), said
    assert "an error of modeldeck itself" not in done.err, said
    assert "Traceback" not in done.err, said
    assert safe(done.out + done.err), said
    return done.err


@pytest.mark.parametrize("name", HARMS)
def test_every_list_of_the_command_line(registry, name):
    HARMS[name](registry)
    for words in COMMANDS:
        spoken(registry, words)


async def walked(registry, **options) -> None:
    """Every screen that reads it is opened; none is steered, none has met a defect."""
    session = session_of(registry, **options)
    console = console_of(session)
    try:
        async with console.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            for name in SCREENS:
                below = console.screen
                with suppress(ModeldeckError):  # what is opened is read before
                    console.push_screen(await OPENED[name][0](console))
                await settled(pilot)
                assert steered(console) == [], name
                while console.screen is not below:
                    console.pop_screen()
            assert console._exception is None
            assert [one for one in console.bridge.calls if "defect" in one.outcome] == []
    finally:
        await session.registry.close()


@pytest.mark.parametrize(
    "name", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in HARMS]
)
async def test_every_screen(registry, name):
    HARMS[name](registry)
    # What cannot be opened at all says so before there is a console.
    with suppress(DamagedError):
        await walked(registry)


def test_one_that_another_holds(registry):
    with closing(sqlite3.connect(registry / "registry.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in spoken(registry, ["runs", "ls"])


@pytest.mark.real
def test_a_full_disk(registry):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", FULL, "--registry", str(registry), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    before = run_cli("--registry", registry, "runs", "show", RUN, "-o", "json").out
    for words in LISTS:
        done = run(*words)
        assert (done.returncode, done.stderr.count("\n") > 1) == (0, False), done.stderr
    done = run("runs", "tag", RUN, "new=" + "x" * 60_000, "--yes")
    assert done.returncode == 3, done.stderr
    assert "nothing was changed" in done.stderr
    assert run_cli("--registry", registry, "runs", "show", RUN, "-o", "json").out == before
