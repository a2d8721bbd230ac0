"""Killed with -9 at random moments, `modeldeck run` and the console lose and double nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from modeldeck.app.recorder import processes
from modeldeck.backends.local import trail
from tests.pty import Terminal
from tests.recorder.real import (
    PROGRAM,
    end_commands,
    listed,
    run_program,
    script,
    series,
    states,
    until,
)

pytestmark = pytest.mark.real

LINES = 150
BODY = f"""
for step in range({LINES}):
    log(step, loss=1 / (step + 1), twice=2 * step)
    if step % 10 == 0:
        print("step", step, flush=True)
    time.sleep(0.003)
(run / "params.json").write_text('{{"lr": 0.1}}')
"""
KINDS = ("recorder", "recorder and command", "command", "console")


class Round:
    """One recorder, and what of its lines is known to be whole."""

    def __init__(self, folder: Path, command: list[str], number: int) -> None:
        self.folder = folder
        before = set(folder.glob(".modeldeck/runs/*"))
        self.process = subprocess.Popen(
            [*PROGRAM, "run", "--name", f"round {number}", "--", *command],
            cwd=folder,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._before = before

    def kill(self, kind: str, after: float, console: Terminal) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(after)
        if kind == "console":
            console.process.kill()
            console.process.wait()
        if kind.startswith("recorder"):
            self.process.kill()
        if kind.endswith("command"):
            end_commands(self.folder)
        if kind == "recorder":
            self.wait_for_command()
        self.process.wait(60)

    def wait_for_command(self) -> None:
        until(lambda: not any(processes.alive(s["pid"], s["born"]) for s in self.states()))

    def states(self) -> list[dict]:
        return [s for s in states(self.folder) if self.ours(s["run_id"])]

    def ours(self, run_id: str) -> bool:
        return self.folder / ".modeldeck" / "runs" / run_id not in self._before

    def whole_lines(self) -> Iterator[tuple[str, int]]:
        """The run that was left, and how many of its lines have an end."""
        for path in self.folder.glob(".modeldeck/runs/*/metrics.jsonl"):
            if self.ours(path.parent.name):
                with suppress(FileNotFoundError):
                    yield path.parent.name, path.read_bytes().count(b"\n")


def check_files(folder: Path) -> None:
    for name in ("registry.db", "telemetry.db"):
        with closing(sqlite3.connect(folder / ".modeldeck" / name)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if name == "registry.db":
                assert trail.verify(connection) is None


def survive(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    command = script(folder, BODY)
    assert run_program(folder, "init").returncode == 0
    left: dict[str, int] = {}
    console = open_console(folder)
    try:
        for number in range(rounds):
            kind = KINDS[number % len(KINDS)]
            one = Round(folder, command, number)
            one.kill(kind, chance.uniform(0.05, 1.6), console)
            left |= dict(one.whole_lines())
            if console.process.poll() is not None:
                console.close()
                console = open_console(folder)
    finally:
        console.close()
        end_commands(folder)
    runs = listed(folder)
    check_files(folder)
    assert {run["status"] for run in runs} <= {"finished", "failed", "killed"}
    for run in runs:
        for key, value in (("loss", lambda step: 1 / (step + 1)), ("twice", lambda step: 2 * step)):
            found = series(folder, run["id"], key)
            assert found == [(step, value(step)) for step in range(len(found))], run["name"]
            if run["status"] == "finished":
                assert len(found) == LINES
            assert len(found) >= left.get(run["id"], 0), run["name"]
    assert {run["id"] for run in runs} >= left.keys()
    assert list(folder.glob(".modeldeck/runs/*/metrics.jsonl")) == []


def open_console(folder: Path) -> Terminal:
    command = [*PROGRAM, "--registry", str(folder / ".modeldeck" / "registry.db")]
    return Terminal(command, cwd=folder, env=dict(os.environ))


def test_killed_while_it_makes_the_registry(tmp_path):
    chance = random.Random(4)
    command = [*PROGRAM, "run", "--", "true"]
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # It begins some tenths of a second after its start.
        with suppress(subprocess.TimeoutExpired):
            until((folder / ".modeldeck").exists)
            process.wait(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        assert run_program(folder, "run", "--", "true").returncode == 0
        check_files(folder)


def test_a_few_kills(tmp_path):
    survive(tmp_path, 5, seed=1)


@pytest.mark.slow
def test_fifty_kills(tmp_path):
    survive(tmp_path, 50, seed=2)


@pytest.mark.slow
def test_all_of_a_run_killed_at_once(tmp_path):
    """As when the machine goes down: recorder, shell and command in the same moment."""
    chance = random.Random(3)
    command = script(tmp_path, BODY)
    for number in range(10):
        one = Round(tmp_path, command, number)
        with suppress(subprocess.TimeoutExpired):
            one.process.wait(chance.uniform(0.3, 1.0))
        if one.process.poll() is None:  # on a quick machine it may have ended by itself
            os.kill(one.process.pid, signal.SIGSTOP)
        end_commands(tmp_path)
        one.process.kill()
        one.process.wait()
        one.wait_for_command()
        lines = dict(one.whole_lines())
        runs = {run["id"]: run for run in listed(tmp_path)} if lines else {}
        for run_id, count in lines.items():
            assert runs[run_id]["status"] in {"killed", "finished"}
            assert len(series(tmp_path, run_id, "loss")) >= count
    check_files(tmp_path)
