"""One SQLite file under threads: cancelling, closing, several processes, full disks."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modeldeck.backends.api.errors import (
    BusyError,
    DamagedError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.local import database as module
from modeldeck.backends.local.database import READERS, Database, opened
from modeldeck.backends.local.migrations import migrate
from modeldeck.backends.local.schema import REGISTRY

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1 << 60)"
    " SELECT count(*) FROM n"
)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "registry.db"
    migrate(found, REGISTRY)
    return found


@pytest.fixture
async def database(path):
    found = Database(path, wait=0.2)
    yield found
    await found.close()


def add(key):
    return lambda c: c.execute("INSERT INTO meta VALUES(?, 'x')", (key,)).rowcount


def keys(connection):
    return [row[0] for row in connection.execute("SELECT key FROM meta ORDER BY key")]


def endless(begun, connections=None):
    """A read that says when it has begun and never ends by itself."""

    def work(connection):
        if connections is not None:
            connections.append(connection)
        begun.set()
        return connection.execute(ENDLESS).fetchone()

    return work


async def started(database, connections=None):
    begun = threading.Event()
    task = asyncio.create_task(database.read(endless(begun, connections)))
    assert await asyncio.to_thread(begun.wait, 20)
    return task


async def test_cancelling_a_read_interrupts_it_and_leaves_the_connection_clean(database):
    connections = []
    task = await started(database, connections)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read(lambda c: (c is connections[0], c.in_transaction, keys(c))) in (
        (True, True, []),
        (False, True, []),
    )


async def test_cancelling_interrupts_what_comes_after_the_statement_too(database):
    begun = threading.Event()
    ended = threading.Event()

    def work(connection):
        try:
            endless(begun)(connection)
        except sqlite3.OperationalError:
            try:
                connection.execute(ENDLESS).fetchone()
            finally:
                ended.set()

    task = asyncio.create_task(database.read(work))
    assert await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 20)


async def test_cancelling_never_interrupts_the_next_user_of_the_connection(database):
    for _ in range(50):
        task = asyncio.create_task(database.read(keys))
        other = asyncio.create_task(database.read(keys))
        await asyncio.sleep(0)
        task.cancel()
        assert await other == []


async def test_a_read_cancelled_while_a_cursor_is_open_leaves_nothing_behind(database):
    begun = threading.Event()

    def work(connection):
        open_one = connection.execute("SELECT 1 UNION ALL SELECT 2")
        open_one.fetchone()
        endless(begun)(connection)
        return open_one

    task = asyncio.create_task(database.read(work))
    assert await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(READERS + 1):
        assert await database.read(keys) == []


async def test_more_reads_than_threads_wait_and_those_cancelled_free_their_place(database):
    tasks = [await started(database) for _ in range(READERS)]
    waiting = asyncio.create_task(database.read(keys))
    dropped = asyncio.create_task(database.read(keys))
    await asyncio.sleep(0)
    assert not waiting.done()
    dropped.cancel()
    tasks[0].cancel()
    assert await asyncio.wait_for(waiting, 20) == []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, dropped, return_exceptions=True)


async def test_closing_interrupts_reads_and_tells_those_that_wait(path):
    database = Database(path)
    reads = [await started(database) for _ in range(READERS)]
    waiting = asyncio.create_task(database.read(keys))
    await asyncio.sleep(0)
    await asyncio.wait_for(database.close(), 20)
    for found in await asyncio.gather(*reads, waiting, return_exceptions=True):
        assert isinstance(found, UnreachableError)
    with pytest.raises(UnreachableError, match="was closed"):
        await database.read(keys)
    await database.close()


async def test_cancelling_a_write_undoes_it(database):
    begun = threading.Event()

    def work(connection):
        add("a")(connection)
        endless(begun)(connection)

    task = asyncio.create_task(database.write(work))
    assert await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(add("b"))
    assert await database.read(keys) == ["b"]


async def test_a_write_that_fails_is_undone_and_the_next_one_works(database):
    def work(connection):
        add("a")(connection)
        raise KeyError("a")

    with pytest.raises(KeyError):
        await database.write(work)
    await database.write(add("b"))
    with pytest.raises(RefusedError, match="a rule of the registry"):
        await database.write(add("b"))
    assert await database.read(keys) == ["b"]


async def test_a_checkpoint_that_fails_does_not_make_the_write_fail(database, monkeypatch):
    monkeypatch.setattr(module, "CHECKPOINT_BYTES", 0)
    reader = await started(database)
    await database.write(add("a"))
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert await database.read(keys) == ["a"]
    await database.write(add("b"))
    assert database._wal.stat().st_size == 0


def test_what_cannot_be_stored_is_said_so(path):
    with opened(path) as database:
        for key, words in (("\ud800", "half of a character"), (1 << 80, "too large")):
            with pytest.raises(UsageError, match=words):
                database.write_now(add(key))


async def test_read_only_says_its_reason(path):
    database = Database(path, read_only="because")
    with pytest.raises(ReadOnlyError, match="because"):
        await database.write(add("a"))
    await database.close()


def test_no_reader_can_write(path):
    with opened(path) as database, pytest.raises(ReadOnlyError):
        database.read_now(add("a"))


def test_all_files_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "registry.db"
        migrate(path, REGISTRY)
        with opened(path) as database:
            database.write_now(add("a"))
            database.read_now(keys)
            found = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    finally:
        os.umask(before)
    names = ["registry.db", "registry.db-shm", "registry.db-wal", "registry.db.lock"]
    assert found == dict.fromkeys(names, 0o600)


def test_a_reader_that_is_last_leaves_the_log_and_a_writer_empties_it(path):
    log = path.with_name("registry.db-wal")
    with opened(path) as reader:
        reader.read_now(keys)
        with opened(path) as writer:
            writer.write_now(add("a"))
        assert log.stat().st_size > 0, "the reader is still there"
    assert log.stat().st_size > 0, "a reader does no checkpoint"
    with opened(path) as writer:
        writer.write_now(add("b"))
    assert not log.exists()


def test_closing_without_the_lock_does_no_checkpoint(path):
    log = path.with_name("registry.db-wal")
    writer = Database(path, wait=0.01)
    writer.write_now(add("a"))
    with Database(path).lock.held():
        writer.close_now()
    assert log.stat().st_size > 0
    with opened(path) as reader:
        assert reader.read_now(keys) == ["a"]


@pytest.mark.real
def test_the_files_locks_survive_another_look_at_it(path):
    """Closing any other handle of the file would drop the locks that SQLite holds on it."""
    with opened(path) as first:
        first.write_now(add("a"))
        first.read_now(keys)
        for _ in range(3):
            with opened(path) as other:
                other.read_now(keys)
        migrate(path, REGISTRY)
        alone = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0);"
            "c.execute('PRAGMA locking_mode=EXCLUSIVE'); c.execute('BEGIN EXCLUSIVE')"
        )
        found = subprocess.run(
            [sys.executable, "-c", alone, path], capture_output=True, text=True, check=False
        )
        assert "database is locked" in found.stderr


async def test_a_lock_held_elsewhere_is_waited_for_and_then_said(database, path):
    with Database(path).lock.held(), pytest.raises(BusyError, match="another process") as error:
        await database.write(add("a"))
    assert error.value.exit_code == 3
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="is locked by another process"):
        await database.write(add("a"))
    other.close()
    await database.write(add("a"))


FULL = """
import sys, resource
from pathlib import Path
from modeldeck.backends.api.errors import UnreachableError
from modeldeck.backends.local.database import Database
database = Database(Path(sys.argv[1]))
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
done = 0
try:
    while True:
        database.write_now(lambda c: c.execute(
            "INSERT INTO meta VALUES(?, ?)", (f"{done:09}", "x" * 20000)).rowcount)
        done += 1
except UnreachableError as error:
    print(error)
print(done, database.read_now(lambda c: c.execute("SELECT count(*) FROM meta").fetchone()[0]))
print(database.read_now(lambda c: c.execute("PRAGMA integrity_check").fetchone()[0]))
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    database.write_now(lambda c: c.execute("INSERT INTO meta VALUES('z', 'z')").rowcount)
database.close_now()
"""


@pytest.mark.real
@pytest.mark.parametrize("how", ["limit", "tmpfs"])
def test_a_full_disk_loses_nothing_and_is_said_in_one_line(tmp_path, how):
    path = tmp_path / "disk" / "registry.db"
    path.parent.mkdir()
    migrate(path, REGISTRY)
    argv = [sys.executable, "-c", FULL, str(path), how]
    if how == "tmpfs":
        # A small disk of its own, which goes away with the process.
        own = ["unshare", "--mount", *(["--map-root-user"] if os.getuid() else [])]
        if (
            shutil.which("unshare") is None
            or subprocess.run([*own, "true"], check=False).returncode
        ):
            pytest.skip("this machine lets nobody mount a small disk")
        keep = tmp_path / "registry.db"
        path.rename(keep)
        mounted = (
            'mount -t tmpfs -o size=3m none "$1" && cp "$2" "$1" && cd "$3" && shift 3 && "$@"'
        )
        argv = [
            *own,
            "sh",
            "-c",
            mounted,
            "sh",
            str(path.parent),
            str(keep),
            str(Path.cwd()),
            *argv,
        ]
    found = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    said, counts, integrity = found.stdout.splitlines()
    assert "the disk" in said
    assert "nothing was changed" in said
    done, there = counts.split()
    assert done == there != "0"
    assert integrity == "ok"


WRITER = """
import sys
from pathlib import Path
from modeldeck.backends.local.database import Database
database = Database(Path(sys.argv[1]))
for _ in range(100):
    def add(c):
        n = int(c.execute("SELECT value FROM meta WHERE key = 'n'").fetchone()[0])
        c.execute("UPDATE meta SET value = ? WHERE key = 'n'", (str(n + 1),))
    database.write_now(add)
database.close_now()
"""


@pytest.mark.real
def test_several_processes_that_write_at_once_lose_nothing(path):
    with opened(path) as database:
        database.write_now(lambda c: c.execute("INSERT INTO meta VALUES('n', '0')").rowcount)
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, path]) for _ in range(3)]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
        found = database.read_now(lambda c: c.execute("SELECT value FROM meta").fetchone())
    assert found == ("300",)


def test_a_damaged_row_is_said_to_be_damaged(path):
    with opened(path) as database:
        with pytest.raises(DamagedError, match="does not hold what a registry holds"):
            database.read_now(lambda c: c.execute("SELECT * FROM no_such_table"))
        with pytest.raises(DamagedError):
            database.read_now(lambda c: c.execute("SELECT CAST(x'ff' AS TEXT)").fetchone())
