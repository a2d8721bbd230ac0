"""The first look: what runs, what failed, what is best, what is where, what changed."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import RunQuery, Window
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.runs import Fields, Run

from .audit import list_events
from .experiments import list_experiments
from .models import list_models
from .runs import list_runs
from .session import Session

T = TypeVar("T")
SHOWN = 8
LATELY = timedelta(days=1)
_EXPERIMENTS, _METRICS = 5, 3
_LIGHT = Fields(metrics=(), params=(), tags=())


class Best(Struct, frozen=True, kw_only=True):
    """The best run of an experiment by a metric whose direction is declared."""

    experiment: str
    metric: str
    direction: str
    value: float
    run: Run


class Overview(Struct, frozen=True, kw_only=True):
    """What lies in a registry, in one look. Counts leave out what is deleted.

    `failed` are those of the last day, and `failed_lately` their count; `next` says what to do
    where something is still missing, as (words, command).
    """

    context: str
    place: str
    readonly: str
    experiments: int
    runs: int
    running: Sequence[Run]
    running_count: int
    failed: Sequence[Run]
    failed_lately: int
    recent: Sequence[Run]
    best: Sequence[Best]
    models: Sequence[Model]
    model_count: int
    changes: Sequence[Event]
    next: Sequence[tuple[str, str]]


class Counts(Struct, frozen=True, kw_only=True):
    """The figures of a status line."""

    context: str
    runs: int
    running: int
    failed_lately: int
    models: int


async def overview(session: Session) -> Overview:
    """The overview of the session's context."""
    (
        experiments,
        (running, running_count),
        (failed, failed_count),
        recent,
        models,
        events,
    ) = await asyncio.gather(
        list_experiments(session),
        _some(session, "status = running"),
        _some(session, _failed()),
        list_runs(session, first=SHOWN),
        list_models(session, sort="-updated"),
        list_events(session, where="action != run", first=SHOWN),
    )
    sets = await _all(experiments)
    shown = [*recent.first[:SHOWN], *running, *failed]
    runs = sum(one.runs or 0 for one in sets)
    return Overview(
        context=session.context,
        place=session.registry.place,
        readonly=session.readonly,
        experiments=len(sets),
        runs=runs,
        running=running,
        running_count=running_count,
        failed=failed,
        failed_lately=failed_count,
        recent=recent.first[:SHOWN],
        best=await _best(session, list(dict.fromkeys(run.experiment for run in shown))),
        models=models.first[:SHOWN],
        model_count=models.count or len(models.first),
        changes=events.first[:SHOWN],
        next=_next(session, runs, models.count or 0),
    )


async def counts(session: Session) -> Counts:
    """The figures of a status line, cheap enough for every few seconds."""
    experiments = await _all(await list_experiments(session))
    _, running = await _some(session, "status = running", 1)
    _, failed = await _some(session, _failed(), 1)
    models = await list_models(session)
    return Counts(
        context=session.context,
        runs=sum(one.runs or 0 for one in experiments),
        running=running,
        failed_lately=failed,
        models=models.count or 0,
    )


def _failed() -> str:
    # A run that failed at once has an end; one that was killed with its wrapper may have none.
    hours = int(LATELY.total_seconds() // 3600)
    return f"status in (failed, killed) and (ended > -{hours}h or started > -{hours}h)"


async def _some(session: Session, where: str, first: int = SHOWN) -> tuple[Sequence[Run], int]:
    window = await list_runs(session, where=where, fields=_LIGHT, first=first)
    await window.whole()
    return window.first, window.count or 0


async def _all(window: Window[T]) -> Sequence[T]:
    await window.whole()
    return await window.page(0, window.at_least)


async def _best(session: Session, experiments: Sequence[str]) -> Sequence[Best]:
    found = []
    for experiment in experiments[:_EXPERIMENTS]:
        for metric, direction in list(session.directions.items())[:_METRICS]:
            query = RunQuery(
                experiments=[experiment],
                sort=[Sort(Field(metric, "metrics"), direction == "higher")],
                fields=Fields(metrics=(metric,), params=(), tags=()),
            )
            for run in (await session.registry.runs(query, 1)).first:
                value = run.metrics.get(metric)
                if value is not None and value == value:
                    found.append(
                        Best(
                            experiment=experiment,
                            metric=metric,
                            direction=direction,
                            value=value,
                            run=run,
                        )
                    )
    return found


def _next(session: Session, runs: int, models: int) -> Sequence[tuple[str, str]]:
    if not runs and session.readonly:
        return [("There is nothing here, and it is read-only; open another one", "modeldeck PATH")]
    if not runs:
        return [
            ("Record a run", "modeldeck run -e EXPERIMENT -- python train.py"),
            ("Bring in what MLflow has recorded", "modeldeck import PATH"),
            ("Look at a made project", "modeldeck demo DIR"),
        ]
    said = []
    if not session.directions:
        said.append(
            ("Say which way a metric is better, in modeldeck.toml", '[metrics] auc = "higher"')
        )
    if not models and not session.readonly:
        said.append(("Register a model", "modeldeck register PATH --model NAME --run RUN"))
    return said
