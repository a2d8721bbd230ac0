"""Keys, aliases and own commands in the console, and what becomes of them when the file changes."""

import os
import sys

import pytest

from modeldeck.app.config.hands import UserCommand
from modeldeck.app.config.paths import config_file
from modeldeck.app.config.settings import read_settings
from modeldeck.app.console.screens.keys import keys_of
from modeldeck.app.console.user_commands import argv_of, clean_environment, line_of
from modeldeck.backends.api.errors import ModeldeckError
from tests.console.dump import check, dump, open_console, press, session_of, settled, typed
from tests.console.samples import DIRECTIONS

FILE = f"""
[keys]
raw = "ctrl+y"
tree = ["y", "F5"]

[aliases]
bad = "runs /status = failed"

[commands.tell]
key = "ctrl+g"
scopes = ["runs"]
command = [{sys.executable!r}, "-c", "import sys; print(sys.argv[1:])", "{{id}}", "{{context}}"]
background = true
description = "print what is under the cursor"

[commands.wipe]
key = "ctrl+w"
command = ["false"]
danger = true
"""


def write(text):
    config_file().parent.mkdir(parents=True, exist_ok=True)
    draft = config_file().with_suffix(".new")
    draft.write_text(text)
    draft.replace(config_file())
    return read_settings()


@pytest.fixture
async def session(registry):
    found = session_of(registry, directions=DIRECTIONS)
    yield found
    await found.registry.close()


def sources(pilot):
    return {key.command or key.action: key for key in keys_of(pilot.app.screen)}


async def test_keys_do_what_the_file_says_and_everything_shows_them(session):
    async with open_console(session, settings=write(FILE), size=(120, 40)) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "y")
        assert "flat: all runs" in dump(pilot.app)
        await press(pilot, "f5")
        assert "nested: children" in dump(pilot.app)
        await press(pilot, "t")
        assert "nested: children" in dump(pilot.app)
        await press(pilot, "ctrl+y")
        assert pilot.app.screen.crumb == "JSON"
        await press(pilot, "escape")
        found = sources(pilot)
        assert (found["raw"].keys, found["raw"].source) == ("^y", "config.toml")
        assert (found["tree"].keys, found["open"].source) == ("y, F5", "built-in")
        assert (found["tell"].keys, found["tell"].source) == ("^g", "config.toml")
        await press(pilot, "question_mark")
        await press(pilot, "slash")
        await typed(pilot, "config.toml")
        await press(pilot, "enter")
        check("keys-own-120", dump(pilot.app))


async def test_an_alias_goes_where_it_says_and_completes(session):
    async with open_console(session, settings=write(FILE)) as pilot:
        await press(pilot, "colon")
        await typed(pilot, "ba")
        await press(pilot, "tab", "enter")
        assert pilot.app.screen.where == "status = failed"
        pilot.app.go("bad owner=ada")
        await settled(pilot)
        assert pilot.app.screen.where == "status = failed and tags.owner = ada"


async def test_the_file_is_taken_when_it_changes_and_a_mistake_keeps_what_was(session):
    async with open_console(session, settings=write("")) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        before = dump(pilot.app)
        pilot.app._look_at_hands()
        assert dump(pilot.app) == before
        write(FILE)
        pilot.app._look_at_hands()
        await settled(pilot)
        assert "are those of config.toml now" in dump(pilot.app)
        await press(pilot, "f5")
        assert "flat: all runs" in dump(pilot.app)
        config_file().write_text('[keys]\nraw = "d"\n')
        pilot.app._look_at_hands()
        await settled(pilot)
        assert "the keys stay as they were" in dump(pilot.app)
        await press(pilot, "f5")
        assert "nested: children" in dump(pilot.app)
        pilot.app._look_at_hands()
        await settled(pilot)
        assert "stay as they were" not in dump(pilot.app)
        config_file().unlink()
        pilot.app._look_at_hands()
        await press(pilot, "t")
        assert "flat: all runs" in dump(pilot.app)


async def test_a_command_gets_what_is_under_the_cursor_and_its_output_is_a_log(session):
    async with open_console(session, settings=write(FILE), size=(120, 40)) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        await press(pilot, "ctrl+g")
        assert "tell: it is for runs" in dump(pilot.app)
        pilot.app.go("runs")
        await settled(pilot)
        run = pilot.app.screen.current()
        await press(pilot, "ctrl+g")
        (started,) = pilot.app.started
        assert started.child.wait(30) == 0
        pilot.app.screen.read_on()
        await settled(pilot)
        assert f"['{run.id}', 'lab']" in dump(pilot.app)
        assert "ended with 0" in dump(pilot.app)
        assert started.log.stat().st_mode & 0o777 == 0o600


async def test_a_dangerous_one_asks_and_hides_where_nothing_may_change(
    registry,
):
    async with open_console(session_of(registry), settings=write(FILE)) as pilot:
        await press(pilot, "ctrl+w")
        check("command-confirm-80", dump(pilot.app))
        await press(pilot, "escape")
        assert "wipe was not started" in dump(pilot.app)
        await pilot.app.bridge.session.registry.close()
    session = session_of(registry, readonly="lab is read-only")
    async with open_console(session, settings=write(FILE)) as pilot:
        await press(pilot, "ctrl+w")
        assert "lab is read-only" in dump(pilot.app)
        assert "wipe" not in sources(pilot)
        assert "tell" in sources(pilot)
    await session.registry.close()


def command(*words):
    return UserCommand(command=words)


def test_a_value_is_one_argument_whatever_it_holds():
    odd = "a b; rm -rf ~ $(id) `id` \"'\n{id}"
    assert argv_of(command("x", "{model}", "--m={model}"), {"model": odd}) == [
        "x",
        odd,
        f"--m={odd}",
    ]


def test_a_value_is_never_an_option():
    with pytest.raises(ModeldeckError, match="would be read as an option"):
        argv_of(command("x", "{model}"), {"model": "--force"})
    assert argv_of(command("x", "--", "{model}"), {"model": "-f"}) == ["x", "--", "-f"]
    assert argv_of(command("x", "./{model}"), {"model": "-f"}) == ["x", "./-f"]
    with pytest.raises(ModeldeckError, match="NUL"):
        argv_of(command("x", "{model}"), {"model": "a\0b"})
    with pytest.raises(ModeldeckError, match="there is no model here"):
        argv_of(command("x", "{model}"), {})


def test_no_secret_is_in_the_environment_or_in_the_line():
    environ = {"PATH": "/bin", "MLFLOW_TRACKING_PASSWORD": "x", "DB": "https://u:p@h/", "A": "b@c"}
    assert clean_environment(environ) == {"PATH": "/bin", "A": "b@c"}
    assert line_of(["x", "password=hunter2", "a b"]) == "x 'password=***' 'a b'"
    assert os.environ["PATH"] == clean_environment(os.environ)["PATH"]
