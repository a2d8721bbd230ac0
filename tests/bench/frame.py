"""The first full frame of the console on 75,000 runs, beside an empty Textual app; its memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import registry
from .harness import Cost, paired
from .pace import EMPTY, starts
from .place import SCRIPT, Bench
from .report import BYTES, SECONDS, AtMost, Line, Times
from .terminal import (
    COLUMN_RIGHT,
    END,
    ENTER,
    ESCAPE,
    FILTER,
    HOME,
    PAGE_DOWN,
    SORT,
    Watched,
    console,
    listing,
)

RUNS = 75_000
_MEMORY = AtMost(120e6)


def measure(bench: Bench) -> Iterator[Line]:
    """First frames, then memory."""
    made = bench.registry(RUNS)
    # The pseudo-terminal starts a Python that becomes the program: taken off both sides.
    start = starts(bench)
    newest = registry.name(RUNS - 1)
    ours: dict[str, Sequence[str | Path]] = {
        "first frame, overview": [SCRIPT, "--registry", made],
        "first frame, list of runs": [SCRIPT, "--registry", made, "open", "runs"],
    }
    beside = "empty Textual app"
    for what, argv in ours.items():
        stills: list[float] = []
        pair = paired(
            lambda argv=argv, stills=stills: _first(bench, argv, newest, start, stills),
            lambda: _first(bench, EMPTY, "", start, []),
            bench.rounds(9),
        )
        mine, theirs = pair.wall()
        note = "until the last row in sight has come; the empty app, until its last byte"
        yield Line(what, SECONDS, mine, Times(1.5), theirs, beside, note=note)
        mine, theirs = pair.cpu()
        note = "all threads, until nothing more comes: more than a first frame"
        yield Line(f"{what} (CPU)", SECONDS, mine, None, theirs, beside, note=note)
        note = "until the last byte: counts and ages, which come after the rows, included"
        yield Line(f"{what}, at rest", SECONDS, stills[1:], None, pair.wall()[1], beside, note=note)
    yield from _memory(bench, made)


def _first(
    bench: Bench, argv: Sequence[str | Path], text: str, start: float, stills: list[float]
) -> Cost:
    with Watched(argv, env=bench.env, cwd=bench.home) as terminal:
        terminal.read_until(text.encode() or b"\x1b[?1049h", timeout=60)
        end = terminal.settle(0.6)
        stills.append(end - terminal.begun - start)
        if text:
            end = max(terminal.when(row) for row in terminal.rows())
        return Cost(end - terminal.begun - start, terminal.cpu)


def _memory(bench: Bench, made: Path) -> Iterator[Line]:
    empty = []
    for _ in range(2):
        with Watched(EMPTY, env=bench.env) as terminal:
            terminal.read_until(b"\x1b[?1049h")
            terminal.settle()
            empty.append(float(terminal.memory))
    beside = "empty Textual app"
    with console(bench, made) as terminal:
        terminal.read_until(registry.name(RUNS - 1).encode(), timeout=60)
        terminal.settle(1.0)
        yield Line("memory, first frame", BYTES, [terminal.memory], _MEMORY, empty, beside)
    with listing(bench, made) as terminal:
        for keys in (END, HOME, *[PAGE_DOWN] * 20, HOME, *[COLUMN_RIGHT] * 6):
            terminal.press(keys)
        for keys in (SORT, SORT, COLUMN_RIGHT + SORT, SORT, END, HOME):
            terminal.press(keys)
        terminal.press(FILTER + b"metrics.metric_00 > 0.5" + ENTER, 1.0)
        terminal.press(END, 1.0)
        note = "RSS after paging, sorting by two columns, filtering, End"
        yield Line("memory, used list of runs", BYTES, [terminal.memory], _MEMORY, empty, beside,
                   note=note)  # fmt: skip
        terminal.press(ESCAPE, 1.0)
        terminal.press(b"\x01", 3.0)
        yield Line("memory, all 75,000 marked", BYTES, [terminal.memory], None, empty, beside)
