"""A registry copied whole to another folder, and back.

A backup is what it says or is not there: it is written under another name, verified by reading it
again, and only then gets its own.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path, PurePosixPath
from shutil import rmtree

import msgspec
from msgspec import Struct

from ..api.errors import BusyError, DamagedError, RefusedError
from .database import connect
from .errors import clear_errors
from .files import Layout, check_file, check_file_system, make_folder, make_private
from .locking import FileLock
from .schema import REGISTRY, TELEMETRY
from .store import Store, copy, digest_of, sync_folder

MANIFEST = "manifest.json"
FORMAT = 1
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much."""


class Kept(Struct, frozen=True, kw_only=True):
    """A file of a backup: its path there, its size in bytes, the SHA-256 of its content."""

    path: str
    size: int
    digest: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds. `missing` are artifacts that the registry names and did not have."""

    format: int = FORMAT
    made_at: datetime
    tool: str
    files: Sequence[Kept]
    missing: Sequence[str] = ()


def silent(_: str, __: int, ___: int) -> None:
    """No progress."""


def backup(
    layout: Layout,
    target: Path,
    now: datetime,
    *,
    tool: str = "modeldeck",
    progress: Progress = silent,
) -> Manifest:
    """Copy the registry to `target`, which must not exist or be empty, and verify the copy."""
    with clear_errors(target):
        check_file(layout.database)
        _check_free(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.part-", dir=target.parent))
        try:
            # Series first: the registry may know more than they do, never less.
            for database in (layout.telemetry, layout.database):
                if database.exists():
                    progress(f"copying {database.name}", 0, 1)
                    copy_database(database, part / database.name)
            missing = _copy_artifacts(layout, part, progress)
            files = [_kept(part, path) for path in _files(part)]
            manifest = Manifest(made_at=now, tool=tool, files=files, missing=missing)
            make_private(part / MANIFEST)
            (part / MANIFEST).write_bytes(
                msgspec.json.format(msgspec.json.encode(manifest), indent=2)
            )
            verify(part, progress=progress)
            sync_folder(part)
            part.replace(target)
            sync_folder(target.parent)
        except BaseException:
            rmtree(part, ignore_errors=True)
            raise
    return manifest


def verify(folder: Path, *, progress: Progress = silent) -> Manifest:
    """The manifest of a backup, after each of its files was read; DamagedError when one differs."""
    with clear_errors(folder):
        manifest = _manifest(folder)
        for place, file in enumerate(manifest.files):
            progress("verifying", place, len(manifest.files))
            path = folder / file.path
            try:
                with path.open("rb") as content:
                    found = digest_of(content)
            except FileNotFoundError:
                found = "nothing"
            if found != file.digest:
                raise DamagedError(
                    f"the backup's {file.path} is not what was backed up",
                    where=str(folder),
                    way_out="Use another backup",
                )
        for schema, name in ((REGISTRY, "registry.db"), (TELEMETRY, "telemetry.db")):
            if (folder / name).exists():
                check_database(folder / name, schema.application_id)
        return manifest


def restore(
    folder: Path, registry: Path, now: datetime, *, progress: Progress = silent
) -> Path | None:
    """Put the backup in `folder` where `registry` (a `.modeldeck`) is; gives where that went.

    What was there is moved aside under a dated name, never deleted.
    """
    manifest = verify(folder, progress=progress)
    with clear_errors(registry):
        make_folder(registry.parent)
        check_file_system(registry.parent)
        part = Path(tempfile.mkdtemp(prefix=f".{registry.name}.part-", dir=registry.parent))
        try:
            make_folder(part / "artifacts")
            for place, file in enumerate(manifest.files):
                progress("restoring", place, len(manifest.files))
                target = part / file.path
                make_folder(target.parent)
                make_private(target)
                with (folder / file.path).open("rb") as source, target.open("wb") as copied:
                    digest, _ = copy(source, copied)
                if digest != file.digest:
                    raise DamagedError("changed while it was read", where=str(folder))
                if target.parent != part:
                    target.chmod(0o400)
            sync_folder(part)
            aside = _swap(part, registry, now)
        except BaseException:
            rmtree(part, ignore_errors=True)
            raise
        sync_folder(registry.parent)
    return aside


def _swap(part: Path, registry: Path, now: datetime) -> Path | None:
    if not registry.exists():
        part.replace(registry)
        return None
    aside = registry.with_name(f"{registry.name}.before-restore-{now:%Y%m%dT%H%M%S%fZ}")
    layout = Layout(registry / "registry.db")
    with FileLock(layout.database.with_name("registry.db.lock")).held():
        _check_unused(layout.database)
        registry.rename(aside)
        try:
            part.rename(registry)
        except BaseException:
            aside.rename(registry)
            raise
    return aside


def _check_free(target: Path) -> None:
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise RefusedError(
            "is there already", where=str(target), way_out="Name a folder that is new or empty"
        )


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that is in use, as it is at one moment."""
    make_private(target)
    with (
        closing(connect(f"{source.absolute().as_uri()}?mode=ro")) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        # All pages in one step: in smaller ones each write begins the copy anew.
        old.backup(new)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _copy_artifacts(layout: Layout, part: Path, progress: Progress) -> Sequence[str]:
    store, kept = Store(layout.artifacts), Store(part / "artifacts")
    with closing(connect(f"{(part / 'registry.db').as_uri()}?mode=ro&immutable=1")) as copied:
        rows = copied.execute(
            "SELECT DISTINCT digest FROM artifact WHERE digest IS NOT NULL ORDER BY digest"
        ).fetchall()
    missing = []
    for place, (digest,) in enumerate(rows):
        progress("copying artifacts", place, len(rows))
        if not store.path(digest).exists():
            missing.append(str(digest))
            continue
        with store.open(digest) as source:
            found, _ = kept.add(source)
        if found != digest:
            raise DamagedError(
                f"the artifact {digest[:19]} is not what it was",
                where=str(layout.artifacts),
                way_out="`modeldeck doctor` names the runs that have it",
            )
    return missing


def _files(part: Path) -> Sequence[Path]:
    return sorted(path for path in part.rglob("*") if path.is_file())


def _kept(part: Path, path: Path) -> Kept:
    with path.open("rb") as file:
        digest = digest_of(file)
    size = path.stat().st_size
    return Kept(path=path.relative_to(part).as_posix(), size=size, digest=digest)


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise DamagedError(
            "is no backup: it has no manifest.json",
            where=str(folder),
            way_out="Name a folder that `modeldeck backup` wrote",
        )
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    names = [PurePosixPath(file.path) for file in manifest.files]
    if manifest.format != FORMAT:
        raise DamagedError(f"has the unknown format {manifest.format}", where=str(path))
    if PurePosixPath("registry.db") not in names or not all(map(belongs, names)):
        raise DamagedError("names files that no backup has", where=str(path))
    return manifest


def belongs(path: PurePosixPath) -> bool:
    """Whether a backup can have a file of that name."""
    parts = path.parts
    if len(parts) == 1:
        return parts[0] in ("registry.db", "telemetry.db")
    hexes = "".join(parts[1:])
    return (
        len(parts) == 3
        and parts[0] == "artifacts"
        and len(parts[1]) == 2
        and len(hexes) == 64
        and set(hexes) <= set("0123456789abcdef")
    )


def check_database(path: Path, application: int) -> None:
    """Raise DamagedError when a file is not ours, or not whole."""
    with (
        clear_errors(path),
        closing(connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1")) as connection,
    ):
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        words = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != application or words != "ok":
        what = "is no file of modeldeck" if words == "ok" else f"is damaged ({words})"
        raise DamagedError(what, where=str(path), way_out="Use another backup")


def _check_unused(database: Path) -> None:
    """Refuse to move a registry that another process has open: it would go on writing there."""
    if not database.exists():
        return
    with closing(connect(f"{database.as_uri()}?mode=rw", 1.0)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise BusyError(
                    "is open in another process",
                    where=str(database),
                    way_out="Close the consoles and runs that use it, then try again",
                ) from error
        except sqlite3.DatabaseError:
            # Damaged: that is why it is restored.
            return
