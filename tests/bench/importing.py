"""Importing MLflow runs of 20 metrics x 1,000 points, beside reading the rows with sqlite3."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .harness import Cost, child
from .place import SCRIPT, Bench
from .report import BYTES, SECONDS, Entry, Line, Missing, Times
from .search import store, there

METRICS, POINTS = 20, 1000
_READ = """
import sqlite3, sys
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute(
    "SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics")
count = 0
while page := rows.fetchmany(100_000):
    count += len(page)
print(count)
"""


def measure(bench: Bench) -> Iterator[Entry]:
    """By the command line into a new registry each time; a process each, the file read before."""
    runs = 100 if bench.quick else 1000
    what = f"import {runs:,} runs, {runs * METRICS * POINTS:,} points"
    if there():
        yield Missing(what, there())
        return
    stored = store(bench, f"mlflow-points-{runs}", "--runs", str(runs), "--points", str(POINTS))
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(2 if runs > 100 else 3):
        _warm(stored)
        theirs.append(child([sys.executable, "-c", _READ, stored], bench.env, memory=True))
        _warm(stored)
        ours.append(_imported(bench, stored, runs))
    beside = "sqlite3, all rows fetched"
    mine, others = [one.wall for one in ours], [one.wall for one in theirs]
    note = "`modeldeck import` from its start to its end; the store was in the page cache"
    yield Line(what, SECONDS, mine, Times(4), others, beside, note=note)
    mine, others = [one.cpu for one in ours], [one.cpu for one in theirs]
    yield Line("import (CPU)", SECONDS, mine, Times(4), others, beside)
    peaks = [float(one.peak) for one in ours]
    others = [float(one.peak) for one in theirs]
    yield Line("import, greatest memory", BYTES, peaks, None, others, beside)


def _imported(bench: Bench, stored: Path, runs: int) -> Cost:
    # Not in the temporary folder, which may lie in memory: writing is part of it.
    folder = Path(tempfile.mkdtemp(prefix="new-", dir=bench.cache))
    try:
        child([SCRIPT, "init"], bench.env, folder)
        said = bench.home / "import.json"
        argv = [SCRIPT, "--registry", folder, "import", stored, "-o", "json"]
        found = child(argv, bench.env, memory=True, output=said)
        done = json.loads(said.read_text("utf-8"))
        assert (done["runs"], done["points"]) == (runs, runs * METRICS * POINTS), done
        return found
    finally:
        shutil.rmtree(folder)


def _warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
