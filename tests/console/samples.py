"""Registries to look at, made through the public write path."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.ingest import ModelRecord, RunRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Experiment, Metric, Run, Status
from modeldeck.backends.local.opening import create_registry
from tests.console.dump import ACTOR, NOW, clock

NAN, INF = float("nan"), float("inf")
DIRECTIONS = {"auc": "higher", "loss": "lower"}


def entry(phase: str, action: str, subject: str, after: Any) -> Entry:
    """An event to be."""
    return Entry(
        actor=ACTOR,
        tool="",
        context="lab",
        phase=phase,
        action=action,
        subject=subject,
        after=after,
    )


def run(at: int, name: str, *, experiment: str = "1", status=Status.FINISHED, **more) -> RunRecord:
    """A run that started `at` minutes ago and took as many seconds."""
    metrics = more.pop("metrics", {})
    started = NOW - timedelta(minutes=at)
    ended = None if status == Status.RUNNING else started + timedelta(seconds=at)
    options = {
        "id": f"{at:032x}",
        "experiment": "fraud",
        "started_at": started,
        "ended_at": ended,
        "user": "ada",
        "git": "7be2" * 10,
        "params": {"depth": str(at % 7 + 2), "eta": "0.1"},
    }
    return RunRecord(
        run=Run(**{**options, "name": name, "status": status, **more}),
        experiment_id=experiment,
        latest={key: Metric(value, 10, started) for key, value in metrics.items()},
    )


def small() -> list[RunRecord]:
    """A dozen runs of two experiments: every state, nested ones, odd numbers."""
    sweep = f"{600:032x}"
    inner = f"{590:032x}"
    return [
        run(3, "xgb-now", status=Status.RUNNING, metrics={"auc": 0.71}),
        run(20, "xgb-07", metrics={"auc": 0.9355, "loss": 0.2051}, dirty=True),
        run(40, "xgb-05", status=Status.FAILED, exit_code=137, reason="exit 137, killed"),
        run(55, "xgb-03", metrics={"auc": NAN, "loss": INF}),
        run(70, "xgb-02", metrics={"auc": 0.9312, "loss": 0.2104}),
        run(90, "stopped", status=Status.KILLED, reason="interrupted", metrics={"auc": 0.5}),
        run(600, "sweep", metrics={"auc": 0.9318}),
        run(599, "sweep-1", parent_id=sweep, metrics={"auc": 0.9318, "loss": 0.21}),
        run(598, "sweep-2", parent_id=sweep, metrics={"auc": 0.9101, "loss": 0.24}),
        run(590, "sweep-3", parent_id=sweep, metrics={"auc": 0.8}),
        run(589, "inner", parent_id=inner, metrics={"auc": 0.7}),
        run(2000, "cnn-1", experiment="2", metrics={"acc": 0.99}),
        run(90000, "cnn-0", experiment="2", metrics={"acc": 1e-9, "cost": 12345678.0}),
    ]


def models() -> list[ModelRecord]:
    """Two models with three versions."""
    at = NOW - timedelta(days=3)
    make = {"created_at": at, "updated_at": at}

    def version(model: str, number: int, **more) -> Version:
        options = {"format": "skops", "digest": f"sha256:{number:064x}", "size": 12_345, **make}
        return Version(model=model, version=number, **{**options, **more})

    fraud = Model(name="fraud", aliases={"champion": 2, "candidate": 3}, **make)
    churn = Model(name="churn", **make)
    unsafe = ["a pickle"]
    return [
        ModelRecord(
            model=fraud,
            versions=[
                version("fraud", 1),
                version("fraud", 2, run_id=f"{70:032x}"),
                version("fraud", 3, run_id=f"{20:032x}", format="pickle", unsafe=unsafe),
            ],
        ),
        ModelRecord(model=churn, versions=[version("churn", 1)]),
    ]


def build(
    folder: Path,
    runs: list[RunRecord],
    models: list[ModelRecord] = (),
    names: dict[str, str] | None = None,
) -> Path:
    """A registry with these records in `folder`; gives its path."""
    names = {"1": "fraud", "2": "digits"} if names is None else names

    async def work() -> Path:
        registry = create_registry(folder, clock=clock)
        try:
            await registry.take(
                "test:sample",
                "test",
                experiments=[
                    Experiment(id=key, name=name, created_at=NOW, updated_at=NOW)
                    for key, name in names.items()
                ],
                runs=runs,
                models=models,
            )
            await registry.note(entry("ended", "import", "experiments", {"runs": 13}))
        finally:
            await registry.close()
        return folder / ".modeldeck"

    return asyncio.run(work())
