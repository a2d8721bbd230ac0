"""The console in a real pseudo-terminal: bytes, escapes, signals, fast typing."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from modeldeck.backends.api.ingest import ModelRecord
from modeldeck.backends.api.models import Model, Version
from tests.console.samples import NOW, build, run
from tests.pty import Terminal

pytestmark = pytest.mark.real

HOSTILE = [
    "esc \x1b]52;c;ZXZpbA==\x07",
    "csi \x1b[31mred\x1b[2J",
    "c1 \x9b31m\x9d0;t\x9c",
    "[/] [@click=app.quit]x[/] $x [$y]",
    "bidi \u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "tab\tnew\nline\r",
    "",
    "日本語のモデル",
    "x" * 20_000,
    "\x00\x7f",
]


def command(registry, *more):
    return [sys.executable, "-m", "modeldeck.app", "--registry", str(registry), *more]


def start(registry, *, columns=120, lines=40, **env):
    terminal = Terminal(command(registry), columns=columns, lines=lines, env=env)
    terminal.read_until(b"RECENT")
    terminal.read_until_quiet()
    return terminal


def clean(output):
    """What is left when everything that Textual itself sends is taken away."""
    text = output.decode("utf-8", "replace")
    text = re.sub(r"\x1b\]22;[a-z]*\x07|\x1b\]2;[^\x00-\x1f\x7f-\x9f]*\x1b\\", "", text)
    return re.sub(r"\x1b(\[[?<>=]?[0-9;]*[A-Za-z$]+|\[\?2026\$p|[=>78])", "", text)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    runs = []
    for at, name in enumerate(HOSTILE):
        more = {
            "tags": {f"t{name}": name},
            "params": {f"p{name}": name},
            "metrics": {f"m{name}": float(at)},
            "reason": name or None,
            "user": name,
            "git": name,
        }
        runs.append(run(at + 1, name, experiment=str(at), **more))
    models = [
        ModelRecord(
            model=Model(name=f"{name}{at}", aliases={f"a{at}{name[:200]}": 1}, created_at=NOW),
            versions=[Version(model=f"{name}{at}", version=1, format=name, user=name)],
        )
        for at, name in enumerate(HOSTILE)
    ]
    names = {str(at): f"{name} {at}" for at, name in enumerate(HOSTILE)}
    return build(tmp_path_factory.mktemp("hostile"), runs, models, names)


@pytest.mark.parametrize("theme", [{}, {"NO_COLOR": "1"}])
def test_no_name_reaches_the_terminal_raw(hostile, theme):
    with start(hostile, **theme) as terminal:
        for keys in (b":exp\r", b":runs\r", b"\x1b[1;2C" * 3, b"G"):
            terminal.press(keys)
        screen = terminal.screen()
        for keys in (b":models\r", b":versions\r"):
            terminal.press(keys)
        for keys in (
            b":audit\r",
            b"?",
            b"\x1b",
            b"@",
            b"\x1b",
            b"\x10",
            b"\x1b",
            b":runs c",
            b"\t",
        ):
            terminal.press(keys)
        terminal.press(b"\x1b")
        terminal.send(b"q")
        assert terminal.wait() == 0
        output = bytes(terminal.output)
    assert any("csi \\u{1b}[31mred" in row or "c1 \\u{9b}" in row for row in screen)
    left = clean(output)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202e\u2066\ufeff]", left)
    assert b"ZXZpbA" not in output or b"\x1b]52" not in output


@pytest.mark.slow
def test_nothing_is_sent_while_nothing_happens(registry):
    with start(registry) as terminal:
        terminal.press(b":models\r")
        if time.localtime().tm_sec > 45:  # the clock in the first line
            terminal.read_until_quiet(61 - time.localtime().tm_sec)
        mark = terminal.mark
        terminal.read_until_quiet(quiet=10)
        assert terminal.bytes_since(mark) == b""


def test_bytes_of_what_one_does_all_day(registry):
    with start(registry) as terminal:
        begun = terminal.mark
        sent = {
            "goto": terminal.press(b":"),
            "escape": terminal.press(b"\x1b"),
            "runs": terminal.press(b":runs\r"),
            "down": terminal.press(b"j"),
            "filter": terminal.press(b"/"),
            "shut": terminal.press(b"\x1b"),
            "verbs": terminal.press(b"\x10"),
        }
    sizes = {name: len(data) for name, data in sent.items()}
    print(begun, sizes)
    assert begun < 16_000
    assert sizes["goto"] < 1500
    assert sizes["escape"] < 1500
    assert sizes["runs"] < 16_000
    assert sizes["down"] < 600
    assert sizes["filter"] < 1500
    assert sizes["verbs"] < 10_000


def test_letters_typed_in_a_burst_all_arrive(registry):
    with start(registry, columns=80, lines=24) as terminal:
        terminal.press(b":runs\r")
        terminal.press(b"/metrics.auc > 0.93\rjj", quiet=1)
        assert "/ metrics.auc > 0.93" in terminal.screen()[-2]
        assert "jj" not in terminal.screen()[-2]
        terminal.press(b"\x10audit\r", quiet=1)
        assert "audit" in terminal.screen()[0]


def test_a_lost_line_ends_it(registry):
    with start(registry) as terminal:
        os.kill(terminal.process.pid, signal.SIGHUP)
        assert terminal.wait() == 128 + signal.SIGHUP
        assert b"\x1b[?1049l" in terminal.output


def test_the_screen_comes_back_after_a_suspension(registry):
    with start(registry) as terminal:
        before = terminal.screen()
        mark = terminal.mark
        terminal.send(b"\x1a")
        terminal.read_until(b"\x1b[?1049l", since=mark)
        _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        mark = terminal.mark
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.read_until(b"keys", since=mark)
        terminal.read_until_quiet()
        assert terminal.screen()[:-2] == before[:-2]
        assert len(terminal.bytes_since(mark)) > 3000


def test_another_size_is_another_screen(registry):
    with start(registry) as terminal:
        terminal.resize(80, 24)
        terminal.read_until_quiet()
        assert terminal.screen()[-1].endswith("? keys")
        terminal.resize(50, 10)
        terminal.read_until_quiet()
        assert terminal.screen()[0] == "60x16 needed, this is 50x10"
        terminal.resize(200, 50)
        terminal.read_until_quiet()
        assert terminal.screen()[-1].endswith("? keys")


CRASH = """
import sys
from modeldeck.app.console.screens import overview
from modeldeck.app.console.start import run_console
from modeldeck.app.workspace import Wish

def broken(self):
    token = "[/]hunter2"
    raise RuntimeError("[bold]boom")

overview.OverviewScreen.do_open = broken
sys.exit(run_console(Wish(registry=sys.argv[1])))
"""


def test_a_defect_ends_with_one_line_and_a_report_without_values(registry):
    with Terminal([sys.executable, "-c", CRASH, str(registry)], columns=300) as terminal:
        terminal.read_until(b"RECENT")
        mark = terminal.mark
        terminal.send(b"\r")
        assert terminal.wait() == 1
        words = terminal.bytes_since(mark).decode().rpartition("\x1b")[2]
    assert "modeldeck: a defect ended the console: RuntimeError; where it happened is in" in words
    assert "hunter2" not in terminal.output.decode()
    report = re.search(r"is in (\S+\.txt)", words).group(1)
    text = Path(report).read_text()
    assert "in broken" in text
    assert "hunter2" not in text.replace('token = "[/]hunter2"', "")


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({"NO_COLOR": "1"}, rb"\x1b\[[0-9;]*7[0-9;]*m"),
        ({"TERM": "xterm", "COLORTERM": ""}, rb"\x1b\["),
        ({"LANG": "C"}, rb"\x1b\["),
    ],
)
def test_poor_terminals(registry, env, wanted):
    with start(registry, **env) as terminal:
        terminal.press(b":runs\r")
        output = bytes(terminal.output)
        screen = terminal.screen()
    assert re.search(wanted, output)
    if "NO_COLOR" in env:
        assert not re.search(rb"[34]8;[25];", output)
    if env.get("LANG") == "C":
        assert [row for row in screen if not row.isascii()] == []
        assert any("> sweep" in row for row in screen)
