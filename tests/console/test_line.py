"""The line to the terminal: how much goes over it, and what happens when it is gone."""

import os
import signal
import sqlite3
import statistics
import subprocess
import sys

import pytest

from modeldeck.app.console.frame import short_size
from modeldeck.app.console.traffic import Traffic, Wire, hung_up
from tests.console.samples import build, run
from tests.console.test_terminal import command, start
from tests.pty import Terminal


def test_bytes_are_counted_and_those_of_a_minute_forgotten():
    now = [100.0]
    traffic = Traffic(lambda: now[0])
    traffic.sent("abc")
    traffic.sent("é\x1b")
    now[0] = 159.0
    traffic.sent("x" * 10)
    assert (traffic.total, traffic.last_minute()) == (16, 16)
    now[0] = 161.0
    assert (traffic.total, traffic.last_minute()) == (16, 10)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (99, "99B"), (100, "<1K"), (1000, "1K"), (99_999, "99K"), (123_456, "120K")],
)
def test_a_size_in_few_letters(size, text):
    assert short_size(size) == text


def test_a_lost_wire_swallows_and_tells_once():
    reader, writer = os.pipe()
    told = []
    with os.fdopen(writer, "w") as file:
        wire = Wire(file, lambda: told.append(1))
        wire.write("heard")
        wire.flush()
        assert not hung_up(writer)
        assert os.read(reader, 99) == b"heard"
        os.close(reader)
        assert hung_up(writer)
        for _ in range(2):
            wire.write("lost")
            wire.flush()
        assert told == [1]
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


@pytest.mark.real
def test_a_terminal_that_is_gone_ends_it(registry):
    with start(registry) as terminal:
        ended_quietly(*terminal.lose())


def ended_quietly(code, cpu, by=(signal.SIGHUP,)):
    """It went away by itself, and did not turn round and round before."""
    assert code in {128 + number for number in by}
    assert cpu < 3


DEAF = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
import asyncio
from modeldeck.app.console import deck
asyncio.BaseEventLoop.add_signal_handler = lambda *_: None
asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = lambda *_: None
from modeldeck.app.cli.main import main
sys.exit(main(["--registry", sys.argv[1]]))
"""


@pytest.mark.real
def test_a_terminal_that_is_gone_without_a_signal_ends_it_too(registry):
    with Terminal([sys.executable, "-c", DEAF, str(registry)]) as terminal:
        terminal.read_until(b"RECENT")
        terminal.read_until_quiet()
        ended_quietly(*terminal.lose())


TERMINATED = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from modeldeck.app.cli.main import main
from modeldeck.app.console import start
from modeldeck.app.console.traffic import hung_up
async def ended(*_, **options):
    print("begun", flush=True)
    while not hung_up(0):
        time.sleep(0.01)
    print("nobody reads", end="")
    return 128 + signal.SIGTERM
start._run = ended
sys.exit(main([]))
"""


@pytest.mark.real
def test_what_is_left_to_say_to_a_terminal_that_is_gone_does_not_change_the_code():
    with Terminal([sys.executable, "-c", TERMINATED]) as terminal:
        terminal.read_until(b"begun")
        ended_quietly(*terminal.lose(), by={signal.SIGTERM})


@pytest.mark.real
def test_a_change_under_way_comes_to_its_end_when_the_line_is_lost(registry):
    """Somebody else holds the registry, so that the change waits while the terminal goes away."""
    path = registry / "registry.db" if registry.is_dir() else registry
    other = sqlite3.connect(path, isolation_level=None)
    before = other.execute("SELECT count(*) FROM audit").fetchone()[0]
    with start(registry) as terminal:
        terminal.press(b":runs\r")
        terminal.press(b"T")
        terminal.press(b"kept=yes\r")
        terminal.read_until(b"EXPECTS")
        terminal.press(b"\t")
        other.execute("BEGIN IMMEDIATE")
        mark = terminal.mark
        terminal.send(b"\r")
        terminal.read_until(b"applying", since=mark)
        terminal.hang_up()
        with pytest.raises(subprocess.TimeoutExpired):
            terminal.process.wait(0.7)
        other.execute("COMMIT")
        assert terminal.wait() == 128 + signal.SIGHUP
    after = other.execute("SELECT count(*) FROM audit").fetchone()[0]
    tags = other.execute("SELECT count(*) FROM tag WHERE value = 'yes'").fetchone()[0]
    other.close()
    assert after > before
    assert tags == 1


@pytest.mark.real
@pytest.mark.parametrize("size", [(0, 0), (1, 1), (3, 200), (1000, 1000), (59, 15)])
def test_sizes_that_lie_do_not_end_it(registry, size):
    with start(registry, columns=80, lines=24) as terminal:
        terminal.resize(*size)
        terminal.read_until_quiet()
        terminal.send(b"\x1b[48;0;0;0;0t\x1b[48;1;1;1;1t")
        for columns in range(60, 120, 7):
            terminal.resize(columns, columns // 2)
        terminal.resize(100, 30)
        terminal.send(b"\x1b[48;30;100;0;0t")
        terminal.read_until_quiet()
        assert terminal.process.poll() is None
        terminal.send(b"\x12")
        terminal.read_until_quiet()
        assert terminal.screen()[-1].endswith("? keys")
        terminal.send(b"q")
        assert terminal.wait() == 0


@pytest.mark.real
@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_show_it_is_said_so(registry, term):
    with Terminal(command(registry), columns=200, env={"TERM": term}) as terminal:
        assert terminal.wait() == 2
        assert b"Traceback" not in terminal.output
        assert b"cannot show the console" in terminal.output
        assert b"\x1b" not in terminal.output


@pytest.mark.real
def test_no_keys_to_read_is_said(registry):
    argv = ["sh", "-c", '"$@" <&-', "sh", *command(registry)]
    with Terminal(argv, columns=200) as terminal:
        assert terminal.wait() == 2
        assert b"stdin is none" in terminal.output
        assert b"Traceback" not in terminal.output


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A registry with several pages of runs."""
    return build(tmp_path_factory.mktemp("long"), [run(at, f"run {at}") for at in range(1, 200)])


# Bytes at 120x40 over a slow line: measured, with a third of room.
BUDGETS = {"begin": 8_500, "goto": 650, "runs": 11_500, "down": 430, "page": 7_000, "verbs": 9_000}


@pytest.mark.real
def test_a_slow_line_is_sent_less(long):
    with Terminal(command(long, "--low-bandwidth")) as terminal:
        terminal.read_until(b"RECENT")
        terminal.read_until_quiet()
        sizes = {
            "begin": terminal.mark,
            "goto": len(terminal.press(b":")),
            "runs": len(terminal.press(b"runs\r")),
            "down": len(terminal.press(b"j")),
            "page": len(terminal.press(b"\x1b[6~")),
            "verbs": len(terminal.press(b"\x10")),
        }
        terminal.press(b"\x1b")
        state = terminal.screen()[-2]
        output = bytes(terminal.output)
    print(sizes)
    assert {name: size for name, size in sizes.items() if size > BUDGETS[name]} == {}
    assert state.endswith("/m")
    assert b"38;2;" not in output


@pytest.mark.real
def test_fifty_moves_and_a_page_keep_to_their_budgets(long):
    with start(long) as terminal:
        terminal.press(b":runs\r")
        sent = [len(terminal.press(b"j", 0.05)) for _ in range(30)]
        sent += [len(terminal.press(b"k", 0.05)) for _ in range(20)]
        page = len(terminal.press(b"\x1b[6~"))
    print(max(sent), sum(sent), page)
    # What comes late on a busy machine is counted with the move after.
    assert statistics.median(sent) <= 600
    assert sum(sent) <= 600 * len(sent)
    assert 600 < page <= 10_000


@pytest.mark.real
def test_the_title_says_where_one_is_and_is_put_back(registry):
    with start(registry) as terminal:
        terminal.press(b":models\r")
        terminal.send(b"q")
        assert terminal.wait() == 0
        output = bytes(terminal.output)
    assert output.count(b"\x1b[22;2t") == output.count(b"\x1b[23;2t") == 1
    assert b"> models\x1b\\" in output
