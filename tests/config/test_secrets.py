"""Where a secret is looked for, in order, and that it is shown to nobody."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import traceback
from pathlib import Path

import pytest

from modeldeck.app.config import secrets
from modeldeck.app.config.contexts import Slot
from modeldeck.app.config.keyrings import Keyring
from modeldeck.app.config.secrets import Kept, Secret, keep_in_keyring, read_secret
from modeldeck.backends.api.connect import Connection
from modeldeck.backends.api.errors import DeniedError, ModeldeckError, RefusedError, UsageError

SENTINEL = "s3ntinel"
URL = "https://host/x"


class Memory(Keyring):
    """A keyring that is a mapping; simulated."""

    def __init__(self, kept: dict[str, str] | None = None) -> None:
        super().__init__()
        self._reason = "" if kept is not None else "there is none here"
        self._name = "memory"
        self.kept = kept or {}

    async def read(self, context: str, url: str) -> str | None:
        return self.kept.get(f"{context} {url}")

    async def keep(self, context: str, url: str, text: str) -> None:
        self.kept[f"{context} {url}"] = text


def basic(user: str, word: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{word}'.encode()).decode()}"


def slot(**given) -> Slot:
    return Slot(type="mlflow", url=URL, **given)


def kept(given: Slot, keyring: Keyring | None = None, ask=None) -> Kept:
    return Kept("prod", given, keyring=keyring or Memory(), ask=ask)


def script(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "give.py"
    path.write_text(text, encoding="utf-8")
    return (sys.executable, str(path))


@pytest.fixture
def private(tmp_path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("from-file\n", encoding="utf-8")
    return path


async def test_each_place_is_looked_at_in_order(tmp_path, monkeypatch, private):
    """What is found first is taken; taking it away leads to the next."""
    monkeypatch.setenv("MY_TOKEN", "from-variable")
    command = script(tmp_path, "print('from-command')\nprint('and more')")

    async def ask(context, given):
        assert (context, given.url) == ("prod", URL)
        return Secret("asked-for")

    places = {
        "credential_command": command,
        "credential_env": "MY_TOKEN",
        "credential_file": str(private),
    }
    keyring = Memory()
    await keep_in_keyring(keyring, "prod", slot(), Secret("from-keyring"))
    first = kept(slot(auth="token", **places), keyring, ask)
    assert await first.header() == "Bearer from-keyring"
    assert first.describe() == "keyring (memory)"
    expected = {
        "credential_command": ("from-command", f"command {sys.executable}"),
        "credential_env": ("from-variable", "variable MY_TOKEN"),
        "credential_file": ("from-file", f"file {private}"),
    }
    while places:
        found = kept(slot(auth="token", **places), ask=ask)
        word, where = expected[next(iter(places))]
        assert await found.header() == f"Bearer {word}"
        assert found.describe() == where
        del places[next(iter(places))]
    last = kept(slot(auth="token"), ask=ask)
    assert await last.header() == "Bearer asked-for"
    assert last.describe() == "asked for, kept in memory"


READ = {
    "a token": ("abc", {}, "Bearer abc"),
    "user and password": ("alice:p:w", {}, basic("alice", "p:w")),
    "the password of a user": ("p:w", {"user": "alice"}, basic("alice", "p:w")),
    "that with the user": ("alice:p", {"user": "alice"}, basic("alice", "p")),
    "a token with a colon": ("a:b", {"auth": "token"}, "Bearer a:b"),
    "a password with a space": ("alice:a b", {"auth": "basic"}, basic("alice", "a b")),
    "letters beyond ASCII": ("ål:pä", {}, basic("ål", "pä")),
    "the first line": ("abc\r\nsecond", {}, "Bearer abc"),
}


@pytest.mark.parametrize("about", READ)
def test_what_a_place_gives_is_read(about):
    text, given, header = READ[about]
    assert read_secret(text, slot(**given)).header == header


UNREADABLE = {
    "nothing": ("", {}),
    "an empty line": ("\nabc", {}),
    "no user": (SENTINEL, {"auth": "basic"}),
    "an empty password": ("alice:", {}),
    "a line break in a token": (f"{SENTINEL}\x0bX-Evil", {}),
    "a token beyond ASCII": (f"{SENTINEL}ä", {}),
    "two words": (f"{SENTINEL} {SENTINEL}", {}),
}


@pytest.mark.parametrize("about", UNREADABLE)
def test_what_cannot_be_a_secret_is_refused_and_not_shown(about):
    text, given = UNREADABLE[about]
    with pytest.raises(UsageError) as caught:
        read_secret(text, slot(**given))
    assert SENTINEL not in str(caught.value)


async def test_nothing_is_shown_by_what_holds_it(tmp_path):
    found = kept(slot(credential_command=script(tmp_path, f"print('alice:{SENTINEL}')")))
    assert await found.header() == basic("alice", SENTINEL)
    secret = Secret(SENTINEL, "alice")
    connection = Connection(context="prod", url=URL, credentials=found)
    shown = f"{secret!r} {secret} {found!r} {connection!r} {found.describe()} {[secret]}"
    assert SENTINEL not in shown
    assert base64.b64encode(f"alice:{SENTINEL}".encode()).decode() not in shown


async def test_who_says_nothing_of_credentials_is_anonymous_until_the_server_asks():
    found = kept(slot(), Memory({f"prod {URL}": "token x"}))
    assert await found.header() is None
    assert await found.header(refresh=True) == "Bearer x"
    assert await found.header() == "Bearer x"


async def test_none_is_none():
    assert await kept(slot(auth="none"), Memory({f"prod {URL}": "token x"})).header() is None
    assert await kept(slot()).header() is None


@pytest.mark.parametrize("auth", ["basic", "token"])
async def test_where_one_must_be_its_lack_is_said(auth):
    with pytest.raises(DeniedError, match="`modeldeck login prod`") as caught:
        await kept(slot(auth=auth)).header()
    assert caught.value.exit_code == 4


async def test_a_person_is_asked_once_and_only_when_it_is_needed():
    asked = []

    async def ask(context, given):
        asked.append(context)
        return Secret("asked-for")

    found = kept(slot(), ask=ask)
    assert await found.header() is None
    assert asked == []
    assert await found.header(refresh=True) == "Bearer asked-for"
    assert await found.header() == "Bearer asked-for"
    assert asked == ["prod"]


async def test_who_says_nothing_is_not_asked_again():
    asked = []

    async def ask(context, given):
        asked.append(context)

    found = kept(slot(), ask=ask)
    assert await found.header(refresh=True) is None
    assert await found.header(refresh=True) is None
    assert asked == ["prod"]


async def test_after_a_refusal_the_command_runs_again(tmp_path):
    count = tmp_path / "count"
    text = (
        f"import pathlib; p = pathlib.Path({str(count)!r})\n"
        "n = len(p.read_text()) if p.exists() else 0\n"
        "p.write_text('x' * (n + 1)); print(f'token-{n}')"
    )
    found = kept(slot(credential_command=script(tmp_path, text)))
    assert await found.header() == "Bearer token-0"
    assert await found.header() == "Bearer token-0"
    assert await found.header(refresh=True) == "Bearer token-1"
    assert count.read_text(encoding="utf-8") == "xx"


async def test_after_a_refusal_the_next_place_is_tried(monkeypatch):
    """A stale password in the keyring is no reason not to look further."""
    monkeypatch.setenv("MY_TOKEN", "fresh")
    keyring = Memory({f"prod {URL}": "token stale"})
    found = kept(slot(credential_env="MY_TOKEN"), keyring)
    assert await found.header() == "Bearer stale"
    assert await found.header(refresh=True) == "Bearer fresh"
    keyring.kept[f"prod {URL}"] = "basic alice:new"
    assert await found.header(refresh=True) == basic("alice", "new")


@pytest.mark.real
async def test_a_command_gets_no_shell_and_no_input(tmp_path):
    text = "import sys; print(sys.argv[1].replace('; ', '-') + str(len(sys.stdin.read())))"
    found = kept(slot(credential_command=(*script(tmp_path, text), "$HOME; ls")))
    assert await found.header() == "Bearer $HOME-ls0"


COMMANDS = {
    "it fails": f"import sys; print('{SENTINEL}', file=sys.stderr); sys.exit(3)",
    "it fails after its line": f"print('{SENTINEL}', flush=True); raise SystemExit(1)",
    "it writes nothing": "pass",
    "it writes no text": f"import sys; sys.stdout.buffer.write(b'\\xff{SENTINEL}')",
}


@pytest.mark.real
@pytest.mark.parametrize("about", COMMANDS)
async def test_a_command_that_does_not_do(tmp_path, about):
    found = kept(slot(credential_command=script(tmp_path, COMMANDS[about])))
    with pytest.raises(ModeldeckError) as caught:
        await found.header()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    assert "credential_command" in str(caught.value)
    assert SENTINEL not in shown.replace(COMMANDS[about], "")


async def test_a_command_that_is_not_there():
    found = kept(slot(credential_command=("no-such-program", SENTINEL)))
    with pytest.raises(UsageError, match="cannot be started: No such file") as caught:
        await found.header()
    assert SENTINEL not in str(caught.value)


@pytest.mark.real
async def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "PATIENCE", 1.0)
    pids = tmp_path / "pids"
    command = ("sh", "-c", f"sleep 60 & echo $$ $! > {pids}; wait")
    with pytest.raises(DeniedError, match="did not end within 1 s"):
        await kept(slot(credential_command=command)).header()
    for pid in pids.read_text(encoding="utf-8").split():
        for _ in range(500):
            if _gone(int(pid)):
                break
            await asyncio.sleep(0.01)
        assert _gone(int(pid))


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # an orphan that nobody has waited for yet


@pytest.mark.real
async def test_what_a_command_leaves_behind_does_not_hold_us_up(tmp_path):
    """As an agent that a password manager starts, with our pipe still open."""
    text = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'],"
        " start_new_session=True)\n"
        "print('abc', child.pid, sep='', end='\\n', flush=True)"
    )
    header = await kept(slot(credential_command=script(tmp_path, text))).header()
    assert header is not None
    os.kill(int(header.removeprefix("Bearer abc")), 9)


@pytest.mark.real
async def test_a_command_that_writes_without_end(tmp_path):
    text = "import os\nfor _ in range(200): os.write(1, b'x' * (1 << 16))\n"
    found = kept(slot(credential_command=script(tmp_path, text)))
    assert len(await found.header() or "") < 1 << 18


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
async def test_a_file_that_others_may_use_is_refused(private, mode):
    private.chmod(mode)
    with pytest.raises(RefusedError, match=f"chmod 600 {private}"):
        await kept(slot(credential_file=str(private))).header()


async def test_a_file_of_somebody_else_is_refused(private, monkeypatch):
    monkeypatch.setattr(secrets.os, "getuid", lambda: 12345)
    with pytest.raises(RefusedError, match="does not belong to you"):
        await kept(slot(credential_file=str(private))).header()


async def test_a_pipe_is_refused_and_waited_for_by_nobody(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    with pytest.raises(RefusedError, match="is no plain file"):
        await kept(slot(credential_file=str(path))).header()


async def test_a_file_of_the_home_and_one_that_is_not_there(private, monkeypatch):
    monkeypatch.setenv("HOME", str(private.parent))
    assert await kept(slot(credential_file="~/secret")).header() == "Bearer from-file"
    assert await kept(slot(credential_file="~/nothing")).header() is None
