"""TensorBoard's logs, folders with `events.out.tfevents.*`: read in place, with no TensorBoard."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..api.text import exact
from .log_source import Files, LogSource
from .mlruns import check_folder
from .tensorboard_run import TensorBoardRun
from .uris import is_file

KIND = "tensorboard"
EVENTS = "tfevents"
MAX_FOLDERS = 100_000
MAX_DEPTH = 32
SKIPPED = ("mlruns", "mlartifacts", "wandb", "node_modules", "__pycache__")


class TensorBoard(LogSource):
    """A Source over a folder of logs, or over one event file. A run is a folder, as there."""

    kind = KIND

    def __init__(self, path: Path, **options: object) -> None:
        super().__init__(path, **options)  # type: ignore[arg-type]
        if not is_file(self.path):
            check_folder(self.path)

    def scan(self) -> Mapping[str, Files]:
        """Runs by the path of their folder below this one; `.` is the folder itself."""
        if is_file(self.path):
            return {".": Files((self.path,))}
        found = {}
        for folder, names in folders(self.path):
            run_id = exact(str(folder.relative_to(self.path)))
            found[run_id] = Files(tuple(folder / name for name in sorted(names)))
        return dict(sorted(found.items()))

    def experiment_of(self, files: Files) -> str:
        """The name of the folder of the logs."""
        return exact(self.path.name) or "logs"

    def read(self, run_id: str, files: Files) -> TensorBoardRun:
        """A reading of a run's event files."""
        name = self.path.name if run_id == "." else run_id
        project = self.experiment_of(files)
        return TensorBoardRun(run_id, name, project, files.paths, self.log)


def is_tensorboard(path: Path) -> bool:
    """Whether event files lie in a folder or below it."""
    return next(folders(path), None) is not None


def is_event_file(name: str) -> bool:
    """Whether TensorBoard takes a file for one of events, by its name."""
    return EVENTS in name and not name.endswith((".profile-empty", ".tmp"))


def folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folders with event files at or below `path`, with the names of those; no links."""
    waiting = [(path, 0)]
    seen = 0
    while waiting and seen < MAX_FOLDERS:
        folder, depth = waiting.pop()
        seen += 1
        names = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        hidden = entry.name.startswith(".") or entry.name in SKIPPED
                        if not hidden and depth < MAX_DEPTH:
                            waiting.append((Path(entry.path), depth + 1))
                    elif is_event_file(entry.name) and entry.is_file(follow_symlinks=False):
                        names.append(entry.name)
        except OSError:
            continue
        if names:
            yield folder, names
