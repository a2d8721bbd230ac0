"""Another program's SQLite file: opened read-only, read in short transactions, never written."""

import re
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..api.errors import BusyError, DamagedError, NotFoundError
from .problems import ProblemLog

MAGIC = b"SQLite format 3\0"
WAIT_SECONDS = 5.0

Row = tuple[Any, ...]


class Database:
    """A file and its one connection, which any thread may use in turn.

    `tables` maps each ordinary table to its columns. Text that is no UTF-8 is read with U+FFFD.
    """

    def __init__(self, path: Path, log: ProblemLog) -> None:
        self.path = path
        self.log = log
        self._lock = threading.RLock()
        self._depth = 0
        with clear_errors(path):
            self._connection = connect(path)
            self.tables: Mapping[str, frozenset[str]] = _tables(self._connection)
            self._indexes = _indexes(self._connection)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query that gives few enough to hold."""
        with self._lock, clear_errors(self.path):
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if "UTF-8" not in str(error):
                    raise
                return self._lossy(sql, values)

    @contextmanager
    def page(self) -> Iterator[None]:
        """The queries inside see one state of the file. Keep it short: it can delay the owner."""
        with self._lock:
            if not self._depth:
                with clear_errors(self.path):
                    self._connection.execute("BEGIN")
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table is there with all these columns."""
        return self.tables.get(table, frozenset()).issuperset(columns) and table in self.tables

    def index(self, table: str, *columns: str) -> str | None:
        """The name of an index of the table over exactly these columns."""
        return self._indexes.get((table, columns))

    def columns(self, table: str, *names: str, prefix: str = "") -> str:
        """The columns for a SELECT; NULL in place of one that this schema does not have."""
        there = self.tables.get(table, frozenset())
        return ", ".join(f'{prefix}"{name}"' if name in there else "NULL" for name in names)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def where(self, table: str, row: object) -> str:
        """The place of a row, for a problem."""
        return f"{self.path}: {table}, {row}"

    def _lossy(self, sql: str, values: Sequence[object]) -> list[Row]:
        table = re.search(r"\bFROM (\w+)", sql)
        where = f"{self.path}: {table[1]}" if table else str(self.path)
        self.log.add(where, "holds text that is not UTF-8, read with U+FFFD in its place")
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            return self._connection.execute(sql, values).fetchall()
        finally:
            self._connection.text_factory = str


def connect(path: Path) -> sqlite3.Connection:
    """A read-only connection.

    A file in WAL mode needs a folder that may be written, or its -wal and -shm there. Where
    neither is, nobody has it open, and it is taken as a file that does not change.
    """
    try:
        return _connect(path, "mode=ro")
    except sqlite3.OperationalError as error:
        beside = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
        if "locked" in str(error) or not path.is_file() or any(map(_holds, beside)):
            raise
        return _connect(path, "mode=ro&immutable=1")


def check_header(path: Path) -> None:
    """DamagedError unless the file begins as a SQLite file and is as long as it says."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DamagedError(
                "is no ordinary file", where=str(path), way_out="Give the path of a database"
            )
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError as error:
        raise NotFoundError("no such file", where=str(path), way_out="Check the path") from error
    except OSError as error:
        raise unreadable(path, error) from error
    if not head:
        raise DamagedError(
            "is empty", where=str(path), way_out="Copy it again from where it came, or a backup"
        )
    if not MAGIC.startswith(head[:16]) and not head.startswith(MAGIC):
        raise DamagedError(
            "is not a SQLite database",
            where=str(path),
            way_out="Give the path of an mlflow.db, an mlruns folder or a modeldeck registry",
        )
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(head[28:32], "big")
    counted = head[24:28] == head[92:96] and not path.with_name(path.name + "-wal").exists()
    if len(head) < 100 or (counted and found.st_size < page * pages):
        raise DamagedError(
            f"is cut short: {found.st_size} bytes are there of {max(page * pages, 100)}",
            where=str(path),
            way_out="Copy it again from where it came, or take a backup",
        )


def unreadable(path: Path, error: OSError) -> DamagedError:
    """The error for what the system does not let us read."""
    return DamagedError(
        f"cannot be read ({error.strerror or error})",
        where=str(path),
        way_out="Ask its owner for the permission to read it, or copy it to where you may",
    )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with the path and the way out."""
    try:
        yield
    except sqlite3.OperationalError as error:
        words = str(error)
        if "locked" in words or "busy" in words:
            raise BusyError(
                "somebody else holds the database",
                where=str(path),
                way_out="Try again when the program that writes it is done",
            ) from error
        if "unable to open" in words:
            raise DamagedError(
                "cannot be opened",
                where=str(path),
                way_out="Check that you may read it; when it has a -wal file beside it, copy all "
                "of its files to a folder that you may write",
            ) from error
        raise _damaged(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: sqlite3.Error) -> DamagedError:
    return DamagedError(
        f"is damaged ({error})",
        where=str(path),
        way_out="Take a backup of it, or save what is left with `sqlite3 FILE .recover`",
    )


def _holds(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _connect(path: Path, how: str) -> sqlite3.Connection:
    uri = f"file:{quote(bytes(path))}?{how}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # Opening alone touches nothing: only the first read shows whether it can be read.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _tables(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    return {
        str(name): frozenset(
            row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
        )
        for (name,) in names
    }


def _indexes(connection: sqlite3.Connection) -> dict[tuple[str, tuple[str, ...]], str]:
    found = connection.execute(
        "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
        " AND sql NOT LIKE '% WHERE %' AND name NOT LIKE '%\"%'"
    ).fetchall()
    columns = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
    return {
        (table, tuple(row[0] for row in connection.execute(columns, (name,)))): name
        for table, name in found
    }
