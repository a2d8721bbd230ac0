"""The output of a run as lines that are safe to print."""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.times import from_micros
from modeldeck.widgets.text import show

from . import streams

if TYPE_CHECKING:
    from modeldeck.app.recorder.times import Written

LONGEST = 1 << 16
# Colours and cursor moves say nothing in a log; all other controls are spelled out by `show`.
_STYLE = re.compile(r"\x1b\[[0-9;:?]*[mKGHJABCDhl]")
_STAMP = len("2026-01-01T00:00:00.000+00:00")


async def print_log(pieces: AsyncIterator[bytes], *, raw: bool = False) -> None:
    """Print the pieces as they come: line by line, or byte for byte with `raw`."""
    if raw:
        if streams.is_terminal(sys.stdout):
            raise UsageError(
                "a log may hold bytes that steer the terminal",
                where="--raw",
                way_out="Send it to a file or a pipe",
            )
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return
    lines = Lines()
    async for piece in pieces:
        for line in lines.feed(piece):
            print(line.text)
        sys.stdout.flush()
    for line in lines.feed(b"", last=True):
        print(line.text)


async def print_timed(
    pieces: "AsyncIterator[tuple[bytes, Written | None]]", zone: tzinfo | None
) -> None:
    """Print line by line, before each when it was written, `-` where that is not known."""
    lines, told = Lines(), False
    written: Written | None = None

    def put(piece: bytes, *, last: bool = False) -> None:
        for line in lines.feed(piece, last=last):
            micros = written.at(line.at) if written else None
            local = from_micros(micros).astimezone(zone) if micros else None
            stamp = local.isoformat(timespec="milliseconds") if local else "-"
            print(f"{stamp:{_STAMP}} {line.text}")
        sys.stdout.flush()

    async for piece, written in pieces:
        if written is None and not told:
            streams.say("modeldeck: when these lines were written is not known")
            told = True
        put(piece)
    put(b"", last=True)


class Line(NamedTuple):
    """A line that is safe to print, and where in the output begins what is left of it."""

    at: int
    text: str


class Lines:
    """Bytes into lines as a terminal would leave them: the last overwriting of each is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[Line]:
        """The lines that are complete now; with `last` also what is left."""
        *whole, rest = (self._rest + piece).split(b"\n")
        for line in whole:
            yield self._line(line)
            self._at += len(line) + 1
        while len(rest) > LONGEST:
            end = _before(rest, LONGEST)
            yield self._line(rest[:end])
            self._at += end
            rest = rest[end:]
        if last and rest:
            yield self._line(rest)
            self._at += len(rest)
            rest = b""
        self._rest = rest

    def _line(self, line: bytes) -> Line:
        text = line.rstrip(b"\r")
        start = text.rfind(b"\r") + 1
        left = text[start:].decode("utf-8", "replace")
        return Line(self._at + start, show(_STYLE.sub("", left).expandtabs()))


def _before(data: bytes, end: int) -> int:
    """The last place up to `end` that is not within a character."""
    for at in range(end, end - 4, -1):
        if data[at] & 0xC0 != 0x80:
            return at
    return end
