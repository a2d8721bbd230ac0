"""The output of a person's own command that runs beside the console."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.widget import Widget

from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.reader import LineBuffer, Reader

from .text import ReadingScreen

if TYPE_CHECKING:
    from ..user_commands import Started

PAUSE = 0.5
PIECE = 1 << 20


class CommandLogScreen(ReadingScreen):
    """What it says, as it comes. Leaving does not end it; the output stays in its file."""

    offers = ("filter", "next", "wrap", "follow", "back")

    def __init__(self, started: "Started", line: str) -> None:
        super().__init__()
        self.crumb = started.name
        self.started = started
        self._line = line
        self._buffer = LineBuffer()
        self._read = 0

    def body(self) -> Iterator[Widget]:
        """The command line, which is safe already, and the lines."""
        yield Bar([Part(self._line, "dim")])
        lines = Reader(self._buffer, empty="no output yet", ascii_only=self.console.ascii_only)
        lines.reading.follow = True
        yield lines

    def begin(self) -> None:
        """Read what is there, then what comes."""
        super().begin()
        self.query_one(Reader).focus()
        self.set_interval(PAUSE, self.read_on)
        self.read_on()

    @property
    def reader(self) -> Reader | None:
        """The lines."""
        return self.query_one(Reader) if self.ready else None

    def read_on(self) -> None:
        """Take what has come since, and look whether it has ended."""
        ended = self.started.child.poll()
        with open(self.started.log, "rb") as file:  # noqa: PTH123
            file.seek(self._read)
            data = file.read(PIECE)
        if data:
            self._read += len(data)
            self.query_one(Reader).grew(self._buffer.append(data))
        if self._ended != ended:
            self._ended = ended
            self.draw_frame()

    _ended: int | None = None

    def age(self) -> str:
        """Whether it still runs."""
        if self._ended is None:
            return f"runs, process {self.started.child.pid}"
        return f"ended with {self._ended}"

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """Also where the output is kept."""
        left, right = super().state_line()
        if not self.notice:
            left.append(Part(f"  {os.fspath(self.started.log)}", "dim"))
        return left, right
