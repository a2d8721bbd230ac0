"""Sorting, filtering and grouping 75,000 runs, in this process, through the local backend."""

import asyncio
import sqlite3
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

from modeldeck.app.usecases.grouping import MEASURED
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.parse import parse_field, parse_filter, parse_sort
from modeldeck.backends.api.query import RUNS as WORDS
from modeldeck.backends.api.runs import Fields, Points
from modeldeck.backends.local.opening import open_registry

from .frame import RUNS
from .harness import Cost, cost
from .place import Bench
from .registry import METRICS, PARAMS
from .report import SECONDS, AtMost, Line

PAGE = 128
FIELDS = Fields(metrics=METRICS[:6], params=PARAMS[:4], tags=())
FILTERS = (
    "metrics.metric_00 > 0.99",
    "metrics.metric_00 > 0.5",
    "metrics.metric_00 > 0.01",
    "not metrics.metric_03 < 0",
    "has metrics.metric_07",
    "not has params.param_11",
    "metrics.metric_11 = nan",
    "params.param_02 >= 11",
    "params.param_04 < 0.001",
    "params.param_03 = adam",
    "params.param_05 ~ ^ada",
    "params.param_19 ~ 77$",
    "name ~ xgb-0.*7",
    "status = failed or metrics.metric_02 > 5",
    "metrics.metric_00 > 0.5 and params.param_03 = adam",
    "metrics.metric_01 < 0.9 and not (params.param_07 in (sgd, lion) or metrics.metric_02 > 1)",
    "tags.team = risk and started > 2025-06-01",
    "experiment = exp-07",
)
SORTS = ("", "-metrics.metric_04", "params.param_06")
TIED = "-metrics.metric_01,params.param_03"
"""Two keys, the first of them with a thousand values: nearly all runs tie."""
GROUPED = ("status", "experiment", "params.param_01", "params.param_02", "params.param_19")
"""By few values, and by one that is different in each run."""
_QUICK = AtMost(0.060)


class Lists:
    """A registry opened once, and what is asked of it."""

    def __init__(self, registry: Path) -> None:
        self._runner = asyncio.Runner()
        self._backend = open_registry(registry)
        self._window: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._backend.close())
        self._runner.close()

    def first(
        self, where: str, sort: str, fields: Fields = FIELDS, size: int = PAGE
    ) -> Sequence[Any]:
        """The first page, as the console asks for it."""

        async def work() -> Sequence[Any]:
            query = RunQuery(
                where=parse_filter(where, WORDS, datetime.now(UTC)) if where else None,
                sort=parse_sort(sort, WORDS),
                fields=fields,
            )
            self._window = await self._backend.runs(query, size)
            found: Sequence[Any] = self._window.first
            return found

        return self._runner.run(work())

    def groups(self, by: str, where: str, metrics: Sequence[str]) -> int:
        """How many groups there are, counted with what was reached of the metrics."""

        async def work() -> int:
            query = RunQuery(where=parse_filter(where, WORDS, datetime.now(UTC)))
            found = await self._backend.run_groups(query, [parse_field(by, WORDS)], metrics)
            return found.distinct

        return self._runner.run(work())

    def points(self, run: str, key: str) -> Points:
        """All points of a series."""
        return self._runner.run(self._backend.points(run, key))

    def whole(self) -> int:
        """The ids of all of the list whose first page was asked for last."""
        self._runner.run(self._window.whole())
        return int(self._window.count)

    def page(self, start: int, size: int) -> Sequence[Any]:
        """Another page of it."""
        found: Sequence[Any] = self._runner.run(self._window.page(start, size))
        return found


def plain_sort(connection: sqlite3.Connection, key: str) -> Callable[[], object]:
    """The same with plain sqlite3, as one would write it: the ids by one metric, all fetched."""
    number = connection.execute(
        "SELECT id FROM key WHERE kind = 1 AND name = ?", (key,)
    ).fetchone()[0]
    return lambda: connection.execute(
        "SELECT run.uid FROM metric m JOIN run ON run.id = m.run_id"
        " WHERE m.key_id = ? AND run.deleted_at IS NULL ORDER BY m.value DESC",
        (number,),
    ).fetchall()


def measure(bench: Bench) -> Iterator[Line]:
    """Every key both ways, then filters in several orders."""
    made = bench.registry(RUNS)
    keys = [f"metrics.{name}" for name in METRICS] + [f"params.{name}" for name in PARAMS]
    sorts = [("", f"{sign}{key}") for key in keys for sign in ("", "-")]
    filters = [(where, sort) for where in FILTERS for sort in SORTS]
    tied = [(where, TIED) for where in ("", *FILTERS)]
    with Lists(made) as lists, closing(sqlite3.connect(made / ".modeldeck/registry.db")) as plain:
        by_hand = plain_sort(plain, METRICS[4])
        for what, asked, limit in (
            ("sort by any key", sorts, _QUICK),
            ("filter and sort", filters, _QUICK),
            ("sort by two keys", tied, None),
        ):
            yield from _lines(bench, lists, asked, what, limit, by_hand)
        yield from _groups(bench, lists, by_hand)


def _groups(bench: Bench, lists: Lists, by_hand: Callable[[], object]) -> Iterator[Line]:
    """Counts alone, which the console shows first, then with three metrics."""
    both = (("counts", (), _QUICK), ("best and mean of 3", METRICS[:MEASURED], None))
    for words, metrics, limit in both:
        found: dict[tuple[str, str], list[Cost]] = defaultdict(list)
        reference: list[Cost] = []
        asked = [(by, where) for by in GROUPED for where in ("", "metrics.metric_00 > 0.5")]
        for _ in range(1 + bench.rounds(5)):
            for one in asked:
                work = partial(lists.groups, *one, metrics)
                found[one].append(cost(work))
            reference.append(cost(by_hand))
        yield from _judged(f"group by: {words}", found, limit, reference, " of ")


def _lines(
    bench: Bench,
    lists: Lists,
    asked: Sequence[tuple[str, str]],
    what: str,
    limit: AtMost | None,
    by_hand: Callable[[], object],
) -> Iterator[Line]:
    """All of `asked` in turn, round by round: a busy moment then hits one round of each."""
    firsts: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    wholes: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    reference: list[Cost] = []
    for _ in range(1 + bench.rounds(5)):
        for number, one in enumerate(asked):
            firsts[one].append(cost(lambda one=one: lists.first(*one)))
            wholes[one].append(cost(lists.whole))
            if number % 10 == 0:
                reference.append(cost(by_hand))
    for part, found in (("first page", firsts), ("then all ids", wholes)):
        yield from _judged(f"{what}: {part}", found, limit, reference, " sort ")


def _judged(
    what: str,
    found: Mapping[tuple[str, str], Sequence[Cost]],
    limit: AtMost | None,
    reference: Sequence[Cost],
    between: str,
) -> Iterator[Line]:
    for kind, at in (("", 0), (" (CPU)", 1)):
        medians = {
            one: statistics.median(cost[at] for cost in costs[1:]) for one, costs in found.items()
        }
        worst = max(medians, key=lambda one: medians[one])
        note = f"medians of each, the worst is judged: {between.join(filter(None, worst))}"
        yield Line(f"{what}{kind}", SECONDS, list(medians.values()), limit,
                   [cost[at] for cost in reference], "plain SQL, a metric, all ids",
                   worst=True, note=note)  # fmt: skip
