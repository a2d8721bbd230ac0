"""The generic view of a list: any noun whose use case gives a window."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.timer import Timer
from textual.widget import Widget

from modeldeck.backends.api.errors import FilterError, ModeldeckError
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import Vocabulary
from modeldeck.widgets.bar import Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Column, Row, Table
from modeldeck.widgets.table.messages import RowChosen, SortAsked

from ..rows import WindowRows
from .base import DeckScreen

PAUSE = 0.12


class ListScreen(DeckScreen):
    """A table of one noun, filtered with `/`, sorted with `o`.

    A subclass gives `load` (a window), `columns`, `row`, and what Enter opens. The key of a column
    is the field it sorts by.
    """

    offers: ClassVar[tuple[str, ...]] = ("open", "filter", "goto")
    noun: ClassVar[str] = ""
    vocabulary: ClassVar[Vocabulary]
    empty: ClassVar[str] = "nothing here"

    def __init__(self, *, where: str = "", sort: str = "") -> None:
        super().__init__()
        self.where = where
        self.sort = sort
        self.rows: WindowRows | None = None
        self._generation = 0
        self._kept = where
        self._pause: Timer | None = None

    # What a subclass gives.

    async def load(self) -> Window[Any]:
        """The window of what is asked for."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column]:
        """The columns of the table."""
        raise NotImplementedError

    def row(self, item: Any) -> Row:
        """One item as a row of these columns."""
        raise NotImplementedError

    def open_item(self, item: Any) -> None:
        """Go into an item."""

    # The frame.

    def body(self) -> Iterator[Widget]:
        """The table."""
        yield Table(empty=self.empty, ascii_only=self.console.ascii_only, id="table")

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#table", Table)

    def on_mount(self) -> None:
        """Draw the head before the rows are there."""
        self.table.set_columns(self.columns())
        self.show_sort()
        self.table.focus()
        super().on_mount()

    def ask(self) -> None:
        """Ask for the list anew."""
        self.bridge.ask(self, "window", f"{self.noun} {self.where} {self.sort}".strip(), self.load)

    def got_window(self, window: Window[Any]) -> None:
        """Show a list; ask for its length."""
        self._generation += 1
        rows = WindowRows(window, self.row, self._ask_page, self._generation)
        self.rows = rows
        self.arrived(window)
        self.table.set_columns(self.columns())
        rows.remake()
        self.table.set_source(rows)
        self.query_one(Prompt).hint("")
        if window.count is None:
            self.bridge.ask(self, "whole", f"{self.noun} count", window.whole)

    def arrived(self, window: Window[Any]) -> None:
        """Look at a list that has come, before it is shown."""

    def failed_window(self, error: ModeldeckError) -> None:
        """Keep the old list, say what is wrong."""
        if isinstance(error, FilterError) and self.query_one(Prompt).display:
            at = f"{error.what} at {error.position + 1}"
            self.query_one(Prompt).hint(at, "warn")
            return
        self.fail(error)

    def got_whole(self, _: None) -> None:
        """The count is known."""
        self.table.refresh_rows()

    def _ask_page(self, start: int, limit: int) -> None:
        rows = self.rows
        if rows is None:
            return

        async def page() -> tuple[WindowRows, int, Sequence[Any]]:
            return rows, start, await rows.window.page(start, limit)

        self.bridge.ask(self, f"page{start}", f"{self.noun} rows {start}-{start + limit}", page)

    def on_loaded(self, message: Any) -> None:
        """Pages have slots of their own."""
        if message.slot.startswith("page"):
            message.stop()
            rows, start, items = message.value
            if rows is not None and rows is self.rows:
                self.table.rows_changed(*rows.take(start, items))
            return
        super().on_loaded(message)

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is shown of how much, by which filter and order."""
        if self.notice:
            return super().state_line()
        parts = [Part(self.table.position if self.is_attached else "", "dim")]
        if self.table.marks:
            parts.append(Part(f"  {len(self.table.marks)} marked", "accent"))
        if self.where:
            parts.append(Part(f"  / {self.where}", "accent"))
        if self.sort:
            parts.append(Part(f"  sort {self.sort}", "dim"))
        return parts, [Part(self.age(), "dim")]

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_marks_changed(self) -> None:
        """Say how many are marked."""
        self.draw_frame()

    def on_table_row_highlighted(self) -> None:
        """What was said of the row before is over."""
        if self.notice:
            self.say("")

    # Verbs.

    def current(self) -> Any | None:
        """The item under the cursor."""
        return self.rows.item(self.table.cursor) if self.rows else None

    def chosen(self) -> list[str]:
        """The keys of the marked rows, else the one under the cursor."""
        key = self.table.cursor_key
        return sorted(self.table.marks) or ([key] if key else [])

    def on_table_row_chosen(self, _: RowChosen) -> None:
        """Enter."""
        self.do_open()

    def do_open(self) -> None:
        """Go into what is under the cursor."""
        item = self.current()
        if item is not None:
            self.open_item(item)

    def why_not_open(self) -> str:
        """Nothing is under the cursor."""
        return "" if self.current() is not None else "there is nothing to open"

    def do_filter(self) -> None:
        """Filter while typing."""
        self._kept = self.where
        self.query_one(Prompt).ask("filter", "/", self.where, self.complete_filter)

    def complete_filter(self, text: str) -> Sequence[str]:
        """Complete the last word with the words of the noun."""
        head, _, word = text.rpartition(" ")
        if not word:
            return ()
        start = f"{head} " if head else ""
        return [
            start + name for name in self.filter_words() if name.startswith(word) and name != word
        ]

    def filter_words(self) -> Sequence[str]:
        """What a filter may begin a term with."""
        return [*self.vocabulary.attributes, *(f"{name}." for name in self.vocabulary.maps)]

    def typing_filter(self, text: str) -> None:
        """Filter by what is typed, a moment after the last key."""
        if self._pause:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, lambda: self._filter(text))

    def given_filter(self, text: str) -> None:
        """Keep it."""
        if self._pause:
            self._pause.stop()
        self._kept = text
        self._filter(text)

    def dropped_filter(self, _: str) -> None:
        """Back to what it was."""
        if self._pause:
            self._pause.stop()
        self._filter(self._kept)

    def _filter(self, text: str) -> None:
        if text != self.where:
            self.where = text
            self.notice = ""
            self.ask()
        self.draw_frame()

    def do_back(self) -> None:
        """Esc first takes the filter off, then the marks, then leaves."""
        if self.bridge.cancel(self):
            self.say("cancelled")
        elif self.where and self.where != self.first_where():
            self._filter(self.first_where())
        elif self.table.marks:
            self.table.clear_marks()
        else:
            super().do_back()

    def first_where(self) -> str:
        """The filter that the screen came with."""
        return ""

    def on_table_sort_asked(self, message: SortAsked) -> None:
        """Sort by a column; again, the other way."""
        self.sort = f"-{message.column}" if self.sort != f"-{message.column}" else message.column
        self.show_sort()
        self.ask()

    def show_sort(self) -> None:
        """Mark the sorted column in the head."""
        head = self.sort.split(",")[0].strip()
        self.table.set_sort(head.lstrip("-") or None, descending=head.startswith("-"))

    def do_mark_all(self) -> None:
        """Mark all rows that match."""
        rows = self.rows
        if rows is None:
            return

        async def keys() -> list[str]:
            await rows.window.whole()
            items = await rows.window.page(0, rows.window.at_least)
            return [self.row(item).key for item in items]

        self.bridge.ask(self, "keys", f"{self.noun} all keys", keys)

    def got_keys(self, keys: list[str]) -> None:
        """Mark them."""
        self.table.mark_all(keys)

    def do_export(self) -> None:
        """Write what is shown to a file."""
        self.console.export(self)
