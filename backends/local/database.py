"""One SQLite file: a writer thread, a few reader threads, clear errors, interruption on cancel."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TypeVar

from ..api.errors import (
    BusyError,
    DamagedError,
    ModeldeckError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
)
from .files import check_file, check_file_system, make_private
from .locking import WAIT, FileLock

T = TypeVar("T")
Connection = sqlite3.Connection
CHECKPOINT_BYTES = 8 << 20
READERS = 4
_STATEMENTS = 256


class Database:
    """A file with its connections. `read` and `write` run a function of a connection.

    `read_only` holds the reason, or is empty. Nothing is opened before it is needed.
    """

    def __init__(
        self, path: Path, *, synchronous: str = "FULL", read_only: str = "", wait: float = WAIT
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.lock = FileLock(path.with_name(path.name + ".lock"), wait)
        self._synchronous = synchronous
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._readers: ThreadPoolExecutor | None = None
        self._writers: ThreadPoolExecutor | None = None
        self._writer: Connection | None = None
        self._closed = False

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction on a reader thread; cancelling interrupts it."""
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, "modeldeck-read")
        return await _run(self._readers, self.read_now, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one immediate transaction on the writer thread; all or nothing."""
        if self._writers is None:
            self._writers = ThreadPoolExecutor(1, "modeldeck-write")
        return await _run(self._writers, self.write_now, work)

    def read_now(
        self, work: Callable[[Connection], T], started: Callable[[Connection], None] | None = None
    ) -> T:
        """`read` on the calling thread. `started` is told the connection, for interruption."""
        with clear_errors(self.path):
            try:
                connection = self._idle.get_nowait()
            except Empty:
                connection = self._open_reader()
            if started:
                started(connection)
            try:
                connection.execute("BEGIN")
                try:
                    return work(connection)
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle.put(connection)

    def write_now(
        self, work: Callable[[Connection], T], started: Callable[[Connection], None] | None = None
    ) -> T:
        """`write` on the calling thread, which must always be the same one."""
        if self.read_only:
            raise ReadOnlyError(self.read_only, where=str(self.path))
        with clear_errors(self.path), self.lock.held():
            connection = self._writer
            if connection is None:
                connection = self._writer = self._open_writer()
            if started:
                started(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if self._wal_bytes() > CHECKPOINT_BYTES:
                _checkpoint(connection)
            return result

    async def close(self) -> None:
        """Let go of the file, with a last checkpoint under the lock when this process wrote."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """`close` on the calling thread."""
        self._closed = True
        for pool in (self._readers, self._writers):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()
        if self._writer is not None:
            with contextlib.suppress(BusyError), self.lock.held():
                self._writer.close()
            self._writer = None

    def _wal_bytes(self) -> int:
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except OSError:
            return 0

    def _open_reader(self) -> Connection:
        check_file(self.path)
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = connect(uri)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF not in (
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_READONLY,
            ):
                raise
            # A WAL file in a directory that we may not write: nobody can be writing it either
            # when it has no -wal, so it may be read as it stands.
            if self._wal_bytes():
                raise
            connection = connect(uri + "&immutable=1")
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA cache_size=-16384")
        connection.execute("PRAGMA temp_store=MEMORY")
        return connection

    def _open_writer(self) -> Connection:
        check_file_system(self.path.parent)
        make_private(self.path)
        connection = connect(f"{self.path.absolute().as_uri()}?mode=rw")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA recursive_triggers=ON")
        connection.execute("PRAGMA cache_size=-65536")
        return connection


def _checkpoint(connection: Connection) -> None:
    # Readers may hold the log: then it grows until a later write finds them gone.
    connection.execute("PRAGMA busy_timeout=0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout={int(WAIT * 1000)}")


def connect(uri: str) -> Connection:
    """A connection that leaves transactions to us and may change threads."""
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=WAIT,
        cached_statements=_STATEMENTS,
    )


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, naming the file and the way out."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def translate(error: sqlite3.Error, where: str) -> ModeldeckError:
    """Our error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    if not code and isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
        code = sqlite3.SQLITE_CORRUPT
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyError(
                "is locked by another process",
                where=where,
                way_out="Try again when it has finished",
            )
        case sqlite3.SQLITE_FULL:
            return UnreachableError(
                "the disk is full; nothing was changed",
                where=where,
                way_out="Free some space outside the registry, then try again",
            )
        case sqlite3.SQLITE_IOERR:
            return UnreachableError(
                f"the disk failed ({error}); nothing was changed",
                where=where,
                way_out="Look at the disk (space, quota, health), then try again",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return ReadOnlyError(
                "may not be written by you",
                where=where,
                way_out="Check the rights of the file and of its folder",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return RefusedError(
                "cannot be opened",
                where=where,
                way_out="Check the rights of the file and of its folder",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DamagedError(
                f"is damaged ({error})",
                where=where,
                way_out="`modeldeck restore BACKUP` brings back the last good one",
            )
        case sqlite3.SQLITE_INTERRUPT:
            return UnreachableError("was interrupted", where=where)
        case _:
            return DamagedError(
                f"does not hold what a registry holds ({error})",
                where=where,
                way_out="`modeldeck doctor` looks closer",
            )


async def _run(
    pool: ThreadPoolExecutor, call: Callable[..., T], work: Callable[[Connection], T]
) -> T:
    connections: list[Connection] = []
    future = asyncio.get_running_loop().run_in_executor(pool, call, work, connections.append)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        future.cancel()
        if connections:
            connections[0].interrupt()
        future.add_done_callback(_swallow)
        raise


def _swallow(future: "asyncio.Future[T]") -> None:
    if not future.cancelled():
        future.exception()
