"""Experiments, runs and what a run holds. Text and numbers are kept exactly as they came."""

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

SYSTEM = "system/"
"""Metrics of the machine that a run ran on begin so, as those of MLflow do."""


class Status(StrEnum):
    """Where a run stands."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "killed"


class Shelf(StrEnum):
    """Which things to list: those in use, those deleted, or both."""

    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"


class Experiment(Struct, frozen=True, kw_only=True):
    """A named set of runs. `runs` counts those not deleted; None when not known."""

    id: str
    name: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    note: str = ""
    tags: Mapping[str, str] = {}
    runs: int | None = None
    origin: str | None = None


class Metric(Struct, frozen=True):
    """The latest value of a series: the greatest (step, time, value), as in MLflow."""

    value: float
    step: int = 0
    time: datetime | None = None


class Run(Struct, frozen=True, kw_only=True):
    """One execution. Metrics are latest values. `reason` says why it did not finish."""

    id: str
    name: str
    experiment: str
    status: Status
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None
    parent_id: str | None = None
    children: int = 0
    user: str = ""
    reason: str | None = None
    exit_code: int | None = None
    note: str = ""
    git: str | None = None
    dirty: bool | None = None
    lock: str | None = None
    origin: str | None = None
    params: Mapping[str, str] = {}
    metrics: Mapping[str, float] = {}
    tags: Mapping[str, str] = {}


class Usage(Struct, frozen=True, kw_only=True):
    """What a run used. Seconds and bytes; None where it was not measured."""

    wall_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


class Fields(Struct, frozen=True, kw_only=True):
    """Which keys of each kind a list of runs shall carry. None means all."""

    metrics: Sequence[str] | None = None
    params: Sequence[str] | None = None
    tags: Sequence[str] | None = None


class Keys(Struct, frozen=True, kw_only=True):
    """The keys that some runs have, in order of name."""

    metrics: Sequence[str] = ()
    params: Sequence[str] = ()
    tags: Sequence[str] = ()


class SeriesInfo(Struct, frozen=True, kw_only=True):
    """One metric's history in figures. `low`, `high` and `total` are over finite values.

    A server may tell where a series ends and no more: then `count` and what needs all points are
    None, and it is drawn from a sample.
    """

    key: str
    count: int | None
    first_step: int | None
    last_step: int
    first_time: datetime | None
    last_time: datetime | None
    low: float | None
    high: float | None
    total: float | None
    finite: int | None


class Points:
    """Points of one series as three equal columns: steps, times in microseconds, values.

    A series as it was logged: steps may repeat and go back. Arrays are of type q, q and d; numpy
    reads them without a copy.
    """

    __slots__ = ("steps", "times", "values")

    def __init__(
        self,
        steps: "array[int] | None" = None,
        times: "array[int] | None" = None,
        values: "array[float] | None" = None,
    ) -> None:
        self.steps = array("q") if steps is None else steps
        self.times = array("q") if times is None else times
        self.values = array("d") if values is None else values

    def __len__(self) -> int:
        return len(self.values)

    def append(self, step: int, time: int, value: float) -> None:
        """Add one point; `time` in microseconds since the epoch."""
        self.steps.append(step)
        self.times.append(time)
        self.values.append(value)

    def extend(self, other: "Points") -> None:
        """Add all points of `other`, in order."""
        self.steps.extend(other.steps)
        self.times.extend(other.times)
        self.values.extend(other.values)

    def cut(self, start: int, stop: int) -> "Points":
        """The points from `start` to before `stop`."""
        return Points(self.steps[start:stop], self.times[start:stop], self.values[start:stop])


class Dataset(Struct, frozen=True, kw_only=True):
    """Data that a run used, named by digest. `context` says for what (training, test ...)."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None
    context: str | None = None
    labels: Mapping[str, str] = {}


class Evaluation(Struct, frozen=True, kw_only=True):
    """A measured value of a model on a dataset: what gates compare.

    `artifact` is the path of the per-row predictions among the run's artifacts.
    """

    metric: str
    value: float
    dataset: str
    dataset_digest: str = ""
    slice: str = ""
    n: int | None = None
    artifact: str | None = None
    run_id: str | None = None
    model: str | None = None
    version: int | None = None


class Package(Struct, frozen=True):
    """An installed distribution. `record` is the SHA-256 of its RECORD file, None without one."""

    name: str
    version: str
    record: str | None = None


class Git(Struct, frozen=True, kw_only=True):
    """The state of the working tree. `diff` is the path of the saved diff of a dirty one."""

    commit: str
    branch: str | None = None
    remote: str | None = None
    dirty: bool = False
    diff: str | None = None


class Lock(Struct, frozen=True, kw_only=True):
    """What a run or host really had. None where it could not be told."""

    python: str | None = None
    implementation: str | None = None
    executable: str | None = None
    packages: Sequence[Package] = ()
    system: str | None = None
    machine: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    memory_bytes: int | None = None
    gpus: Sequence[str] = ()
    cuda: str | None = None
    git: Git | None = None
    extra: Mapping[str, Any] = {}
