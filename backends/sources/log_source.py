"""A Source over run logs that only grow: what is read of a run is kept, and read on from there."""

import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from msgspec import Struct

from ..api.address import parse_address
from ..api.artifacts import Artifact
from ..api.errors import NotFoundError
from ..api.ingest import ModelRecord, Problem, RunRecord
from ..api.runs import Experiment, Points, SeriesInfo, Status
from ..memory import give_back
from .columns import Columns
from .folders import check_artifact, list_folder, open_below, outside
from .following import YOUNG, Mark
from .problems import ProblemLog
from .series import figures, ordered
from .uris import file_uri

KEPT_POINTS = 4_000_000
"""Points of runs lately read that stay in memory together, 24 bytes each."""

KEPT_RUNS = 256
MANY_POINTS = 100_000
"""To read more than these takes as much memory again, which is free afterwards."""
MAX_RECORDS = 20_000

Marks = tuple[Mark | None, ...]
Clock = Callable[[], float]


class Reading(Protocol):
    """One run as its files say, read as far as they go."""

    columns: Columns

    def more(self) -> None:
        """Take what the files hold by now."""

    def record(self, marks: tuple[Mark, ...], now: float) -> RunRecord:
        """The run as it is known by now."""


class Files(Struct, frozen=True):
    """The files of one run in order of time, and the folder of what it saved, if any."""

    paths: tuple[Path, ...]
    saved: Path | None = None


class _Kept(Struct):
    reading: Reading
    paths: tuple[Path, ...]
    marks: Marks


class LogSource(ABC):
    """What W&B folders and TensorBoard logs have in common. Any thread may use it."""

    kind: str

    def __init__(self, path: Path, clock: Clock = time.time) -> None:
        self.path = path.resolve()
        self.origin = file_uri(self.path)
        self.log = ProblemLog()
        self.problems: Sequence[Problem] = self.log
        self._clock = clock
        self._lock = threading.RLock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._records: dict[str, tuple[Files, Marks, bool, RunRecord]] = {}
        self._roots: set[Path] = set()
        self._files: Mapping[str, Files] = {}

    @abstractmethod
    def scan(self) -> Mapping[str, Files]:
        """The runs that are there now, by id, oldest first."""

    @abstractmethod
    def read(self, run_id: str, files: Files) -> Reading:
        """A reading of a run, from its beginning."""

    @abstractmethod
    def experiment_of(self, files: Files) -> str:
        """The project of a run, without reading all of it."""

    def stamp(self) -> str:
        """A digest of the files' names, sizes and times, and which of them are young."""
        digest = hashlib.blake2b(digest_size=16)
        now = self._clock()
        for run_id, files in self.scan().items():
            for path in files.paths:
                mark = Mark.of(path)
                if mark is not None:
                    young = now - mark.changed < YOUNG
                    line = f"{run_id}\0{path}\0{mark.size}\0{mark.changed}\0{young}\n"
                    digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def experiments(self) -> Iterator[Experiment]:
        """The projects of the runs."""
        names = dict.fromkeys(self.experiment_of(files) for files in self.scan().values())
        return iter([Experiment(id=name, name=name) for name in names])

    def runs(self) -> Iterator[RunRecord]:
        """All runs, oldest first."""
        with self._lock:
            self._files = self.scan()
            ids = list(self._files)
        for run_id in ids:
            with self._lock:
                record = self._record(run_id)
            if record is not None:
                yield record

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of each of a run's series."""
        return [figures(key, points) for key, points in sorted(self.history(run_id).items())]

    def points(self, run_id: str, key: str) -> Points:
        """All points of one series, ordered by step, time, value."""
        with self._lock:
            kept = self._reading(run_id)
            points = kept.reading.columns.points.get(key) if kept else None
            if points is None:
                return Points()
            return ordered(points.cut(0, len(points)))

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of one run, each ordered by step, time, value."""
        with self._lock:
            kept = self._reading(run_id)
            return kept.reading.columns.ordered() if kept else {}

    def models(self) -> Iterator[ModelRecord]:
        """None: these logs know no registered models."""
        return iter(())

    def artifacts(self, owner: str) -> Sequence[Artifact]:
        """The files that a run saved beside its log."""
        address = parse_address(owner)
        files = self._found().get(address.name) if address.noun == "runs" else None
        if files is None:
            raise NotFoundError(f"no run {address.name!r}", where=str(self.path))
        if files.saved is None or files.saved.is_symlink():
            return []
        root = files.saved.resolve()
        self._roots.add(root)
        return list_folder(root, self.log)

    def open(self, artifact: Artifact) -> BinaryIO:
        """The bytes of a file that `artifacts` named."""
        path = check_artifact(artifact)
        for root in (self.path, *self._roots):
            if path.is_relative_to(root):
                return open_below(root, path)
        raise outside(str(path))

    def close(self) -> None:
        """Let go of what was read."""
        with self._lock:
            self._kept.clear()
            self._records.clear()

    def _found(self) -> Mapping[str, Files]:
        with self._lock:
            if not self._files:
                self._files = self.scan()
            return self._files

    def _record(self, run_id: str) -> RunRecord | None:
        """A run; as it was found before where neither its files nor its youth have changed."""
        now = self._clock()
        files = self._files[run_id]
        marks = tuple(map(Mark.of, files.paths))
        young = any(mark is not None and now - mark.changed < YOUNG for mark in marks)
        known = self._records.get(run_id)
        if known is not None and known[:3] == (files, marks, young):
            return known[3]
        kept = self._reading(run_id)
        if kept is None:
            return None
        record = kept.reading.record(tuple(mark for mark in kept.marks if mark), now)
        if len(self._records) < MAX_RECORDS:
            self._records[run_id] = files, kept.marks, young, record
        return record

    def _reading(self, run_id: str) -> _Kept | None:
        """The reading of a run, brought up to what its files hold now."""
        files = self._found().get(run_id)
        if files is None:
            self._files = self.scan()
            files = self._files.get(run_id)
            if files is None:
                return None
        marks = tuple(map(Mark.of, files.paths))
        kept = self._kept.pop(run_id, None)
        if kept is not None and kept.marks == marks and kept.paths == files.paths:
            self._kept[run_id] = kept
            return kept
        if kept is None or kept.paths != files.paths or not _grown(kept.marks, marks):
            kept = _Kept(self.read(run_id, files), files.paths, marks)
        # Marked before it is read: what comes meanwhile is read the next time.
        kept.marks = marks
        before = kept.reading.columns.count
        kept.reading.more()
        if kept.reading.columns.count - before > MANY_POINTS:
            give_back()
        self._kept[run_id] = kept
        self._forget()
        return kept

    def _forget(self) -> None:
        held = sum(kept.reading.columns.count for kept in self._kept.values())
        while len(self._kept) > 1 and (held > KEPT_POINTS or len(self._kept) > KEPT_RUNS):
            _, oldest = self._kept.popitem(last=False)
            held -= oldest.reading.columns.count


def _grown(before: Marks, now: Marks) -> bool:
    """Whether only the last file has more in it: what comes in others belongs before it."""
    return before[:-1] == now[:-1] and before[-1] is not None and before[-1].grown(now[-1])


def status_of(exit_code: int | None, changed: float, now: float) -> tuple[Status, str | None]:
    """How a run stands, and why it did not finish, by its exit code and when it last wrote."""
    if exit_code is not None:
        if exit_code:
            return Status.FAILED, f"its exit code is {exit_code}"
        return Status.FINISHED, None
    if now - changed < YOUNG:
        return Status.RUNNING, None
    return Status.KILLED, "it noted no end, and writes no more"
