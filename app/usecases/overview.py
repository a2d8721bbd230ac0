"""The first look: what runs, what failed, what is best, what is where, what changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.runs import Experiment, Fields, Run, Status
from modeldeck.backends.api.tasks import task_group

from .asked import Waiting
from .audit import list_events
from .experiments import list_experiments
from .models import list_models
from .runs import list_runs
from .session import Session

SHOWN = 8
NEWEST = 200
"""Runs of a server that are looked at: one page, a fifth of a second of its time."""
LATELY = timedelta(days=1)
_EXPERIMENTS, _METRICS = 5, 3
_FAILED = (Status.FAILED, Status.KILLED)
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
    where something is still missing, as (words, command). A server is asked once, for its `newest`
    runs: then these alone were looked at, and `runs` is None, since it does not count them.
    """

    context: str
    place: str
    readonly: str
    experiments: int
    runs: int | None
    newest: int | None = None
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
    waiting: Sequence[Waiting] = ()


class Counts(Struct, frozen=True, kw_only=True):
    """The figures of a status line. `newest` and `runs` as in `Overview`.

    `waiting` is how much waits for who sits here, None where the policy names nobody.
    """

    context: str
    runs: int | None
    newest: int | None = None
    running: int
    failed_lately: int
    models: int
    waiting: int | None = None


class _Look(NamedTuple):
    """What there is to say of runs."""

    running: Sequence[Run]
    running_count: int
    failed: Sequence[Run]
    failed_lately: int
    recent: Sequence[Run] = ()
    best: Sequence[Best] = ()
    newest: int | None = None


async def overview(session: Session) -> Overview:
    """The overview of the session's context."""
    async with task_group() as group:
        listed = group.create_task(list_experiments(session))
        looked = group.create_task((_newest if session.remote else _everything)(session))
        named = group.create_task(list_models(session, sort="-updated"))
        changed = group.create_task(list_events(session, where="action != run", first=SHOWN))
    look, models, events = looked.result(), named.result(), changed.result()
    sets = await all_of(listed.result())
    runs = _total(sets)
    return Overview(
        context=session.context,
        place=session.registry.place,
        readonly=session.readonly,
        experiments=len(sets),
        runs=runs,
        newest=look.newest,
        running=look.running,
        running_count=look.running_count,
        failed=look.failed,
        failed_lately=look.failed_lately,
        recent=look.recent,
        best=look.best,
        models=models.first[:SHOWN],
        model_count=models.count or len(models.first),
        changes=events.first[:SHOWN],
        next=_next(session, len(look.recent) if runs is None else runs, models.count or 0),
    )


async def counts(session: Session) -> Counts:
    """The figures of a status line, cheap enough for every few seconds."""
    experiments = await all_of(await list_experiments(session))
    look = await (_newest(session) if session.remote else _counted(session))
    models = await list_models(session)
    return Counts(
        context=session.context,
        runs=_total(experiments),
        newest=look.newest,
        running=look.running_count,
        failed_lately=look.failed_lately,
        models=models.count or 0,
        waiting=len(await waiting_for(session, models.first)) if session.policy.people else None,
    )


async def waiting_for(session: Session, models: Sequence[Model]) -> Sequence[Waiting]:
    """What waits for who sits here, by what was signed: nothing else is read.

    `models` say where aliases are, as far as that is known.
    """
    if not session.policy.people:
        return ()
    from .inbox import inbox

    live = {f"{one.name}@{alias}": at for one in models for alias, at in one.aliases.items()}
    return await inbox(session, deep=False, live=live)


def _total(experiments: Sequence[Experiment]) -> int | None:
    counted = [one.runs for one in experiments if one.runs is not None]
    return sum(counted) if len(counted) == len(experiments) else None


async def _everything(session: Session) -> _Look:
    async with task_group() as group:
        counting = group.create_task(_counted(session, SHOWN))
        listing = group.create_task(list_runs(session, first=SHOWN))
    counted, recent = counting.result(), listing.result()
    shown = [*recent.first[:SHOWN], *counted.running, *counted.failed]
    best = await _best(session, list(dict.fromkeys(run.experiment for run in shown)))
    return counted._replace(recent=recent.first[:SHOWN], best=best)


async def _counted(session: Session, first: int = 1) -> _Look:
    async with task_group() as group:
        running = group.create_task(_some(session, "status = running", first))
        failed = group.create_task(_some(session, _failed(), first))
    return _Look(*running.result(), *failed.result())


async def _newest(session: Session) -> _Look:
    runs = (await list_runs(session, first=NEWEST)).first[:NEWEST]
    since = session.clock() - LATELY
    running = [run for run in runs if run.status == Status.RUNNING]
    failed = [run for run in runs if run.status in _FAILED and _latest(run, since) > since]
    best = [
        found
        for experiment in list(dict.fromkeys(run.experiment for run in runs))[:_EXPERIMENTS]
        for metric, direction in list(session.directions.items())[:_METRICS]
        if (found := _best_of(runs, experiment, metric, direction)) is not None
    ]
    return _Look(
        running[:SHOWN], len(running), failed[:SHOWN], len(failed), runs[:SHOWN], best, len(runs)
    )


def _latest(run: Run, otherwise: datetime) -> datetime:
    return run.ended_at or run.started_at or otherwise


def _best_of(runs: Sequence[Run], experiment: str, metric: str, direction: str) -> Best | None:
    having = [
        (value, run)
        for run in runs
        if run.experiment == experiment
        and (value := run.metrics.get(metric)) is not None
        and value == value
    ]
    if not having:
        return None
    value, run = (max if direction == "higher" else min)(having, key=lambda pair: pair[0])
    return Best(experiment=experiment, metric=metric, direction=direction, value=value, run=run)


def _failed() -> str:
    # A run that failed at once has an end; one that was killed with its wrapper may have none.
    hours = int(LATELY.total_seconds() // 3600)
    return f"status in (failed, killed) and (ended > -{hours}h or started > -{hours}h)"


async def _some(session: Session, where: str, first: int = SHOWN) -> tuple[Sequence[Run], int]:
    window = await list_runs(session, where=where, fields=_LIGHT, first=first)
    await window.whole()
    return window.first, window.count or 0


async def _best(session: Session, experiments: Sequence[str]) -> Sequence[Best]:
    found = []
    for experiment in experiments[:_EXPERIMENTS]:
        for metric, direction in list(session.directions.items())[:_METRICS]:
            query = RunQuery(
                experiments=[experiment],
                sort=[Sort(Field(metric, "metrics"), direction == "higher")],
                fields=Fields(metrics=(metric,), params=(), tags=()),
            )
            first = (await session.registry.runs(query, 1)).first[:1]
            best = _best_of(first, experiment, metric, direction)
            found += [best] if best is not None else []
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
