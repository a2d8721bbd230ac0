"""What the parts of a run's screen have in common: made late, fed with facts, asking through it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from modeldeck.app.usecases.describe import RunDetail
from modeldeck.widgets.reader import Reader
from modeldeck.widgets.table import Column, ListSource, Row, Table

from ..bridge import Work

if TYPE_CHECKING:
    from .run import RunScreen


class RunPart(Container):
    """One part. `word` names it, `nothing` says how it is filled when there is nothing in it."""

    word: ClassVar[str] = ""
    nothing: ClassVar[str] = ""

    @property
    def reader(self) -> Reader | None:
        """The lines to read, where a part has such."""
        return None

    @property
    def run_screen(self) -> "RunScreen":
        """The screen that it is a part of."""
        from .run import RunScreen

        assert isinstance(self.screen, RunScreen)
        return self.screen

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether there is anything in it."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """What it is made of."""
        yield from self.body()

    def body(self) -> Iterator[Widget]:
        """What it is made of."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show what is known already."""
        if self.run_screen.detail is not None:
            self.take(self.run_screen.detail)
        # On a slow machine the screen has settled before: the keys would go nowhere.
        self.call_after_refresh(self.run_screen.settle)

    def take(self, detail: RunDetail) -> None:
        """Show these facts."""
        raise NotImplementedError

    def focus_on(self) -> Widget:
        """What has the keys."""
        raise NotImplementedError

    @property
    def position(self) -> str:
        """What is in sight, in words."""
        return ""

    def narrow(self, text: str) -> None:
        """Show only what has this text in it."""

    def back(self) -> bool:
        """Undo a choice; gives whether there was one."""
        return False

    def open_current(self) -> None:
        """Go into what is under the cursor."""

    def why_not_open(self) -> str:
        """Why nothing can be opened."""
        return "there is nothing to open"

    def why_not_narrow(self) -> str:
        """Why nothing can be narrowed."""
        return ""

    def why_not_export(self) -> str:
        """Why nothing can be written to a file from here."""
        return "nothing here is written to a file; y shows the run as JSON"

    def export(self) -> None:
        """Write what is shown to a file."""

    def tick(self) -> None:
        """Two seconds have passed."""

    def appear(self) -> None:
        """It has come into sight."""

    def ask(self, slot: str, words: str, work: Work) -> None:
        """Ask; the answer comes to `got_SLOT` of this part."""
        self.run_screen.bridge.ask(self.run_screen, f"{self.id}:{slot}", words, work)


class TablePart(RunPart):
    """A part that is one table over a short list."""

    columns: ClassVar[Sequence[Column]] = ()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.text = ""
        self._source = ListSource()

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """All rows; those without cells after the first are headings."""
        raise NotImplementedError

    def body(self) -> Iterator[Widget]:
        """The table."""
        ascii_only = self.run_screen.console.ascii_only
        yield Table(self.columns, self._source, empty=self.nothing, ascii_only=ascii_only)

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one(Table)

    def focus_on(self) -> Widget:
        """The table."""
        return self.table

    @property
    def position(self) -> str:
        """What is in sight."""
        words = self.table.position
        return f"{words}  / {self.text}" if self.text else words

    def take(self, detail: RunDetail) -> None:
        """Show these facts."""
        rows = self.rows(detail)
        if self.text:
            rows = self.fitting(rows)
        self.table.empty = f"nothing has {self.text} in it" if self.text else self.nothing
        first = not self._source.count
        self._source.replace(rows)
        self.table.refresh_rows()
        if first and rows and rows[0].key.startswith("# "):
            self.table.goto(1)

    def fitting(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Those of `rows` that the text finds."""
        return [row for row in rows if fits(row, self.text)]

    def narrow(self, text: str) -> None:
        """Show only rows with this text in them."""
        self.text = text
        if self.run_screen.detail is not None:
            self.take(self.run_screen.detail)

    def back(self) -> bool:
        """Take the narrowing off."""
        if self.text:
            self.narrow("")
            return True
        return False

    @property
    def current(self) -> str:
        """The key of the row under the cursor."""
        return self.table.cursor_key or ""


def heading(name: str, count: int) -> Row:
    """A row that begins a section."""
    return Row(f"# {name}", [f"{name} {count:,}"], style="strong")


def fits(row: Row, text: str) -> bool:
    """Whether a row has a text in any cell. Headings are left out: they would head nothing."""
    if row.key.startswith("# "):
        return False
    words = [cell if isinstance(cell, str) else cell.text for cell in row.cells]
    if row.span:
        words.append(row.span.text)
    return any(text.lower() in word.lower() for word in words)
