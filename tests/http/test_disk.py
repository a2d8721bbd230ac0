"""Answers kept on disk: given only where the server is away, to those alone who take old ones."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct

from modeldeck.backends.api.ages import Age, asked_at
from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import DeniedError, RefusedError, UnreachableError
from modeldeck.backends.http import Disk, Http
from modeldeck.backends.http.disk import Stored
from tests.http.serving import answer, saying, serving

pytestmark = pytest.mark.simulated

BEGAN = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
SECRET = "s3cret-token"


class Found(Struct):
    value: int


class Token:
    async def header(self, *, refresh: bool = False) -> str | None:
        return f"Bearer {SECRET}"

    def describe(self) -> str:
        return "a test's own"


class Asking:
    """A client whose time goes on by a minute with each question."""

    def __init__(self, url, disk):
        self.now = BEGAN

        async def no_pause(_):
            pass

        self.http = Http(
            url,
            credentials=Token(),
            disk=disk,
            clock=lambda: self.now,
            sleep=no_pause,
            limits=Limits(deadline=5.0, tries=2),
        )

    async def ask(self, *, old=True, keep=True, path="/x"):
        """The value, how old it is, and why."""
        self.now += timedelta(minutes=1)
        with Age(self.now, old=old) as age:
            found = await self.http.ask("GET", path, Found, query={"q": ""}, keep=keep)
        return found.value, self.now - age.at, age.missed


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path / "cache" / "answers", ("", "a test's own"))


async def gone(asking):
    """Ask a server that is away: nothing that is kept is given."""
    with pytest.raises(UnreachableError):
        await asking


async def test_what_is_kept_is_given_with_its_age_where_the_server_is_away(disk):
    async with serving(saying(answer('{"value": 1}'), answer('{"value": 2}'))) as served:
        asking = Asking(served.url, disk)
        assert await asking.ask() == (1, timedelta(), None)
        assert await asking.ask() == (2, timedelta(), None)  # asked again though one is kept
        assert len(served.seen) == 2
        await asking.http.close()
    value, age, missed = await asking.ask()
    assert (value, age) == (2, timedelta(minutes=1))
    assert isinstance(missed, UnreachableError)
    assert list(asking.http.exchanges)[-1].status is None  # it was asked all the same
    await gone(asking.ask(old=False))
    await gone(asking.ask(keep=False))
    await gone(asking.ask(path="/y"))
    other = Asking(served.url, Disk(disk.folder, ("risk", "a test's own")))
    await gone(other.ask())  # of another workspace


@pytest.mark.parametrize(("old", "keep"), [(False, True), (True, False)])
async def test_nothing_is_kept_of_what_nobody_would_take_old(disk, old, keep):
    async with serving(saying(answer('{"value": 1}'))) as served:
        asking = Asking(served.url, disk)
        await asking.ask(old=old, keep=keep)
        await asking.http.close()
    assert not disk.folder.exists()
    await gone(asking.ask())


async def test_an_answer_that_is_no_is_not_covered_up(disk):
    async with serving(saying(answer('{"value": 1}'), answer(status=403))) as served:
        asking = Asking(served.url, disk)
        await asking.ask()
        with pytest.raises(DeniedError):
            await asking.ask()
        await asking.http.close()


async def test_who_reads_inside_tells_who_asks_and_may_say_no(disk):
    async with serving(saying(answer('{"value": 1}'))) as served:
        asking = Asking(served.url, disk)
        await asking.ask()
        await asking.http.close()
    kept = asking.now
    asking.now += timedelta(days=3)
    with Age(asking.now, old=True) as outer:
        async with asyncio.TaskGroup() as group:  # as screens read several things at a time
            group.create_task(asking.http.ask("GET", "/x", Found, query={"q": ""}, keep=True))
        assert asked_at(asking.now) == kept
        with Age(asking.now, old=False):
            await gone(asking.http.ask("GET", "/x", Found, query={"q": ""}, keep=True))
    assert outer.at == kept
    assert outer.missed is not None


async def test_files_are_private_and_hold_no_secret(disk):
    mask = os.umask(0)
    try:
        async with serving(saying(answer('{"value": 1}'))) as served:
            asking = Asking(served.url, disk)
            await asking.ask()
            await asking.http.close()
    finally:
        os.umask(mask)
    (path,) = disk.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.stat().st_mode & 0o777 for one in (disk.folder, disk.folder.parent)] == [0o700] * 2
    data = path.read_bytes()
    assert data.endswith(b'\n{"value": 1}')
    assert SECRET.encode() not in data
    assert b"127.0.0.1" not in data


def test_an_answer_of_the_future_is_not_believed(disk):
    """A clock that was set back would make it look as if it were of now."""
    name = disk.name("GET", "http://127.0.0.1:9/x", None)
    disk.put(name, Stored(BEGAN + timedelta(days=1), b'{"value": 1}'))
    asking = Asking("http://127.0.0.1:9", disk)

    async def ask():
        with Age(BEGAN, old=True):
            await asking.http.ask("GET", "/x", Found, keep=True)

    with pytest.raises(UnreachableError):
        asyncio.run(ask())


NAME, OTHER = "a" * 64, "b" * 64


def longer(path):
    path.write_bytes(path.read_bytes() + b" ")


def older(path):
    path.write_bytes(path.read_bytes().replace(b" 1 17", b" 1 16", 1))


def cut(path):
    path.write_bytes(path.read_bytes()[:30])


def empty(path):
    path.write_bytes(b"")


def of_another_question(path):
    path.with_name(OTHER).rename(path)


def for_all_to_read(path):
    path.chmod(0o644)


def link(path):
    path.rename(path.parent.parent / "there")
    path.symlink_to(path.parent.parent / "there")


def pipe(path):
    path.unlink()
    os.mkfifo(path, 0o600)


HARM = (longer, older, cut, empty, of_another_question, for_all_to_read, link, pipe)


@pytest.mark.parametrize("harm", HARM)
def test_what_is_damaged_or_not_ours_is_removed(disk, harm):
    stored = Stored(BEGAN, b'{"value": 1}')
    disk.put(NAME, stored)
    disk.put(OTHER, stored)
    assert disk.get(NAME) == stored
    harm(disk.folder / NAME)
    assert disk.get(NAME) is None
    assert not os.path.lexists(disk.folder / NAME)


def test_the_oldest_goes_when_there_is_too_much(disk):
    small = Disk(disk.folder, (), most=5000, largest=2000)
    names = [f"{number:064x}" for number in range(6)]
    for number, name in enumerate(names):
        small.put(name, Stored(BEGAN, b"x" * 1500))
        os.utime(small.folder / name, (number, number))
    assert {path.name for path in small.folder.iterdir()} == set(names[-3:])
    count, size = small.held()
    assert (count, size <= 5000) == (3, True)
    # One that is too large takes the place of none, and the one before it is not the latest.
    small.put(names[-1], Stored(BEGAN, b"x" * 2001))
    assert small.get(names[-1]) is None
    assert small.held()[0] == 2


def test_drafts_that_were_left_over_go(disk):
    disk.put(NAME, Stored(BEGAN, b"1"))
    for name, age in ((".now", 0), (".long ago", 7200)):
        path = disk.folder / name
        path.write_bytes(b"")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    disk.put(OTHER, Stored(BEGAN, b"1"))
    assert {path.name for path in disk.folder.iterdir()} == {NAME, OTHER, ".now"}


def test_a_folder_that_is_not_ours_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "answers"
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="our own"):
        Disk(folder, ())
    folder.unlink()
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(RefusedError, match="our own"):
        Disk(folder, ())


def test_a_folder_that_was_exchanged_meanwhile_gets_nothing(disk, tmp_path):
    disk.put(NAME, Stored(BEGAN, b"1"))
    disk.folder.rename(tmp_path / "elsewhere")
    disk.folder.symlink_to(tmp_path / "elsewhere")
    disk.put(OTHER, Stored(BEGAN, b"1"))
    assert disk.get(NAME) is None
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [NAME]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    disk = Disk(tmp_path / "new", ())
    (tmp_path / "new").touch()
    disk.put(NAME, Stored(BEGAN, b"1"))
    assert disk.get(NAME) is None
    assert disk.held() == (0, 0)
