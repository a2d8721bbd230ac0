"""What is written as it happens or as it is found: append-only, no Plan a point.

Records carry nouns plus what only a writer needs. A Source reads what other tools left on disk and
gives records; a registry's writer takes them, from a source as from the recorder.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Protocol

from msgspec import Struct

from .artifacts import Artifact
from .models import Model, Version
from .runs import Dataset, Evaluation, Experiment, Lock, Metric, Points, Run, SeriesInfo, Usage


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run as a writer takes it: `latest` in place of the run's own `metrics`.

    `native_id` is the run's id where it came from; None for one made here.
    """

    run: Run
    experiment_id: str = ""
    native_id: str | None = None
    latest: Mapping[str, Metric] = {}
    datasets: Sequence[Dataset] = ()
    evaluations: Sequence[Evaluation] = ()
    artifacts: Sequence[Artifact] = ()
    lock: Lock | None = None
    usage: Usage = Usage()


class ModelRecord(Struct, frozen=True, kw_only=True):
    """A model with all its versions. `native_name`: its name there, when it has another here."""

    model: Model
    versions: Sequence[Version] = ()
    native_name: str | None = None


class Problem(Struct, frozen=True):
    """Something that could not be read: `where` (a path or a row), `what` is wrong with it."""

    where: str
    what: str


class Batch(Struct, frozen=True, kw_only=True):
    """What a running run has logged since the last batch."""

    points: Mapping[str, Points] = {}
    params: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    datasets: Sequence[Dataset] = ()
    evaluations: Sequence[Evaluation] = ()
    positions: Mapping[str, int] = {}
    """Up to which byte each file of the run directory has been read, this batch included."""


class Source(Protocol):
    """What lies on disk, read in short pages and never written.

    `origin` names it for good (a path as URI); ids in its records are its own. `problems` grows
    while it is read: whatever is damaged is left out and named there, the rest is given.
    """

    kind: str
    origin: str
    problems: Sequence[Problem]

    def stamp(self) -> str:
        """A short text that differs whenever something may have changed."""

    def experiments(self) -> Iterable[Experiment]:
        """All experiments, deleted ones too."""

    def runs(self) -> Iterable[RunRecord]:
        """All runs, parents before children where that can be told; no series."""

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of each of a run's series."""

    def points(self, run_id: str, key: str) -> Points:
        """All points of one series, ordered by step, time, value."""

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of one run, each ordered by step, time, value."""

    def models(self) -> Iterable[ModelRecord]:
        """All models with their versions."""

    def artifacts(self, owner: str) -> Sequence[Artifact]:
        """The files of `runs/ID` or `models/NAME/VERSION`, each with its location."""

    def open(self, artifact: Artifact) -> BinaryIO:
        """The bytes of a file that `artifacts` named. Refuses what leaves its root."""

    def close(self) -> None:
        """Let go of files."""
