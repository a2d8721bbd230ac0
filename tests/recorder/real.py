"""The real program in processes of its own, and what its registry says."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from modeldeck.backends.local import open_registry

PROGRAM = [sys.executable, "-m", "modeldeck.app"]
# Writes a line of metrics at a time until it is told how many are enough, and waits for a file.
SCRIPT = """
import json, os, pathlib, sys, time
run = pathlib.Path(os.environ["MODELDECK_RUN_DIR"])
def log(step, **values):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, **values}) + "\\n")
def wait_for(name):
    end = time.monotonic() + 60
    while not pathlib.Path(name).exists():
        if time.monotonic() > end:
            sys.exit("nobody came")
        time.sleep(0.01)
"""


def until(ready: Callable[[], Any], seconds: float = 30) -> Any:
    """What `ready` gives, as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.01)
    return found


def script(folder: Path, body: str, name: str = "train.py") -> list[str]:
    """The command that runs a script of this body."""
    (folder / name).write_text(SCRIPT + body)
    return [sys.executable, name]


def run_program(
    folder: Path, *args: str, stdin: bytes | None = b"", seconds: float = 120, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run modeldeck to its end."""
    done = subprocess.run(
        [*PROGRAM, *args],
        cwd=folder,
        env=os.environ | env,
        input=stdin,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@contextmanager
def started(folder: Path, *args: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Modeldeck running; what is left of it and of its command is killed at the end."""
    process = subprocess.Popen(
        [*PROGRAM, *args],
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()
        end_commands(folder)


def states(folder: Path) -> Sequence[dict[str, Any]]:
    """What the recorders left for those who come after them."""
    return [json.loads(p.read_text()) for p in folder.glob(".modeldeck/runs/*/.run.json")]


def end_commands(folder: Path) -> None:
    """Kill the commands whose recorders are gone."""
    for state in states(folder):
        with suppress(ProcessLookupError):
            os.killpg(state["pid"], signal.SIGKILL)


def listed(folder: Path) -> list[dict[str, Any]]:
    """The runs of the registry in `folder`, the oldest first, as the program lists them."""
    done = run_program(folder, "runs", "ls", "--sort", "started", "--limit", "0", "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["items"]


def artifact(folder: Path, run_id: str, path: str) -> bytes | None:
    """The bytes of an artifact of a run; None when there is none."""

    async def read() -> bytes | None:
        registry = open_registry(folder)
        try:
            for one in await registry.artifacts(f"runs/{run_id}"):
                if one.path == path:
                    with registry.open_artifact(one) as file:
                        return file.read()
            return None
        finally:
            await registry.close()

    return asyncio.run(read())


def series(folder: Path, run_id: str, key: str) -> list[tuple[int, float]]:
    """Steps and values of a series, in order."""

    async def read() -> list[tuple[int, float]]:
        registry = open_registry(folder)
        try:
            points = await registry.points(run_id, key)
            return list(zip(points.steps, points.values, strict=True))
        finally:
            await registry.close()

    return asyncio.run(read())
