"""The line is lost while a server has a change and does not answer: written down, sent once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.console.slow_server import slow_server
from tests.console.test_line import ended_quietly
from tests.pty import Terminal
from tests.servers.lab import make_lab

pytestmark = pytest.mark.simulated

PROGRAM = [sys.executable, "-m", "modeldeck.app"]
IMPATIENT = """
import sys
from modeldeck.app.console import console
from modeldeck.backends import writer
console.PATIENCE = writer.PATIENCE = 1.0
from modeldeck.app.cli.main import main
sys.exit(main([]))
"""


@pytest.fixture
def server():
    with slow_server() as server:
        yield server


def deadline(server, seconds):
    """A context that waits so long for an answer."""
    make_lab(server.url, auth="none", deadline=seconds)


def changing(server, tmp_path, program):
    """A console whose change is with the server."""
    terminal = Terminal(program, cwd=tmp_path, env=dict(os.environ))
    terminal.read_until(b"RECENT")
    terminal.read_until_quiet()
    terminal.press(b":runs\r")
    terminal.press(b"T")
    terminal.press(b"kept=yes\r")
    terminal.read_until(b"EXPECTS")
    terminal.press(b"\t")
    terminal.send(b"\r")
    assert server.asked.wait(20)
    return terminal


def outcomes(tmp_path):
    """What the next start says of the change, oldest first."""
    done = subprocess.run(
        [*PROGRAM, "audit", "ls", "-o", "json"],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    events = sorted(json.loads(done.stdout)["items"], key=lambda one: one["seq"])
    return [(one["phase"], one["after"].get("why", "")) for one in events]


@pytest.mark.parametrize(("does", "phase"), [(True, "done"), (False, "unknown")])
def test_it_ends_and_says_what_became_of_the_change(server, tmp_path, does, phase):
    server.does = does
    deadline(server, 2)
    with changing(server, tmp_path, PROGRAM) as terminal:
        ended_quietly(*terminal.lose())
    (intent, outcome) = outcomes(tmp_path)
    assert intent == ("intent", "")
    assert outcome[0] == phase
    assert server.changes == ["runs/set-tag"]


@pytest.mark.parametrize("signals", [(), (signal.SIGHUP, signal.SIGTERM)])
def test_a_server_that_says_nothing_at_all_does_not_keep_it(server, tmp_path, signals):
    server.deaf = True
    deadline(server, 300)
    with changing(server, tmp_path, [sys.executable, "-c", IMPATIENT]) as terminal:
        for number in signals:
            terminal.process.send_signal(number)
        # Of those that wait together any may be taken first.
        ended_quietly(*terminal.lose(), by={signal.SIGHUP, *signals})
    server.deaf = False
    found = outcomes(tmp_path)
    assert found == [("intent", ""), ("failed", "found as before at the next start")]
    assert outcomes(tmp_path) == found
    assert server.changes == ["runs/set-tag"]
