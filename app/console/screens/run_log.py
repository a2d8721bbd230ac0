"""The output of a run: kept, or coming while it runs."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from textual.widget import Widget

from modeldeck.app.usecases import logs
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.api.runs import Status
from modeldeck.backends.api.times import from_micros, to_micros
from modeldeck.widgets.chart.clock import duration
from modeldeck.widgets.reader import LineBuffer, Reader
from modeldeck.widgets.reader.buffer import LARGEST

from ..words import size
from .run_files import file_of, save_one
from .run_part import RunPart

if TYPE_CHECKING:
    from modeldeck.app.recorder.times import Written

TIMES = ("", "times", "since the start")
UNDER_WAY = (Status.RUNNING, Status.SCHEDULED)


class LogPart(RunPart):
    """Its lines; while the run goes on, also those that come."""

    word = "Log"
    nothing = "no output was kept: modeldeck run -- CMD keeps it"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.buffer = LineBuffer()
        self.read = 0
        self.times = ""
        self._written: Written | None = None
        self._whole = False

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether there is any output; while it runs there may be at any moment."""
        return detail.run.status in UNDER_WAY or file_of(detail, logs.NAME) is not None

    def body(self) -> Iterator[Widget]:
        """The lines."""
        console = self.run_screen.console
        lines = Reader(self.buffer, empty="reading ...", ascii_only=console.ascii_only)
        # The last lines are what one comes for; moving back ends it.
        lines.reading.follow = True
        yield lines

    @property
    def reader(self) -> Reader | None:
        """The lines."""
        return self.query_one(Reader) if self.is_mounted else None

    def focus_on(self) -> Widget:
        """The lines."""
        return self.query_one(Reader)

    @property
    def position(self) -> str:
        """What is in sight, and whether more may come."""
        words = self.query_one(Reader).position if self.is_mounted else ""
        if self.buffer.dropped:
            words += f"  without the first {size(self.buffer.dropped)}"
        return f"{words}  {self.times}" if self.times else words

    def take(self, detail: RunDetail) -> None:
        """Read what is there; of a run that has ended, once."""
        if not self._whole and not self.run_screen.bridge.asked(self.run_screen, "log:piece"):
            self._read(detail)

    def tick(self) -> None:
        """Read what has come."""
        if self.run_screen.detail is not None:
            self.take(self.run_screen.detail)

    def _read(self, detail: RunDetail) -> None:
        session, run, start = self.run_screen.session, detail.run, self.read
        ended = run.status not in UNDER_WAY
        kept = file_of(detail, logs.NAME)
        if not start and kept and kept.size and kept.size > LARGEST:
            start = self.read = self.buffer.dropped = kept.size - LARGEST

        async def piece() -> tuple[int, bytes | None, bool]:
            return start, await logs.read_piece(session, run, start), ended

        self.ask("piece", "" if start else f"output of {run.name}", piece)

    def got_piece(self, answer: tuple[int, bytes | None, bool]) -> None:
        """Add a piece, ask for the next."""
        start, data, ended = answer
        reader = self.query_one(Reader)
        if start != self.read:
            return
        if data:
            self.read += len(data)
            reader.grew(self.buffer.append(data))
            if self.run_screen.detail is not None:
                self._read(self.run_screen.detail)
            return
        self._ask_times()
        self._whole = ended
        if ended and reader.reading.follow:
            reader.toggle_follow()
        if not len(self.buffer):
            under_way = "no output yet" if data is not None or not ended else self.nothing
            reader.empty = under_way
            reader.refresh()

    def failed_piece(self, error: ModeldeckError) -> None:
        """There is no such file, or it cannot be read."""
        self._whole = isinstance(error, NotFoundError)
        self.query_one(Reader).empty = str(error)
        self.query_one(Reader).refresh()

    # When lines were written.

    def toggle_times(self) -> None:
        """When lines were written, how long after the start, neither."""
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]
        self._ask_times("times of its lines")
        self._show_times()

    def _ask_times(self, words: str = "") -> None:
        detail, session = self.run_screen.detail, self.run_screen.session
        behind = self._written is None or self._written.end < self.read
        if behind and self.times and detail is not None:
            self.ask("times", words, lambda: logs.read_times(session, detail.run))

    def got_times(self, written: "Written | None") -> None:
        """Put them before the lines, or say that there are none."""
        self._written = written
        if written is None and self.times:
            self.times = ""
            self.run_screen.say("when these lines were written is not known", "warn")
        self._show_times()

    def _show_times(self) -> None:
        reader, written = self.query_one(Reader), self._written
        if not self.times or written is None:
            reader.set_stamps(None)
            return
        words = self._words_of(written)

        def stamp(line: int) -> str:
            micros = written.at(self.buffer.offset(line))
            return "" if micros is None else words(micros)

        reader.set_stamps(stamp, max(len(words(written.first)), len(words(written.last))))

    def _words_of(self, written: "Written") -> Callable[[int], str]:
        zone = self.run_screen.session.clock().tzinfo
        run = self.run_screen.run_now
        if self.times == TIMES[2]:
            zero = to_micros(run.started_at) if run and run.started_at else written.first
            return lambda micros: duration((micros - zero) / 1e6, 0.1)
        days = {from_micros(one).astimezone(zone).date() for one in (written.first, written.last)}
        form = "%H:%M:%S" if len(days) == 1 else "%d %b %H:%M:%S"
        return lambda micros: from_micros(micros).astimezone(zone).strftime(form)

    def why_not_export(self) -> str:
        """What was kept can be saved."""
        kept = file_of(self.run_screen.detail, logs.NAME)
        return "" if kept else "the output is kept as a file when the run has ended"

    def export(self) -> None:
        """Save it."""
        found = file_of(self.run_screen.detail, logs.NAME)
        if found is not None:
            save_one(self, found)
