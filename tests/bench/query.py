"""Sorting and filtering 75,000 runs by any key, in this process, through the local backend."""

import asyncio
import sqlite3
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.parse import parse_filter, parse_sort
from modeldeck.backends.api.query import RUNS as WORDS
from modeldeck.backends.api.runs import Fields
from modeldeck.backends.local.opening import open_registry

from .frame import RUNS
from .harness import Cost, cost, paired, repeated
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

    def whole(self) -> int:
        """The ids of all of the list whose first page was asked for last."""
        self._runner.run(self._window.whole())
        return int(self._window.count)

    def page(self, start: int, size: int) -> Sequence[Any]:
        """Another page of it."""
        found: Sequence[Any] = self._runner.run(self._window.page(start, size))
        return found

    def costs(self, where: str, sort: str, rounds: int) -> tuple[list[Cost], list[Cost]]:
        """What the first page takes, and after it the whole list."""
        firsts, wholes = [], []
        for _ in range(rounds + 1):
            firsts.append(cost(lambda: self.first(where, sort)))
            wholes.append(cost(self.whole))
        return firsts[1:], wholes[1:]


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
    plain = sqlite3.connect(made / ".modeldeck" / "registry.db")
    with Lists(made) as lists:
        by_hand = plain_sort(plain, METRICS[4])
        reference = [one.wall for one in repeated(lambda: cost(by_hand), bench.rounds(9))]
        beside = "plain SQL, one metric, all ids"
        keys = [f"metrics.{name}" for name in METRICS] + [f"params.{name}" for name in PARAMS]
        asked = [("", f"{sign}{key}") for key in keys for sign in ("", "-")]
        yield from _lines(bench, lists, asked, "sort by any key", reference, beside)
        filters = [(where, sort) for where in FILTERS for sort in SORTS]
        yield from _lines(bench, lists, filters, "filter and sort", reference, beside)
        tied = [(where, TIED) for where in ("", *FILTERS)]
        for line in _lines(bench, lists, tied, "sort by two keys", reference, beside):
            yield replace(line, limit=None)
        pair = paired(
            lambda: cost(lambda: (lists.first("", "-metrics.metric_04"), lists.whole())),
            lambda: cost(by_hand),
            bench.rounds(9),
        )
        ours, theirs = pair.wall()
        yield Line("sort by one metric, page and ids", SECONDS, ours, _QUICK, theirs, beside)
    plain.close()


def _lines(
    bench: Bench,
    lists: Lists,
    asked: Sequence[tuple[str, str]],
    what: str,
    reference: Sequence[float],
    beside: str,
) -> Iterator[Line]:
    firsts: dict[tuple[str, str], tuple[float, float]] = {}
    wholes: dict[tuple[str, str], tuple[float, float]] = {}
    for where, sort in asked:
        for costs, found in zip(
            lists.costs(where, sort, bench.rounds(5)), (firsts, wholes), strict=True
        ):
            found[where, sort] = (
                statistics.median(one.wall for one in costs),
                statistics.median(one.cpu for one in costs),
            )
    for part, found in (("first page", firsts), ("then all ids", wholes)):
        for kind, at in (("", 0), (" (CPU)", 1)):
            worst = max(found, key=lambda one: found[one][at])
            note = f"medians of each, the worst is judged: {' sort '.join(filter(None, worst))}"
            yield Line(f"{what}: {part}{kind}", SECONDS, [one[at] for one in found.values()],
                       _QUICK, reference, beside, worst=True, note=note)  # fmt: skip
