"""A small registry with one of everything, made through the public write path at fixed times."""

from __future__ import annotations

import asyncio
import io
from array import array
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.ingest import Batch, RunRecord
from modeldeck.backends.api.plan import LIFETIME, Change, Plan
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Git,
    Lock,
    Package,
    Points,
    Run,
    Status,
    Usage,
)
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local import LocalBackend, create_registry

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACTOR = Actor(user="op1", host="jump1", session="pts/3 pid 4711")
CONTEXT = "bank"

FIRST, SECOND, FAILED, RUNNING, CHILD, GONE = (
    f"{letter}{number}" * 8 for letter, number in zip("abcdef", range(1, 7), strict=True)
)
LOCK = "sha256:" + "1f" * 32
OTHER_LOCK = "sha256:" + "2e" * 32
DIRECTIONS = '[metrics]\nauc = "higher"\nloss = "lower"\n'


class Clock:
    """A clock that goes on a second with every look."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def points(values: list[float], start: datetime = START) -> Points:
    times = [to_micros(start) + at * 1_000_000 for at in range(len(values))]
    return Points(array("q", range(len(values))), array("q", times), array("d", values))


def plan_of(operation: str, *changes: Change, now: datetime = NOW, reason: str = "") -> Plan:
    return Plan(
        operation=operation,
        arguments={},
        context=CONTEXT,
        changes=changes,
        created_at=now,
        lapses_at=now + LIFETIME,
        reason=reason,
    )


def version_change(model: str, number: int, **content: Any) -> Change:
    given = {"digest": f"sha256:{number:064x}", "format": "skops", **content}
    return Change(address.version(model, number), "content", None, given)


def alias_change(model: str, alias: str, before: int | None, after: int | None) -> Change:
    return Change(address.alias(model, alias), "version", before, after)


async def add_run(backend: LocalBackend, run: Run, **held: Any) -> None:
    """Write a run from its begin to its end."""
    keys = {key: held.pop(key) for key in ("points", "params", "tags") if key in held}
    ends = {key: held.pop(key) for key in ("usage", "artifacts") if key in held}
    begun = {key: held.pop(key) for key in ("lock",) if key in held}
    start = Run(
        id=run.id,
        name=run.name,
        experiment=run.experiment,
        status=Status.RUNNING,
        started_at=run.started_at,
        parent_id=run.parent_id,
        user=run.user,
        git=run.git,
        dirty=run.dirty,
        lock=run.lock,
        note=run.note,
    )
    uid = f"exp-{run.experiment}" if run.experiment in {"fraud", "churn"} else "exp-other"
    record = RunRecord(run=start, experiment_id=uid, **begun)
    await backend.begin_run(record, ACTOR, CONTEXT)
    await backend.log(run.id, Batch(**keys, **held), last=True)
    if run.status != Status.RUNNING:
        await backend.end_run(RunRecord(run=run, **ends), ACTOR, CONTEXT)


def lock(**changed: Any) -> Lock:
    facts: dict[str, Any] = {
        "python": "3.11.9",
        "implementation": "CPython",
        "packages": (Package("numpy", "2.1.0", "ab" * 32), Package("xgboost", "2.1.1", "cd" * 32)),
        "system": "Linux 6.1",
        "machine": "x86_64",
        "cpus": 8,
        "memory_bytes": 16 << 30,
        "git": Git(commit="a91c" * 10, branch="main"),
    }
    return Lock(**(facts | changed))


async def fill(backend: LocalBackend) -> None:
    """Two experiments, six runs, a model with three versions, aliases, events."""
    day = timedelta(days=1)
    train = Dataset(name="tx_w46", digest="sha256:77aa", source="data/w46", context="training")
    later = Dataset(name="tx_w47", digest="sha256:88bb", source="data/w47", context="training")
    output = backend.keep(io.BytesIO(b"epoch 0\nepoch 1\ndone\n"), "output.log")
    await add_run(
        backend,
        Run(
            id=FIRST,
            name="xgb-base",
            experiment="fraud",
            status=Status.FINISHED,
            started_at=START,
            ended_at=START + timedelta(minutes=41),
            exit_code=0,
            user="op1",
            git="a91c" * 10,
            dirty=False,
            lock=LOCK,
        ),
        points={"auc": points([0.5, 0.9, 0.93]), "loss": points([0.9, 0.3, 0.2])},
        params={"depth": "6", "eta": "0.10", "seed": "7"},
        tags={"team": "risk"},
        datasets=[train],
        evaluations=[
            Evaluation(metric="auc", value=0.93, dataset="tx_w46", dataset_digest="77aa", n=500)
        ],
        lock=lock(),
        usage=Usage(wall_seconds=2460.0, cpu_seconds=9000.5, peak_memory_bytes=3 << 30),
        artifacts=[output],
    )
    await add_run(
        backend,
        Run(
            id=SECOND,
            name="xgb-deep",
            experiment="fraud",
            status=Status.FINISHED,
            started_at=START + day,
            ended_at=START + day + timedelta(minutes=39),
            exit_code=0,
            user="op2",
            git="7be2" * 10,
            dirty=True,
            lock=OTHER_LOCK,
            note="deeper trees\nslower steps",
        ),
        points={"auc": points([0.6, 0.9355]), "loss": points([0.8, float("nan")])},
        params={"depth": "8", "eta": "0.05", "seed": "7"},
        datasets=[later],
        lock=lock(packages=(Package("numpy", "2.1.0", "ab" * 32), Package("xgboost", "2.1.3"))),
    )
    await add_run(
        backend,
        Run(
            id=FAILED,
            name="xgb-wide",
            experiment="fraud",
            status=Status.FAILED,
            started_at=NOW - timedelta(hours=2),
            ended_at=NOW - timedelta(hours=1, minutes=58),
            exit_code=137,
            reason='killed by signal 9; last line "hist build d=8"',
        ),
        points={"loss": points([float("inf")])},
    )
    await add_run(
        backend,
        Run(
            id=RUNNING,
            name="logit",
            experiment="churn",
            status=Status.RUNNING,
            started_at=NOW - timedelta(minutes=10),
        ),
        points={"auc": points([0.7, 0.71])},
        params={"C": "1.0"},
    )
    await add_run(
        backend,
        Run(
            id=CHILD,
            name="fold-1",
            experiment="churn",
            status=Status.FINISHED,
            started_at=NOW - timedelta(minutes=9),
            ended_at=NOW - timedelta(minutes=8),
            parent_id=RUNNING,
        ),
    )
    await add_run(
        backend,
        Run(
            id=GONE,
            name="mistake",
            experiment="churn",
            status=Status.KILLED,
            started_at=START,
            ended_at=START + timedelta(minutes=1),
        ),
    )
    backend.clock = Clock(NOW - timedelta(minutes=5))
    for plan in (
        plan_of("run.rm", Change(f"runs/{GONE}", "deleted", None, "2026-11-22T00:00:00Z")),
        plan_of("version.register", version_change("fraud", 1, run_id=FIRST, lock=LOCK)),
        plan_of("version.register", version_change("fraud", 2, run_id=SECOND, size=2048)),
        plan_of(
            "version.register",
            version_change("fraud", 3, format="pickle", unsafe=["it is a pickle"]),
        ),
        plan_of("alias.set", alias_change("fraud", "champion", None, 1)),
        plan_of("alias.set", alias_change("fraud", "champion", 1, 2), reason="retrained"),
        plan_of("version.tag", Change("models/fraud/2", "tag:stage", None, "prod")),
    ):
        await backend.apply(plan, ACTOR, CONTEXT)


def make_project(folder: Path) -> Path:
    """The registry in `folder`, with directions declared; gives the folder."""

    async def make() -> None:
        backend = create_registry(folder, clock=Clock())
        await fill(backend)
        await backend.close()

    asyncio.run(make())
    (folder / "modeldeck.toml").write_text(DIRECTIONS, encoding="utf-8")
    return folder


def session_of(backend: Any, **changed: Any) -> Session:
    given: dict[str, Any] = {
        "context": CONTEXT,
        "registry": backend,
        "actor": ACTOR,
        "directions": {"auc": "higher", "loss": "lower"},
        "folder": backend.layout.folder,
        "clock": lambda: NOW,
    }
    return Session(**(given | changed))


async def refused(kind: type[ModeldeckError], work: Callable[[], Awaitable[Any]]) -> ModeldeckError:
    """The error that `work` must raise."""
    try:
        await work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
