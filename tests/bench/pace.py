"""How slow this machine is now: what a limit in seconds means on it.

A budget in milliseconds was set on one machine. The same code takes two or three times as long on
another, and on the same one beside a neighbour, which says nothing of the code. So such limits are
ratios, too: against the first frame of an empty Textual app, measured around each group.
"""

import statistics
import sys
import time

from .place import Bench
from .terminal import Watched

EMPTY = [sys.executable, "-c", "from textual.app import App; App().run()"]
STANDARD = 0.230
"""Seconds that an empty Textual app takes where the limits in seconds hold as they are written."""


def first_frames(bench: Bench, rounds: int = 3) -> list[float]:
    """Seconds from an empty app's start to its last byte, the process start taken off."""
    start = starts(bench)
    return [_frame(bench) - start for _ in range(rounds)]


def starts(bench: Bench) -> float:
    """Seconds that the pseudo-terminal takes to start a program that does nothing."""
    found = []
    for _ in range(5):
        with Watched(["true"], env=bench.env) as terminal:
            terminal.wait()
            found.append(time.monotonic() - terminal.begun)
    return statistics.median(found)


def pace(frames: list[float]) -> float:
    """How many times as long as there a thing may take here; never less than once.

    From the best of the frames: that something else runs here now is no reason to allow more.
    """
    return max(min(frames) / STANDARD, 1.0)


def _frame(bench: Bench) -> float:
    with Watched(EMPTY, env=bench.env, cwd=bench.home) as terminal:
        terminal.read_until(b"\x1b[?1049h", timeout=60)
        return terminal.settle(0.6) - terminal.begun
