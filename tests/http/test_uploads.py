"""Files that are sent: in pieces, and once."""

from __future__ import annotations

import asyncio
import io
import os

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import DeniedError, UnreachableError, UsageError

from .conftest import Known
from .serving import answer, saying

pytestmark = pytest.mark.real
DATA = os.urandom(1_000_000)


async def test_a_file_is_sent_with_its_length(world, tmp_path):
    (tmp_path / "f").write_bytes(DATA)
    http, served = await world.pair(saying(answer("", 201)))
    await http.upload("/f", tmp_path / "f")
    await http.upload("/g", io.BytesIO(DATA), method="POST")
    assert [(request.method, request.body) for request in served.seen] == [
        ("PUT", DATA),
        ("POST", DATA),
    ]
    assert served.seen[0].headers["content-length"] == str(len(DATA))
    assert served.seen[0].headers["content-type"] == "application/octet-stream"


async def test_a_pipe_is_sent_in_chunks_and_an_open_file_from_where_it_stands(world):
    http, served = await world.pair(saying(answer()))
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        await http.upload("/f", source)
    source = io.BytesIO(DATA)
    source.seek(999_990)
    await http.upload("/f", source)
    assert [request.body for request in served.seen] == [b"piped", DATA[-10:]]
    assert served.seen[0].headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_upload_is_not_sent_twice(world, status):
    http, served = await world.pair(saying(answer("", status), answer()))
    with pytest.raises(UnreachableError, match="not known"):
        await http.upload("/f", io.BytesIO(DATA))
    assert len(served.seen) == 1


async def test_after_fresh_credentials_it_is_sent_again_from_the_start(world):
    known = Known("Bearer old", "Bearer new")
    http, served = await world.pair(saying(answer("", 401), answer()), credentials=known)
    await http.upload("/f", io.BytesIO(DATA))
    assert [request.body for request in served.seen] == [DATA, DATA]


async def test_a_pipe_cannot_be_sent_again(world):
    known = Known("Bearer old", "Bearer new")
    http, served = await world.pair(saying(answer("", 401), answer()), credentials=known)
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    with os.fdopen(reader, "rb") as source, pytest.raises(DeniedError):
        await http.upload("/f", source)
    assert len(served.seen) == 1


async def test_a_server_that_does_not_take_it_is_given_up(world):
    async def connected(line):
        await line.reader.read(1000)
        await asyncio.Event().wait()

    served = await world.server(raw=connected)
    http = world.client(served.url, limits=Limits(deadline=0.2))
    with pytest.raises(UnreachableError, match="next to nothing came or went"):
        await http.upload("/f", io.BytesIO(DATA * 20))


async def test_a_refusal_in_the_middle_is_heard(world):
    async def connected(line):
        await line.reader.read(1000)
        await line.write(answer("", 413))
        while await line.reader.read(100_000):
            pass

    served = await world.server(raw=connected)
    with pytest.raises(UsageError, match="413"):
        await world.client(served.url).upload("/f", io.BytesIO(DATA))


async def test_a_file_that_is_not_there(world, tmp_path):
    http, served = await world.pair(saying(answer()))
    with pytest.raises(UsageError, match="cannot be read"):
        await http.upload("/f", tmp_path / "f")
    assert served.seen == []
