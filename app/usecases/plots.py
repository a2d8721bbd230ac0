"""One value a run for scatter, bars and histograms: runs, their metrics, their parameters."""

import math
from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.runs import Fields, Keys, Run

from .runs import list_runs
from .session import Session

MOST = 2000
"""Runs that are drawn together."""
CATEGORIES = 30


class Field(Struct, frozen=True):
    """Runs with a metric, and what stands beside it: `x` is a parameter, or empty."""

    runs: Sequence[Run]
    keys: Keys
    more: bool = False


class Values(Struct, frozen=True):
    """The finite values of a metric in the order of the runs; `odd` runs have none or no number."""

    names: Sequence[str]
    values: Sequence[float]
    odd: int = 0


class Against(Struct, frozen=True):
    """A metric against a parameter: numbers (`xs`), or values by category."""

    xs: Sequence[float]
    ys: Sequence[float]
    groups: Sequence[tuple[str, Sequence[float]]] = ()
    left_out: int = 0


async def read_field(
    session: Session,
    *,
    run_ids: Sequence[str] = (),
    experiment: str = "",
    where: str = "",
) -> Field:
    """These runs, or those of a list, with all that can be drawn of them."""
    if run_ids:
        runs = [await session.registry.run(run) for run in run_ids]
        metrics = dict.fromkeys(key for run in runs for key in run.metrics)
        params = dict.fromkeys(key for run in runs for key in run.params)
        return Field(runs, Keys(metrics=list(metrics), params=list(params)))
    experiments = [experiment] if experiment else None
    keys = await session.registry.run_keys(RunQuery(experiments=experiments))
    fields = Fields(metrics=list(keys.metrics), params=list(keys.params))
    window = await list_runs(
        session, experiments=experiments, where=where, fields=fields, first=MOST
    )
    runs = list(window.first)[:MOST]
    return Field(runs, keys, more=len(runs) == MOST)


def values_of(runs: Sequence[Run], metric: str) -> Values:
    """What a metric ended with in each run."""
    some = [(run, run.metrics.get(metric, math.nan)) for run in runs]
    good = [(run.name or run.id[:12], value) for run, value in some if math.isfinite(value)]
    return Values([name for name, _ in good], [value for _, value in good], len(some) - len(good))


def against(runs: Sequence[Run], metric: str, param: str) -> Against:
    """A metric against a parameter; a number in every run that has it makes a numeric axis."""
    found = [
        (run.params[param], run.metrics[metric])
        for run in runs
        if param in run.params and math.isfinite(run.metrics.get(metric, math.nan))
    ]
    left_out = len(runs) - len(found)
    ys = [value for _, value in found]
    xs = [number(text) for text, _ in found]
    if all(x is not None for x in xs):
        return Against([x for x in xs if x is not None], ys, left_out=left_out)
    groups: dict[str, list[float]] = {}
    for text, value in found:
        groups.setdefault(text, []).append(value)
    largest = sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))
    return Against([], ys, largest[:CATEGORIES], left_out)


def number(text: str) -> float | None:
    """A parameter as a finite number, if it is one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def numeric_first(runs: Sequence[Run], params: Sequence[str]) -> list[str]:
    """Parameters that differ among the runs, those that are numbers first; then the rest."""

    def rank(param: str) -> tuple[bool, bool]:
        values = {run.params[param] for run in runs if param in run.params}
        return len(values) < 2, any(number(value) is None for value in values)

    return sorted(params, key=rank)
