"""Folders that W&B wrote, `wandb/offline-run-*/run-*.wandb`: read in place, with no W&B."""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from .log_source import Files, LogSource
from .mlruns import check_folder
from .uris import is_file
from .wandb_run import WandbRun, project_in

KIND = "wandb"
SUFFIX = ".wandb"
RUNS = ("offline-run-", "run-")
MAX_RUNS = 100_000


class Wandb(LogSource):
    """A Source over one `wandb` folder, over the folder of one run, or over one log."""

    kind = KIND

    def __init__(self, path: Path, **options: object) -> None:
        super().__init__(path, **options)  # type: ignore[arg-type]
        if not is_file(self.path):
            check_folder(self.path)

    def scan(self) -> Mapping[str, Files]:
        """Runs by id: one that was resumed has a log in several folders."""
        found: dict[str, list[str]] = {}
        # In the order of paths, which is that of their parts.
        for log in sorted(islice(_logs(self.path), MAX_RUNS), key=lambda log: log.split("/")):
            name = log.rpartition("/")[2]
            found.setdefault(name.removeprefix("run-").removesuffix(SUFFIX), []).append(log)
        return {
            run_id: Files(tuple(map(Path, logs)), Path(logs[-1].rpartition("/")[0], "files"))
            for run_id, logs in found.items()
        }

    def experiment_of(self, files: Files) -> str:
        """The project that the beginning of a run's first log names."""
        return project_in(files.paths[0])

    def read(self, run_id: str, files: Files) -> WandbRun:
        """A reading of a run's logs."""
        return WandbRun(run_id, files.paths, self.log)


def is_wandb(path: Path) -> bool:
    """Whether a folder holds runs of W&B, or is one."""
    return next(_logs(path), None) is not None


def _logs(path: Path) -> Iterator[str]:
    """The transaction logs in a folder of runs, in the folder of one, or the one that it is."""
    if is_file(path):
        if path.name.endswith(SUFFIX):
            yield str(path)
        return
    for entry in _entries(path):
        if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
            yield entry.path
        elif entry.name.startswith(RUNS) and entry.is_dir(follow_symlinks=False):
            for inner in _entries(entry.path):
                if inner.name.endswith(SUFFIX) and inner.is_file(follow_symlinks=False):
                    yield inner.path


def _entries(path: Path | str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:
        return []
