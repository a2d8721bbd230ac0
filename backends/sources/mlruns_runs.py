"""The experiments and runs of a file store."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..api.ingest import RunRecord
from ..api.runs import Dataset, Experiment, Metric, Points
from ..api.text import exact
from ..mlflow_words import CONTEXT, DELETED, NOTE, PARENT, deletion, moment, run_record
from .family import parents_first
from .metric_files import read_points
from .problems import ProblemLog
from .series import latest_logged, ordered
from .store_files import (
    META,
    VALUE_BYTES,
    UnreadError,
    files_below,
    folders_in,
    read_meta,
    read_text,
    read_values,
)
from .uris import is_file, is_folder, plain_part

TRASH = ".trash"
MODELS = "models"
# What lies in an experiment's folder beside its runs.
RESERVED = ("tags", "datasets", "traces", MODELS)
KEEP_POINTS = 1_000_000

History = Mapping[str, Points]
Marks = list[tuple[str, Path, int, int]]


class ExperimentFolder(Struct, frozen=True):
    """An experiment's folder; `trashed` when it lies in `.trash`."""

    id: str
    path: Path
    trashed: bool


class RunFolder(Struct, frozen=True):
    """A run's folder and the experiment that it lies in."""

    id: str
    path: Path
    experiment: ExperimentFolder


class FileRuns:
    """Experiments and runs below one `mlruns` folder."""

    def __init__(self, root: Path, log: ProblemLog) -> None:
        self._root = root
        self._log = log
        self._folders: dict[str, RunFolder] = {}
        self._names: dict[str, str] = {}
        # The last run's points and files: whoever copies runs asks for its history next.
        self._recent: tuple[str, Marks, History] = ("", [], {})

    def folders(self) -> list[ExperimentFolder]:
        """The folders of experiments, deleted ones too."""
        found = [
            ExperimentFolder(path.name, path, False)
            for path in folders_in(self._root, self._log)
            if path.name not in (TRASH, MODELS)
        ]
        known = {folder.id for folder in found}
        for path in folders_in(self._root / TRASH, self._log):
            if path.name in known:
                self._log.add(str(path), "is left out: an experiment of its id is also in use")
            else:
                found.append(ExperimentFolder(path.name, path, True))
        return found

    def experiments(self) -> Iterator[Experiment]:
        """All experiments. One that lost its meta.yaml is told by its runs."""
        for folder in self.folders():
            experiment = self._experiment(folder)
            if experiment is not None:
                yield experiment

    def runs(self) -> Iterator[RunRecord]:
        """All runs, parents before children."""
        self._scan()
        parents: dict[str, str] = {}
        for run_id, folder in self._folders.items():
            path = folder.path / "tags" / PARENT
            if is_file(path):
                try:
                    parents[run_id] = read_text(path, VALUE_BYTES, self._log)
                except UnreadError as error:
                    self._log.add(str(path), str(error))
        order, cut = parents_first(list(self._folders), parents)
        for child in cut:
            parents.pop(child)
            where = str(self._folders[child].path)
            self._log.add(where, "is its own ancestor and is given no parent")
        self._names = {folder.id: self._name(folder) for folder in self.folders()}
        for run_id in order:
            record = self._record(self._folders[run_id], parents.get(run_id))
            if record is not None:
                yield record

    def count(self) -> int:
        """How many runs there are."""
        self._scan()
        return len(self._folders)

    def history(self, run_id: str) -> History:
        """All series of a run, each in order; empty for a run that is not there."""
        recent, marks, points = self._recent
        folder = self.folder(run_id)
        if folder is None:
            return {}
        if recent != run_id or marks != _marks(folder, self._log):
            points = self._logged(folder)
        self._recent = ("", [], {})
        return {key: ordered(series) for key, series in points.items() if series}

    def points(self, run_id: str, key: str) -> Points:
        """One series in order; empty when there is none of that key."""
        folder = self.folder(run_id)
        if folder is not None:
            for name, path in files_below(folder.path / "metrics", self._log):
                if name == key:
                    return ordered(read_points(path, self._log))
        return Points()

    def folder(self, run_id: str) -> RunFolder | None:
        """A run's folder; None when there is no such run."""
        if run_id not in self._folders:
            self._scan()
        return self._folders.get(run_id)

    def place_of(self, run_id: str) -> tuple[str, str] | None:
        """The experiment's id and the artifact URI of a run."""
        folder = self.folder(run_id)
        meta = read_meta(folder.path, self._log) if folder is not None else None
        if folder is None or meta is None:
            return None
        return folder.experiment.id, as_text(meta.get("artifact_uri"))

    def _scan(self) -> None:
        found: dict[str, RunFolder] = {}
        for experiment in self.folders():
            for path in folders_in(experiment.path, self._log):
                if path.name in RESERVED:
                    continue
                if path.name in found:
                    self._log.add(str(path), "is left out: another run has its id")
                elif is_file(path / META):
                    found[path.name] = RunFolder(path.name, path, experiment)
                else:
                    self._log.add(str(path), f"is left out: it is no run, for it has no {META}")
        self._folders = found

    def _experiment(self, folder: ExperimentFolder) -> Experiment | None:
        meta = self._meta(folder)
        if meta is None:
            return None
        where = str(folder.path / META)
        created = moment(meta.get("creation_time"), where, "its creation time", self._log)
        updated = moment(meta.get("last_update_time"), where, "its update time", self._log)
        stage = DELETED if folder.trashed else meta.get("lifecycle_stage")
        tags = read_values(folder.path / "tags", self._log)
        return Experiment(
            id=folder.id,
            name=as_text(meta.get("name")),
            created_at=created,
            updated_at=updated,
            deleted_at=deletion(stage, updated, created),
            note=tags.get(NOTE, ""),
            tags=tags,
        )

    def _meta(self, folder: ExperimentFolder) -> dict[Any, Any] | None:
        """What an experiment's meta.yaml says; made up where only its runs are left."""
        if is_file(folder.path / META):
            meta = read_meta(folder.path, self._log)
            if meta is not None:
                given = as_text(meta.get("experiment_id", folder.id))
                if given != folder.id:
                    where = str(folder.path / META)
                    self._log.add(where, f"says that it is experiment {given!r}, as it is not")
                return meta
        if any(is_file(path / META) for path in folders_in(folder.path, self._log)):
            what = f"has no {META} that can be read; its runs are given under its id"
            self._log.add(str(folder.path), what)
            return {"name": folder.id}
        self._log.add(str(folder.path), f"is left out: it is no experiment, for it has no {META}")
        return None

    def _name(self, folder: ExperimentFolder) -> str:
        meta = self._meta(folder)
        return folder.id if meta is None else as_text(meta.get("name"))

    def _record(self, folder: RunFolder, parent: str | None) -> RunRecord | None:
        meta = read_meta(folder.path, self._log)
        if meta is None:
            return None
        where = str(folder.path / META)
        run_id = as_text(meta.get("run_id") or meta.get("run_uuid"))
        experiment = as_text(meta.get("experiment_id"))
        if (run_id, experiment) != (folder.id, folder.experiment.id):
            what = f"is left out: it says that it is run {run_id!r} of experiment {experiment!r}"
            self._log.add(where, what)
            return None
        points = self._logged(folder)
        return run_record(
            where=where,
            log=self._log,
            run_id=run_id,
            experiment_id=experiment,
            experiment=self._names.get(experiment, experiment),
            name=as_text(meta.get("run_name") or meta.get("name")),
            user=as_text(meta.get("user_id")),
            status=meta.get("status"),
            started=meta.get("start_time"),
            ended=meta.get("end_time"),
            stage=meta.get("lifecycle_stage"),
            deleted=meta.get("deleted_time"),
            parent=parent,
            params=read_values(folder.path / "params", self._log),
            tags=read_values(folder.path / "tags", self._log),
            latest=_latest(points),
            datasets=self._datasets(folder),
        )

    def _logged(self, folder: RunFolder) -> History:
        """All series of a run in the order they were logged."""
        marks = _marks(folder, self._log)
        points = {key: read_points(path, self._log) for key, path, _, _ in marks}
        small = sum(map(len, points.values())) <= KEEP_POINTS
        self._recent = (folder.id, marks, points) if small else ("", [], {})
        return points

    def _datasets(self, folder: RunFolder) -> list[Dataset]:
        found = []
        for path in folders_in(folder.path / "inputs", self._log):
            link = read_meta(path, self._log)
            if link is None or link.get("source_type") != "DATASET":
                continue
            source = as_text(link.get("source_id"))
            place = folder.experiment.path / "datasets" / source
            if not plain_part(source) or not is_folder(place):
                self._log.add(str(path / META), f"its dataset {source!r} is not there")
                continue
            meta = read_meta(place, self._log)
            if meta is None:
                continue
            tags = link.get("tags")
            labels = {as_text(key): as_text(value) for key, value in _items(tags)}
            schema, profile = meta.get("schema"), meta.get("profile")
            context = labels.pop(CONTEXT, None)
            found.append(
                Dataset(
                    name=as_text(meta.get("name")),
                    digest=as_text(meta.get("digest")),
                    source_type=as_text(meta.get("source_type")),
                    source=as_text(meta.get("source")),
                    schema=None if schema is None else as_text(schema),
                    profile=None if profile is None else as_text(profile),
                    context=context,
                    labels=labels,
                )
            )
        return found


def as_text(value: object) -> str:
    """A scalar of a meta.yaml as the text that it was written as, as far as that is known."""
    return exact(value) if isinstance(value, str) else "" if value is None else str(value)


def _marks(folder: RunFolder, log: ProblemLog) -> Marks:
    """The metric files of a run with their sizes and times."""
    found = []
    for key, path in files_below(folder.path / "metrics", log):
        there = path.lstat()
        found.append((key, path, there.st_size, there.st_mtime_ns))
    return found


def _items(value: object) -> list[tuple[object, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _latest(points: History) -> dict[str, Metric]:
    return {key: latest_logged(series) for key, series in points.items() if series}
