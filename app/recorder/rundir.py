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

import os
import stat
from pathlib import Path

VARIABLE = "MODELDECK_RUN_DIR"
METRICS = "metrics.jsonl"
PARAMS = "params.json"
TAGS = "tags.json"
DATASETS = "datasets.json"
EVALUATIONS = "evaluations.jsonl"
ARTIFACTS = "artifacts"
MODEL = "model"


class StrayError(OSError):
    """A file that is not read: it leads out of its root, or is no regular file."""


def make(path: Path) -> Path:
    """Make a run directory that only its owner reads, with its two folders."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (ARTIFACTS, MODEL):
        (path / name).mkdir(mode=0o700, exist_ok=True)
    return path


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
