"""TFRecord files: a length, its checksum, the record, its checksum.

The format: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .crc32c import checksums, crc32c, masked
from .damage import Damage
from .following import opened

MAX_RECORD = 32 << 20
CHUNK = 2 << 20
_HEAD, _FOOT = struct.Struct("<QI"), struct.Struct("<I")
_AROUND = _HEAD.size + _FOOT.size


class TfRecords:
    """The records of one file, from where the last reading ended.

    `torn`: bytes follow that are no whole record yet, at `position`. A length whose checksum is
    wrong says nothing about where the next record begins: the file is `lost` from there.
    """

    def __init__(self, path: Path, damage: Damage) -> None:
        self.position = 0
        self.torn = False
        self.lost = False
        self._path = path
        self._damage = damage

    def fresh(self) -> Iterator[bytes]:
        """Each whole record not given yet; UnreadError for no ordinary file."""
        if self.lost:
            return
        with opened(self._path) as (file, size):
            while not self.lost and self.position < size:
                before = self.position
                yield from self._chunk(file, size)
                if self.position == before:
                    break
            self.torn = not self.lost and self.position < size

    def _chunk(self, file: BinaryIO, size: int) -> Iterator[bytes]:
        """The records that lie whole in the next CHUNK bytes, or the one that is longer."""
        begin = self.position
        file.seek(begin)
        data = file.read(min(CHUNK, size - begin))
        heads: list[bytes] = []
        bodies: list[bytes] = []
        sums: list[tuple[int, int]] = []
        at = 0
        while at + _HEAD.size <= len(data):
            length, check = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + length
            if end + _FOOT.size > len(data):
                break
            heads.append(data[at : at + 8])
            bodies.append(data[at + _HEAD.size : end])
            sums.append((check, _FOOT.unpack_from(data, end)[0]))
            at = end + _FOOT.size
        if not bodies:
            yield from self._long(file, data, size)
            return
        known = checksums(heads), checksums(bodies)
        for body, (first, second), head, whole in zip(bodies, sums, *known, strict=True):
            if masked(head) != first:
                self._end("the checksum of its length is wrong")
                return
            if masked(whole) == second:
                self._damage.good += 1
                self.position += len(body) + _AROUND
                yield body
            else:
                self._damage.add(self.position, "its checksum is wrong")
                self.position += len(body) + _AROUND

    def _long(self, file: BinaryIO, data: bytes, size: int) -> Iterator[bytes]:
        """A record that ends beyond what was read; none while it is not whole."""
        if len(data) < _HEAD.size:
            return
        length, check = _HEAD.unpack_from(data)
        if masked(crc32c(data[:8])) != check:
            self._end("the checksum of its length is wrong")
            return
        end = self.position + length + _AROUND
        if end > size:
            return
        if length > MAX_RECORD:
            self._damage.add(self.position, f"it has {length:,} bytes, too many to read")
            self.position = end
            return
        file.seek(self.position + _HEAD.size)
        body = _all(file, length)
        (foot,) = _FOOT.unpack(_all(file, _FOOT.size))
        at, self.position = self.position, end
        if masked(crc32c(body)) == foot:
            self._damage.good += 1
            yield body
        else:
            self._damage.add(at, "its checksum is wrong")

    def _end(self, what: str) -> None:
        self._damage.add(self.position, f"{what}, so nothing after it can be found")
        self.lost = True


def _all(file: BinaryIO, size: int) -> bytes:
    """So many bytes; fewer only where the file was cut meanwhile, which no checksum survives."""
    found = b""
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return found.ljust(size, b"\0")
