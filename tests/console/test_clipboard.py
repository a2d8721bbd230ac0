"""Which way a copy goes, and what is said of it."""

import base64

import pytest

from modeldeck.app.console import clipboard
from modeldeck.app.console.clipboard import LARGEST, by_tmux, copied, escape, route, to_file


@pytest.mark.parametrize(
    ("environ", "size", "way"),
    [
        ({"TERM": "xterm"}, 10, "terminal"),
        ({"TERM": "xterm"}, LARGEST, "terminal"),
        ({"TERM": "xterm"}, LARGEST + 1, "file"),
        ({"TERM": "screen", "STY": "1.pts"}, 10, "screen"),
        ({"TERM": "screen", "TMUX": "/tmp/x,1,0"}, LARGEST + 1, "tmux"),
        ({"TERM": "dumb"}, 10, "file"),
        ({"TERM": "linux"}, 10, "file"),
        ({}, 10, "file"),
    ],
)
def test_which_way(environ, size, way):
    assert route(environ, size) == way


def test_what_the_terminal_gets_is_the_text():
    text = "models/f\x1b\x07é/1"
    payload = escape(text).removeprefix("\x1b]52;c;").removesuffix("\x07")
    assert base64.b64decode(payload).decode() == text


def test_screen_gets_it_in_pieces_that_make_the_whole():
    wrapped = escape("x" * 2000, in_screen=True)
    pieces = [piece.removeprefix("\x1bP") for piece in wrapped.split("\x1b\\") if piece]
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= 512
    assert "".join(pieces) == escape("x" * 2000)


def test_a_file_that_only_its_owner_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(clipboard, "state_folder", lambda: tmp_path / "state")
    aside = tmp_path / "aside"
    aside.write_text("mine")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "copied.txt").symlink_to(aside)
    path = to_file("models/fraud/1")
    assert path.read_text() == "models/fraud/1"
    assert path.stat().st_mode & 0o777 == 0o600
    assert aside.read_text() == "mine"


def test_what_is_said():
    assert copied("a", "tmux") == "copied a (1 character, tmux)"
    assert copied("x" * 2000, "terminal") == "copied (2,000 characters, terminal)"


def program(folder, body):
    path = folder / "tmux"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


async def test_tmux_takes_it_or_says_no(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path, f'echo "$@" > {tmp_path}/args; cat > {tmp_path}/got')
    assert await by_tmux("models/fraud/1")
    assert (tmp_path / "got").read_text() == "models/fraud/1"
    assert (tmp_path / "args").read_text() == "load-buffer -w -\n"
    program(tmp_path, "exit 1")
    assert not await by_tmux("x" * 1_000_000)


async def test_a_tmux_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(clipboard, "PATIENCE", 0.2)
    program(tmp_path, "exec sleep 1000")
    assert not await by_tmux("x" * 1_000_000)


async def test_no_tmux_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not await by_tmux("x")
