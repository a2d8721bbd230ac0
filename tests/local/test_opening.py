"""Each bad registry gives one clear line that names the thing and the way out."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from modeldeck.backends.api.errors import (
    BusyError,
    DamagedError,
    ModeldeckError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
)
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Experiment
from modeldeck.backends.local import create_registry, open_registry
from modeldeck.backends.local import opening as module
from modeldeck.backends.local.files import Layout, file_system
from modeldeck.backends.local.schema import REGISTRY

from .records import ME, NOW, ORIGIN, entry, fresh, plan, points, record

FIRST = [Experiment(id="first", name="first")]


@pytest.fixture
async def home(tmp_path):
    """A closed registry of 300 runs, its `.modeldeck`."""
    backend = fresh(tmp_path)
    runs = [record(f"{n:03d}", params={f"p{k}": "x" * 50 for k in range(9)}) for n in range(300)]
    await backend.take(ORIGIN, "test", experiments=FIRST, runs=runs)
    await backend.take_histories({"000": {"m": points([(0, 0, 1.0)])}})
    await backend.close()
    return tmp_path / ".modeldeck"


def refused(path, error, *words):
    with pytest.raises(error) as found:
        open_registry(path)
    said = str(found.value)
    assert "\n" not in said
    assert found.value.way_out, "there is a way out"
    for word in (str(path), *words):
        assert word in said
    return found.value


async def test_a_registry_opens_by_its_file_its_folder_or_the_one_above(home):
    for path in (home, home.parent, home / "registry.db"):
        backend = open_registry(path)
        assert (await backend.runs(RunQuery(), 500)).count == 300
        assert backend.read_only == ""
        await backend.close()


def test_nothing_there(tmp_path):
    assert refused(tmp_path, NotFoundError, "no registry", "modeldeck init").exit_code == 2
    refused(tmp_path / "x" / "registry.db", NotFoundError, "no such file", "modeldeck init")
    refused(tmp_path / ("x" * 5000), NotFoundError)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"run,accuracy\n1,0.5\n" * 100, "is not a SQLite database"),
        (b"SQLite format 3\0", "is not a SQLite database"),
        (b"SQLite format 3\0" + bytes(5000), "is not a SQLite database"),
    ],
)
def test_no_registry_at_all(tmp_path, content, words):
    path = tmp_path / "registry.db"
    path.write_bytes(content)
    assert refused(path, DamagedError, words).exit_code == 2


def test_a_folder_a_pipe_a_loop(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", DamagedError, "is not a file")
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path / "loop", ModeldeckError)


@pytest.mark.parametrize(("table", "words"), [("experiments", "MLflow"), ("x", "no modeldeck")])
def test_a_database_of_something_else(tmp_path, table, words):
    path = tmp_path / "registry.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {table}(a)")
    connection.close()
    refused(path, DamagedError, words)


@pytest.mark.parametrize("left", [0.001, 0.02, 0.3, 0.6, 0.9, 0.99])
async def test_a_truncated_registry_is_said_to_be_damaged_when_it_shows(home, left):
    path = home / "registry.db"
    os.truncate(path, int(path.stat().st_size * left))

    async def everything():
        backend = open_registry(path)
        try:
            for run in (await backend.runs(RunQuery(), 500)).first:
                await backend.run(run.id)
            await backend.take(ORIGIN, "test", runs=[record("new", params={"a": "b"})])
        finally:
            await backend.close()

    with pytest.raises(DamagedError) as found:
        await everything()
    assert str(path) in str(found.value)
    assert found.value.exit_code == 2
    assert "restore" in found.value.way_out


async def test_flipped_bytes_never_give_anything_but_an_answer_or_a_clear_error(home):
    import random

    whole = (home / "registry.db").read_bytes()
    chance = random.Random(5)
    said = []
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(20):
            damaged[chance.randrange(100, len(damaged))] ^= 1 << chance.randrange(8)
        (home / "registry.db").write_bytes(damaged)
        try:
            backend = open_registry(home)
            try:
                for run in (await backend.runs(RunQuery(), 500)).first:
                    await backend.run(run.id)
                await backend.experiments()
            finally:
                await backend.close()
        except ModeldeckError as error:
            said.append(str(error))
    assert said, "some of it shows"
    assert not any("\n" in line for line in said)


async def test_a_newer_registry_opens_to_be_read_and_says_why(home):
    connection = sqlite3.connect(home / "registry.db")
    connection.execute(f"PRAGMA user_version={REGISTRY.version + 1}")
    connection.close()
    backend = open_registry(home)
    assert "written by a newer modeldeck" in backend.read_only
    assert (await backend.runs(RunQuery(), 500)).count == 300
    with pytest.raises(ReadOnlyError, match="update modeldeck") as error:
        await backend.apply(plan(Change("runs/000", "note", "", "x")), ME, "here")
    assert error.value.exit_code == 4
    assert not backend.availability("runs.tag").supported
    await backend.close()
    with pytest.raises(ReadOnlyError, match="newer modeldeck"):
        create_registry(home.parent)


async def test_newer_series_alone_are_read_too(home):
    connection = sqlite3.connect(home / "telemetry.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    backend = open_registry(home)
    assert "telemetry.db was written by a newer modeldeck" in backend.read_only
    assert len(await backend.points("000", "m")) == 1
    await backend.close()


async def test_series_that_are_missing_are_made_anew(home):
    (home / "telemetry.db").unlink()
    backend = open_registry(home, read_only="only looking")
    assert await backend.series("000") == []
    assert len(await backend.points("000", "m")) == 0
    assert await backend.positions("000") == {}
    assert await backend.loaded() == {}
    await backend.close()
    backend = open_registry(home)
    await backend.log("000", Batch(points={"m": points([(0, 0, 1.0)])}))
    assert len(await backend.points("000", "m")) == 1
    await backend.close()


async def test_series_that_are_damaged_leave_lists_alone(home):
    (home / "telemetry.db").write_bytes(b"not a database at all" * 100)
    backend = open_registry(home)
    assert (await backend.runs(RunQuery(), 500)).count == 300
    with pytest.raises(DamagedError, match=r"telemetry\.db: is not a SQLite database"):
        await backend.series("000")
    with pytest.raises(DamagedError, match="telemetry"):
        await backend.log("000", Batch(points={"m": points([(0, 0, 1.0)])}))
    await backend.close()


async def test_a_registry_under_another_name_is_the_same_registry(home, tmp_path):
    (tmp_path / "link").symlink_to(home / "registry.db")
    (tmp_path / "folder").symlink_to(home)
    for path in (tmp_path / "link", tmp_path / "folder"):
        backend = open_registry(path)
        assert backend.layout.database == (home / "registry.db").resolve()
        await backend.close()
    assert Layout(tmp_path / "link").database == Layout(home / "registry.db").database


def test_a_folder_of_somebody_else_is_refused_unless_it_is_allowed(home, monkeypatch):
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 4242)
    if uid == 0:
        monkeypatch.setattr(os, "getuid", os.getuid)
        os.chown(home, 4242, 4242)
        monkeypatch.setattr(os, "getuid", lambda: 0)
    found = refused(home, RefusedError, "belongs to", "safe_directories")
    assert found.exit_code == 4
    for allowed in (str(home), "*"):
        backend = open_registry(home, allowed=frozenset({allowed}))
        backend.registry.close_now()
        backend.telemetry.close_now()


def test_a_folder_that_belongs_to_a_stranger_cannot_be_initialised(tmp_path, monkeypatch):
    (tmp_path / ".modeldeck").mkdir()
    uid = (tmp_path / ".modeldeck").stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    if uid == 0:
        os.chown(tmp_path / ".modeldeck", 4242, 4242)
        monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(RefusedError, match="belongs to"):
        create_registry(tmp_path)


def test_a_network_disk_is_only_read(home, monkeypatch):
    monkeypatch.setattr(module, "file_system", lambda _: "nfs4")
    backend = open_registry(home)
    assert "lies on nfs4" in backend.read_only
    backend.registry.close_now()
    backend.telemetry.close_now()


def test_the_kind_of_disk_is_read_from_the_mounts(tmp_path):
    device = tmp_path.stat().st_dev
    line = f"36 35 {os.major(device)}:{os.minor(device)} / /mnt rw - {{}} none rw\n"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(line.format("ext4") + "garbage\n" + line.format("cifs"))
    assert file_system(tmp_path, str(mounts)) in ("cifs", None)
    assert file_system(tmp_path, str(tmp_path / "none")) is None


async def test_what_is_made_is_private(tmp_path):
    before = os.umask(0)
    try:
        backend = create_registry(tmp_path)
        await backend.take(ORIGIN, "test", experiments=FIRST)
        await backend.take_histories({"r": {"m": points([(0, 0, 1.0)])}})
        import io

        backend.keep(io.BytesIO(b"x"), "x")
        home = tmp_path / ".modeldeck"
        modes = {
            str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
            for path in [home, *home.rglob("*")]
        }
        await backend.close()
    finally:
        os.umask(before)
    assert modes[".modeldeck/registry.db-wal"] == 0o600
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_a_locked_registry_is_read_and_a_write_says_who_waits(home):
    backend = open_registry(home)
    backend.registry.lock._wait = 0.05
    other = sqlite3.connect(home / "registry.db", isolation_level=None)
    with backend.registry.__class__(home / "registry.db").lock.held():
        assert backend.registry.read_now(lambda c: c.execute("SELECT 1").fetchone()) == (1,)
        with pytest.raises(BusyError, match=r"registry\.db: another process") as error:
            backend.registry.write_now(lambda c: None)
    assert error.value.exit_code == 3
    other.close()
    backend.registry.close_now()
    backend.telemetry.close_now()


GUEST = """
import asyncio, os, sys
from pathlib import Path
path, uid = Path(sys.argv[1]), int(sys.argv[2])
import modeldeck.backends.local.opening
import modeldeck.backends.local.points, sqlite_utils
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.local import open_registry, create_registry
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)

async def main():
    try:
        backend = open_registry(path, allowed=frozenset({"*"}))
        print((await backend.runs(RunQuery(), 500)).count, backend.read_only)
        print(len(await backend.points("000", "m")))
        await backend.close()
    except ModeldeckError as error:
        print(type(error).__name__, error)
    try:
        create_registry(path / "deep")
    except ModeldeckError as error:
        print(type(error).__name__, error)

asyncio.run(main())
"""


def as_guest(path: Path) -> list[str]:
    """What somebody sees who has no more rights than the modes of the files give."""
    uid = 0 if os.getuid() else 4242
    for above in [path, *path.parents]:
        if uid and above.is_relative_to("/tmp") and above != Path("/tmp"):
            above.chmod(above.stat().st_mode | 0o055)
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", GUEST, str(path), str(uid)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.splitlines()


@pytest.mark.real
def test_a_read_only_folder_is_read_as_it_stands(home):
    shutil.rmtree(home / "artifacts", ignore_errors=True)
    for path in home.iterdir():
        path.chmod(0o444)
    home.chmod(0o555)
    try:
        listed, series, made = as_guest(home)
    finally:
        home.chmod(0o755)
    assert listed == f"300 {home / 'registry.db'} may not be written by you"
    assert series == "1"
    assert made.startswith("ReadOnlyError")
    assert "Check the rights" in made


@pytest.mark.real
def test_a_registry_that_may_not_be_read_says_so(home):
    (home / "registry.db").chmod(0o000)
    said, made = as_guest(home)
    assert (
        said
        == f"RefusedError {home / 'registry.db'}: may not be read by you. Ask its owner for access"
    )
    assert made.startswith("ReadOnlyError")


async def test_what_is_read_as_it_stands_is_read_again_once_somebody_writes(home, monkeypatch):
    backend = open_registry(home)
    await backend.close()
    from modeldeck.backends.local.database import Database

    reader = Database(home / "registry.db")
    frozen = reader._open_reader()
    frozen.frozen = (0,)
    reader._idle.put(frozen)
    assert reader.read_now(lambda c: c is not frozen)
    asked = []

    def work(connection):
        asked.append(connection)
        if len(asked) == 1:
            raise sqlite3.DatabaseError("malformed")
        return len(asked)

    monkeypatch.setattr(reader, "_moved", lambda frozen: len(asked) == 1)
    assert reader.read_now(work) == 2
    reader.close_now()


async def test_times_are_those_of_the_clock(tmp_path):
    backend = fresh(tmp_path)
    [event] = [await backend.note(entry())]
    assert event.time == NOW
    await backend.close()
