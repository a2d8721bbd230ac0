"""Nothing that comes is larger, or grows larger, than was agreed."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import DamagedError, UnreachableError
from modeldeck.backends.http import bodies

from .serving import answer, saying

pytestmark = pytest.mark.real
SMALL = Limits(most=1000)


def packed(data: bytes, **headers: str) -> bytes:
    return answer(data, content_encoding="gzip", **headers)


async def test_gzip_is_asked_for_and_decoded(world):
    text = b"[" + b"1," * 5000 + b"1]"
    http, served = await world.pair(saying(packed(gzip.compress(text))))
    found = await http.request("GET", "/x")
    assert found.body == text
    assert served.seen[0].headers["accept-encoding"] == "gzip"
    assert http.exchanges[0].received == len(gzip.compress(text))


async def test_gzip_in_several_members_and_many_pieces(world, monkeypatch):
    monkeypatch.setattr(bodies, "PIECE", 1000)
    parts = [bytes([65 + part]) * 2000 for part in range(5)]
    wire = b"".join(map(gzip.compress, parts))

    async def script(request, line):
        await line.write(packed(wire)[: -len(wire)])
        for byte in wire:
            await line.write(bytes([byte]))

    http, _ = await world.pair(script)
    assert (await http.request("GET", "/x")).body == b"".join(parts)


async def test_a_bomb_does_not_go_off(world):
    bomb = gzip.compress(b"\0" * 100_000_000)
    http, served = await world.pair(saying(packed(bomb)))
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError, match="how bombs are made"):
            await http.request("GET", "/x", limits=Limits(most=1 << 30))
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()
    assert len(served.seen) == 1


async def test_a_bomb_within_a_bomb_stays_packed(world):
    twice = gzip.compress(gzip.compress(b"\0" * 10_000_000))
    http, _ = await world.pair(saying(answer(twice, content_encoding="gzip, gzip")))
    with pytest.raises(DamagedError, match="nobody asked for"):
        await http.request("GET", "/x")


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "\u00fc"])
async def test_encodings_that_nobody_asked_for(world, encoding):
    http, _ = await world.pair(saying(answer(zlib.compress(b"[]"), content_encoding=encoding)))
    with pytest.raises(DamagedError, match="nobody asked for"):
        await http.request("GET", "/x")


@pytest.mark.parametrize(
    "wire",
    [gzip.compress(b"[" * 5000)[:-9], b"no gzip", gzip.compress(b"[]") + b"junk"],
    ids=["cut", "none", "more"],  # not by its bytes: gzip writes the time into them
)
async def test_damaged_gzip(world, wire):
    http, _ = await world.pair(saying(packed(wire)))
    with pytest.raises(DamagedError, match="damaged gzip"):
        await http.request("GET", "/x")


@pytest.mark.parametrize("size", ["1001", "1000000000000", "9" * 30])
async def test_a_huge_length_is_refused_before_it_comes(world, size):
    async def script(request, line):
        await line.write(answer(b"", content_length=size))
        await asyncio.Event().wait()

    http, served = await world.pair(script, limits=SMALL)
    with pytest.raises((DamagedError, UnreachableError), match=r"at most 1,000 bytes|no HTTP"):
        await http.request("GET", "/x")
    assert len(served.seen) == 1


async def test_what_was_refused_does_not_hold_its_connection(world):
    async def script(request, line):
        huge = answer(b"", content_length="1000000")
        await line.write(huge if request.target == "/huge" else answer())

    http, _ = await world.pair(script, limits=SMALL)
    for _ in range(10):
        with pytest.raises(DamagedError, match="at most 1,000 bytes"):
            await http.request("GET", "/huge")
    assert (await http.request("GET", "/x")).status == 200


async def test_a_body_without_end_is_cut(world):
    sent = 0

    async def script(request, line):
        nonlocal sent
        await line.write(answer(b"", transfer_encoding="chunked"))
        while True:
            await line.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
            sent += 1000

    http, _ = await world.pair(script, limits=SMALL)
    with pytest.raises(DamagedError, match=r"at most 1,000 bytes.*Ask for less"):
        await http.request("GET", "/x")
    assert http.exchanges[0].received < 1_000_000


async def test_a_head_may_name_any_length(world):
    http, served = await world.pair(saying(answer(b"", content_length="1000000")), limits=SMALL)
    for _ in range(2):
        found = await http.request("HEAD", "/x")
        assert (found.body, found.headers["content-length"]) == (b"", "1000000")
    assert served.connections == 1


async def test_exactly_as_much_as_was_agreed(world):
    http, _ = await world.pair(saying(answer(b"x" * 1000)), limits=SMALL)
    assert len((await http.request("GET", "/x")).body) == 1000


async def test_the_body_of_an_error_is_cut_and_its_status_counts(world):
    seen = []
    http, _ = await world.pair(
        saying(answer(b"x" * 2_000_000, 404)), explain=lambda found: seen.append(found.body)
    )
    with pytest.raises(Exception, match="knows nothing by that name"):
        await http.request("GET", "/x")
    assert len(seen[0]) == 256 << 10

    http, _ = await world.pair(saying(answer(b"?", 404, content_encoding="br")))
    with pytest.raises(Exception, match="knows nothing by that name"):
        await http.request("GET", "/x")


async def test_headers_of_200_kb(world):
    http, served = await world.pair(saying(answer(x="y" * 200_000)))
    with pytest.raises(UnreachableError, match="more headers than"):
        await http.request("GET", "/x")
    assert len(served.seen) == 1


async def test_at_most_so_many_at_once_and_files_do_not_stand_in_the_way(world, tmp_path):
    gate, full = asyncio.Event(), asyncio.Event()

    async def script(request, line):
        if len(served.seen) == 8:
            full.set()
        await gate.wait()
        await line.write(answer())

    http, served = await world.pair(script)
    files = [http.download("/f", tmp_path / f"{n}") for n in range(9)]
    tasks = [asyncio.create_task(http.request("GET", f"/{n}")) for n in range(20)]
    tasks += [asyncio.create_task(file) for file in files]
    await full.wait()
    gate.set()
    await asyncio.gather(*tasks)
    assert served.most_at_once == 8
    assert served.targets[:8].count("/f") == 2
    assert served.connections == 8


async def test_an_address_is_taken_as_it_is_written(world):
    http, served = await world.pair(saying(answer()), path="/a%20b/prefix/")
    await http.request("GET", "/x%2Fy/%25/%23/a..b/%C3%BC", query={"filter": "name = 'ü&%'"})
    await http.request("GET", "/x", query={"ids": ["a", "b/c"], "all": True, "n": 3, "no": None})
    assert served.targets == [
        "/a%20b/prefix/x%2Fy/%25/%23/a..b/%C3%BC?filter=name%20%3D%20%27%C3%BC%26%25%27",
        "/a%20b/prefix/x?ids=a&ids=b%2Fc&all=true&n=3",
    ]
