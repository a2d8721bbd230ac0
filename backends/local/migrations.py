"""From any released schema to the newest, under the lock, in one transaction, with a backup first.

Imports sqlite_utils, so it is imported only where `user_version` says that something is pending.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from ..api.errors import DamagedError, ReadOnlyError
from .database import Connection, connect
from .errors import clear_errors
from .files import check_file_system, make_private
from .locking import FileLock
from .schema import Schema, newer


def migrations(schema: Schema) -> Migrations:
    """The steps of one file as a sqlite-utils set."""
    found = Migrations(schema.name)
    for number, sql in enumerate(schema.steps, 1):

        def step(db: Utils, sql: str = sql) -> None:
            for statement in statements(sql):
                db.conn.execute(statement)

        found(name=f"{schema.name}_{number}")(step)
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


def migrate(path: Path, schema: Schema, *, keep: bool = False) -> None:
    """Make or bring up to date the file at `path`; `keep` copies an older one beside it first."""
    with clear_errors(path):
        check_file_system(path.parent)
        with FileLock(path.with_name(path.name + ".lock")).held():
            make_private(path)
            connection = connect(f"{path.absolute().as_uri()}?mode=rw")
            try:
                connection.execute("PRAGMA wal_autocheckpoint=0")
                _bring(connection, path, schema, keep=keep)
            finally:
                connection.close()


def _bring(connection: Connection, path: Path, schema: Schema, *, keep: bool) -> None:
    if _version(connection, path, schema) == schema.version:
        return
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        connection.execute(f"PRAGMA page_size={schema.page_size}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA application_id={schema.application_id}")
    elif keep:
        _keep(connection, path)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection, path, schema) < schema.version:
            migrations(schema).apply(Utils(connection))
            connection.execute(f"PRAGMA user_version={schema.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: Connection, path: Path, schema: Schema) -> int:
    marked = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    holds = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if holds and marked != schema.application_id:
        raise DamagedError(
            f"is a SQLite database, but no {schema.name} of modeldeck",
            where=str(path),
            way_out="Move it away, or name another place",
        )
    if version > schema.version:
        raise ReadOnlyError(
            newer(version, schema), where=str(path), way_out="Update modeldeck to change it"
        )
    return version


def _keep(connection: Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    target = path.with_name(f"{path.name}.schema-{version}.backup")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    make_private(part)
    copy = sqlite3.connect(part)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    part.replace(target)
