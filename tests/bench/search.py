"""MLflow's own `search_runs` and metric history over the same SQLite store, in its own environment.

The store has 10,000 runs; ours is what `modeldeck import` makes of it. First both are asked for
everything in order and have to agree, then for the first page in turn. So with the histories: a run
with series of 50,000 points is read by both, each point has to be the same.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from modeldeck.backends.api.runs import Fields
from tests.mlflow_store import HERE, ROOT, build, server_python

from .frame import RUNS
from .harness import Cost, child, cost, paired
from .place import SCRIPT, Bench
from .query import Lists
from .report import SECONDS, Entry, Line, Missing, Times

CLIENT = Path(__file__).with_name("mlflow_client.py")
STORED = 10_000
POINTS = 50_000
PAGE = 100
ALL = Fields()
# What is asked, of each: a filter and the metric by which it is sorted, greatest first.
SORT = ("", "metric_03")
BOTH = ("metrics.metric_02 > 1.5", "metric_03")


class Search:
    """MLflow in a process of its own."""

    def __init__(self, store: Path) -> None:
        self._process = subprocess.Popen(
            [server_python("3"), "-P", CLIENT, f"sqlite:///{store}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.version = self._line()["mlflow"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def __call__(self, what: tuple[str, str], limit: int = PAGE) -> dict[str, Any]:
        where, metric = what
        return self._ask(filter=where, order=[f"metrics.{metric} DESC"], limit=limit)

    def history(self, run: str, metric: str) -> dict[str, Any]:
        """All points of a series."""
        return self._ask(run=run, metric=metric)

    def _ask(self, **asked: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("MLflow's process has ended")
        found: dict[str, Any] = json.loads(line)
        return found


def there() -> str:
    """Why MLflow cannot be asked; empty when it can."""
    folder = ROOT / ".venv-mlflow3"
    return "" if (folder / ".installed").exists() else f"no {folder.name}: run `make servers`"


def store(bench: Bench, name: str, *options: str) -> Path:
    """A store in MLflow's schema, made once."""
    parts = [HERE / "build.py", HERE / "bulk.py", ROOT / "constraints" / "mlflow3.txt"]
    key = b"".join(part.read_bytes() for part in parts) + " ".join(options).encode()
    folder = bench.kept(name, key, lambda new: build("3-sqlite", new, "bulk", *options) and None)
    return folder / "mlflow.db"


def measure(bench: Bench) -> Iterator[Entry]:
    """The same answers first, then how long they take."""
    if there():
        yield Missing("MLflow's search_runs beside ours", there())
    else:
        yield from _beside(bench)
        yield from _history(bench)
    yield from _growth(bench)


def _beside(bench: Bench) -> Iterator[Entry]:
    options = ["--runs", str(STORED), "--experiments", "50", "--missing", "0.03", "--nan", "0.02"]
    stored = store(bench, f"mlflow-{STORED}", *options)
    registry = _imported(bench, stored, "runs")
    with Search(stored) as search, Lists(registry) as lists:
        pages = 0
        for what in (SORT, BOTH):
            pages += agree(lists, search, what)
        for what, words, wanted in ((SORT, "sort", 100), (BOTH, "filter and sort", 30)):
            pair = paired(
                lambda what=what: cost(lambda: _page(lists, what)),
                lambda what=what: _taken(search(what)),
                bench.rounds(7),
            )
            ours, theirs = pair.wall()
            note = f"the first {PAGE} runs with all metrics and params; {pages} pages were equal"
            yield Line(f"{words} {STORED:,} by a metric", SECONDS, ours, Times(1 / wanted), theirs,
                       f"MLflow {search.version}", note=note)  # fmt: skip


def _imported(bench: Bench, stored: Path, name: str) -> Path:
    registry = bench.home / name
    registry.mkdir()
    child([SCRIPT, "init"], bench.env, registry)
    child([SCRIPT, "--registry", registry, "import", stored], bench.env)
    return registry


def _history(bench: Bench) -> Iterator[Line]:
    """Series of one run, each read whole."""
    points = POINTS // 10 if bench.quick else POINTS
    options = ["--runs", "1", "--experiments", "1", "--points", str(points), "--missing", "0",
               "--nan", "0"]  # fmt: skip
    stored = store(bench, f"mlflow-history-{points}", *options)
    registry = _imported(bench, stored, "history")
    with Search(stored) as search, Lists(registry) as lists:
        [run] = lists.first("", "", ALL)
        keys = sorted(run.metrics)
        for key in keys:
            ours, theirs = lists.points(run.id, key), search.history(run.id, key)["points"]
            found = zip(ours.steps, ours.times, ours.values, strict=True)
            mine = sorted([step, at // 1000, repr(value)] for step, at, value in found)
            if mine != sorted(theirs):
                raise AssertionError(f"{key}: {len(mine)} points, MLflow has {len(theirs)}")
        pair = paired(
            lambda: cost(lambda: lists.points(run.id, keys[0])),
            lambda: _taken(search.history(run.id, keys[0])),
            bench.rounds(7),
        )
        ours_, theirs_ = pair.wall()
        note = f"one series of {points:,} points, whole; {len(keys)} such series were equal"
        yield Line("read the history of a metric", SECONDS, ours_, Times(1 / 10), theirs_,
                   f"MLflow {search.version}", note=note)  # fmt: skip


def _page(lists: Lists, what: tuple[str, str], limit: int = PAGE) -> Sequence[Any]:
    return lists.first(what[0], f"-metrics.{what[1]}", ALL, limit)


def _taken(answer: dict[str, Any]) -> Cost:
    return Cost(answer["wall"], answer["cpu"])


def agree(lists: Lists, search: Search, what: tuple[str, str]) -> int:
    """Compare every page of both, runs that tie in any order; gives how many pages there were.

    Among equal values (and NaN, and none) MLflow goes on by start time, we by age.
    """
    theirs = search(what, STORED)["runs"]
    _page(lists, what)
    ours = [_plain(run) for run in lists.page(0, lists.whole())]
    if len(ours) != len(theirs):
        raise AssertionError(f"{what}: {len(ours)} runs, MLflow has {len(theirs)}")
    metric = what[1]
    for mine, others in zip(_groups(ours, metric), _groups(theirs, metric), strict=True):
        if mine != others:
            raise AssertionError(f"{what}: {mine} is not {others}")
    return -(-len(ours) // PAGE)


def _plain(run: Any) -> dict[str, Any]:
    assert run.started_at is not None
    return {
        "id": run.id,
        "name": run.name,
        "start": round(run.started_at.timestamp() * 1000),
        "metrics": {key: repr(value) for key, value in run.metrics.items()},
        "params": dict(run.params),
    }


def _groups(runs: Sequence[dict[str, Any]], metric: str) -> list[Any]:
    found = []
    for value, group in groupby(runs, lambda run: run["metrics"].get(metric)):
        found.append((value, sorted(group, key=lambda run: run["id"])))
    return found


def _growth(bench: Bench) -> Iterator[Line]:
    """The same queries on registries of 10,000 and of 75,000 runs."""
    asked = {
        "sort": ("", "metric_04"),
        "filter and sort": ("metrics.metric_00 > 0.5", "metric_04"),
        "rare filter and sort": ("metrics.metric_00 > 0.99", "metric_04"),
    }
    with Lists(bench.registry(RUNS)) as many, Lists(bench.registry(STORED)) as few:
        for words, what in asked.items():
            pair = paired(
                lambda what=what: cost(lambda: _page(many, what)),
                lambda what=what: cost(lambda: _page(few, what)),
                bench.rounds(21),
                warm=2,
            )
            ours, theirs = pair.cpu()
            yield Line(f"{words}: 75,000 runs (CPU)", SECONDS, ours, Times(2), theirs,
                       "ours, 10,000 runs", note="the first 100 runs")  # fmt: skip
