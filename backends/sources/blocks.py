"""W&B's transaction log: records in blocks of 32 KiB, as in LevelDB's log, each with its CRC-32.

The format: https://github.com/google/leveldb/blob/main/doc/log_format.md, with a header of seven
bytes before it and the CRC-32 of zlib in place of a masked CRC-32C.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from .damage import Damage
from .following import opened

BLOCK = 32768
CHUNK = 8 * BLOCK
MAX_RECORD = 32 << 20
MAGIC = b":W&B\xe1\xbe"
_START = 7
_HEAD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class Blocks:
    """The records of one log, from where the last reading ended.

    `torn`: bytes follow that are no whole record yet, at `position`.
    """

    def __init__(self, path: Path, damage: Damage) -> None:
        self.position = 0
        self.torn = False
        self._path = path
        self._damage = damage
        self._parts: list[bytes] = []
        self._begun = self._held = self._read = 0
        self._lost = False
        self._zeros = -1

    def fresh(self) -> Iterator[bytes]:
        """Each whole record that has not been given yet; UnreadError for no ordinary file."""
        self._parts, self._lost, self._zeros = [], False, -1
        with opened(self._path) as (file, size):
            at = self.position
            if not at:
                head = file.read(_START)
                if len(head) < _START:
                    self.torn = bool(head)
                    return
                if not head.startswith(MAGIC):
                    self._damage.add(0, "the file does not begin as a W&B log")
                at = _START
            block = at - at % BLOCK
            at -= block
            while block < size:
                file.seek(block)
                data = file.read(min(CHUNK, size - block))
                if not data:
                    break
                yield from self._records(data, block, at)
                block += self._read
                if self._read < len(data):
                    break
                at = 0
            self._rest(block, size)

    def _rest(self, end: int, size: int) -> None:
        """Where the next reading begins: what is not whole yet is read again then."""
        if self._parts:
            end = self._begun
        elif self._zeros >= 0:
            end = self._zeros
        self.position = end
        self.torn = end < size

    def _records(self, data: bytes, block: int, at: int) -> Iterator[bytes]:
        """The records that end in `data`, which begins at byte `block` of the file."""
        view, head = memoryview(data), _HEAD.unpack_from
        while at < len(data):
            room = BLOCK - at % BLOCK
            # Whole records one after the other are nearly all; anything else is looked at below.
            last = min(at + room, len(data))
            while last - at >= _HEAD.size and not self._parts and self._zeros < 0:
                crc, length, kind = head(data, at)
                begin = at + _HEAD.size
                end = begin + length
                if kind != _FULL or end > last or crc32(view[at + 6 : end]) != crc:
                    break
                self._lost = False
                self._damage.good += 1
                self.position = block + end
                at = end
                yield data[begin:end]
            room = BLOCK - at % BLOCK
            if room < _HEAD.size:
                at += room
                continue
            if at + _HEAD.size > len(data):
                break
            crc, length, kind = _HEAD.unpack_from(data, at)
            begin, end = at + _HEAD.size, at + _HEAD.size + length
            if not crc and not length and not kind and not any(data[at : at + room]):
                self._zeros = block + at if self._zeros < 0 else self._zeros
                at += room
                continue
            if end > at + room:
                self._bad(block + at, "its length goes beyond its block")
                at += room
                continue
            if end > len(data):
                break
            body = data[begin:end]
            if crc32(data[at + 6 : end]) != crc:
                self._bad(block + at, "its checksum is wrong")
                at = end if _sound(data, end) else at + room
                continue
            if self._zeros >= 0:
                self._damage.add(self._zeros, "there are zeros in its place")
                self._zeros = -1
            record = self._joined(kind, body, block + at)
            at = end
            if record is not None:
                self._damage.good += 1
                self.position = block + at
                yield record
        self._read = min(at, len(data))

    def _joined(self, kind: int, body: bytes, offset: int) -> bytes | None:
        """The record that a piece of it makes whole."""
        if kind in (_FULL, _FIRST):
            if self._parts:
                self._damage.add(self._begun, "its end is missing")
            self._parts, self._lost = [], False
            if kind == _FULL:
                return body
            self._parts, self._begun, self._held = [body], offset, len(body)
        elif kind in (_MIDDLE, _LAST):
            if not self._parts:
                if not self._lost:
                    self._bad(offset, "its beginning is missing")
                return None
            self._held += len(body)
            if self._held > MAX_RECORD:
                self._bad(self._begun, f"it has more than {MAX_RECORD:,} bytes")
                return None
            self._parts.append(body)
            if kind == _LAST:
                whole, self._parts = b"".join(self._parts), []
                return whole
        else:
            self._bad(offset, f"it is of kind {kind}, which is none")
        return None

    def _bad(self, offset: int, what: str) -> None:
        """Note a piece that cannot be read, once for all pieces of one record."""
        if not self._lost:
            self._damage.add(offset, what)
        self._parts, self._lost = [], True


def _sound(data: bytes, at: int) -> bool:
    """Whether a whole piece with its checksum begins at `at`."""
    room = BLOCK - at % BLOCK
    if room < _HEAD.size:
        return True
    if at + _HEAD.size > len(data):
        return False
    crc, length, _ = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    return bool(end <= min(at + room, len(data)) and crc32(data[at + 6 : end]) == crc)
