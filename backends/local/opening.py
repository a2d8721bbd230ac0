"""Finding, checking, making and opening a registry."""

import secrets
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ..api.errors import DamagedError, RefusedError
from ..api.ingest import Source
from .backend import LocalBackend
from .database import Connection, Database
from .files import FOLDER, Layout, check_file, check_owner, locate, make_folder
from .schema import REGISTRY, REGISTRY_ID, TELEMETRY

IN_PLACE = "It is opened in place; `modeldeck import` copies it into a registry that can change"


def open_registry(
    path: Path,
    *,
    read_only: str = "",
    allowed: frozenset[str] = frozenset(),
    tool: str = "modeldeck",
    clock: Callable[[], datetime] | None = None,
) -> LocalBackend:
    """The registry at `path` (its file, its folder, or the folder above), brought up to date.

    Read-only when asked for, when it may not be written, or when it is newer than this modeldeck.
    """
    layout = Layout(locate(path))
    check_file(layout.database)
    check_owner(layout.database, allowed)
    check_owner(layout.folder, allowed)
    version = _version(layout.database)
    if version > len(REGISTRY):
        read_only = (
            f"{layout.database} was written by a newer modeldeck (schema {version}, this one"
            f" knows {len(REGISTRY)}); update modeldeck to change it"
        )
    elif not read_only:
        read_only = _unwritable(layout)
    if version < len(REGISTRY):
        if read_only:
            raise RefusedError(
                f"has schema {version}, must be brought to {len(REGISTRY)}, and cannot be written",
                where=str(layout.database),
                way_out="Open it once where it can be written",
            )
        _migrate(layout)
    elif not read_only and not layout.telemetry.exists():
        _migrate(layout)
    return _backend(layout, read_only, None, tool, clock)


def create_registry(
    folder: Path,
    *,
    tool: str = "modeldeck",
    clock: Callable[[], datetime] | None = None,
) -> LocalBackend:
    """The registry in `folder/.modeldeck`, made if there is none."""
    home = folder / FOLDER
    make_folder(home)
    check_owner(home)
    layout = Layout(home / "registry.db")
    _migrate(layout)
    return _backend(layout, "", None, tool, clock)


def open_mirror(folder: Path, source: Source, *, tool: str = "modeldeck") -> LocalBackend:
    """A registry in `folder` that mirrors a source: writable for whoever brings it up to date."""
    make_folder(folder)
    layout = Layout(folder / "registry.db")
    _migrate(layout)
    return _backend(layout, "", source, tool, None)


def _backend(
    layout: Layout,
    read_only: str,
    source: Source | None,
    tool: str,
    clock: Callable[[], datetime] | None,
) -> LocalBackend:
    now = clock or (lambda: datetime.now(UTC))
    return LocalBackend(layout, read_only=read_only, source=source, tool=tool, clock=now)


def _version(path: Path) -> int:
    database = Database(path)

    def work(connection: Connection) -> int:
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
        except sqlite3.DatabaseError as error:
            raise DamagedError(
                f"is damaged ({error})",
                where=str(path),
                way_out="`modeldeck restore BACKUP` brings back the last good one",
            ) from error
        if application != REGISTRY_ID:
            kind = (
                " (it looks like MLflow's; open it by its path)" if "experiments" in tables else ""
            )
            raise DamagedError(
                f"is a SQLite database, but no modeldeck registry{kind}",
                where=str(path),
                way_out="`modeldeck init` makes a registry, `modeldeck import` brings others in",
            )
        return int(version)

    try:
        return database.read_now(work)
    finally:
        database.close_now()


def _unwritable(layout: Layout) -> str:
    import os

    for path in (layout.database, layout.folder):
        if not os.access(path, os.W_OK):
            return f"{path} may not be written by you"
    return ""


def _migrate(layout: Layout) -> None:
    from .migrations import migrate

    for path, name, steps in (
        (layout.database, "registry", REGISTRY),
        (layout.telemetry, "telemetry", TELEMETRY),
    ):
        migrate(path, name, steps, Database(path).lock)


def new_id() -> str:
    """A random id: 16 hex digits."""
    return secrets.token_hex(8)
