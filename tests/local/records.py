"""Records, plans and registries for the tests of the local backend."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from modeldeck.backends.api.events import Actor, Entry
from modeldeck.backends.api.ingest import ModelRecord, RunRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.runs import Metric, Points, Run, Status
from modeldeck.backends.local import LocalBackend, create_registry, open_registry

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MICROS = int(NOW.timestamp()) * 1_000_000
ME = Actor(user="ada", host="jump1", session="pts/0")
ORIGIN = "file:///elsewhere/mlflow.db"


def fresh(folder: Path) -> LocalBackend:
    """A new registry in `folder` at a fixed time."""
    return create_registry(folder, clock=lambda: NOW)


@contextmanager
def passing() -> Iterator[LocalBackend]:
    """A new registry for one of many examples: a copy of one that was made once."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _made().items():
            (Path(folder) / name).write_bytes(content)
        backend = open_registry(Path(folder), clock=lambda: NOW)
        # Many examples would wait for nothing but the disk.
        backend.registry._synchronous = "OFF"
        try:
            yield backend
        finally:
            backend.registry.close_now()
            backend.telemetry.close_now()


@lru_cache(1)
def _made() -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        made = fresh(Path(folder)).layout
        return {path.name: path.read_bytes() for path in (made.database, made.telemetry)}


def piped(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs `code`, spoken to by lines."""
    argv = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def record(
    uid: str,
    *,
    experiment: str = "first",
    metrics: Mapping[str, float] | None = None,
    **fields: Any,
) -> RunRecord:
    """A run that finished, with these latest metrics."""
    fields = {"name": uid, "status": Status.FINISHED} | fields
    extra = {
        name: fields.pop(name)
        for name in ("datasets", "evaluations", "artifacts", "lock", "usage")
        if name in fields
    }
    return RunRecord(
        run=Run(id=uid, experiment=experiment, **fields),
        experiment_id=experiment,
        latest={key: Metric(value, 1, NOW) for key, value in (metrics or {}).items()},
        **extra,
    )


def model_record(name: str = "fraud", numbers: Iterable[int] = (1, 2, 3), **fields: Any) -> Any:
    """A model with versions."""
    versions = [Version(model=name, version=n, created_at=NOW) for n in numbers]
    return ModelRecord(model=Model(name=name, created_at=NOW, **fields), versions=versions)


def plan(*changes: Change, **fields: Any) -> Plan:
    """A plan over `changes` that lapses in a quarter of an hour."""
    defaults: dict[str, Any] = {
        "operation": "test",
        "arguments": {},
        "context": "here",
        "created_at": NOW,
        "lapses_at": NOW + timedelta(minutes=15),
    }
    return Plan(changes=changes, **(defaults | fields))


def entry(**fields: Any) -> Entry:
    """An event to be: the start of an import, unless told otherwise."""
    defaults: dict[str, Any] = {
        "actor": ME,
        "tool": "",
        "context": "here",
        "phase": "started",
        "action": "import",
        "subject": ORIGIN,
    }
    return Entry(**(defaults | fields))


def points(rows: Sequence[tuple[int, int, float]]) -> Points:
    """Points of (step, time, value) rows."""
    return Points(
        array("q", [row[0] for row in rows]),
        array("q", [row[1] for row in rows]),
        array("d", [row[2] for row in rows]),
    )


def exact(found: Points) -> tuple[bytes, bytes, bytes]:
    """Points as bytes: equal only when every bit is."""
    return found.steps.tobytes(), found.times.tobytes(), found.values.tobytes()
