"""Programs in a pseudo-terminal of 120x40, with the moment at which each piece of output came."""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.pty import Terminal

from .place import SCRIPT, Bench

DOWN, PAGE_DOWN, END, HOME = b"j", b"\x1b[6~", b"G", b"g"
COLUMN_RIGHT, SORT, FILTER, ENTER, ESCAPE = b"\x1b[1;2C", b"o", b"/", b"\r", b"\x1b"
QUIET = 0.4
_RUN = re.compile(r"\b(?:(?:xgb|cnn|mlp|gru)-\d{6}|run \d{4,5})\b")


class Shown(NamedTuple):
    """What a key brought: seconds until the last row in sight had come, and bytes in all."""

    seconds: float
    size: int
    cpu: float


class Watched(Terminal):
    """A terminal that knows when each byte came and what its child has used."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
    ) -> None:
        self.arrivals: list[tuple[int, float]] = []
        self.begun = time.monotonic()
        super().__init__([str(part) for part in argv], env=env, cwd=cwd)
        self._child = psutil.Process(self.process.pid)

    def _read(self, timeout: float) -> bool:
        came = super()._read(timeout)
        if came:
            self.arrivals.append((len(self.output), time.monotonic()))
        return came

    def settle(self, quiet: float = QUIET) -> float:
        """Wait until nothing has come for `quiet` seconds; gives when the last byte came."""
        self.read_until_quiet(quiet)
        return self.arrivals[-1][1] if self.arrivals else self.begun

    def when(self, text: str, since: int = 0) -> float:
        """When `text` had come for the first time after mark `since`."""
        at = self.output.find(text.encode(), since)
        if at < 0:
            raise LookupError(f"{text!r} did not come")
        return next(moment for end, moment in self.arrivals if end >= at + len(text))

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far, in steps of 10 ms."""
        times = self._child.cpu_times()
        return times.user + times.system

    @property
    def memory(self) -> int:
        """Resident bytes now."""
        return self._child.memory_info().rss

    def rows(self) -> list[str]:
        """The names of the generated runs on the screen, from the top."""
        return [found[0] for line in self.screen() if (found := _RUN.search(line))]

    def rows_after(self, keys: bytes) -> Shown:
        """Type; how long until the rows that are in sight in the end had all come.

        The rows may come before a count or an age does: these are not waited for. A row that stood
        on its line before is not sent again.
        """
        before = self.rows()
        mark, cpu, begin = self.mark, self.cpu, time.monotonic()
        self.send(keys)
        if not self._read(20):
            raise TimeoutError(f"no answer to {keys!r}")
        self.settle()
        new = [row for row, old in zip_longest(self.rows(), before) if row and row != old]
        if not new:
            raise LookupError(f"{keys!r} brought no new rows")
        moment = max(self.when(row, mark) for row in new)
        return Shown(moment - begin, self.mark - mark, self.cpu - cpu)


def console(bench: Bench, registry: Path, *what: str) -> Watched:
    """The real console, by the installed script."""
    return Watched([SCRIPT, "--registry", registry, *what], env=bench.env, cwd=bench.home)


def listing(bench: Bench, registry: Path) -> Watched:
    """The console with the list of runs on its screen."""
    terminal = console(bench, registry, "open", "runs")
    terminal.read_until(b"-0", timeout=60)
    terminal.settle(1.0)
    return terminal


def demo(bench: Bench, name: str) -> Watched:
    """A program of `apps`."""
    argv = [sys.executable, "-m", "tests.bench.apps", name]
    return Watched(argv, env={**bench.env, "PYTHONPATH": str(Path(__file__).parents[2])})
