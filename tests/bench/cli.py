"""The command line from its start to its end, by the installed script."""

import json
import sys
from collections.abc import Iterator

from .frame import RUNS
from .harness import child, paired
from .place import SCRIPT, Bench
from .report import SECONDS, Line, Times

IMPORTS = [sys.executable, "-c", "import click, sqlite3"]
LISTS = {
    "runs ls -o json": [],
    "runs ls, filtered, sorted": [
        "--filter",
        "metrics.metric_00 > 0.5",
        "--sort",
        "-metrics.metric_04",
    ],
}


def measure(bench: Bench) -> Iterator[Line]:
    """A hundred runs of 75,000 as JSON."""
    made = bench.registry(RUNS)
    for what, options in LISTS.items():
        argv = [SCRIPT, "--registry", made, "runs", "ls", "-o", "json", *options]
        output = bench.home / "list.json"
        child(argv, bench.env, output=output)
        assert len(json.loads(output.read_text("utf-8"))["items"]) == 100
        pair = paired(
            lambda argv=argv: child(argv, bench.env),
            lambda: child(IMPORTS, bench.env),
            bench.rounds(21),
            warm=2,
        )
        limit = Times(2, plus=0.100)
        for kind, (ours, theirs) in (("", pair.wall()), (" (CPU)", pair.cpu())):
            yield Line(what + kind, SECONDS, ours, limit, theirs, "python, import click, sqlite3")
