"""Points of metrics: ingesting them in batches, the bytes they take, reading the last hour.

10,000 series in 500 runs x 20, a point every 10 s with a jitter of some milliseconds, as a sampler
on a busy machine has it. Beside: the table anybody would write, `(series, time, step, value)` with
the first two as primary key, without rowid, in a file with the same journal and pages.
"""

import asyncio
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from modeldeck.app.config.actor import current_actor
from modeldeck.backends.api.ingest import Batch, RunRecord
from modeldeck.backends.api.runs import Points, Run, Status
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.opening import create_registry

from .harness import percentile
from .place import ROOT, Bench
from .report import PER_POINT, RATE, SECONDS, AtLeast, AtMost, Line

KEYS = [f"series/{n:02}" for n in range(20)]
START_US = 1_750_000_000_000_000
EVERY_US = 10_000_000
HOUR = 360
"""Points of an hour."""
FLUSH = 500
"""Points of each series in a flush: 20 series make 10,000."""
KINDS = {
    "rounded walk": "four decimals, as exporters and most training loops print",
    "float32 loss": "a noisy falling loss that was computed in float32",
    "random walk": "every bit of 64 is noise: nothing can pack its mantissas",
}
BUDGETED = ("rounded walk", "float32 loss")
_PLAIN = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE point(series INTEGER, time INTEGER, step INTEGER, value REAL,
    PRIMARY KEY(series, time)) WITHOUT ROWID;
"""
_READER = """
import asyncio, json, random, sys, time
from pathlib import Path
from modeldeck.backends.local.opening import open_registry

async def main(path, runs, keys, low, high):
    backend, found = open_registry(Path(path), read_only="a reader"), []
    print("ready", flush=True)
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        begin = time.perf_counter()
        points = await backend.points(
            random.choice(runs), random.choice(keys), low=low, high=high, by="time")
        found.append(time.perf_counter() - begin)
        assert len(points) == 360, len(points)
        await asyncio.sleep(0.02)
    await backend.close()
    print(json.dumps(found))

asyncio.run(main(*json.loads(sys.argv[1])))
"""


def measure(bench: Bench) -> Iterator[Line]:
    """Ingest with a reader beside it, reads, bytes."""
    runs, flushes = (100, 2) if bench.quick else (500, 4)
    with tempfile.TemporaryDirectory(prefix="bench-points-", dir=_made(bench)) as folder:
        plain = Plain(Path(folder) / "plain.db", runs * len(KEYS) // 10)
        theirs = plain.fill(bench.rounds(6))
        yield from asyncio.run(_ingested(bench, Path(folder), runs, flushes, theirs, plain))
        yield from asyncio.run(_flushes(Path(folder), theirs))
        yield from asyncio.run(_stored(bench, Path(folder), plain.bytes_a_point))
        plain.close()


def _made(bench: Bench) -> Path:
    # A temporary folder may lie in memory, and a file system is part of this.
    bench.cache.mkdir(parents=True, exist_ok=True)
    return bench.cache


class Plain:
    """The table that anybody would write."""

    def __init__(self, path: Path, series: int) -> None:
        self._path = path
        self._series = series
        self._points = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(_PLAIN)

    def fill(self, rounds: int) -> list[float]:
        """Points a second of each round: an hour and more of all series, as time goes by."""
        found = []
        values = np.random.default_rng(3).normal(size=self._series).tolist()
        for number in range(rounds):
            steps = range(number * FLUSH // 4, (number + 1) * FLUSH // 4)
            rows = [
                [(one, START_US + at * EVERY_US, at, values[one]) for one in range(self._series)]
                for at in steps
            ]
            begin = time.perf_counter()
            for flush in rows:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT INTO point VALUES(?, ?, ?, ?)", flush)
                self._connection.execute("COMMIT")
            count = len(rows) * self._series
            found.append(count / (time.perf_counter() - begin))
            self._points += count
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return found

    @property
    def bytes_a_point(self) -> float:
        return self._path.stat().st_size / self._points

    def hour(self, series: int) -> float:
        """How long it takes to read an hour of one series."""
        begin = time.perf_counter()
        self._connection.execute(
            "SELECT time, step, value FROM point WHERE series = ? AND time >= ? LIMIT ?",
            (series % self._series, START_US, HOUR),
        ).fetchall()
        return time.perf_counter() - begin

    def close(self) -> None:
        self._connection.close()


async def _begin(backend: LocalBackend, runs: int) -> list[str]:
    """Runs that log, begun as the recorder does."""
    ids = [f"{at:032x}" for at in range(1, runs + 1)]
    for at, uid in enumerate(ids):
        run = Run(
            id=uid,
            name=f"run-{at:06}",
            experiment="live",
            status=Status.RUNNING,
            started_at=datetime.now(UTC),
        )
        await backend.begin_run(RunRecord(run=run, experiment_id="live"), current_actor(), "bench")
    return ids


def _series(random: Any, kind: str, first: int, count: int) -> Points:
    steps = np.arange(first, first + count)
    times = START_US + steps * EVERY_US + (random.normal(size=count) * 2000).astype(np.int64)
    noise = random.normal(size=count)
    if kind == "rounded walk":
        values = np.round(50 + np.cumsum(noise) * 0.01 + random.normal(size=count) * 0.001, 4)
    elif kind == "float32 loss":
        falling = 2 / np.sqrt(steps + 1) + np.abs(noise) * 0.01
        values = falling.astype(np.float32).astype(np.float64)
    else:
        values = np.cumsum(noise)
    return Points(
        array("q", steps.astype(np.int64).tobytes()),
        array("q", times.tobytes()),
        array("d", values.tobytes()),
    )


def _batch(random: Any, kind: str, first: int, count: int) -> Batch:
    return Batch(points={key: _series(random, kind, first, count) for key in KEYS})


async def _ingested(
    bench: Bench, folder: Path, runs: int, flushes: int, theirs: Sequence[float], plain: Plain
) -> list[Line]:
    """Sustained ingest while another process reads, then reads when it is over."""
    random = np.random.default_rng(1)
    backend = create_registry(folder / "live")
    try:
        ids = await _begin(backend, runs)
        for uid in ids:
            await backend.log(uid, _batch(random, "rounded walk", 0, FLUSH))
        reader = Reader(backend.layout.database, ids)
        rates, cpus = [], []
        for number in range(1, flushes + 1):
            for start in range(0, runs, 50):
                some = ids[start : start + 50]
                batches = [_batch(random, "rounded walk", number * FLUSH, FLUSH) for _ in some]
                count = len(some) * len(KEYS) * FLUSH
                cpu, begin = time.process_time(), time.perf_counter()
                for uid, batch in zip(some, batches, strict=True):
                    await backend.log(uid, batch)
                rates.append(count / (time.perf_counter() - begin))
                cpus.append(count / (time.process_time() - cpu))
        beside = reader.end()
        since = START_US + ((flushes + 1) * FLUSH - HOUR) * EVERY_US - EVERY_US // 2
        own, others = [], []
        choose = np.random.default_rng(2)
        for _ in range(bench.rounds(300)):
            uid, key = ids[choose.integers(runs)], KEYS[choose.integers(len(KEYS))]
            begin = time.perf_counter()
            points = await backend.points(uid, key, low=since, by="time")
            own.append(time.perf_counter() - begin)
            assert len(points) == HOUR
            others.append(plain.hour(int(choose.integers(runs * len(KEYS)))))
    finally:
        await backend.close()
    total = (flushes + 1) * FLUSH * len(KEYS) * runs
    size = backend.layout.telemetry.stat().st_size
    table = "plain table"
    waits = f"99 % within {percentile(beside, 0.99) * 1e3:.1f} ms"
    naive = [plain.bytes_a_point]
    p99 = f"99 % within {percentile(own, 0.99) * 1e3:.2f} ms; a series at random each time"
    flush = f"`log` of {len(KEYS)} series x {FLUSH} points, latest values in the registry included"
    return [
        Line("ingest, with a reader", RATE, rates, AtLeast(400_000), theirs, table, note=flush),
        Line("ingest, with a reader (CPU)", RATE, cpus, AtLeast(400_000), theirs, table,
             note="a second of CPU of this process"),
        Line("a reader meanwhile", SECONDS, beside, None,
             note=f"an hour of one series, in another process; {waits}"),
        Line("read the last hour", SECONDS, own, AtMost(0.002), others, table, note=p99),
        Line("stored, some still hot", PER_POINT, [size / total], None, naive, table,
             note="the file as it is while runs go on"),
    ]  # fmt: skip


async def _flushes(folder: Path, theirs: Sequence[float]) -> list[Line]:
    """Smaller flushes: a run that logs seldom."""
    found = []
    random = np.random.default_rng(4)
    backend = create_registry(folder / "small")
    try:
        ids = await _begin(backend, 20)
        at = 0
        for count in (50, 5):
            rates = []
            for _ in range(5):
                batches = [_batch(random, "rounded walk", at, count) for _ in ids]
                at += count
                begin = time.perf_counter()
                for uid, batch in zip(ids, batches, strict=True):
                    await backend.log(uid, batch)
                points = len(ids) * len(KEYS) * count
                rates.append(points / (time.perf_counter() - begin))
            what = f"ingest, flushes of {len(KEYS) * count:,}"
            found.append(Line(what, RATE, rates, None, theirs, "plain table"))
    finally:
        await backend.close()
    return found


async def _stored(bench: Bench, folder: Path, plain: float) -> list[Line]:
    """Bytes a point of each kind of data, all of it sealed."""
    found = []
    runs = 10 if bench.quick else 50
    for kind, words in KINDS.items():
        random = np.random.default_rng(5)
        backend = create_registry(folder / kind.replace(" ", "-"))
        try:
            for uid in await _begin(backend, runs):
                for number in range(4):
                    batch = _batch(random, kind, number * FLUSH, FLUSH)
                    await backend.log(uid, batch, last=number == 3)
        finally:
            await backend.close()
        size = backend.layout.telemetry.stat().st_size / (runs * len(KEYS) * FLUSH * 4)
        limit = AtMost(9) if kind in BUDGETED else None
        found.append(Line(f"stored: {kind}", PER_POINT, [size], limit, [plain], "plain table",
                          note=f"{words}; step, time and value"))  # fmt: skip
    return found


class Reader:
    """Another process that reads an hour of some series fifty times a second."""

    def __init__(self, database: Path, ids: Sequence[str]) -> None:
        low = START_US + (FLUSH - HOUR) * EVERY_US - EVERY_US // 2
        what = [str(database), list(ids), KEYS, low, low + HOUR * EVERY_US]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _READER, json.dumps(what)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def end(self) -> list[float]:
        """Stop; gives how long each read took."""
        with closing(self._process.stdout or sys.stdin) as out, self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            found: list[float] = json.loads(out.read())
        assert statistics.median(found) > 0
        return found
