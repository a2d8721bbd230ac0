"""One SQLite file: a writer thread, a few reader threads, clear errors, interruption on cancel.

Nothing here opens the file but SQLite: closing any other handle of it would drop the locks that
this process holds on it.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TypeVar

from ..api.errors import ModeldeckError, ReadOnlyError, UnreachableError
from .errors import clear_errors
from .files import check_file, check_file_system
from .jobs import AGAIN, Job, finished
from .locking import WAIT, FileLock

T = TypeVar("T")
Connection = sqlite3.Connection
CHECKPOINT_BYTES = 32 << 20
READERS = 4
_STATEMENTS = 256


class Reader(Connection):
    """A connection that only reads. `frozen`: how the file was when it was opened as it stands."""

    frozen: tuple[int, ...] | None = None


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
        self._wait = wait
        self._idle: LifoQueue[Reader] = LifoQueue()
        self._reading: set[Job] = set()
        self._readers: ThreadPoolExecutor | None = None
        self._writers: ThreadPoolExecutor | None = None
        self._writer: Connection | None = None
        self._closed = threading.Event()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction on a reader thread; cancelling interrupts it."""
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, "modeldeck-read")
        return await self._run(self._readers, self.read_now, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one immediate transaction on the writer thread; all or nothing."""
        if self._writers is None:
            self._writers = ThreadPoolExecutor(1, "modeldeck-write")
        return await self._run(self._writers, self.write_now, work)

    def read_now(self, work: Callable[[Connection], T], job: Job | None = None) -> T:
        """`read` on the calling thread; `job` can stop it."""
        if self._closed.is_set():
            raise self._gone()
        job = job or Job()
        self._reading.add(job)
        try:
            with clear_errors(self.path):
                while True:
                    connection = self._take()
                    frozen = connection.frozen
                    try:
                        result = self._read(connection, work, job)
                    except (sqlite3.Error, ValueError):
                        if not self._moved(frozen):
                            raise
                    else:
                        if not self._moved(frozen):
                            return result
        finally:
            self._reading.discard(job)

    def _moved(self, frozen: tuple[int, ...] | None) -> bool:
        """Whether somebody wrote into a file that was opened as it stands."""
        return frozen is not None and frozen != _stamp(self.path)

    def _read(self, connection: Reader, work: Callable[[Connection], T], job: Job) -> T:
        try:
            job.start(connection)
            connection.execute("BEGIN")
            return work(connection)
        finally:
            job.end()
            self._give_back(connection)

    def _take(self) -> Reader:
        with contextlib.suppress(Empty):
            while True:
                connection = self._idle.get_nowait()
                if not self._moved(connection.frozen):
                    return connection
                connection.close()
        return self._open_reader()

    def _give_back(self, connection: Reader) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            # An interrupted statement that is still open keeps the transaction: start anew.
            connection.close()
            return
        if self._closed.is_set():
            connection.close()
        else:
            self._idle.put(connection)

    def write_now(self, work: Callable[[Connection], T], job: Job | None = None) -> T:
        """`write` on the calling thread, one at a time."""
        if self.read_only:
            raise ReadOnlyError(self.read_only, where=str(self.path))
        job = job or Job()
        with clear_errors(self.path), self.lock.held():
            connection = self._writer
            if connection is None:
                connection = self._writer = self._open_writer()
            job.start(connection)
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                job.end()
                self._undo(connection)
                raise
            job.end()
            if _size(self._wal) > CHECKPOINT_BYTES:
                _checkpoint(connection)
            return result

    def _undo(self, connection: Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._writer = None
            connection.close()

    @property
    def has_written(self) -> bool:
        """Whether this process has written to it."""
        return self._writer is not None

    async def close(self) -> None:
        """Let go of the file, with a last checkpoint under the lock when this process wrote."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """`close` on the calling thread. Reads under way are interrupted, a write is finished."""
        self._closed.set()
        while sum(job.stop() for job in tuple(self._reading)):
            time.sleep(AGAIN)
        for pool in (self._readers, self._writers):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            # Closing the last connection is a checkpoint.
            with self.lock.held():
                writer.close()
        except ModeldeckError:
            # Not the last one while a reader is open; and a reader cannot do a checkpoint.
            with contextlib.suppress(ModeldeckError, sqlite3.Error):
                self._idle.put(self._open_reader())
            writer.close()
            with contextlib.suppress(Empty):
                self._idle.get_nowait().close()

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        call: Callable[[Callable[[Connection], T], Job], T],
        work: Callable[[Connection], T],
    ) -> T:
        if self._closed.is_set():
            raise self._gone()
        job = Job()
        try:
            return await finished(pool, job, call, work)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed.is_set() and task is not None and not task.cancelling():
                raise self._gone() from None
            raise

    def _gone(self) -> UnreachableError:
        return UnreachableError("was closed", where=str(self.path))

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _open_reader(self) -> Reader:
        check_file(self.path)
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            return self._reader(uri)
        except sqlite3.OperationalError as error:
            # A file in a folder that we may not write. With nothing in its WAL, it may be read as
            # it stands, for as long as nobody writes.
            barred = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
            if error.sqlite_errorcode & 0xFF not in barred or _size(self._wal):
                raise
        frozen = _stamp(self.path)
        connection = self._reader(uri + "&immutable=1")
        connection.frozen = frozen
        return connection

    def _reader(self, uri: str) -> Reader:
        connection = connect(uri, self._wait, Reader)
        assert isinstance(connection, Reader)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cache_size=-8192")
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_writer(self) -> Connection:
        check_file_system(self.path.parent)
        check_file(self.path)
        connection = connect(f"{self.path.absolute().as_uri()}?mode=rw", self._wait)
        try:
            connection.execute("PRAGMA wal_autocheckpoint=0")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA recursive_triggers=ON")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cache_size=-65536")
        except BaseException:
            connection.close()
            raise
        return connection


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Database]:
    """A database for the length of a block, on the calling thread."""
    database = Database(path)
    try:
        yield database
    finally:
        database.close_now()


def connect(uri: str, wait: float = WAIT, kind: type[Connection] = Connection) -> Connection:
    """A connection that leaves transactions to us and may change threads."""
    return sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=wait,
        cached_statements=_STATEMENTS,
        factory=kind,
    )


def _checkpoint(connection: Connection) -> None:
    """Empty the WAL if nobody reads from it; else, or when it fails, a later write tries again."""
    wait = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout=0")
    try:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout={wait}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    wal = _size(path.with_name(path.name + "-wal"))
    return status.st_ino, status.st_size, status.st_mtime_ns, wal
