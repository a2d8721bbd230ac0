"""The proxy's faults are what they are called, as a plain HTTP client meets them."""

from __future__ import annotations

import asyncio
import json
import ssl
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.servers import faults
from tests.servers.certificates import KINDS, Authority
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.simulated
ITEMS = list(range(10))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server with pages of numbers; its tokens are offsets."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(line for line in head.lower().split("\r\n") if "content-length" in line)
    words = json.loads(await reader.readexactly(int(length.split(":")[1])) or b"{}")
    start = int(words.get("page_token", 0))
    stop = start + words.get("max_results", len(ITEMS))
    found = {"runs": ITEMS[start:stop]}
    if stop < len(ITEMS):
        found["next_page_token"] = str(stop)
    body = json.dumps(found).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    # In chunks, as uvicorn sends what it does not know the length of.
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def proxy():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with Proxy(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as proxy:
        yield proxy
    server.close()
    await server.wait_closed()


@pytest.fixture
async def client(proxy):
    async with httpx.AsyncClient(base_url=proxy.url, timeout=1, trust_env=False) as client:
        yield client


async def page(client: httpx.AsyncClient, **words) -> dict:
    return (await client.post("/runs/search", json=words)).json()


async def test_without_a_fault_it_passes_on(proxy, client):
    assert await page(client, max_results=4) == {"runs": [0, 1, 2, 3], "next_page_token": "4"}
    assert await page(client, page_token="4") == {"runs": ITEMS[4:]}
    await client.post("/runs/create", json={})
    assert proxy.count("POST", "/search") == 2
    assert [request.path for request in proxy.changes] == ["/runs/create"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.drop, httpx.RemoteProtocolError),
        (faults.lost, httpx.RemoteProtocolError),
        (faults.reset, httpx.ReadError),
        (faults.hang, httpx.ReadTimeout),
        (faults.truncated, httpx.RemoteProtocolError),
        (faults.malformed, json.JSONDecodeError),
        (faults.empty, json.JSONDecodeError),
        (faults.login_page, json.JSONDecodeError),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_faults_that_a_client_notices(proxy, client, fault, error):
    proxy.meet(fault, times=1)
    with pytest.raises(error):
        await page(client)
    assert await page(client) == {"runs": ITEMS}


@pytest.mark.parametrize("fault", [faults.slow_header, faults.drip], ids=["header", "body"])
async def test_bytes_that_come_slowly_hold_a_client_that_waits_for_each(proxy, client, fault):
    rule = proxy.meet(fault)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await page(client)
    assert rule.met == 1


async def test_a_huge_body_comes_as_long_as_one_reads(proxy, client):
    proxy.meet(faults.huge)
    got = 0
    async with client.stream("POST", "/runs/search", json={}) as answer:
        async for piece in answer.aiter_raw():
            got += len(piece)
            if got > 8 << 20:
                break
    assert got > 8 << 20


async def test_answers_that_are_said_without_the_server(proxy, client):
    proxy.meet(faults.status(429, ("retry-after", "7")), times=1)
    answer = await client.get("/version")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    proxy.meet(faults.unauthorized, times=1)
    assert (await client.get("/version")).status_code == 401
    proxy.meet(faults.wrong_type, times=1)
    assert await page(client) == {"runs": 7}
    proxy.meet(faults.flapping, times=4)
    found = [(await client.post("/runs/search", json={})).status_code for _ in range(4)]
    assert found == [503, 200, 503, 200]


async def test_redirects(proxy, client):
    proxy.meet(faults.redirect_loop, times=1)
    assert (await client.get("/version?a=1")).headers["location"] == "/version?a=1"
    proxy.meet(faults.redirect_elsewhere, times=1)
    assert (await client.get("/version")).headers["location"].startswith(proxy.other_url)
    assert proxy.elsewhere == 0
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(proxy.other_url)
    assert proxy.elsewhere == 1


async def test_a_clock_ahead(proxy, client):
    proxy.meet(faults.skewed(86_400), times=1)
    ahead = (await client.post("/runs/search", json={})).headers["date"]
    proxy.meet(faults.skewed(0), times=1)
    now = (await client.post("/runs/search", json={})).headers["date"]
    between = parsedate_to_datetime(ahead) - parsedate_to_datetime(now)
    assert 86_000 < between.total_seconds() <= 86_400


async def test_pages_that_do_not_fit_together(proxy, client):
    proxy.meet(faults.partial_page, times=1)
    assert await page(client, max_results=4) == {"runs": [0, 1], "next_page_token": "2"}
    rule = proxy.meet(faults.duplicate_page, times=2)
    first = await page(client, max_results=4)
    again = await page(client, max_results=4, page_token="4")
    assert (first["runs"], again["runs"]) == ([0, 1, 2, 3], [0, 1, 2, 3])
    assert again["next_page_token"] == "8"
    assert rule.met == 2
    proxy.meet(faults.repeated_token, times=2)
    assert (await page(client, max_results=4))["next_page_token"] == "4"
    assert (await page(client, page_token="4"))["next_page_token"] == "4"


@pytest.mark.parametrize("kind", KINDS)
async def test_certificates(proxy, tmp_path, kind):
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cafile=authority.file)
    async with (
        Proxy(proxy.server, tls=authority.context(kind)) as door,
        httpx.AsyncClient(base_url=door.url, verify=trust, trust_env=False) as client,
    ):
        if kind == "good":
            assert await page(client) == {"runs": ITEMS}
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await page(client)
            assert door.seen == []
