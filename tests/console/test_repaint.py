"""Whoever wrote on the terminal meanwhile leaves no trace: the screen is painted whole, in tmux."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

import pytest

from tests.console.test_terminal import command
from tests.recorder.real import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux"),
]


class Pane:
    """A shell in a tmux of its own."""

    def __init__(self, folder):
        self._tmux = ["tmux", "-S", str(folder / "socket")]
        environ = {name: value for name, value in os.environ.items() if name != "TMUX"}
        self._env = environ | {"TERM": "xterm-256color"}

    def start(self):
        shell = ["-f", os.devnull, "new-session", "-d", "-x", "120", "-y", "40"]
        self.tmux(*shell, "bash --norc --noprofile -i")
        self.until("bash-")

    def tmux(self, *args):
        done = subprocess.run(
            [*self._tmux, *args], env=self._env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def send(self, *keys):
        self.tmux("send-keys", *keys)

    def seen(self):
        """The pane with its colours, a string a line."""
        return self.tmux("capture-pane", "-p", "-e").split("\n")

    def until(self, text):
        until(lambda: text in self.tmux("capture-pane", "-p"))

    def quiet(self):
        """The pane when nothing has changed on it for a while."""
        last = [[]]

        def same():
            subprocess.run(["sleep", "0.5"], check=True)
            before, last[0] = last[0], self.seen()
            return before == last[0]

        until(same)
        return last[0]


@pytest.fixture
def pane(tmp_path):
    found = Pane(tmp_path)
    try:
        found.start()
        yield found
    finally:
        found.tmux("kill-server")


def console(pane, registry, *more):
    pane.send(shlex.join(["env", *more, *command(registry)]), "Enter")
    pane.until("RECENT")
    pane.send(":runs", "Enter")
    pane.until("> runs")
    pane.quiet()
    pane.send("Enter")
    pane.until("] parts")
    return pane.quiet()


def body(lines):
    """What does not change by itself: not the clock, nor what is said above the keys."""
    return lines[1:-3]


def test_after_a_shell(pane, registry):
    before = console(pane, registry)
    pane.send("C-z")
    pane.until("Stopped")
    pane.send("clear; seq 100; fg", "Enter")
    pane.until("? keys")
    assert body(pane.quiet()) == body(before)


def test_after_an_editor(pane, registry, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "\\033[2J\\033[41mover all of it"; seq 100; sleep 0.2\n')
    editor.chmod(0o700)
    before = console(pane, registry, f"EDITOR={editor}")
    pane.send("e")
    pane.until("the note is as it was")
    assert body(pane.quiet()) == body(before)
