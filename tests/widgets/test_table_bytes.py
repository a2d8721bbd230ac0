"""What the table writes to a terminal of 120x40: how much, and nothing that data could command."""

import re
import sys

import pytest

from tests.pty import Terminal

pytestmark = pytest.mark.real

APP = r"""
import sys
from textual.app import App
from textual.widgets import Static
from modeldeck.widgets.table import Cell, Column, Row, Table

NAMES = ["esc \x1b]52;c;ZXZpbA==\x07", "csi \x1b[31mred\x1b[0m", "c1 \x9b31m\x9d0;t\x9c"]
COLUMNS = [Column("name", "NAME \x1b[5m", pinned=True, priority=9), Column("st", "ST")]
COLUMNS += [Column(f"m{n}", f"metric {n}", "number") for n in range(8)]

class Million:
    generation = 1
    count = at_least = 1_000_000
    def row(self, index):
        name = NAMES[index] if index < len(NAMES) else f"xgb-w48-{index:07d}"
        state = Cell("FAIL", "bad") if index % 7 == 3 else Cell("ok", "ok")
        numbers = [f"0.{(index * k + 1) % 9973:04d}" for k in range(1, 8)]
        return Row(str(index), [name, state, *numbers, Cell("7be2", "dim")])
    def want(self, first, last): ...
    def index_of(self, key): return int(key)

class Demo(App):
    ENABLE_COMMAND_PALETTE = False
    CSS = "Static { height: 1; }"
    def compose(self):
        yield Static("where")
        yield Static("filter")
        yield Table(COLUMNS, Million())
        yield Static("age")
        yield Static("keys")
    def on_mount(self):
        self.theme = sys.argv[1]
        self.query_one(Table).focus()

# Told at the start, else NO_COLOR makes the default colours of an ANSI theme black on black.
Demo(ansi_color=sys.argv[1].startswith("ansi") or None).run()
"""


def start(theme, **env):
    terminal = Terminal([sys.executable, "-c", APP, theme], env=env)
    terminal.read_until(b"xgb-w48-0000030")
    terminal.read_until_quiet()
    return terminal


@pytest.mark.parametrize(
    ("theme", "env"),
    [
        ("textual-dark", {}),
        ("ansi-dark", {}),
        ("ansi-dark", {"NO_COLOR": "1"}),
        ("textual-dark", {"COLORTERM": "", "TERM": "xterm"}),
    ],
)
def test_bytes_of_moves_pages_and_rest(theme, env):
    with start(theme, **env) as terminal:
        moves = [len(terminal.press(b"j")) for _ in range(4)]
        marks = len(terminal.press(b" "))
        pages = [len(terminal.press(b"\x1b[6~")) for _ in range(2)]
        rest = terminal.read_until_quiet(quiet=1.0)
        lines = terminal.screen()
    print(theme, env, "move", moves, "mark", marks, "page", pages, "rest", rest)
    assert max(moves) <= 600
    assert marks <= 600
    assert max(pages) <= 10_000
    assert rest == 0
    assert [line[0] for line in lines if line.startswith(">")] == [">"]
    assert "xgb-w48-0000073" in next(line for line in lines if line.startswith(">"))


def test_no_escape_in_a_name_reaches_the_terminal():
    with start("textual-dark") as terminal:
        output = terminal.output.decode()
        lines = terminal.screen()
    assert lines[3].startswith(">  esc \\u{1b}]52;c;ZXZpbA==\\u{07}")
    assert lines[5].startswith("   c1 \\u{9b}31m")
    own = re.sub(r"\x1b\]22;[a-z]*\x07", "", output)  # the pointer's shape, asked for by Textual
    assert not re.search(r"\x1b\]|[\x07\x08\x80-\x9f]|\x1b\[5?31?m", own)


def test_the_cursor_is_reversed_where_there_is_no_colour():
    with start("ansi-dark", NO_COLOR="1") as terminal:
        moved = terminal.press(b"j").decode()
    assert re.search(r"\x1b\[[0-9;]*\b7\b[0-9;]*m>  csi", moved)
    assert not re.search(r"[34]8;[25];", moved)
