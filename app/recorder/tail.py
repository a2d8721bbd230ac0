"""Complete lines of a file that grows, from a byte offset on, each exactly once.

What happens when the file is not the one that was read before:

- it grew, or was rewritten with the same beginning (a script that writes its whole history again):
  reading goes on at the offset, so nothing comes twice;
- it is shorter now but begins with the same line: nothing is read until it is longer again, and
  the end says that it was cut;
- its first line is another one: it is another file, which is read from its start.

The first line is remembered as a number beside the offset, so this holds across restarts.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .rundir import StrayError, opened
from .tally import Tally

LINE_LIMIT = 1 << 20
_CHUNK = 1 << 20
_HEAD = 4096
_FIRST = "#first"


class Tail:
    """One growing file of a run directory. `offset` is where the next line starts.

    `start` is where the lines that were given last started; `behind` says that more can be had.
    """

    def __init__(self, root: Path, name: str, positions: Mapping[str, int], tally: Tally) -> None:
        self.name = name
        self.offset = max(0, positions.get(name, 0))
        self.start = self.offset
        self.behind = False
        self._root = root
        self._tally = tally
        self._first = positions.get(name + _FIRST)
        self._lines: int | None = 0 if self.offset == 0 else None
        self._given = 0
        self._searched = 0

    @property
    def positions(self) -> dict[str, int]:
        """What to remember: the offset by the file's name, its first line by `NAME#first`."""
        if self.offset == 0:
            return {}
        first = {} if self._first is None else {self.name + _FIRST: self._first}
        return {self.name: self.offset} | first

    def lines(self, limit: int, *, finish: bool = False) -> list[bytes]:
        """The next complete lines without their ends, about `limit` bytes of them at most.

        With `finish` a last line without an end counts as one. A line that is too long is passed
        over and stands as an empty one.
        """
        self.behind = False
        if self._lines is not None:
            self._lines += self._given
        self._given = 0
        self.start = self.offset
        try:
            file = opened(self._root, self.name)
        except FileNotFoundError:
            return []
        except StrayError as error:
            self._tally.note(self.name, f"not read: {error}")
            return []
        except OSError as error:
            self._tally.note(self.name, f"not read: {error.strerror}")
            return []
        try:
            size = os.fstat(file).st_size
            if not self._known(file, size, finish=finish):
                return []
            found = self._read(file, size, limit, finish=finish)
        finally:
            os.close(file)
        self._given = len(found)
        return found

    def line_number(self, place: int) -> int:
        """The number in the file of line `place` (from 0) of those given last."""
        if self._lines is None:
            self._lines = sum(len(lines) for lines in self.earlier())
        return self._lines + place + 1

    def earlier(self) -> Iterator[list[bytes]]:
        """The lines from the file's start up to `start` again, in pieces."""
        again = Tail(self._root, self.name, {}, Tally())
        while again.offset < self.start:
            before = again.offset
            yield again.lines(min(_CHUNK, self.start - before))
            if again.offset == before and not again.behind:
                return

    def _known(self, file: int, size: int, *, finish: bool) -> bool:
        """Whether reading can go on at the offset, which is moved when it is another file."""
        if self._first is None:
            self._first = _first_line(file)
        elif self.offset:
            first = _first_line(file)
            if first is None and not finish:
                return False
            if first != self._first:
                what = "it was replaced by another file, which is read from its start"
                self._tally.note(self.name, what)
                self.offset = self.start = self._lines = self._searched = 0
                self._first = first
        if size < self.offset:
            if finish:
                what = f"it was cut to {size} bytes after {self.offset} had been read"
                self._tally.note(self.name, what, kind="cut")
            return False
        return size > self.offset

    def _read(self, file: int, size: int, limit: int, *, finish: bool) -> list[bytes]:
        if self.offset and os.pread(file, 1, self.offset - 1) != b"\n":
            return self._inside(file, size, limit, finish=finish)
        data = os.pread(file, limit, self.offset)
        end = data.rfind(b"\n") + 1
        if not end and len(data) == limit <= LINE_LIMIT:
            data = os.pread(file, LINE_LIMIT + 1, self.offset)
            end = data.rfind(b"\n") + 1
        whole = self.offset + len(data) >= size
        if not end and len(data) > LINE_LIMIT:
            return self._pass_over(file, size, limit, finish=finish)
        found = data[:end].split(b"\n")
        rest = found.pop()
        if finish and whole and end < len(data):
            rest, end = data[end:], len(data)
        if rest:
            found.append(rest)
        if end > LINE_LIMIT:
            for place, line in enumerate(found):
                if len(line) > LINE_LIMIT:
                    self._too_long(place)
                    found[place] = b""
        self.offset += end
        self.behind = not whole
        return found

    def _inside(self, file: int, size: int, limit: int, *, finish: bool) -> list[bytes]:
        """Go on after an offset that is no line's start.

        Either the last line was taken without an end and has got one since, or the file was
        rewritten with other lines, and what is left of this one means nothing.
        """
        if os.pread(file, 1, self.offset) == b"\n":
            self.offset += 1
            self.start = self.offset
            if self.offset == size:
                return []
            return self._read(file, size, limit, finish=finish)
        what = "it was rewritten with other lines: the rest of one was passed over"
        return self._pass_over(file, size, limit, finish=finish, what=what)

    def _pass_over(
        self, file: int, size: int, limit: int, *, finish: bool, what: str | None = None
    ) -> list[bytes]:
        """Look for the end of a line that is not taken. The offset moves when it is found."""
        place = max(self._searched, self.offset)
        stop = place + max(limit, _CHUNK)
        end = None
        while end is None and place < min(size, stop):
            chunk = os.pread(file, min(_CHUNK, size - place), place)
            if not chunk:
                break
            found = chunk.find(b"\n")
            if found >= 0:
                end = place + found + 1
            place += len(chunk)
        self._searched = place
        if end is None and finish and place >= size:
            end = size
        self.behind = place < size if end is None else end < size
        if end is None:
            return []
        if what is None:
            self._too_long(0)
        else:
            self._tally.note(self.name, what)
        self.offset = end
        return [b""]

    def _too_long(self, place: int) -> None:
        what = f"a line of more than {LINE_LIMIT} bytes was passed over"
        self._tally.note(self.name, what, line=self.line_number(place))


def _first_line(file: int) -> int | None:
    """A number that stands for the file's first line, or as much of it as is looked at."""
    head = os.pread(file, _HEAD, 0)
    end = head.find(b"\n") + 1
    if not end and len(head) < _HEAD:
        return None
    return int.from_bytes(hashlib.sha256(head[: end or _HEAD]).digest()[:6])
