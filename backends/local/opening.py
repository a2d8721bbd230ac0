"""Finding, checking, making and opening a registry."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ..api.errors import DamagedError, RefusedError, UnreachableError
from ..api.ingest import Source
from .backend import LocalBackend
from .database import Connection
from .errors import clear_errors
from .files import (
    FOLDER,
    NETWORK,
    Layout,
    check_file,
    check_owner,
    file_system,
    locate,
    make_folder,
)
from .schema import REGISTRY, TELEMETRY, Schema, newer

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
    with clear_errors(path):
        found = locate(path)
        check_file(found)
        check_owner(found.parent, allowed)
        layout = Layout(found)
        check_owner(layout.folder, allowed)
        check_owner(layout.database, allowed)
    backend = LocalBackend(layout, tool=tool, clock=clock or _now)
    try:
        reason = _prepared(backend, read_only)
    except BaseException:
        backend.registry.close_now()
        backend.telemetry.close_now()
        raise
    backend.protect(reason)
    return backend


def create_registry(
    folder: Path,
    *,
    tool: str = "modeldeck",
    clock: Callable[[], datetime] | None = None,
) -> LocalBackend:
    """The registry in `folder/.modeldeck`, made if there is none."""
    home = folder / FOLDER
    with clear_errors(home):
        make_folder(home)
        check_owner(home)
        layout = Layout(home / "registry.db")
        if layout.database.exists():
            _migrate(layout)
        else:
            _create(layout)
    return LocalBackend(layout, tool=tool, clock=clock or _now)


def _create(layout: Layout) -> None:
    """Make both files beside, then name them: who is killed meanwhile leaves no half registry."""
    draft = Layout(layout.folder / f".new-{secrets.token_hex(4)}" / "registry.db")
    make_folder(draft.folder)
    try:
        _migrate(draft)
        for made, place in (
            (draft.telemetry, layout.telemetry),
            (draft.database, layout.database),
        ):
            try:
                os.link(made, place)
            except FileExistsError:
                continue
            except OSError:
                # Not every file system has links.
                if not place.exists():
                    made.rename(place)
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)


def open_mirror(folder: Path, source: Source, *, tool: str = "modeldeck") -> LocalBackend:
    """A registry in `folder` that mirrors a source: writable for whoever brings it up to date."""
    with clear_errors(folder):
        make_folder(folder)
        layout = Layout(folder / "registry.db")
        _migrate(layout)
    return LocalBackend(layout, source=source, tool=tool, clock=_now)


def _now() -> datetime:
    return datetime.now(UTC)


def _prepared(backend: LocalBackend, read_only: str) -> str:
    """Bring both files up to date; gives the reason why they may only be read, or nothing."""
    layout = backend.layout
    registry = backend.registry.read_now(lambda c: _version(c, layout.database, REGISTRY))
    telemetry = _telemetry_version(backend)
    for path, version, schema in (
        (layout.database, registry, REGISTRY),
        (layout.telemetry, telemetry, TELEMETRY),
    ):
        if version > schema.version:
            return f"{path} {newer(version, schema)}; update modeldeck to change it"
    read_only = read_only or _unwritable(layout)
    if registry < REGISTRY.version or 0 < telemetry < TELEMETRY.version:
        if read_only:
            raise RefusedError(
                f"has schema {registry}, must be brought to {REGISTRY.version}, and cannot be"
                f" written: {read_only}",
                where=str(layout.database),
                way_out="Open it once where it can be written",
            )
        _migrate(layout)
    elif not telemetry and not read_only:
        with contextlib.suppress(RefusedError, UnreachableError):
            _migrate(layout)
    return read_only


def _version(connection: Connection, path: Path, schema: Schema) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == schema.application_id:
        return int(version)
    tables = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
    kind = " (it looks like MLflow's; open it by its path)" if "experiments" in tables else ""
    raise DamagedError(
        f"is a SQLite database, but no modeldeck registry{kind}",
        where=str(path),
        way_out="`modeldeck init` makes a registry, `modeldeck import` brings others in",
    )


def _telemetry_version(backend: LocalBackend) -> int:
    """0 when there is none. One that is damaged says so when it is needed: lists do without."""
    path = backend.layout.telemetry
    if not path.exists():
        return 0
    try:
        return backend.telemetry.read_now(lambda c: _version(c, path, TELEMETRY))
    except DamagedError:
        return TELEMETRY.version


def _unwritable(layout: Layout) -> str:
    kind = file_system(layout.folder)
    if kind in NETWORK:
        return f"{layout.folder} lies on {kind}, where SQLite's locks cannot be trusted"
    for path in (layout.database, layout.folder):
        if not os.access(path, os.W_OK):
            return f"{path} may not be written by you"
    return ""


def _migrate(layout: Layout) -> None:
    from .migrations import migrate

    migrate(layout.database, REGISTRY, keep=True)
    migrate(layout.telemetry, TELEMETRY)
