"""Files that are sent."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from ..api.connect import Limits
from ..api.errors import UsageError
from .bodies import Incoming
from .calls import Call
from .sending import Sender

PIECE = 64 << 10


async def upload(
    sender: Sender, url: str, source: BinaryIO | Path, method: str, limits: Limits
) -> None:
    """Send a file once; only a 401, which says that nothing was done, may have it sent again."""
    if not isinstance(source, Path):
        await _upload(sender, url, source, method, limits)
        return
    try:
        file = await asyncio.to_thread(source.open, "rb")
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", where=str(source)) from None
    with file:
        await _upload(sender, url, file, method, limits)


async def _upload(sender: Sender, url: str, source: BinaryIO, method: str, limits: Limits) -> None:
    begin, length = _extent(source)

    async def content() -> AsyncIterator[bytes]:
        while data := await asyncio.to_thread(source.read, PIECE):
            yield data

    def rewind() -> bool:
        if begin is not None:
            source.seek(begin)
        return begin is not None

    headers = {"Content-Type": "application/octet-stream"}
    if length is not None:
        headers["Content-Length"] = str(length)

    async def take(incoming: Incoming) -> None:
        await incoming.whole(limits.most, limits.ratio, cut=True)

    call = Call(
        method=method,
        url=url,
        repeatable=False,
        limits=limits,
        headers=lambda: headers,
        content=content,
        rewind=rewind,
        patient=True,
    )
    await sender.send(call, take)


def _extent(source: BinaryIO) -> tuple[int | None, int | None]:
    """Where `source` stands and how much follows; None for what cannot be known of a pipe."""
    if not source.seekable():
        return None, None
    begin = source.tell()
    length = source.seek(0, os.SEEK_END) - begin
    source.seek(begin)
    return begin, length
