"""A registry, or a part of it, in one file for where no network leads.

It is a ZIP that compresses nothing: a manifest that names every other member with its size and
SHA-256, both databases, and the artifacts by their digests. It is read with nothing taken on trust.
"""

import hashlib
import os
import tempfile
import zipfile
from array import array
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ..api import address
from ..api.errors import DamagedError, RefusedError, UsageError
from ..api.runs import Points
from . import trail
from .backup import MANIFEST, Kept, Progress, copy_database, silent
from .database import Connection, connect
from .errors import clear_errors
from .files import Layout, make_folder
from .leaving import drop_models, drop_runs
from .store import PIECE, Store, digest_of, sync_folder

FORMAT = 1
_TIME = (1980, 1, 1, 0, 0, 0)
DATABASES = ("registry.db", "telemetry.db")


class Head(Struct, frozen=True):
    """The last event of the trail, and the link of the chain after it."""

    seq: int
    link: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a snapshot holds, and of what. `missing` are artifacts whose bytes are not in it.

    `samples` is how many points a series has at most, None for all. `origin` names the registry
    that it was taken from, for good.
    """

    kind: str = "modeldeck snapshot"
    format: int = FORMAT
    made_at: datetime
    tool: str
    context: str
    place: str
    origin: str
    samples: int | None = None
    counts: Mapping[str, int]
    head: Head | None
    files: Sequence[Kept]
    missing: Sequence[str] = ()


class Part(Struct, frozen=True, kw_only=True):
    """What of a registry goes into a snapshot; None means all. Runs are ids, models names."""

    runs: Collection[str] | None = None
    models: Collection[str] | None = None


def draw(layout: Layout, folder: Path, part: Part) -> None:
    """Copy the databases of a registry to `folder`, and there keep no more than `part`."""
    with clear_errors(layout.database):
        make_folder(folder)
        for database in (layout.telemetry, layout.database):
            if database.exists():
                copy_database(database, folder / database.name)
        if part == Part():
            return
        with closing(opened(folder / "registry.db")) as registry:
            registry.execute("BEGIN IMMEDIATE")
            _cut(registry, part)
            registry.execute("COMMIT")


def _cut(connection: Connection, part: Part) -> None:
    runs = connection.execute("SELECT id, uid FROM run").fetchall()
    if part.runs is not None:
        kept = set(part.runs)
        drop_runs(connection, [row for row in runs if row[1] not in kept])
        connection.execute(
            "DELETE FROM experiment_tag WHERE experiment_id NOT IN (SELECT experiment_id FROM run)"
        )
        connection.execute("DELETE FROM experiment WHERE id NOT IN (SELECT experiment_id FROM run)")
    if part.models is not None:
        wanted = set(part.models)
        models = connection.execute("SELECT id, name FROM model").fetchall()
        drop_models(connection, [row for row in models if row[1] not in wanted])
    connection.execute(
        "DELETE FROM lock WHERE digest NOT IN (SELECT lock_digest FROM run WHERE lock_digest"
        " IS NOT NULL UNION SELECT lock_digest FROM version WHERE lock_digest IS NOT NULL)"
    )
    connection.execute("DELETE FROM dataset WHERE id NOT IN (SELECT dataset_id FROM run_dataset)")
    for kind, table in ((1, "metric"), (2, "param"), (3, "tag")):
        connection.execute(
            f"DELETE FROM key WHERE kind = ? AND id NOT IN (SELECT key_id FROM {table})", (kind,)
        )
    connection.execute("DELETE FROM seen")
    _silence(connection)


def _silence(connection: Connection) -> None:
    """Erase what events say of things that are not here; every proof stays valid."""
    known = {
        "experiments": {row[0] for row in connection.execute("SELECT uid FROM experiment")},
        "runs": {row[0] for row in connection.execute("SELECT uid FROM run")},
        "models": {row[0] for row in connection.execute("SELECT name FROM model")},
    }
    rows = connection.execute("SELECT seq, subject FROM audit_index").fetchall()
    for seq, subject in rows:
        if not _speaks_of(subject, known):
            trail.erase(connection, seq)
    _leave_out(connection, known)


def _leave_out(connection: Connection, known: Mapping[str, Collection[str]]) -> None:
    """Remove signed words on things that are not here: they cannot be erased in part."""
    rows = connection.execute("SELECT id, subject FROM statement").fetchall()
    others = [(id_,) for id_, subject in rows if not _speaks_of(subject, known)]
    guard = connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'statement_no_delete'"
    ).fetchone()[0]
    connection.execute("DROP TRIGGER statement_no_delete")
    connection.executemany("DELETE FROM statement WHERE id = ?", others)
    connection.execute(guard)


def _speaks_of(subject: str, known: Mapping[str, Collection[str]]) -> bool:
    noun = subject.partition("/")[0]
    if noun not in known:
        return False
    try:
        return address.parse_address(subject).name in known[noun]
    except UsageError:
        return False


def thin(folder: Path, most: int) -> None:
    """Keep at most so many points of each series, spread over it, the first and last among them."""
    from . import points, series

    with closing(opened(folder / "telemetry.db")) as telemetry:
        telemetry.execute("BEGIN IMMEDIATE")
        rows = telemetry.execute("SELECT DISTINCT run FROM series WHERE count > ?", (most,))
        for (run,) in rows.fetchall():
            history = {}
            for info in series.infos(telemetry, run):
                found = points.read(telemetry, run, info.key, None, None, "step")
                history[info.key] = _spread(found, most)
            mark = telemetry.execute("SELECT stamp FROM loaded WHERE run = ?", (run,)).fetchone()
            series.forget(telemetry, [run])
            points.append(telemetry, run, history, last=True)
            if mark:
                telemetry.execute("INSERT INTO loaded VALUES(?, ?)", (run, mark[0]))
        telemetry.execute("COMMIT")


def _spread(points: Points, most: int) -> Points:
    if len(points) <= most:
        return points
    places = [place * (len(points) - 1) // (most - 1) for place in range(most)]
    return Points(
        array("q", [points.steps[place] for place in places]),
        array("q", [points.times[place] for place in places]),
        array("d", [points.values[place] for place in places]),
    )


def close_up(folder: Path) -> None:
    """Bring both databases to one file each, without anything that nothing names."""
    with closing(opened(folder / "registry.db")) as registry:
        runs = {row[0] for row in registry.execute("SELECT uid FROM run")}
        _compact(registry)
    path = folder / "telemetry.db"
    if path.exists():
        from . import series

        with closing(opened(path)) as telemetry:
            telemetry.execute("BEGIN IMMEDIATE")
            known = telemetry.execute("SELECT run FROM series UNION SELECT run FROM loaded")
            series.forget(telemetry, [row[0] for row in known.fetchall() if row[0] not in runs])
            telemetry.execute("COMMIT")
            _compact(telemetry)
    for name in DATABASES:
        for end in ("-wal", "-shm", ".lock"):
            (folder / f"{name}{end}").unlink(missing_ok=True)


def write(
    folder: Path,
    target: Path,
    sources: Sequence[Store],
    *,
    manifest: Mapping[str, Any],
    bytes_too: bool,
    replace: bool,
    progress: Progress = silent,
) -> Manifest:
    """Write the snapshot of the databases in `folder`, with artifacts out of `sources`.

    It appears under its name when all of it is written and on the disk.
    """
    with clear_errors(target):
        if not replace and (target.exists() or target.is_symlink()):
            raise there(target)
        kept, missing, places = _listed(folder, sources, bytes_too=bytes_too)
        whole = Manifest(
            **manifest,
            counts=_counts(folder),
            head=head_of(folder),
            files=kept,
            missing=missing,
        )
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        draft = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                    document = msgspec.json.format(msgspec.json.encode(whole), indent=1)
                    archive.writestr(_member(MANIFEST, len(document)), document)
                    for place, one in enumerate(kept):
                        progress("writing", place, len(kept))
                        _put(archive, one, places[one.path])
                file.flush()
                os.fsync(file.fileno())
            _name(draft, target, replace=replace)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)
        return whole


def _name(draft: Path, target: Path, *, replace: bool) -> None:
    if not replace:
        try:
            os.link(draft, target)
            return
        except FileExistsError:
            raise there(target) from None
        except OSError:
            # Not every file system has links: what goes over an air gap is often a stick.
            if target.exists():
                raise there(target) from None
    draft.replace(target)


def there(target: Path) -> RefusedError:
    """The error that says: a file of that name is there."""
    return RefusedError(
        "is there already", where=str(target), way_out="Name another file, or give --force"
    )


def _member(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.compress_type = zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    info.file_size = size
    return info


def _put(archive: zipfile.ZipFile, kept: Kept, place: Path) -> None:
    hasher = hashlib.sha256()
    with place.open("rb") as source, archive.open(_member(kept.path, kept.size), "w") as member:
        while piece := source.read(PIECE):
            hasher.update(piece)
            member.write(piece)
    if f"sha256:{hasher.hexdigest()}" != kept.digest:
        raise DamagedError(
            f"the artifact {kept.digest[:19]} is not what it was",
            where=str(place),
            way_out="`modeldeck doctor` names the runs that have it",
        )


def _listed(
    folder: Path, sources: Sequence[Store], *, bytes_too: bool
) -> tuple[Sequence[Kept], Sequence[str], Mapping[str, Path]]:
    kept, missing, places = [], [], {}
    for name in DATABASES:
        path = folder / name
        if path.exists():
            with path.open("rb") as file:
                kept.append(Kept(path=name, size=path.stat().st_size, digest=digest_of(file)))
            places[name] = path
    with closing(opened(folder / "registry.db")) as registry:
        rows = registry.execute(
            "SELECT DISTINCT digest FROM artifact WHERE digest IS NOT NULL ORDER BY digest"
        ).fetchall()
    for (digest,) in rows:
        found = next((s.path(digest) for s in sources if s.path(digest).exists()), None)
        if found is None or not bytes_too:
            missing.append(digest)
            continue
        member = f"artifacts/{digest[7:9]}/{digest[9:]}"
        kept.append(Kept(path=member, size=found.stat().st_size, digest=digest))
        places[member] = found
    return kept, missing, places


def _counts(folder: Path) -> Mapping[str, int]:
    tables = {
        "experiments": "experiment",
        "runs": "run",
        "models": "model",
        "versions": "version",
        "events": "audit",
    }
    with closing(opened(folder / "registry.db")) as registry:
        return {
            noun: registry.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for noun, table in tables.items()
        }


def head_of(folder: Path) -> Head | None:
    """The last event of the registry in `folder`."""
    with closing(opened(folder / "registry.db")) as registry:
        row = registry.execute("SELECT seq, link FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(row[0], row[1].hex()) if row else None


def opened(path: Path) -> Connection:
    """A connection to one of the databases, which nobody else has open."""
    return connect(f"{path.absolute().as_uri()}?mode=rw")


def _compact(connection: Connection) -> None:
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA journal_mode=DELETE")
