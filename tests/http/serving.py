"""A server that does what a test tells it: bytes, delays, drops, with or without TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Line:
    """A connection to write to. `cut` ends it in the middle, `reset` with an RST."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def cut(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        plug = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Script = Callable[[Request, Line], Awaitable[None]]


@dataclass
class Served:
    """What a server has seen: each request, and how many connections."""

    port: int = 0
    scheme: str = "http"
    seen: list[Request] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _now: int = 0
    _tasks: set[asyncio.Task] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.seen]


def answer(
    body: bytes | str = b"{}", status: int = 200, *, kind: str = "application/json", **headers: str
) -> bytes:
    """A whole answer; `retry_after="3"` becomes `Retry-After: 3`."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever"]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if kind:
        lines.append(f"Content-Type: {kind}")
    if not {"content-length", "transfer-encoding"} & {name.lower() for name in named}:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def saying(*answers: bytes) -> Script:
    """Gives these answers in turn, and the last one ever after."""
    left = list(answers)

    async def script(request: Request, line: Line) -> None:
        await line.write(left.pop(0) if len(left) > 1 else left[0])

    return script


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in rest if line)
    request = Request(method, target, {n.lower(): v.strip() for n, _, v in pairs})
    if "content-length" in request.headers:
        request.body = await reader.readexactly(int(request.headers["content-length"]))
    elif request.headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            request.body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return request


@asynccontextmanager
async def serving(
    script: Script | None = None,
    *,
    raw: Callable[[Line], Awaitable[None]] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Served]:
    """A server on loopback that runs `script` for each request, or `raw` for each connection.

    It ends with all its connections.
    """
    served = Served(scheme="https" if tls else "http")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        served._tasks.add(task)
        served.connections += 1
        line = Line(reader, writer)
        try:
            if raw is not None:
                await raw(line)
            while raw is None and not writer.is_closing() and (request := await _read(reader)):
                served.seen.append(request)
                served._now += 1
                served.most_at_once = max(served.most_at_once, served._now)
                try:
                    await script(request, line)
                finally:
                    served._now -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            served._tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in list(served._tasks):
            task.cancel()
        await asyncio.gather(*served._tasks, return_exceptions=True)
        await server.wait_closed()
