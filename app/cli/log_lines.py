"""The output of a run as lines that are safe to print."""

import codecs
import re
import sys
from collections.abc import AsyncIterator, Iterator

from modeldeck.backends.api.errors import UsageError
from modeldeck.widgets.text import show

from . import streams

LONGEST = 1 << 16
# Colours and cursor moves say nothing in a log; all other controls are spelled out by `show`.
_STYLE = re.compile(r"\x1b\[[0-9;:?]*[mKGHJABCDhl]")


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
            print(line)
        sys.stdout.flush()
    for line in lines.feed(b"", last=True):
        print(line)


class Lines:
    """Bytes into lines as a terminal would leave them: the last overwriting of each is kept."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, piece: bytes, *, last: bool = False) -> Iterator[str]:
        """The lines that are complete now; with `last` also what is left."""
        text = self._rest + self._decode(piece, last)
        *whole, self._rest = text.split("\n")
        for line in whole:
            yield _line(line)
        if last and self._rest:
            yield _line(self._rest)
            self._rest = ""
        while len(self._rest) > LONGEST:
            yield _line(self._rest[:LONGEST])
            self._rest = self._rest[LONGEST:]


def _line(text: str) -> str:
    left = text.rstrip("\r").rpartition("\r")[2]
    return show(_STYLE.sub("", left).expandtabs())
