"""`python -m tests.bench [NAME...] [--quick] [--json FILE] [--strict]`."""

import argparse
import importlib
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .pace import STANDARD, first_frames, pace
from .place import CACHE, Bench
from .report import Entry, Line, Missing, paced, plain, table

GROUPS = {
    "frame": "first full frame and memory of the console on 75,000 runs",
    "query": "sorting, filtering and grouping 75,000 runs by any key",
    "screen": "from a key press to new rows; bytes to the terminal",
    "table": "page down in a table of 1,000,000 rows",
    "chart": "a chart of 10,000,000 points",
    "cli": "the command line, process start included",
    "points": "ingesting, storing and reading points",
    "search": "MLflow's own search_runs and metric history over the same rows",
    "importing": "importing a store of MLflow's",
    "plans": "planning a change of 1,000 versions",
    "trail": "the audit trail: a change with its event, proofs, verifying 1,000,000 events",
    "timeline": "where aliases were at any instant of 10,000 events",
    "peers": "a large run of W&B beside W&B's own console",
    "remote": "the console on an MLflow server of 20,000 runs",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    help_ = ", ".join(f"{name} ({words})" for name, words in GROUPS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"Only these groups: {help_}.")
    parser.add_argument("--quick", action="store_true", help="Fewer rounds, less data.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Also write what was measured.")
    parser.add_argument("--strict", action="store_true", help="Exit 1 when a line is over.")
    parser.add_argument("--cache", type=Path, default=CACHE, help="Where made data is kept.")
    options = parser.parse_args(argv)
    for name in options.names:
        if name not in GROUPS:
            parser.error(f"there is no group {name!r}; there are {', '.join(GROUPS)}")
    found: list[tuple[str, Entry]] = []
    with tempfile.TemporaryDirectory(prefix="bench-home-") as home:
        bench = Bench(Path(home), quick=options.quick, cache=options.cache.absolute())
        before = first_frames(bench)
        for name in options.names or GROUPS:
            lines, after = _measured(bench, name), first_frames(bench)
            found += [(name, paced(line, pace(before + after))) for line in lines]
            before = after
    print(machine())
    print(f"limits in seconds: where an empty Textual app takes {STANDARD} s, x what it takes here")
    print(table([line for _, line in found]))
    if options.json:
        lines = [plain(group, line) for group, line in found]
        text = json.dumps({"machine": machine(), "quick": options.quick, "lines": lines}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    judged = [line for _, line in found if line.verdict]
    wishes = [line for line in judged if isinstance(line, Line) and line.wanted]
    budgets = [line for line in judged if line not in wishes]
    over = [line for line in budgets if line.verdict != "ok"]
    there = sum(line.verdict == "ok" for line in wishes)
    print(
        f"\n{len(budgets)} budgets, {len(over)} not kept; {there} of {len(wishes)} wishes come true"
    )
    return 1 if options.strict and over else 0


def _measured(bench: Bench, name: str) -> Sequence[Entry]:
    print(f"{name}: {GROUPS[name]}", file=sys.stderr, flush=True)
    begin = time.monotonic()
    lines: list[Entry] = []
    try:
        for line in importlib.import_module(f".{name}", __package__).measure(bench):
            lines.append(line)
            if isinstance(line, Missing):
                bench.say(f"{line.what}: not measured: {line.why}")
            else:
                bench.say(f"{line.what}: {line.median:.4g} {line.unit}")
    except Exception as error:  # noqa: BLE001 - one group that breaks must not hide the others
        lines.append(Missing(GROUPS[name], f"{type(error).__name__}: {error}"))
        bench.say(f"failed: {error!r}")
    bench.say(f"took {time.monotonic() - begin:.0f} s")
    return lines


def machine() -> str:
    """What it was measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs (load {load}),"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


if __name__ == "__main__":
    sys.exit(main())
