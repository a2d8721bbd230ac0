"""What nothing needs any more: found first, then exactly that removed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree

from msgspec import Struct

from ..api.runs import Status
from ..api.times import to_micros
from . import series
from .backup import Progress, silent
from .database import Connection, opened
from .errors import clear_errors
from .files import Layout
from .store import NEW, Store

GRACE = timedelta(days=1)
"""What is younger may belong to something that is being written."""


class Garbage(Struct, frozen=True, kw_only=True):
    """What a collection removes: digests of artifacts, folders of runs, runs' series, left files.

    `size` is what that frees on the disk, in bytes; series free room inside telemetry.db.
    """

    artifacts: Sequence[str] = ()
    folders: Sequence[str] = ()
    series: Sequence[str] = ()
    left: Sequence[str] = ()
    size: int = 0


def garbage(layout: Layout, now: datetime, *, grace: timedelta = GRACE) -> Garbage:
    """What may go, as far as it is older than `grace`.

    That is: artifacts that no row names, folders of runs that ended and were read to their last
    byte, series of runs that are gone, files that a crash left.
    """
    with (
        clear_errors(layout.folder),
        opened(layout.database) as registry,
        opened(layout.telemetry) as telemetry,
    ):
        before = now - grace
        named = registry.read_now(_named)
        store = Store(layout.artifacts)
        unnamed = [
            (digest, size)
            for digest, size in store.digests()
            if digest not in named and _older(store.path(digest), before)
        ]
        folders = [
            layout.runs / run
            for run in registry.read_now(lambda c: _ended(c, before))
            if _is_folder(layout.runs / run, run)
        ]
        lost: Sequence[str] = ()
        if layout.telemetry.exists():
            known = registry.read_now(_runs)
            lost = [run for run in telemetry.read_now(_with_series) if run not in known]
            folders = [
                folder
                for folder in folders
                if _read_whole(folder, telemetry.read_now(_positions(folder.name)))
            ]
        else:
            folders = []
        left = [path for path in sorted(layout.artifacts.glob(NEW + "*")) if _older(path, before)]
        return Garbage(
            artifacts=[digest for digest, _ in unnamed],
            folders=[folder.name for folder in folders],
            series=lost,
            left=[path.name for path in left],
            size=sum(size for _, size in unnamed) + sum(map(_size, [*folders, *left])),
        )


def collect(
    layout: Layout,
    found: Garbage,
    now: datetime,
    *,
    grace: timedelta = GRACE,
    progress: Progress = silent,
) -> Garbage:
    """Remove what was found, but for what has come into use since; gives what was removed."""
    still = garbage(layout, now, grace=grace)
    gone = Garbage(
        artifacts=_both(found.artifacts, still.artifacts),
        folders=_both(found.folders, still.folders),
        series=_both(found.series, still.series),
        left=_both(found.left, still.left),
    )
    store = Store(layout.artifacts)
    places = [store.path(digest) for digest in gone.artifacts]
    places += [layout.artifacts / name for name in gone.left]
    places += [layout.runs / name for name in gone.folders]
    size = sum(map(_size, places))
    with (
        clear_errors(layout.folder),
        opened(layout.database) as registry,
        opened(layout.telemetry) as telemetry,
    ):

        def remove(connection: Connection) -> None:
            # Inside a write, so that nobody can name one of these at the same time.
            named = _named(connection)
            for place, digest in enumerate(gone.artifacts):
                progress("removing artifacts", place, len(gone.artifacts))
                if digest not in named and _older(store.path(digest), now - grace):
                    store.remove(digest)

        registry.write_now(remove)
        if gone.series:
            telemetry.write_now(lambda c: series.forget(c, gone.series))
        for name in gone.left:
            (layout.artifacts / name).unlink(missing_ok=True)
        for place, name in enumerate(gone.folders):
            progress("removing folders of runs", place, len(gone.folders))
            rmtree(layout.runs / name)
    return Garbage(
        artifacts=gone.artifacts,
        folders=gone.folders,
        series=gone.series,
        left=gone.left,
        size=size - sum(map(_size, places)),
    )


def _both(first: Sequence[str], second: Sequence[str]) -> Sequence[str]:
    kept = set(second)
    return [one for one in first if one in kept]


def _named(connection: Connection) -> set[str]:
    return {
        row[0]
        for row in connection.execute(
            "SELECT digest FROM artifact WHERE digest IS NOT NULL"
            " UNION SELECT digest FROM version WHERE digest IS NOT NULL"
        )
    }


def _runs(connection: Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT uid FROM run")}


def _ended(connection: Connection, before: datetime) -> Sequence[str]:
    rows = connection.execute(
        "SELECT uid FROM run WHERE status NOT IN (?, ?) AND ended_at < ? AND origin_id IS NULL",
        (Status.RUNNING.value, Status.SCHEDULED.value, to_micros(before)),
    )
    return [row[0] for row in rows]


def _with_series(connection: Connection) -> Sequence[str]:
    rows = connection.execute(
        "SELECT run FROM series UNION SELECT run FROM position UNION SELECT run FROM loaded"
        " ORDER BY run"
    )
    return [row[0] for row in rows]


def _is_folder(folder: Path, run: str) -> bool:
    return folder.name == run and folder.is_dir() and not folder.is_symlink()


def _positions(run: str) -> Callable[[Connection], Mapping[str, int]]:
    return lambda connection: series.positions(connection, run)


def _read_whole(folder: Path, positions: Mapping[str, int]) -> bool:
    """Whether what is read from an offset on was read to its end."""
    for path in folder.glob("*.jsonl"):
        if path.stat().st_size > positions.get(path.name, 0):
            return False
    return True


def _older(path: Path, before: datetime) -> bool:
    try:
        return path.lstat().st_mtime < before.timestamp()
    except OSError:
        return False


def _size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; 0 when it is not there."""
    try:
        if path.is_dir():
            return sum(one.lstat().st_size for one in path.rglob("*") if one.is_file())
        return path.lstat().st_size
    except OSError:
        return 0
