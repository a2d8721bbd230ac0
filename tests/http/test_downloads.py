"""Files from a server: whole, in pieces, and on from where they were broken off."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import re

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import (
    BusyError,
    DamagedError,
    NotFoundError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.http.part import Part

from .serving import answer, saying

pytestmark = pytest.mark.real
DATA = bytes(range(256)) * 1000
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()
BREAK = 100_000
ONCE = Limits(tries=1)


class Store:
    """A file behind an address, with an ETag and ranges; `breaks` says after how many bytes."""

    def __init__(self, data: bytes = DATA, etag: str = '"one"', breaks: tuple[int, ...] = ()):
        self.data = data
        self.etag = etag
        self.breaks = list(breaks)
        self.ranges: list[str | None] = []

    async def __call__(self, request, line) -> None:
        asked = request.headers.get("range")
        self.ranges.append(asked)
        headers = {"etag": self.etag} if self.etag else {}
        same = request.headers.get("if-range", self.etag) == self.etag
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        status, body = 200, self.data
        if found and same:
            begin, end = int(found[1]), min(int(found[2] or 1 << 60), len(self.data) - 1)
            status, body = 206, self.data[begin : end + 1]
            headers["content_range"] = f"bytes {begin}-{end}/{len(self.data)}"
            if begin >= len(self.data):
                status, body = 416, b""
                headers["content_range"] = f"bytes */{len(self.data)}"
        whole = answer(body, status, kind="application/octet-stream", **headers)
        if self.breaks:
            await line.write(whole[: len(whole) - len(body) + self.breaks.pop(0)])
            line.cut()
        else:
            await line.write(whole)


def left(tmp_path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()}


async def test_a_file_and_its_digest(world, tmp_path):
    store = Store()
    http, served = await world.pair(store)
    assert await http.download("/f", tmp_path / "f", query={"path": "a b"}) == DIGEST
    assert (tmp_path / "f").read_bytes() == DATA
    assert left(tmp_path) == {"f"}
    assert served.targets == ["/f?path=a%20b"]
    assert served.seen[0].headers["accept-encoding"] == "identity"


async def test_an_empty_file(world, tmp_path):
    http, _ = await world.pair(Store(b""))
    assert await http.download("/f", tmp_path / "f") == "sha256:" + hashlib.sha256().hexdigest()
    assert (tmp_path / "f").read_bytes() == b""


async def test_it_goes_on_where_the_connection_broke_as_long_as_something_comes(world, tmp_path):
    store = Store(breaks=(BREAK, 50_000, 20_000, 20_000, 20_000, 20_000))
    http, _ = await world.pair(store)
    assert await http.download("/f", tmp_path / "f") == DIGEST
    starts = [0, 100_000, 150_000, 170_000, 190_000, 210_000, 230_000]
    assert store.ranges == [None, *(f"bytes={start}-" for start in starts[1:])]
    assert world.time.slept == [0.25] * 6


async def test_when_nothing_comes_any_more_it_is_given_up_and_kept(world, tmp_path):
    store = Store(breaks=(BREAK, *[10] * 9))
    http, _ = await world.pair(store)
    with pytest.raises(UnreachableError):
        await http.download("/f", tmp_path / "f")
    assert len(store.ranges) == 4  # the first made headway, the next three did not
    assert left(tmp_path) == {"f.part", "f.part.etag"}


async def broken_off(world, store, tmp_path):
    store.breaks = [BREAK]
    http, served = await world.pair(store, limits=ONCE)
    with pytest.raises(UnreachableError):
        await http.download("/f", tmp_path / "f")
    return http, served


async def test_the_next_download_goes_on_from_the_part(world, tmp_path):
    store = Store()
    http, served = await broken_off(world, store, tmp_path)
    assert await http.download("/f", tmp_path / "f") == DIGEST
    assert store.ranges == [None, f"bytes={BREAK}-"]
    assert served.seen[1].headers["if-range"] == store.etag
    assert left(tmp_path) == {"f"}


async def test_a_note_that_somebody_else_wrote_is_not_sent(world, tmp_path):
    store = Store()
    http, served = await broken_off(world, store, tmp_path)
    for note in (f'W/"weak"\n{served.url}/f', f'"a\x01"\n{served.url}/f', '"a"', "\xff"):
        (tmp_path / "f.part").write_bytes(b"x" * 100)
        (tmp_path / "f.part.etag").write_text(note, "latin-1")
        assert await http.download("/f", tmp_path / "f") == DIGEST
        assert store.ranges[-1] is None


async def test_another_file_by_its_etag_is_fetched_anew(world, tmp_path):
    store = Store()
    http, _ = await broken_off(world, store, tmp_path)
    store.data, store.etag = DATA[::-1], '"two"'
    assert await http.download("/f", tmp_path / "f") == (
        "sha256:" + hashlib.sha256(DATA[::-1]).hexdigest()
    )


async def test_another_address_is_fetched_anew(world, tmp_path):
    store = Store()
    http, _ = await broken_off(world, store, tmp_path)
    assert await http.download("/g", tmp_path / "f") == DIGEST
    assert store.ranges == [None, None]


@pytest.mark.parametrize("etag", ["", 'W/"weak"', "bare"])
async def test_without_a_strong_etag_nothing_is_gone_on_with(world, tmp_path, etag):
    store = Store(etag=etag)
    await broken_off(world, store, tmp_path)
    assert left(tmp_path) == set()
    store.breaks = [BREAK]
    http, _ = await world.pair(store)
    assert await http.download("/f", tmp_path / "f") == DIGEST
    assert store.ranges == [None, None, None]


async def test_a_server_that_ignores_the_etag_is_caught(world, tmp_path):
    class Careless(Store):
        async def __call__(self, request, line) -> None:
            request.headers.pop("if-range", None)
            await super().__call__(request, line)

    store = Careless()
    http, _ = await broken_off(world, store, tmp_path)
    store.data, store.etag = DATA[::-1], '"two"'
    await http.download("/f", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA[::-1]
    assert store.ranges == [None, f"bytes={BREAK}-", None]


async def test_a_part_that_was_whole_already(world, tmp_path):
    store = Store()
    http, _ = await broken_off(world, store, tmp_path)
    (tmp_path / "f.part").write_bytes(DATA)
    assert await http.download("/f", tmp_path / "f") == DIGEST
    assert store.ranges[-1] == f"bytes={len(DATA)}-"


async def test_a_part_that_is_longer_than_the_file(world, tmp_path):
    store = Store()
    http, _ = await broken_off(world, store, tmp_path)
    (tmp_path / "f.part").write_bytes(DATA + b"more")
    assert await http.download("/f", tmp_path / "f") == DIGEST


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"x", 206, content_range="bytes 7-7/8"),
        answer(b"", 206, content_range="bytes 0-0/8"),
        answer(b"x", 206),
        answer(b"", 416),
    ],
)
async def test_parts_that_nobody_asked_for(world, tmp_path, reply):
    http, served = await world.pair(saying(reply))
    with pytest.raises(DamagedError):
        await http.download("/f", tmp_path / "f")
    assert len(served.seen) == 1
    assert left(tmp_path) == set()


async def test_not_more_than_was_agreed(world, tmp_path):
    store = Store()
    http, _ = await world.pair(store)
    with pytest.raises(UsageError, match="larger than 255,999 bytes"):
        await http.download("/f", tmp_path / "f", most=len(DATA) - 1)
    assert await http.download("/f", tmp_path / "f", most=len(DATA)) == DIGEST

    async def endless(request, line):
        await line.write(answer(b"", transfer_encoding="chunked"))
        while True:
            await line.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    http, _ = await world.pair(endless)
    with pytest.raises(UsageError, match="larger than 5,000 bytes"):
        await http.download("/f", tmp_path / "g", most=5000)
    assert left(tmp_path) == {"f"}


async def test_a_missing_file_leaves_nothing(world, tmp_path):
    http, _ = await world.pair(saying(answer(status=404)))
    with pytest.raises(NotFoundError):
        await http.download("/f", tmp_path / "f")
    assert left(tmp_path) == set()


async def test_a_slow_file_is_waited_for_and_a_drip_is_not(world, tmp_path):
    async def slow(request, line):
        await line.write(answer(b"", content_length=str(20 * 20_000)))
        for _ in range(20):
            await line.write(b"x" * 20_000)
            await asyncio.sleep(0.05)

    http, _ = await world.pair(slow, limits=Limits(deadline=0.5, total=0.6, tries=1))
    await http.download("/f", tmp_path / "f")
    assert (tmp_path / "f").stat().st_size == 400_000

    async def drip(request, line):
        await line.write(answer(b"", content_length="1000"))
        while True:
            await line.write(b"x")
            await asyncio.sleep(0.02)

    http, _ = await world.pair(drip, limits=Limits(deadline=0.2, tries=1))
    with pytest.raises(UnreachableError, match=r"next to nothing came or went for 0\.2 s"):
        await http.download("/f", tmp_path / "g")


async def test_two_do_not_fetch_the_same_file_at_once(world, tmp_path):
    gate, begun = asyncio.Event(), asyncio.Event()
    store = Store()

    async def script(request, line):
        begun.set()
        await gate.wait()
        await store(request, line)

    http, _ = await world.pair(script)
    first = asyncio.create_task(http.download("/f", tmp_path / "f"))
    await begun.wait()
    with pytest.raises(BusyError, match="somebody else is fetching it"):
        await http.download("/f", tmp_path / "f")
    gate.set()
    assert await first == DIGEST


async def test_a_cancelled_download_goes_on_later(world, tmp_path):
    store = Store()
    stuck = asyncio.Event()

    async def script(request, line):
        if store.ranges:
            await store(request, line)
            return
        store.ranges.append(None)
        await line.write(answer(DATA, etag=store.etag)[: -len(DATA) + BREAK])
        stuck.set()
        await asyncio.Event().wait()

    http, served = await world.pair(script)
    task = asyncio.create_task(http.download("/f", tmp_path / "f"))
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await http.download("/f", tmp_path / "f") == DIGEST
    assert len(served.seen) == 2


async def test_a_full_disk_is_told_and_is_no_fault_of_the_server(world, tmp_path, monkeypatch):
    def write(part, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Part, "write", write)
    http, served = await world.pair(Store())
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        await http.download("/f", tmp_path / "f")
    assert len(served.seen) == 1
    assert http.exchanges[0].outcome == "broken off"


async def test_a_link_in_the_way_is_not_followed(world, tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "f.part").symlink_to(tmp_path / "precious")
    http, _ = await world.pair(Store())
    with pytest.raises(UsageError, match="cannot be written"):
        await http.download("/f", tmp_path / "f")
    with pytest.raises(UsageError, match="cannot be written"):
        await http.download("/f", tmp_path / "missing" / "f")
    assert (tmp_path / "precious").read_text() == "mine"


async def test_a_compressed_file_was_not_asked_for(world, tmp_path):
    http, _ = await world.pair(saying(answer(b"x", content_encoding="gzip")))
    with pytest.raises(DamagedError, match="uninvited"):
        await http.download("/f", tmp_path / "f")


@pytest.mark.parametrize(("start", "limit"), [(0, 10), (255_990, 100), (1000, 100_000), (5, 0)])
@pytest.mark.parametrize("ranges", [True, False])
async def test_a_piece_of_a_file(world, start, limit, ranges):
    store = Store()

    async def script(request, line):
        if not ranges:
            del request.headers["range"]
        await store(request, line)

    http, served = await world.pair(script)
    assert await http.fetch("/f", start=start, limit=limit) == DATA[start : start + limit]
    assert len(served.seen) == (1 if limit else 0)


async def test_a_piece_past_the_end_is_empty(world):
    http, _ = await world.pair(Store())
    assert await http.fetch("/f", start=len(DATA), limit=10) == b""


async def test_a_piece_of_a_file_without_end(world):
    async def endless(request, line):
        await line.write(answer(b"", transfer_encoding="chunked"))
        while True:
            await line.write(b"a\r\n0123456789\r\n" * 1000)

    http, _ = await world.pair(endless)
    assert await http.fetch("/f", start=13, limit=4) == b"3456"
    assert await http.fetch("/f", start=13, limit=4) == b"3456"


async def test_another_piece_than_the_one_that_was_asked_for(world):
    http, _ = await world.pair(saying(answer(b"x", 206, content_range="bytes 7-7/8")))
    with pytest.raises(DamagedError, match="another part"):
        await http.fetch("/f", start=3, limit=1)
