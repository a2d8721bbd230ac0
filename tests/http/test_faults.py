"""What happens on the way: lost connections, names, certificates, proxies."""

from __future__ import annotations

import asyncio
import socket

import pytest

from modeldeck.backends.api.connect import Limits, Trust
from modeldeck.backends.api.errors import DeniedError, UnreachableError, UsageError

from .certificates import Authority
from .serving import Served, answer, saying

QUICK = Limits(deadline=0.2, total=5.0)


async def drops(request, line):
    line.cut()


async def resets(request, line):
    line.reset()


async def resets_midway(request, line):
    await line.write(answer(b"x" * 100)[:-50])
    line.reset()


async def truncates(request, line):
    await line.write(answer(b"x" * 100)[:-50])
    line.cut()


async def truncates_chunks(request, line):
    await line.write(answer(b"64\r\nhalf", transfer_encoding="chunked"))
    line.cut()


async def says_nothing(request, line):
    await asyncio.Event().wait()


async def drips_headers(request, line):
    for byte in answer():
        await line.write(bytes([byte]))
        await asyncio.sleep(0.05)


async def drips(request, line):
    await line.write(answer(headers="", content_length="1000", body=b""))
    while True:
        await line.write(b"x")
        await asyncio.sleep(0.02)


async def flows(request, line):
    await line.write(answer(b"", transfer_encoding="chunked"))
    while True:
        await line.write(b"4e20\r\n" + b"x" * 20_000 + b"\r\n")
        await asyncio.sleep(0.02)


async def talks(request, line):
    await line.write(b"220 mail.example.org ESMTP\r\n\r\n")
    line.cut()


async def headers_without_end(request, line):
    await line.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000)


FAULTS = {
    drops: ("closed without an answer", 4),
    resets: ("connection was lost", 4),
    resets_midway: ("connection was lost|in the middle", 4),
    truncates: ("in the middle of the answer", 4),
    truncates_chunks: ("in the middle of the answer", 4),
    says_nothing: ("no answer within 0.2 s", 4),
    drips_headers: ("no answer within 0.2 s", 4),
    drips: (r"not complete after 0.2 s \([\d,]+ bytes of it came\)", 4),
    flows: (r"not complete after 0.2 s \([\d,]+ bytes of it came\)", 4),
    talks: ("is no HTTP", 1),
    headers_without_end: ("more headers than", 1),
}


@pytest.mark.real
@pytest.mark.parametrize("script", FAULTS)
async def test_each_fault_has_its_words_and_reads_are_tried_again(world, script):
    message, tries = FAULTS[script]
    http, served = await world.pair(script, limits=QUICK)
    with pytest.raises(UnreachableError, match=message) as caught:
        await http.request("GET", "/x")
    assert caught.value.sent
    assert caught.value.where == f"{served.url}/x"
    assert len(served.seen) == tries
    assert all(exchange.outcome not in ("ok", "cancelled") for exchange in http.exchanges)


@pytest.mark.real
@pytest.mark.parametrize("script", FAULTS)
async def test_no_fault_makes_a_change_be_sent_twice(world, script):
    http, served = await world.pair(script, limits=QUICK)
    with pytest.raises(UnreachableError, match="Whether it was done is not known"):
        await http.request("POST", "/x", body={})
    assert [request.method for request in served.seen] == ["POST"]


@pytest.mark.real
async def test_after_a_fault_the_next_try_may_do(world):
    scripts = [drops, truncates, saying(answer("[1]"))]

    async def script(request, line):
        await (scripts.pop(0) if len(scripts) > 1 else scripts[0])(request, line)

    http, _ = await world.pair(script)
    assert (await http.request("GET", "/x")).body == b"[1]"
    assert [exchange.outcome for exchange in http.exchanges] == ["dropped", "truncated", "ok"]


@pytest.mark.real
async def test_a_refused_connection_is_known_not_to_have_sent_anything(world):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        http = world.client(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(UnreachableError, match="nothing listens there") as caught:
            await http.request("POST", "/x")
    assert caught.value.sent is False
    assert "is not known" not in str(caught.value)


@pytest.mark.simulated
@pytest.mark.parametrize(
    ("code", "message", "tries"),
    [(socket.EAI_NONAME, "no such host", 1), (socket.EAI_AGAIN, "no name server", 4)],
)
async def test_a_name_without_an_address(world, monkeypatch, code, message, tries):
    asked = []

    async def getaddrinfo(*args, **kwargs):
        asked.append(args[0])
        raise socket.gaierror(code, "simulated")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    http = world.client("https://mlflow.example.org")
    with pytest.raises(UnreachableError, match=message) as caught:
        await http.request("GET", "/x")
    assert caught.value.sent is False
    assert len(http.exchanges) == tries
    assert {str(name) for name in asked} <= {"mlflow.example.org", "b'mlflow.example.org'"}


# --- TLS ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.mark.real
async def test_a_ca_of_ones_own(world, authority):
    served = await world.server(saying(answer("[]")), tls=authority.server())
    http = world.client(served.url, trust=Trust(ca_file=str(authority.file)))
    assert (await http.request("GET", "/x")).body == b"[]"


@pytest.mark.real
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"days": -1}, "has expired.*clock of this machine"),
        ({"host": "other.example.org"}, "another host name"),
        ({"own": True}, "self-signed.*`ca_file`"),
    ],
)
async def test_certificates_that_are_not_trusted(world, authority, how, message):
    served = await world.server(saying(answer()), tls=authority.server(**how))
    http = world.client(served.url, trust=Trust(ca_file=str(authority.file)))
    with pytest.raises(UnreachableError, match=message) as caught:
        await http.request("GET", "/x")
    assert caught.value.sent is False
    assert len(http.exchanges) == 1
    assert served.seen == []

    unverified = world.client(served.url, trust=Trust(verify=False))
    assert (await unverified.request("GET", "/x")).status == 200


@pytest.mark.real
async def test_a_ca_that_nobody_knows(world, authority):
    served = await world.server(saying(answer()), tls=authority.server())
    with pytest.raises(UnreachableError, match=r"signed by nobody we trust.*`ca_file`"):
        await world.client(served.url).request("GET", "/x")


@pytest.mark.real
async def test_a_server_that_wants_a_certificate_of_ours(world, authority):
    served = await world.server(saying(answer()), tls=authority.server(clients=True))
    trust = {"ca_file": str(authority.file)}
    with pytest.raises(UnreachableError, match="`client_cert`"):
        await world.client(served.url, trust=Trust(**trust)).request("GET", "/x")
    cert, key = map(str, authority.issue("alice"))
    http = world.client(served.url, trust=Trust(**trust, client_cert=cert, client_key=key))
    assert (await http.request("GET", "/x")).status == 200


@pytest.mark.real
async def test_tls_where_none_is_spoken(world):
    async def connected(line):
        await line.reader.read(10)
        await line.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    served = await world.server(raw=connected)
    http = world.client(served.url.replace("http:", "https:"))
    with pytest.raises(UnreachableError, match=r"begin with http://") as caught:
        await http.request("GET", "/x")
    assert caught.value.sent is False
    assert served.connections == 1


@pytest.mark.real
async def test_a_handshake_that_hangs_is_given_up_and_closed(world):
    ended = asyncio.Event()

    async def connected(line):
        while await line.reader.read(1000):
            pass
        ended.set()

    served = await world.server(raw=connected)
    http = world.client(served.url.replace("http:", "https:"))
    with pytest.raises(UnreachableError, match=r"no connection within 0.1 s") as caught:
        await http.request("GET", "/x", limits=Limits(deadline=0.1, tries=1))
    await ended.wait()
    assert caught.value.sent is False


@pytest.mark.real
async def test_files_of_trust_that_are_of_no_use(world, authority, tmp_path):
    cert, locked = map(str, authority.issue("bob", passphrase=b"hush"))
    (tmp_path / "junk.pem").write_text("junk")
    junk = str(tmp_path / "junk.pem")
    missing = str(tmp_path / "missing.pem")
    for trust, message in [
        (Trust(ca_file=missing), "cannot be read"),
        (Trust(ca_file=junk), "no usable"),
        (Trust(client_cert=junk), "no usable"),
        (Trust(client_cert=cert, client_key=locked), "locked with a passphrase"),
    ]:
        with pytest.raises(UsageError, match=message):
            await world.client("https://127.0.0.1:9", trust=trust).request("GET", "/x")


# --- proxies ---


async def tunnel(request, line):
    """A proxy: CONNECT is joined with its target, other requests are answered at once."""
    if request.method != "CONNECT":
        await line.write(answer('["proxied"]'))
        return
    host, _, port = request.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await line.write(b"HTTP/1.1 200 Go\r\n\r\n")

    async def pump(source, sink):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
        sink.close()

    await asyncio.gather(
        pump(reader, line.writer), pump(line.reader, writer), return_exceptions=True
    )


@pytest.mark.real
async def test_through_a_proxy_with_a_password(world):
    proxy = await world.server(tunnel)
    url = proxy.url.replace("//", "//joe:s3cret@")
    http = world.client("http://mlflow.example.org/deep", trust=Trust(proxy=url))
    assert (await http.request("GET", "/x")).body == b'["proxied"]'
    assert proxy.targets == ["http://mlflow.example.org/deep/x"]
    assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.real
async def test_through_a_tunnel_the_certificate_is_still_the_servers(world, authority):
    proxy = await world.server(tunnel)
    served = await world.server(saying(answer("[]")), tls=authority.server())
    trust = Trust(proxy=proxy.url, ca_file=str(authority.file))
    assert (await world.client(served.url, trust=trust).request("GET", "/x")).body == b"[]"
    assert proxy.targets == [f"127.0.0.1:{served.port}"]
    assert "authorization" not in proxy.seen[0].headers


@pytest.mark.real
async def test_a_proxy_that_refuses(world):
    proxy = await world.server(saying(answer("", 407)))
    trust = Trust(proxy=proxy.url.replace("//", "//joe:s3cret@"))
    with pytest.raises(UnreachableError, match=r"proxy http://127.*refused.*407") as caught:
        await world.client("https://mlflow.example.org", trust=trust).request("POST", "/x")
    assert caught.value.sent is False
    assert "s3cret" not in str(caught.value)
    with pytest.raises(DeniedError, match="the proxy wants to know"):
        await world.client("http://mlflow.example.org", trust=trust).request("GET", "/x")


@pytest.mark.real
async def test_a_proxy_that_is_away_is_named(world):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        trust = Trust(proxy=f"joe:s3cret@127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(
            UnreachableError, match=r"the proxy http://127.0.0.1:.*refused"
        ) as caught:
            await world.client("https://mlflow.example.org", trust=trust).request("GET", "/x")
    assert "s3cret" not in str(caught.value)


@pytest.mark.real
async def test_the_proxy_of_the_environment(world, monkeypatch):
    proxy = await world.server(tunnel)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "direct.example.org")
    served: Served = await world.server(saying(answer('["direct"]')))
    assert (await world.client("http://a.example.org").request("GET", "/x")).body == b'["proxied"]'
    assert (await world.client(served.url).request("GET", "/x")).body == b'["direct"]'
    assert proxy.targets == ["http://a.example.org/x"]


async def test_socks_needs_its_package(world):
    http = world.client("http://a.example.org", trust=Trust(proxy="socks5://127.0.0.1:1080"))
    with pytest.raises(UsageError, match="socksio"):
        await http.request("GET", "/x")
