"""Bytes one after the other, out of files that may be compressed, bounded in amount and time."""

import bz2
import lzma
import time
import zlib
from typing import Any, Final, Protocol

from .content import DamagedBytesError

BYTES_LIMIT: Final = 2 << 30
SECONDS_LIMIT: Final = 20.0
_CHUNK: Final = 1 << 16
_MEMORY: Final = 256 << 20


class Readable(Protocol):
    """What has bytes."""

    def read(self, size: int, /) -> bytes: ...


class EndedError(DamagedBytesError):
    """The stream ends, breaks or is longer than is looked at. The text says which."""


class Stream:
    """A source read once, forwards. `place` counts the bytes that were passed."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0
        self._got = 0
        self._deadline = time.monotonic() + SECONDS_LIMIT

    @property
    def place(self) -> int:
        """How many bytes have been passed."""
        return self._got - len(self._buffer) + self._at

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; keep it small."""
        at = self._at
        if at + size <= len(self._buffer):
            self._at = at + size
            return self._buffer[at : at + size]
        parts = [self._buffer[at:]]
        missing = size - len(parts[0])
        self._buffer, self._at = b"", 0
        while missing:
            self._fill()
            part = self._buffer[:missing]
            self._at = len(part)
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)

    def line(self, limit: int) -> bytes:
        """The bytes up to a newline, which is passed but not given."""
        found = bytearray()
        while (end := self._buffer.find(b"\n", self._at)) < 0:
            found += self._buffer[self._at :]
            self._at = len(self._buffer)
            if len(found) > limit:
                raise EndedError("has a line that is too long")
            self._fill()
        found += self._buffer[self._at : end]
        self._at = end + 1
        return bytes(found)

    def skip(self, size: int) -> None:
        """Pass `size` bytes."""
        left = size - (len(self._buffer) - self._at)
        if left <= 0:
            self._at += size
            return
        if left > BYTES_LIMIT:
            raise EndedError("speaks of more bytes than it has")
        while left > 0:
            self._fill()
            left -= len(self._buffer)
        self._at = len(self._buffer) + left

    def peek(self, size: int) -> bytes:
        """Up to `size` of the next bytes, which stay."""
        try:
            while len(self._buffer) - self._at < size:
                rest = self._buffer[self._at :]
                self._fill()
                self._buffer = rest + self._buffer
                self._at = 0
        except EndedError:
            pass
        return self._buffer[self._at : self._at + size]

    def check(self) -> None:
        """EndedError when it takes too long."""
        if time.monotonic() > self._deadline:
            raise EndedError(f"takes longer than {SECONDS_LIMIT:.0f} s to read")

    def _fill(self) -> None:
        self.check()
        chunk = self._source.read(_CHUNK)
        if not chunk:
            rest = self._buffer[self._at :]
            self._buffer, self._at = rest, 0
            raise EndedError("ends too early")
        self._got += len(chunk)
        if self._got > BYTES_LIMIT:
            raise EndedError(f"has more than {BYTES_LIMIT} bytes")
        self._buffer, self._at = chunk, 0


def compression(head: bytes) -> str | None:
    """The kind of compression that `head` speaks of."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2]) % 31 == 0:
        return "zlib"
    for start, name in _STARTS.items():
        if head.startswith(start):
            return name
    return None


class Inflated:
    """The bytes inside of a compressed source, all its parts one after the other."""

    def __init__(self, source: Readable, kind: str) -> None:
        if kind not in _OPENERS:
            raise DamagedBytesError(f"is compressed with {kind}, which is not looked into")
        self._source = source
        self._kind = kind
        self._inflater = _OPENERS[kind]()
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end or where it breaks."""
        while True:
            if self._inflater.eof:
                self._rest = self._inflater.unused_data or self._source.read(_CHUNK)
                if not self._rest or compression(self._rest) != self._kind:
                    return b""
                self._inflater = _OPENERS[self._kind]()
            if not self._rest and getattr(self._inflater, "needs_input", True):
                self._rest = self._source.read(_CHUNK)
            last = not self._rest
            try:
                found: bytes = self._inflater.decompress(self._rest, size)
            except (zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError):
                return b""
            self._rest = getattr(self._inflater, "unconsumed_tail", b"")
            if found or last:
                return found


_OPENERS: dict[str, Any] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zlib": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(memlimit=_MEMORY),
}
_STARTS = {
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x5d\0\0": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
}
