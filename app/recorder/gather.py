"""The files of an ended run: which are kept as artifacts, and what is removed once they are."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modeldeck.backends.api.ingest import Problem

from . import child, rundir, times
from .walk import files

DIFF = "git.diff"
STORE = "mlflow.db"
_OURS = (child.OUTPUT, times.NAME, DIFF)
_SIGNS = (times.DRAFT, child.EXIT, child.STATE, rundir.KEEPER)
_LOGS = (rundir.METRICS, rundir.PARAMS, rundir.TAGS, rundir.DATASETS, rundir.EVALUATIONS)
_STORE = (STORE, f"{STORE}-journal", f"{STORE}-wal", f"{STORE}-shm")


class Kept(NamedTuple):
    """A file of the run directory and the path that it gets as an artifact."""

    location: Path
    path: str


def to_keep(run_dir: Path, problems: list[Problem], *, raw: bool) -> Sequence[Kept]:
    """What becomes an artifact. What was logged is read, so it is kept only where reading failed.

    `raw` keeps it in any case: somebody else read its beginning.
    """
    found = [Kept(run_dir / name, name) for name in _OURS]
    spoiled = {problem.where.partition(":")[0] for problem in problems}
    found += [Kept(run_dir / name, name) for name in _LOGS if raw or name in spoiled]
    found += [Kept(run_dir / STORE, STORE)] if STORE in spoiled else []
    found = [kept for kept in found if _size(kept.location)]
    found += _below(run_dir / rundir.MODEL, "model/", problems)
    taken = {*_OURS, *(kept.path for kept in found)}
    for kept in _below(run_dir / rundir.ARTIFACTS, "", problems):
        # A script may keep files under the names that are ours.
        path = f"artifacts/{kept.path}" if kept.path in taken else kept.path
        found.append(kept._replace(path=path))
    return found


def clear(run_dir: Path, kept: Sequence[Kept]) -> None:
    """Remove what the registry holds now. What else the script left stays, empty folders do not."""
    for one in kept:
        one.location.unlink(missing_ok=True)
    for name in (*_OURS, *_LOGS, *_STORE, *_SIGNS):
        place = run_dir / name
        if not place.is_dir() or place.is_symlink():
            place.unlink(missing_ok=True)
    for folder, _, _ in os.walk(run_dir, topdown=False):
        try:
            os.rmdir(folder)  # noqa: PTH106
        except OSError:
            continue


def _below(folder: Path, prefix: str, problems: list[Problem]) -> Iterator[Kept]:
    if folder.is_symlink():
        problems.append(Problem(folder.name, "left out: a link in place of a folder"))
        return
    found: list[Problem] = []
    for file in files(folder, found):
        yield Kept(file.location, prefix + file.path)
    problems.extend(Problem(f"{folder.name}/{one.where}", one.what) for one in found)


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else path.stat().st_size
    except OSError:
        return 0
