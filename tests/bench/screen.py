"""On the real console with 75,000 runs: from a key press to new rows, and bytes to the terminal."""

import re
import statistics
import time
from collections.abc import Iterator

from modeldeck.app.console.screens.filtering import PAUSE

from .frame import RUNS
from .place import Bench
from .report import BYTES, SECONDS, AtMost, Line
from .terminal import (
    COLUMN_RIGHT,
    DOWN,
    ENTER,
    ESCAPE,
    FILTER,
    HOME,
    PAGE_DOWN,
    SORT,
    Watched,
    demo,
    listing,
)

FILTERS = (
    "metrics.metric_00 > 0.5",
    "metrics.metric_02 > 9 and params.param_03 = adam",
    "params.param_02 >= 11",
    "params.param_05 ~ li",
    "name ~ 012",
    "status = failed",
)
GROUP = b"B"
_COUNT = re.compile(r"\W*(\S+)\s+(\d[\d,]*)\s+[-\d.]+")
"""A group: its value, its count, and figures after them."""
COLUMNS = 9
"""The first four are attributes; metrics and parameters follow."""
_QUICK = AtMost(0.150)


def measure(bench: Bench) -> Iterator[Line]:
    """New rows after sorting, filtering; bytes."""
    with listing(bench, bench.registry(RUNS)) as terminal:
        pages = [terminal.rows_after(PAGE_DOWN).seconds for _ in range(9)]
        terminal.press(HOME)
        sorts: list[float] = []
        for column in range(COLUMNS):
            terminal.press(COLUMN_RIGHT)
            found = [terminal.rows_after(SORT).seconds for _ in range(bench.rounds(6))]
            if column >= 4:
                sorts.append(statistics.median(found))
        beside = "page down there"
        yield Line("key to rows: sort by a metric or param", SECONDS, sorts, _QUICK, pages, beside,
                   worst=True, note="medians of each column, the worst is judged")  # fmt: skip
        yield from _filters(bench, terminal, pages)
    yield from _groups(bench)
    yield from _bytes(bench)


def _groups(bench: Bench) -> Iterator[Line]:
    """Group by the state and by a parameter: the counts, then what the groups have reached."""
    with listing(bench, bench.registry(RUNS)) as terminal:
        pages = [terminal.rows_after(PAGE_DOWN).seconds for _ in range(9)]
        terminal.press(HOME)
        counted, measured = [], []
        for right in (2, 9):
            for _ in range(right):
                terminal.press(COLUMN_RIGHT)
            first, last = [], []
            for _ in range(1 + bench.rounds(5)):
                mark, begin = terminal.mark, time.monotonic()
                terminal.send(GROUP)
                last.append(terminal.settle(1.5) - begin)
                groups = [found for line in terminal.screen() if (found := _COUNT.match(line))]
                texts = [text for group in groups for text in group.groups()]
                first.append(max(terminal.when(text, mark) for text in texts) - begin)
                terminal.press(ESCAPE, 0.6)
            counted.append(statistics.median(first[1:]))
            measured.append(statistics.median(last[1:]))
        beside = "page down there"
        yield Line("key to rows: group by", SECONDS, counted, _QUICK, pages, beside,
                   worst=True, note="the counts; medians of each column")  # fmt: skip
        yield Line("key to rows: group by, at rest", SECONDS, measured, None, pages, beside,
                   worst=True, note="with best and mean of the first three metrics")  # fmt: skip


def _filters(bench: Bench, terminal: Watched, pages: list[float]) -> Iterator[Line]:
    typed: dict[str, list[float]] = {text: [] for text in FILTERS}
    entered: dict[str, list[float]] = {text: [] for text in FILTERS}
    for _ in range(3):
        for text in FILTERS:
            terminal.press(FILTER + text[:-1].encode(), 0.6)
            typed[text].append(terminal.rows_after(text[-1:].encode()).seconds)
            terminal.press(ESCAPE, 0.6)
            terminal.press(FILTER + text.encode()[:-1], 0.6)
            entered[text].append(terminal.rows_after(text[-1:].encode() + ENTER).seconds)
            terminal.press(ESCAPE, 0.6)
    paused = f"of it {PAUSE * 1000:.0f} ms are the pause after the last key, by design"
    for what, found, note in (
        ("filter, Enter", entered, "last character and Enter together; medians of each filter"),
        ("filter while typing", typed, paused),
    ):
        medians = [statistics.median(one) for one in found.values()]
        yield Line(f"key to rows: {what}", SECONDS, medians, _QUICK, pages, "page down there",
                   worst=True, note=note)  # fmt: skip


def _bytes(bench: Bench) -> Iterator[Line]:
    with demo(bench, "theirs") as terminal:
        terminal.settle(1.5)
        moves = [float(len(terminal.press(b"\x1b[B"))) for _ in range(5)]
        pages = [float(len(terminal.press(PAGE_DOWN))) for _ in range(5)]
    beside = "DataTable"
    with listing(bench, bench.registry(RUNS)) as terminal:
        ours = [float(len(terminal.press(DOWN))) for _ in range(8)]
        yield Line("bytes: cursor move", BYTES, ours, AtMost(600), moves, beside, worst=True)
        terminal.press(HOME)
        ours = [float(len(terminal.press(PAGE_DOWN))) for _ in range(12)]
        yield Line("bytes: page down", BYTES, ours, AtMost(10_000), pages, beside, worst=True)
        # The clock in the first line moves once a minute.
        if time.localtime().tm_sec > 45:
            time.sleep(62 - time.localtime().tm_sec)
            terminal.settle()
        mark, end = terminal.mark, time.monotonic() + 10
        while time.monotonic() < end:
            terminal._read(end - time.monotonic())
        idle = float(terminal.mark - mark)
        yield Line("bytes: 10 s at rest", BYTES, [idle], AtMost(0),
                   note="within a minute: the clock of the first line is not counted")  # fmt: skip
