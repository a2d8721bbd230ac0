"""Bodies of answers, taken in pieces and never more than was agreed."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from ..api.errors import DamagedError

if TYPE_CHECKING:
    import httpx

PIECE = 1 << 20
# Below this a body may have any ratio: it does no harm, and lists of like things compress well.
SMALL = 1 << 20


class Incoming:
    """An answer whose body is still to come; `received` counts its bytes on the wire."""

    def __init__(self, response: "httpx.Response", url: str, moved: Callable[[int], None]) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in response.headers.items()
        }
        self.url = url
        self.received = 0
        self._raw = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
        self._moved = moved

    @property
    def length(self) -> int | None:
        """How many bytes the server says will come on the wire."""
        text = self.headers.get("content-length", "")
        return int(text[:20]) if text.isdecimal() else None

    async def wire(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes."""
        async with aclosing(self._raw) as raw:
            async for data in raw:
                self.received += len(data)
                self._moved(len(data))
                yield data

    async def plain(self) -> AsyncGenerator[bytes, None]:
        """The body of an answer that had to come as it is, not compressed."""
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding not in ("", "identity"):
            raise DamagedError(f"came compressed ({encoding[:20]}), uninvited", where=self.url)
        async with aclosing(self.wire()) as wire:
            async for data in wire:
                yield data

    async def whole(self, most: int, ratio: int, *, cut: bool = False) -> bytes:
        """The decoded body; more than `most` bytes are an error, or cut off where `cut` says so."""
        if not cut and (self.length or 0) > most:
            raise self._too_much(most, self.length)
        unpack = unpacker(self.headers.get("content-encoding", ""), self.url)
        body = bytearray()
        async with aclosing(self.wire()) as wire:
            async for data in wire:
                for piece in unpack.pieces(data):
                    body += piece
                    if len(body) > most and cut:
                        return bytes(body[:most])
                    self._check(len(body), most, ratio)
                    if len(piece) == PIECE:
                        await asyncio.sleep(0)  # others go on while much is unpacked
        unpack.end()
        return bytes(body)

    def _check(self, size: int, most: int, ratio: int) -> None:
        if size > most:
            raise self._too_much(most, None)
        if size > max(SMALL, ratio * self.received):
            raise DamagedError(
                f"the answer grows more than {ratio} times when it is decompressed: "
                "this is how bombs are made",
                where=self.url,
            )

    def _too_much(self, most: int, length: int | None) -> DamagedError:
        size = f"has {length:,} bytes" if length else "is larger than that"
        return DamagedError(
            f"at most {most:,} bytes are taken, and the answer {size}",
            where=self.url,
            way_out="Ask for less at once",
        )


class Identity:
    """A body that came as it is."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The data itself."""
        yield data

    def end(self) -> None:
        """Nothing can be missing."""


class Gzip:
    """A body that came as gzip, of one member or several."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` decodes to, at most `PIECE` bytes at a time."""
        while data:
            self._begun = True
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error:
                raise DamagedError("the answer is damaged gzip", where=self._url) from None
            # The end of a member is not consumed before all that it decodes to has been given.
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if piece:
                yield piece

    def end(self) -> None:
        """Raise `DamagedError` when the end is missing."""
        if self._begun and not self._inflate.eof:
            raise DamagedError("the answer is damaged gzip: its end is missing", where=self._url)


def unpacker(encoding: str, url: str) -> Identity | Gzip:
    """What decodes a body of that `Content-Encoding`."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return Identity()
    if encoding in ("gzip", "x-gzip"):
        return Gzip(url)
    raise DamagedError(
        f"the answer is compressed as {encoding[:40]}, which nobody asked for", where=url
    )
