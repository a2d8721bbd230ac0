"""What reaches a real terminal is our own driver's, whatever others have written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.hostile.screens import OPENED
from tests.hostile.stream import finds
from tests.hostile.strings import ESCAPES, NAMES, SENTINEL
from tests.pty import Terminal

ROOT = Path(__file__).parents[2]
COLUMNS, LINES = 100, 30


def env(**more: str) -> dict[str, str]:
    homes = {key: value for key, value in os.environ.items() if key.startswith("XDG_")}
    return {**homes, "PYTHONPATH": str(ROOT), **more}


@pytest.mark.parametrize(
    "name", [name for name in ESCAPES if "\t" not in name and "\r" not in name]
)
def test_the_reader_of_the_stream_finds_each(name):
    own = "\x1b[?1049l" in name  # the driver's too, at the end: it is counted
    assert own or list(finds(f"a{name}b".encode("utf-8", "replace"), COLUMNS, LINES))


@pytest.mark.parametrize("text", ["a\u202eb", "a\u200bb", "a\u2028b", "\U000e0041", "\x1b[999;1H"])
def test_and_what_is_not_drawn(text):
    assert list(finds(text.encode(), COLUMNS, LINES))


def test_and_nothing_of_what_a_driver_sends():
    sent = "\x1b[?1049h\x1b[?25l\x1b[1;1H\x1b[38;2;1;2;3;48;5;4;1mmodel\x1b[0m\x1b[K\r\n"
    sent += "\x1b]22;text\x07\x1b]2;modeldeck lab\x07"
    assert list(finds(sent.encode(), COLUMNS, LINES)) == []


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"LANG": "C"}], ids=str)
def test_every_screen_in_a_terminal(registry, tmp_path, more):
    log = tmp_path / "seen"
    command = [sys.executable, "-m", "tests.hostile.walk", str(registry), str(log)]
    with Terminal(command, columns=COLUMNS, lines=LINES, env=env(**more)) as terminal:
        assert terminal.wait(500) == 0, bytes(terminal.output[-2000:])
        output = bytes(terminal.output)
    assert log.read_text().split() == list(OPENED)
    assert list(finds(output, COLUMNS, LINES))[:5] == []
    assert output.count(b"\x1b[?1049l") == 1
    assert SENTINEL.encode() in output, "it was on the screen"


@pytest.mark.real
def test_what_is_pasted_and_completed(registry, tmp_path):
    command = [sys.executable, "-m", "modeldeck.app", "--registry", str(registry)]
    with Terminal(command, columns=COLUMNS, lines=LINES, env=env()) as terminal:
        terminal.read_until(b"RECENT")
        terminal.read_until_quiet()
        for keys in (b":runs ", b"\t", b"\x1b", b":history ", b"\t", b"\x1b"):
            terminal.press(keys)
        terminal.press(b"/")
        for name in NAMES[:20]:
            raw = name.encode("utf-8", "replace").replace(b"\x1b[201~", b"")
            terminal.send(b"\x1b[200~" + raw + b"\x1b[201~")
        terminal.read_until_quiet()
        terminal.send(b"\x1b")
        terminal.read_until_quiet()
        terminal.send(b"q")
        assert terminal.wait() == 0
        output = bytes(terminal.output)
    assert list(finds(output, COLUMNS, LINES))[:5] == []
