"""When a command's output was written: `output.times` beside `output.log`, which stays as it is.

After the name of the format come pairs of 64-bit numbers, lowest byte first: so many bytes were
there at that time, in microseconds since 1970. Bytes only grow; a clock may be set back. The last
pair is moved on in place until it is far enough from the one before. When there are too many, far
enough is doubled until half of them can go: the file never has more than 1 MiB, and no byte is said
to be later than it was by as much as that distance.
"""

import os
import stat
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .child import OUTPUT
from .follow import now

NAME = "output.times"
DRAFT = ".times.new"
MARK = b"mdtimes\x01"
PAIRS = 65_535
SIZE = len(MARK) + 16 * PAIRS
"""The most bytes that such a file has."""
_FIRST_GAP = 50_000
_PAIR = struct.Struct("<QQ")
_LATEST = 253_402_300_799_999_999


class Times:
    """Notes how long a log is, each time that it is told to look."""

    def __init__(self, run_dir: Path, *, clock: Callable[[], int] = now, most: int = PAIRS) -> None:
        self._log, self._path = run_dir / OUTPUT, run_dir / NAME
        self._clock = clock
        self._most = most
        self._file: int | None = None
        self._pairs: array[int] = array("Q")
        self._gap = _FIRST_GAP
        self._seen = 0
        self._failed = False

    def look(self) -> None:
        """Note what has come. A disk that takes no more ends it: no times are better than wrong."""
        if self._failed:
            return
        try:
            size = _size(self._log)
            if size < self._seen:
                # Of what was written before it was cut nothing is known any more.
                self._begin_anew()
            if size > self._seen:
                self._note(size, self._clock())
                self._seen = size
        except OSError:
            self._failed = True
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _begin_anew(self) -> None:
        self.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._pairs = array("Q")
        self._seen = 0

    def _note(self, size: int, time: int) -> None:
        pairs = self._pairs
        if len(pairs) >= 4 and 0 <= time - pairs[-3] < self._gap:
            del pairs[-2:]
        elif len(pairs) == 2 * self._most:
            self._thin()
        pairs.extend((size, time))
        if self._file is None:
            self._write()
        else:
            os.pwrite(self._file, _PAIR.pack(size, time), len(MARK) + 8 * (len(pairs) - 2))

    def _thin(self) -> None:
        # Only what is near goes: else the oldest, thinned each time, would be far off by now.
        while len(self._pairs) > self._most + 2:
            self._gap *= 2
            kept: array[int] = array("Q")
            for size, time in zip(self._pairs[::2], self._pairs[1::2], strict=True):
                # On either side, so that a clock set back again and again comes to an end.
                if len(kept) >= 4 and abs(time - kept[-3]) < self._gap:
                    del kept[-2:]
                kept.extend((size, time))
            self._pairs[:] = kept
        self.close()

    def _write(self) -> None:
        """All of it anew, so that whoever reads has the old or the new."""
        draft = self._path.with_name(DRAFT)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(draft, flags, 0o600)
        with open(self._file, "wb", closefd=False) as file:
            file.write(MARK + struct.pack(f"<{len(self._pairs)}Q", *self._pairs))
        draft.replace(self._path)


class Written:
    """When bytes of a log were written."""

    def __init__(self, sizes: Sequence[int], times: Sequence[int]) -> None:
        self._sizes, self._times = sizes, times

    @property
    def end(self) -> int:
        """So many bytes have a time; at least one has."""
        return self._sizes[-1]

    @property
    def first(self) -> int:
        """When the first of them was written."""
        return self._times[0]

    @property
    def last(self) -> int:
        """When the last of them was written."""
        return self._times[-1]

    def at(self, offset: int) -> int | None:
        """When the byte at `offset` was written, in microseconds; None where nobody noted it."""
        place = bisect_right(self._sizes, offset)
        return self._times[place] if place < len(self._times) else None


def parse(data: bytes) -> Written | None:
    """What a file of times says; None where it says nothing that can be believed.

    A last pair that is not whole is passed over.
    """
    if not data.startswith(MARK):
        return None
    count = (len(data) - len(MARK)) // _PAIR.size
    found = struct.unpack_from(f"<{2 * count}Q", data, len(MARK))
    sizes, times = found[::2], found[1::2]
    before = 0
    for size, time in zip(sizes, times, strict=True):
        if size <= before or not 0 < time <= _LATEST:
            return None
        before = size
    return Written(sizes, times) if sizes else None


def _size(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
