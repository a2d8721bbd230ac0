"""MLflow's file store, an `mlruns` folder: read in place, with no MLflow and no server."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from ..api.artifacts import Artifact
from ..api.errors import DamagedError, NotFoundError
from ..api.ingest import ModelRecord, Problem, RunRecord
from ..api.runs import Experiment, Points, SeriesInfo
from .mlruns_models import FileModels
from .mlruns_runs import MODELS, TRASH, FileRuns
from .places import Places
from .problems import ProblemLog
from .series import figures
from .sqlite import unreadable
from .store_files import META, META_BYTES, UnreadError, chunks
from .uris import file_uri, is_file, is_folder

KIND = "mlruns"
STAMP_ENTRIES = 200_000


class Mlruns:
    """A Source over one `mlruns` folder. Any thread may use it."""

    kind: str = KIND

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        check_folder(self.path)
        log = ProblemLog()
        self.origin = file_uri(self.path)
        self.problems: Sequence[Problem] = log
        self._runs = FileRuns(self.path, log)
        self._models = FileModels(self.path, self._runs, log)
        home = self.path.parent
        stores = (self.path, home / "mlartifacts")
        self._places = Places(home, stores, self._runs.place_of, self._models, log)

    def stamp(self) -> str:
        """A digest of all names, sizes and times below the folder.

        Beyond STAMP_ENTRIES entries it is another one each time: what was not looked at may have
        changed.
        """
        digest = hashlib.blake2b(digest_size=16)
        for count, line in enumerate(_entries(self.path)):
            if count == STAMP_ENTRIES:
                return token_hex(16)
            digest.update(line)
        return digest.hexdigest()

    def experiments(self) -> Iterator[Experiment]:
        """All experiments, deleted ones too."""
        return self._runs.experiments()

    def runs(self) -> Iterator[RunRecord]:
        """All runs, parents before children; whole metric files are read to find the latest."""
        return self._runs.runs()

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of each of a run's series."""
        history = self._runs.history(run_id)
        return [figures(key, points) for key, points in sorted(history.items())]

    def points(self, run_id: str, key: str) -> Points:
        """All points of one series, ordered by step, time, value."""
        return self._runs.points(run_id, key)

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of one run, each ordered by step, time, value."""
        return self._runs.history(run_id)

    def models(self) -> Iterator[ModelRecord]:
        """All models with their versions; no prompts."""
        return self._models.models(self._places.format_of)

    def artifacts(self, owner: str) -> Sequence[Artifact]:
        """The files of `runs/ID` or `models/NAME/VERSION`; one entry for a remote folder."""
        return self._places.artifacts(owner)

    def open(self, artifact: Artifact) -> BinaryIO:
        """The bytes of a file that `artifacts` named."""
        return self._places.open(artifact)

    def close(self) -> None:
        """Nothing is held open between reads."""


def is_mlruns(path: Path, limit: int = 1000) -> bool:
    """Whether a folder looks like a file store: by its experiments, runs or models."""
    for folder in islice(_folders(path), limit):
        inner = islice(_folders(folder), limit)
        if folder.name == TRASH:
            if any(_says(below, b"experiment_id:") for below in inner):
                return True
        elif folder.name == MODELS:
            if any(_says(below, b"creation_timestamp:") for below in inner):
                return True
        # An experiment may have lost its own meta.yaml, and still have runs.
        elif _says(folder, b"experiment_id:") or any(map(_is_run, inner)):
            return True
    return False


def check_folder(path: Path) -> None:
    """NotFoundError or DamagedError unless a folder that can be read is there."""
    try:
        with os.scandir(path):
            return
    except FileNotFoundError as error:
        raise NotFoundError("no such folder", where=str(path), way_out="Check the path") from error
    except NotADirectoryError as error:
        raise DamagedError(
            "is not a folder", where=str(path), way_out="Give the path of an mlruns folder"
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _is_run(folder: Path) -> bool:
    return is_file(folder / META) and is_folder(folder / "metrics") and is_folder(folder / "params")


def _says(folder: Path, word: bytes) -> bool:
    try:
        return word in b"".join(chunks(folder / META, META_BYTES))
    except UnreadError:
        return False


def _folders(path: Path) -> Iterator[Path]:
    if not is_folder(path):
        return
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)
    except OSError:
        return


def _entries(folder: Path) -> Iterator[bytes]:
    """A line for each thing below a folder: its path, size and time. Links are not followed."""
    open_folders = [folder]
    while open_folders:
        path = open_folders.pop()
        try:
            with os.scandir(path) as entries:
                there = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in there:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            yield b"%s %d %d\n" % (os.fsencode(entry.path), found.st_size, found.st_mtime_ns)
            if entry.is_dir(follow_symlinks=False):
                open_folders.append(Path(entry.path))
