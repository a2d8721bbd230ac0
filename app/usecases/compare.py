"""Runs beside one another: what each measured, what differs, and what makes it no fair comparison.

`compare` is pure; `compare_runs` reads what it needs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from modeldeck.app.config.redaction import masked_side
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.runs import SYSTEM, Dataset, Lock, Run

from .runs import find_run, find_runs
from .session import Session

FEWEST, MOST = 2, 20


class Side(Struct, frozen=True, kw_only=True):
    """One of the compared. `lock` is None where it is not known."""

    run: Run
    datasets: Sequence[Dataset] = ()
    lock: Lock | None = None


class MetricRow(Struct, frozen=True, kw_only=True):
    """A metric of every run. `deltas` are exact decimal differences to the baseline.

    `best` holds the places of the best finite values; none where no direction is declared.
    """

    key: str
    direction: str | None
    values: Sequence[float | None]
    deltas: Sequence[Decimal | None]
    best: Sequence[int] = ()


class TextRow(Struct, frozen=True, kw_only=True):
    """A word of every run; None where it is missing."""

    key: str
    values: Sequence[str | None]

    @property
    def differs(self) -> bool:
        """Whether not all are the same."""
        return len(set(self.values)) > 1


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs in the order asked for; `baseline` is the place of what the others are measured by."""

    runs: Sequence[Run]
    baseline: int
    metrics: Sequence[MetricRow]
    params: Sequence[TextRow]
    datasets: Sequence[TextRow]
    git: Sequence[TextRow]
    lock: Sequence[TextRow]
    warnings: Sequence[str]


async def compare_runs(
    session: Session, refs: Sequence[str], *, baseline: str | None = None
) -> Comparison:
    """The comparison of 2 to 20 runs; the first is the baseline when none is named."""
    wanted = list(refs)
    if baseline is not None:
        base = await find_run(session, baseline)
        known = await find_runs(session, refs)
        if base.id not in {run.id for run in known}:
            wanted.insert(0, base.id)
    runs = await find_runs(session, wanted)
    if not FEWEST <= len(runs) <= MOST:
        raise UsageError(
            f"{FEWEST} to {MOST} runs can be compared, these are {len(runs)}",
            way_out="Name others; a run counts once",
        )
    place = 0 if baseline is None else [run.id for run in runs].index(base.id)
    locks: dict[str, Lock | None] = {}
    for digest in {run.lock for run in runs if run.lock}:
        locks[digest] = await session.registry.lock(digest)
    sides = [
        Side(
            run=run,
            datasets=await session.registry.datasets(run.id),
            lock=locks.get(run.lock) if run.lock else None,
        )
        for run in runs
    ]
    return compare(sides, session.directions, place)


def compare(sides: Sequence[Side], directions: Mapping[str, str], baseline: int) -> Comparison:
    """The comparison of `sides`. `directions` says of a metric that higher or lower is better."""
    runs = [side.run for side in sides]
    found = {key for run in runs for key in run.metrics}
    metrics = sorted(found, key=lambda key: (key.startswith(SYSTEM), key))
    params = sorted({key for run in runs for key in run.params})
    return Comparison(
        runs=runs,
        baseline=baseline,
        metrics=[
            _metric(key, [run.metrics.get(key) for run in runs], directions.get(key), baseline)
            for key in metrics
        ],
        params=[
            TextRow(key=key, values=masked_side(key, [run.params.get(key) for run in runs]))
            for key in params
        ],
        datasets=_datasets(sides),
        git=_git(runs),
        lock=_locks(sides),
        warnings=_warnings(sides, baseline),
    )


def _metric(
    key: str, values: Sequence[float | None], direction: str | None, baseline: int
) -> MetricRow:
    base = values[baseline]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    best: Sequence[int] = ()
    if direction and len(set(finite)) > 1:
        top = max(finite) if direction == "higher" else min(finite)
        best = [place for place, value in enumerate(values) if value == top]
    return MetricRow(
        key=key,
        direction=direction,
        values=values,
        deltas=[difference(value, base) for value in values],
        best=best,
    )


def difference(value: float | None, base: float | None) -> Decimal | None:
    """What `value` is above `base`, exactly as both are written; None where one is not finite."""
    if value is None or base is None or not (math.isfinite(value) and math.isfinite(base)):
        return None
    return Decimal(repr(value)) - Decimal(repr(base))


def _datasets(sides: Sequence[Side]) -> Sequence[TextRow]:
    found: dict[str, dict[int, list[str]]] = {}
    for place, side in enumerate(sides):
        for one in side.datasets:
            key = f"{one.name} ({one.context})" if one.context else one.name
            found.setdefault(key, {}).setdefault(place, []).append(one.digest)
    return [
        TextRow(
            key=key,
            values=[" ".join(sorted(by[place])) if place in by else None for place in _all(sides)],
        )
        for key, by in sorted(found.items())
    ]


def _git(runs: Sequence[Run]) -> Sequence[TextRow]:
    said = {None: None, True: "changed", False: "clean"}
    rows = [
        TextRow(key="commit", values=[run.git for run in runs]),
        TextRow(key="working tree", values=[said[run.dirty] for run in runs]),
    ]
    return [row for row in rows if set(row.values) != {None}]


def _locks(sides: Sequence[Side]) -> Sequence[TextRow]:
    facts = [None if side.lock is None else _facts(side.lock) for side in sides]
    known = [one for one in facts if one is not None]
    keys = dict.fromkeys(key for one in known for key in one)
    return [
        TextRow(key=key, values=[None if one is None else one.get(key) for one in facts])
        for key in keys
        if len({one.get(key) for one in known}) > 1
    ]


def _facts(lock: Lock) -> dict[str, str | None]:
    facts: dict[str, str | None] = {
        "python": lock.python,
        "implementation": lock.implementation,
        "system": lock.system,
        "machine": lock.machine,
        "cpu": lock.cpu,
        "cpus": None if lock.cpus is None else str(lock.cpus),
        "memory in bytes": None if lock.memory_bytes is None else str(lock.memory_bytes),
        "gpus": ", ".join(lock.gpus) or None,
        "cuda": lock.cuda,
    }
    for package in sorted(lock.packages, key=lambda package: package.name.casefold()):
        record = f" {package.record[:12]}" if package.record else ""
        facts[f"package {package.name}"] = f"{package.version}{record}"
    return facts


def _warnings(sides: Sequence[Side], baseline: int) -> Sequence[str]:
    differ, unknown = [], []
    for what, of in _CAUSES.items():
        base = of(sides[baseline])
        others = [of(side) for place, side in enumerate(sides) if place != baseline]
        if base is None or None in others:
            unknown.append(what)
        if base is not None and any(other not in (None, base) for other in others):
            differ.append(what)
    said = []
    if differ:
        verb = "differs" if len(differ) == 1 else "differ"
        said.append(
            f"{_list(differ)} {verb} from the baseline too:"
            " what the metrics show is not the parameters' alone"
        )
    if unknown:
        verb = "was" if len(unknown) == 1 else "were"
        said.append(f"{_list(unknown)} {verb} not recorded for every run: it may differ too")
    dirty = [side.run.name or side.run.id for side in sides if side.run.dirty]
    if dirty:
        said.append(f"with changes that no commit holds: {', '.join(dirty)}")
    return said


def _data(side: Side) -> object:
    return frozenset((one.context, one.digest) for one in side.datasets) or None


_CAUSES: Mapping[str, Callable[[Side], object]] = {
    "data": _data,
    "code": lambda side: side.run.git,
    "lock": lambda side: side.run.lock,
}


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _all(sides: Sequence[Side]) -> range:
    return range(len(sides))
