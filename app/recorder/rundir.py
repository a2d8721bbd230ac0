"""The run directory: where a script writes what it wants recorded, with no library at all.

`MODELDECK_RUN_DIR` names it. All of its files are the script's choice:

    metrics.jsonl      {"step": 3, "loss": 0.21, "val": {"loss": 0.3}}      a line
    params.json        {"lr": 0.1, "model": {"depth": 4}}
    tags.json          {"team": "risk"}
    datasets.json      [{"name": "train", "path": "data/train.csv", "context": "training"}]
    evaluations.jsonl  {"metric": "auc", "value": 0.91, "dataset": "test", "n": 500}  a line
    artifacts/         files to keep
    model/             the model that came out

Links that lead out of it are not followed.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "MODELDECK_RUN_DIR"
METRICS = "metrics.jsonl"
PARAMS = "params.json"
TAGS = "tags.json"
DATASETS = "datasets.json"
EVALUATIONS = "evaluations.jsonl"
ARTIFACTS = "artifacts"
MODEL = "model"
KEEPER = ".keeper"
"""Whoever takes in what a run writes holds a lock on this file of its directory."""


class StrayError(OSError):
    """A file that is not read: it leads out of its root, or is no regular file."""


def make(path: Path) -> Path:
    """Make a run directory that only its owner reads, with its two folders."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (ARTIFACTS, MODEL):
        (path / name).mkdir(mode=0o700, exist_ok=True)
    return path


@contextmanager
def keeping(run_dir: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a run directory, so that two never take the same lines.

    Gives False when somebody else does, or when it is gone; `wait` is for one just made.
    """
    try:
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(run_dir / KEEPER, flags, 0o600)
    except OSError:
        yield False
        return
    try:
        yield _locked(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    finally:
        os.close(handle)


def waiting(runs: Path) -> Sequence[str]:
    """The run directories below `runs` that nobody holds, and that may hold something to take in.

    This is what every command pays: it asks no registry.
    """
    try:
        with os.scandir(runs) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return ()
    return sorted(name for name in names if _unheld(runs / name / KEEPER))


def _unheld(keeper: Path) -> bool:
    try:
        handle = os.open(keeper, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return _locked(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        os.close(handle)


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how)
    except OSError:
        return False
    return True


def opened(root: Path, name: str) -> int:
    """A descriptor of `name` below `root`, for reading; FileNotFoundError when it is not there.

    A link is followed only as far as `root`. Pipes and devices would block, and are refused.
    """
    place = root / name
    if place.is_symlink():
        whole = root.resolve()
        place = place.resolve()
        if not place.is_relative_to(whole):
            raise StrayError("it is a link that leads out of the run directory")
    descriptor = regular(place)
    if descriptor is None:
        raise StrayError("it is no regular file")
    return descriptor


def regular(path: str | os.PathLike[str]) -> int | None:
    """A descriptor of a regular file, for reading; None when it is anything else."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None
