"""Measuring: wall and CPU time in pairs that take turns, and what a child process used.

A machine that is busy with something else is slow for both sides of a pair, so what is compared
was measured within moments of each other, and who goes first changes from round to round.
"""

import math
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil


class Cost(NamedTuple):
    """What something took: seconds on the clock, seconds of CPU (all threads), bytes at most."""

    wall: float
    cpu: float
    peak: int = 0


class Pair(NamedTuple):
    """The costs of both sides, round by round."""

    ours: Sequence[Cost]
    reference: Sequence[Cost]

    def wall(self) -> tuple[list[float], list[float]]:
        return [one.wall for one in self.ours], [one.wall for one in self.reference]

    def cpu(self) -> tuple[list[float], list[float]]:
        return [one.cpu for one in self.ours], [one.cpu for one in self.reference]


class ChildError(Exception):
    """A child process that was to be measured failed: its cost would mean nothing."""


def cost(work: Callable[[], object]) -> Cost:
    """What one call takes in this process."""
    cpu, begin = time.process_time(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - begin, time.process_time() - cpu)


def each(work: Callable[[], object], times: int) -> Cost:
    """What one of `times` calls takes, for calls too short to be measured alone."""

    def many() -> None:
        for _ in range(times):
            work()

    found = cost(many)
    return Cost(found.wall / times, found.cpu / times)


def repeated(work: Callable[[], Cost], rounds: int, warm: int = 1) -> list[Cost]:
    """The costs of some rounds, after some that do not count."""
    return [work() for _ in range(warm + rounds)][warm:]


def paired(
    ours: Callable[[], Cost], reference: Callable[[], Cost], rounds: int, warm: int = 1
) -> Pair:
    """Both sides in turn, `warm` rounds first that do not count."""
    mine: list[Cost] = []
    theirs: list[Cost] = []
    for number in range(warm + rounds):
        sides = [(ours, mine), (reference, theirs)]
        for work, found in sides if number % 2 == 0 else reversed(sides):
            found.append(work())
    return Pair(mine[warm:], theirs[warm:])


def child(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    memory: bool = False,
    output: Path | None = None,
) -> Cost:
    """What a process takes from its start to its end; with `memory` also its greatest RSS."""
    with output.open("wb") if output else open(os.devnull, "wb") as out:  # noqa: PTH123
        begin = time.perf_counter()
        process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE
        )
        watch = Watch(process.pid) if memory else None
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildError(f"{argv[0]} ended with {process.returncode}: {said[-2000:].decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, watch.end() if watch else 0)


class Watch:
    """The greatest resident memory of a process, looked at 50 times a second.

    The kernel's own figure of a child begins with what its parent had when it forked.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            try:
                self.peak = max(self.peak, self._process.memory_info().rss)
            except psutil.Error:
                return

    def end(self) -> int:
        """Stop looking; gives the peak in bytes."""
        self._done.set()
        self._thread.join()
        return self.peak


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def ratio(ours: Sequence[float], reference: Sequence[float]) -> float:
    """How many times the reference: the median of the rounds, or of each side where unpaired."""
    if not ours or not reference:
        return math.nan
    if len(ours) == len(reference) and all(reference):
        return statistics.median(a / b for a, b in zip(ours, reference, strict=True))
    below = statistics.median(reference)
    return statistics.median(ours) / below if below else math.nan
