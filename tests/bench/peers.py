"""A run of W&B, 20 series x 50,000 points, in our console and in W&B's own, `wandb-core leet`."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.trackers import ENVIRONMENT, OFFLINE

from .harness import Cost, child, paired
from .place import SCRIPT, Bench
from .report import BYTES, SECONDS, AtMost, Entry, Line, Missing, Times
from .terminal import ENTER, PAGE_DOWN, Watched

SERIES, STEPS, RUNS = 20, 50_000, 1000
NAME = "a large run"
_MEMORY = AtMost(115e6)
_PATIENCE = 90
# What is drawn for so long no more is taken to be drawn.
_QUIET = 2.0
_DOTS = "\N{BRAILLE PATTERN BLANK}".encode()[:2]
"""What all dots of a curve begin with."""
_WRITE = """
import math, random, sys, wandb
folder, name, series, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(1)
run = wandb.init(project="p", name=name, dir=folder, settings=wandb.Settings(console="off"))
for i in range(steps):
    noise = [random.gauss(0, 0.05) for _ in range(series)]
    run.log({f"train/metric_{k}": math.exp(-i / 20000) * (k + 1) + noise[k] for k in range(series)})
run.finish()
"""

# What LEET shows of many runs, and what any program like ours is made of.
_NAMES = (
    "import asyncio, click, os, sqlite3, sys; print(*sorted(os.listdir(sys.argv[1])), sep='\\n')"
)


def measure(bench: Bench) -> Iterator[Entry]:
    """From the start of each program until nothing more is drawn, in a terminal of 120x40."""
    steps = STEPS // 10 if bench.quick else STEPS
    what = f"W&B run of {SERIES} x {steps:,}: all points drawn"
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / ".installed").exists():
        yield Missing(what, "no .venv-wandb: run `make servers`")
        return
    argv = [python, "-c", _WRITE]
    key = _WRITE.encode() + (Path(__file__).parents[2] / "constraints" / "wandb.txt").read_bytes()
    one = bench.kept(f"wandb-{steps}", key, lambda new: _write(bench, argv, new, NAME, steps))
    core = next(ENVIRONMENT.glob("lib/*/site-packages/wandb/bin/wandb-core"))

    firsts, keys = _Both([], []), _Both([], [])

    def mine() -> Cost:
        with Watched([SCRIPT, one / "wandb"], env=_fresh(bench), cwd=bench.home) as terminal:
            terminal.read_until(NAME.encode(), timeout=_PATIENCE)
            begun = terminal.mark
            terminal.send(ENTER)
            return _drawn(terminal, begun, firsts.ours, keys.ours)

    def leet() -> Cost:
        log = next(one.glob("wandb/*/*.wandb"))
        argv = [core, "leet", "run", "-no-observability", "-run-file", log, one / "wandb"]
        with Watched(argv, env=bench.env | OFFLINE, cwd=bench.home) as terminal:
            return _drawn(terminal, 0, firsts.theirs, keys.theirs)

    pair = paired(mine, leet, 3, warm=0)
    beside = "wandb-core leet on the same log"
    note = "index made anew each time; the log was in the page cache"
    # Of less, what is measured is how long a process takes to start.
    limit = None if bench.quick else Times(0.25)
    yield Line(what, SECONDS, pair.wall()[0], limit, pair.wall()[1], beside, note=note, wanted=True)
    yield Line("the same (CPU)", SECONDS, pair.cpu()[0], None, pair.cpu()[1], beside)
    note = "until the first dots of a curve, whatever they are of"
    yield Line("the same, first chart", SECONDS, firsts.ours, None, firsts.theirs, beside,
               note=note)  # fmt: skip
    note = "page down, until all of the next is drawn: other series there, the large chart too here"
    yield Line("the same, key to screen", SECONDS, keys.ours, None, keys.theirs, beside, note=note)
    peaks = [float(one.peak) for one in pair.ours], [float(one.peak) for one in pair.reference]
    yield Line("the same, resident memory", BYTES, peaks[0], _MEMORY, peaks[1], beside)
    yield from _listed(bench, argv, key)


class _Both(NamedTuple):
    """Seconds of both sides, round by round."""

    ours: list[float]
    theirs: list[float]


def _drawn(terminal: Watched, since: int, firsts: list[float], keys: list[float]) -> Cost:
    """From the start until all is drawn; then the next page, twice."""
    terminal.read_until(b"train/", timeout=_PATIENCE, since=since)
    terminal.read_until(_DOTS, timeout=_PATIENCE, since=since)
    firsts.append(terminal.arrivals[-1][1] - terminal.begun)
    terminal.read_until_quiet(_QUIET, timeout=_PATIENCE)
    found = Cost(terminal.arrivals[-1][1] - terminal.begun, terminal.cpu, terminal.memory)
    for _ in range(2):
        begun = time.monotonic()
        terminal.press(PAGE_DOWN, 1.0)
        keys.append(terminal.arrivals[-1][1] - begun)
    return found


def _listed(bench: Bench, argv: Sequence[str | Path], key: bytes) -> Iterator[Entry]:
    """Many runs by name and with their metrics, from the index, beside the names of folders."""
    runs = RUNS // 10 if bench.quick else RUNS
    small = bench.kept("wandb-small", key, lambda new: _write(bench, argv, new, "small", 100))
    folder = bench.kept(f"wandb-{runs}-runs", key, lambda new: _copies(small, new, runs))
    status = [SCRIPT, folder / "wandb"]
    child(status, bench.env, bench.home)
    names = [sys.executable, "-c", _NAMES, folder / "wandb"]
    pair = paired(
        lambda: child(status, bench.env, bench.home),
        lambda: child(names, bench.env, bench.home),
        bench.rounds(9),
    )
    what = f"{runs:,} W&B runs opened again, names and metrics"
    note = "process start included; the files are looked at for changes"
    beside = "python, import click, sqlite3, asyncio; the bare names of the folders"
    limit = Times(1)
    yield Line(what, SECONDS, pair.wall()[0], limit, pair.wall()[1], beside, note=note, wanted=True)


def _fresh(bench: Bench) -> dict[str, str]:
    """The environment with an empty cache, so that the index is made."""
    return bench.env | {"XDG_CACHE_HOME": tempfile.mkdtemp(prefix="cache-", dir=bench.home)}


def _write(bench: Bench, argv: Sequence[str | Path], folder: Path, name: str, steps: int) -> None:
    command = [*argv, folder, name, str(SERIES), str(steps)]
    subprocess.run(command, env=bench.env | OFFLINE, cwd=folder, check=True, capture_output=True)


def _copies(small: Path, folder: Path, runs: int) -> None:
    log = next(small.glob("wandb/*/*.wandb"))
    for number in range(runs):
        place = folder / "wandb" / f"offline-run-20260101_000000-r{number:07}"
        place.mkdir(parents=True)
        shutil.copyfile(log, place / f"run-r{number:07}.wandb")
