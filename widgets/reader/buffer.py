"""Bytes that keep coming, as lines."""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

_BREAK = re.compile(rb"\r\n|\n|\r")
LARGEST = 64 << 20


class LineBuffer(Sequence[str]):
    """The lines of what was appended, decoded when they are looked at.

    A carriage return alone ends a line too: each state of a progress bar is one. What is more than
    `most` bytes goes from the beginning, by whole lines; `dropped` counts those bytes.
    """

    def __init__(self, data: bytes = b"", *, most: int = LARGEST) -> None:
        self.dropped = 0
        self._most = most
        self._data = bytearray()
        self._starts = array("Q", [0])
        self._seen = 0
        self.append(data)

    def append(self, data: bytes) -> int:
        """Take more bytes; gives how many lines went from the beginning to make room."""
        self._data += data
        # A carriage return at the very end may be half of a line's end.
        stop = len(self._data) - self._data.endswith(b"\r")
        for found in _BREAK.finditer(self._data, self._seen, stop):
            self._starts.append(found.end())
        self._seen = stop
        return self._trim() if len(self._data) > self._most else 0

    def _trim(self) -> int:
        # More than is needed, so that it does not have to be done for every piece.
        wanted = len(self._data) - self._most * 3 // 4
        gone = next((at for at, start in enumerate(self._starts) if start >= wanted), 0)
        if not gone:
            return 0
        cut = self._starts[gone]
        del self._data[:cut]
        self._starts = array("Q", (start - cut for start in self._starts[gone:]))
        self._seen -= cut
        self.dropped += cut
        return gone

    def offset(self, at: int) -> int:
        """Where a line begins in all that was appended."""
        return self.dropped + self._starts[at]

    def __len__(self) -> int:
        # What stands after the last line's end is a line only when there is something.
        return len(self._starts) - (self._starts[-1] == len(self._data))

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(at)
        last = at + 1 == len(self._starts)
        end = len(self._data) if last else self._starts[at + 1]
        return bytes(self._data[self._starts[at] : end]).rstrip(b"\r\n").decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        return (self[at] for at in range(len(self)))
