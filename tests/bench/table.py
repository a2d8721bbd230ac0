"""Page down in a table of a million rows, beside Textual's DataTable of a thousand."""

import asyncio
import time
from collections.abc import Iterator

from .apps import Ours, Theirs
from .place import Bench
from .report import SECONDS, AtMost, Line
from .terminal import PAGE_DOWN, demo

SIZE = (120, 40)
PAGES = 20
"""Pages that are measured together."""
CTRL_HOME = b"\x1b[1;5H"


def measure(bench: Bench) -> Iterator[Line]:
    """Headless, then in a pseudo-terminal."""
    limit = AtMost(0.010)
    beside = "DataTable of 1,000"
    ours, theirs = asyncio.run(_headless(bench.rounds(9)))
    note = "CPU of key, message and repaint, without a terminal, the pilot that presses included"
    yield Line("page down of 1,000,000 (CPU)", SECONDS, ours, limit, theirs, beside, note=note)
    mine: list[float] = []
    others: list[float] = []
    with demo(bench, "ours") as first, demo(bench, "theirs") as second:
        for terminal in (first, second):
            terminal.settle(2.0)
        for _ in range(bench.rounds(6)):
            for terminal, top, found in ((first, b"g", mine), (second, CTRL_HOME, others)):
                before = terminal.cpu
                for _ in range(PAGES):
                    terminal.press(PAGE_DOWN, 0.03)
                found.append((terminal.cpu - before) / PAGES)
                terminal.press(top, 0.3)
    note = f"CPU of the process, {PAGES} pages a round"
    yield Line("page down, in a terminal (CPU)", SECONDS, mine, limit, others, beside, note=note)


async def _headless(rounds: int) -> tuple[list[float], list[float]]:
    ours, theirs = Ours(), Theirs()
    found: tuple[list[float], list[float]] = ([], [])
    async with ours.run_test(size=SIZE) as mine, theirs.run_test(size=SIZE) as others:
        for number in range(rounds + 1):
            for pilot, top, costs in zip((mine, others), ("g", "ctrl+home"), found, strict=True):
                await pilot.press(top)
                begin = time.process_time()
                for _ in range(PAGES):
                    await pilot.press("pagedown")
                if number:
                    costs.append((time.process_time() - begin) / PAGES)
    return found
