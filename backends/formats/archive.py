"""Zip archives, read a few members at a time with every size bounded. Nothing is extracted."""

import lzma
import re
import stat
import struct
import zipfile
import zlib
from typing import IO, BinaryIO, Final

from .content import DamagedBytesError

ENTRIES_LIMIT: Final = 100_000
_DIRECTORY_LIMIT: Final = 32 << 20
_END: Final = b"PK\x05\x06"
_TAIL: Final = 22 + 65535 + 20 + 56
STRAY: Final = re.compile(r"^/|^[A-Za-z]:|\\|(?:^|/)\.\.(?:/|$)|\0")
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
)


class Archive:
    """The members of a zip. `odd` says what is wrong with their names."""

    def __init__(self, file: BinaryIO) -> None:
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise DamagedBytesError(f"is no whole zip: {error}") from None
        self.names: list[str] = []
        self.odd: list[str] = []
        seen: set[str] = set()
        for info in self._zip.infolist():
            name = info.orig_filename
            self.names.append(info.filename)
            if STRAY.search(name):
                self.odd.append(f"names a file outside of itself: {name[:200]!r}")
            if info.filename in seen:
                self.odd.append(f"has two files named {name[:200]!r}")
            if stat.S_ISLNK(info.external_attr >> 16):
                self.odd.append(f"holds a link: {name[:200]!r}")
            seen.add(info.filename)

    def read(self, name: str, limit: int) -> bytes:
        """The first `limit` bytes of a member, whatever size it says it has."""
        try:
            with self._zip.open(name) as member:
                return member.read(limit)
        except KeyError:
            raise DamagedBytesError(f"has no {name}") from None
        except _BROKEN as error:
            raise DamagedBytesError(f"cannot be read at {name}: {error}") from None

    def whole(self, name: str, limit: int) -> bytes:
        """All of a member."""
        data = self.read(name, limit + 1)
        if len(data) > limit:
            raise DamagedBytesError(f"has more than {limit} bytes in {name}")
        return data

    def open(self, name: str) -> "Member":
        """A member as a stream that ends where it breaks."""
        try:
            return Member(self._zip.open(name))
        except (KeyError, *_BROKEN) as error:
            raise DamagedBytesError(f"cannot be read at {name}: {error}") from None


class Member:
    """The bytes of a member; none after a break, which `broken` tells."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.broken = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes."""
        try:
            return self._file.read(size)
        except _BROKEN:
            self.broken = True
            return b""


def _check_directory(file: BinaryIO) -> None:
    """Refuse a directory that is too large before it is read into memory."""
    size = file.seek(0, 2)
    start = file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    place = tail.rfind(_END)
    if place < 0 or place + 22 > len(tail):
        raise DamagedBytesError("is no whole zip: its end is missing")
    count, length = struct.unpack_from("<HL", tail, place + 10)
    if count == 0xFFFF or length == 0xFFFFFFFF:
        record = place - 76
        if record >= 0 and tail[record : record + 4] == b"PK\x06\x06":
            count, length = struct.unpack_from("<QQ", tail, record + 32)
    if count > ENTRIES_LIMIT or length > _DIRECTORY_LIMIT or length > start + place:
        raise DamagedBytesError("is no zip that can be listed: its directory is too large")
