"""A door before a real server that can misbehave: each request meets what a test has scripted.

    async with Proxy(server.url) as proxy:
        proxy.meet(faults.drop, times=1)                      # the next request
        proxy.meet(faults.status(503), lambda r: r.method == "POST")
        ...
        assert proxy.count("POST", "/registered-models/alias") == 1

Without a fault it passes requests on and answers back. `seen` holds every request that came, in
order. A fault is a function that is given an `Exchange`; those there are lie in `faults.py`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65536
HOP = {"connection", "keep-alive", "content-length", "transfer-encoding"}
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Message:
    """What a request and an answer have in common. Names of headers are in lower case."""

    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def without(self, *names: str) -> Headers:
        return tuple(pair for pair in self.headers if pair[0] not in names)

    def lines(self, first: str) -> bytes:
        head = [first, *(f"{key}: {value}" for key, value in self.headers)]
        return "\r\n".join([*head, "", ""]).encode("latin-1")


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    method: str
    target: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def changes(self) -> bool:
        """Whether sending it a second time could do something a second time."""
        return self.method not in ("GET", "HEAD") and not self.path.endswith("/search")

    def raw(self) -> bytes:
        return self.lines(f"{self.method} {self.target} HTTP/1.1") + self.body


@dataclass(frozen=True, kw_only=True)
class Answer(Message):
    status: int = 200
    reason: str = "Said by the proxy"

    def head(self) -> bytes:
        """Status and headers, with the length of the body where they do not say one."""
        whole = self
        if not self.header("content-length"):
            whole = replace(self, headers=(*self.headers, ("content-length", str(len(self.body)))))
        return whole.lines(f"HTTP/1.1 {self.status} {self.reason}")


class Exchange:
    """One request that came, and how it can be answered."""

    def __init__(self, proxy: Proxy, request: Request, writer: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.request = request
        self.writer = writer
        self.turn = 0
        """How many requests for the same path have met the same rule, this one counted."""

    async def ask(self, request: Request | None = None) -> Answer:
        """What the real server answers to the request, or to another one in its stead."""
        return await self.proxy.forward(request or self.request)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, answer: Answer) -> None:
        if not self.proxy.keep:
            answer = replace(answer, headers=(*answer.headers, ("connection", "close")))
        await self.send(answer.head() + answer.body)
        if not self.proxy.keep:
            self.close()

    async def gone(self) -> None:
        """Until whoever asked has had enough."""
        while not self.writer.is_closing():
            await self.pause()

    async def pause(self) -> None:
        """A moment between two bytes of a slow answer; fails when nobody waits for it."""
        await asyncio.sleep(0.05)
        if self.proxy.left(self.writer):
            raise ConnectionResetError

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Close without the usual farewell, so that what was sent may be lost as well."""
        at_once = struct.pack("ii", 1, 0)
        plug = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.writer.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Rule:
    fault: Fault
    when: Callable[[Request], bool]
    times: int | None
    met: int = 0
    paths: Counter[str] = field(default_factory=Counter)

    def takes(self, request: Request) -> bool:
        return (self.times is None or self.met < self.times) and self.when(request)


async def read_head(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return lines[0], tuple((name.lower(), value.strip()) for name, _, value in pairs)


async def read_body(reader: asyncio.StreamReader, message: Message, *, to_end: bool) -> bytes:
    if message.header("transfer-encoding").lower() == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    if length := message.header("content-length"):
        return await reader.readexactly(int(length))
    return await reader.read() if to_end else b""


@dataclass
class Proxy:
    """See above. `tls` makes it speak TLS; without `keep` each request has its own connection.

    `elsewhere` counts who came to its second address.
    """

    server: str
    tls: ssl.SSLContext | None = None
    keep: bool = True
    seen: list[Request] = field(default_factory=list)
    elsewhere: int = 0
    rules: list[Rule] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.tasks: set[asyncio.Task[None]] = set()
        self.readers: dict[asyncio.StreamWriter, asyncio.StreamReader] = {}
        self.listener = await asyncio.start_server(
            self.serve, "127.0.0.1", 0, ssl=self.tls, limit=1 << 20
        )
        self.other = await asyncio.start_server(self.serve_elsewhere, "127.0.0.1", 0)
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        self.other_url = f"http://127.0.0.1:{self.other.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in (self.listener, self.other):
            listener.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for listener in (self.listener, self.other):
            await listener.wait_closed()

    def meet(
        self,
        fault: Fault,
        when: Callable[[Request], bool] = lambda _: True,
        *,
        times: int | None = None,
    ) -> Rule:
        """Let the requests that `when` chooses meet this, the next `times` or all of them."""
        rule = Rule(fault, when, times)
        self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """End all faults; what was seen stays."""
        self.rules.clear()

    def count(self, method: str, ending: str) -> int:
        """How many requests of this method came whose path ends so."""
        return sum(one.method == method and one.path.endswith(ending) for one in self.seen)

    @property
    def changes(self) -> list[Request]:
        """Every request that would do something twice if it came twice."""
        return [request for request in self.seen if request.changes]

    def left(self, writer: asyncio.StreamWriter) -> bool:
        """Whether whoever asked on this connection has gone."""
        reader = self.readers.get(writer)
        return writer.is_closing() or reader is None or reader.at_eof()

    async def forward(self, request: Request) -> Answer:
        address = urlsplit(self.server)
        assert address.hostname
        assert address.port
        reader, writer = await asyncio.open_connection(
            address.hostname, address.port, limit=1 << 20
        )
        try:
            headers = (
                *request.without(*HOP, "host"),
                ("host", address.netloc),
                ("connection", "close"),
                ("content-length", str(len(request.body))),
            )
            writer.write(replace(request, headers=headers).raw())
            first, found = await read_head(reader)
            _, status, reason = (first + "  ").split(" ", 2)
            answer = Answer(status=int(status), reason=reason.strip(), headers=found)
            body = b""
            if request.method != "HEAD":
                body = await read_body(reader, answer, to_end=True)
            return replace(answer, headers=answer.without(*HOP), body=body)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        self.readers[writer] = reader
        try:
            with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
                while not writer.is_closing():
                    await self.one(reader, writer)
        except asyncio.CancelledError:
            # asyncio reports a cancelled connection as an error; it is our own way to end.
            pass
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()
            del self.readers[writer]
            self.tasks.discard(task)

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, headers = await read_head(reader)
        method, target, _ = first.split(" ", 2)
        request = Request(method=method, target=target, headers=headers)
        request = replace(request, body=await read_body(reader, request, to_end=False))
        self.seen.append(request)
        exchange = Exchange(self, request, writer)
        rule = next((rule for rule in self.rules if rule.takes(request)), None)
        if rule is None:
            await exchange.answer(await exchange.ask())
        else:
            rule.met += 1
            rule.paths[request.path] += 1
            exchange.turn = rule.paths[request.path]
            await rule.fault(exchange)

    async def serve_elsewhere(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.elsewhere += 1
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
