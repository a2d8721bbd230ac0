"""From any released schema to the newest, under the lock, in one transaction, with a backup first.

Imports sqlite_utils, so it is imported only where `user_version` says that something is pending.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from ..api.errors import ReadOnlyError
from .database import clear_errors, connect
from .files import check_file_system, make_private
from .locking import FileLock


def migrations(name: str, steps: Sequence[tuple[int, str]]) -> Migrations:
    """The steps of one file as a sqlite-utils set. A step is its application id and its SQL."""
    found = Migrations(name)
    for number, (_, sql) in enumerate(steps, 1):

        def step(db: Utils, sql: str = sql) -> None:
            for statement in statements(sql):
                db.conn.execute(statement)

        found(name=f"{name}_{number}")(step)
    return found


def statements(sql: str) -> Sequence[str]:
    """The single statements of `sql`, triggers whole."""
    found, piece = [], ""
    for part in sql.split(";"):
        piece += part + ";"
        if piece.strip(" \n;") and sqlite3.complete_statement(piece):
            found.append(piece.strip())
            piece = ""
    return found


def migrate(path: Path, name: str, steps: Sequence[tuple[int, str]], lock: FileLock) -> None:
    """Make or bring up to date the file at `path`. An older file is first copied beside itself."""
    check_file_system(path.parent)
    with clear_errors(path), lock.held():
        make_private(path)
        connection = connect(f"{path.absolute().as_uri()}?mode=rw")
        try:
            old = connection.execute("PRAGMA user_version").fetchone()[0]
            if old == len(steps):
                return
            if old > len(steps):
                raise ReadOnlyError(
                    f"was written by a newer modeldeck (schema {old}, this one knows {len(steps)})",
                    where=str(path),
                    way_out="Update modeldeck to change it",
                )
            connection.execute("PRAGMA wal_autocheckpoint=0")
            if old == 0:
                connection.execute(f"PRAGMA application_id={steps[0][0]}")
                connection.execute("PRAGMA journal_mode=WAL")
            else:
                _backup(connection, path.with_name(f"{path.name}.schema-{old}.backup"))
            connection.execute("BEGIN IMMEDIATE")
            try:
                migrations(name, steps).apply(Utils(connection))
                connection.execute(f"PRAGMA user_version={len(steps)}")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            connection.close()


def _backup(connection: sqlite3.Connection, target: Path) -> None:
    make_private(target)
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()
