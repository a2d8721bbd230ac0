"""All that a table knows, without a screen: what to draw on each line, what to ask for."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from .model import Column, Row, Source, known
from .plan import Plan, beyond, fit, natural, scrolled
from .render import ASCII, UNICODE, Glyphs, cell_text, sort_sign
from .viewport import Viewport

Sorts = tuple[tuple[str, bool], ...]
"""Keys of columns in the order in which they sort, each with whether downwards."""


class HeadLine(NamedTuple):
    """All that decides how the head looks."""

    plan: Plan
    selected: int | None
    sorts: Sorts


class RowLine(NamedTuple):
    """All that decides how a row looks; `row` is None while it is not loaded."""

    row: Row | None
    plan: Plan
    cursor: bool = False
    marked: bool = False
    baseline: bool = False


class NoticeLine(NamedTuple):
    """A line, counted from 0, of what is said in place of rows."""

    number: int
    what: Literal["empty", "reading"]


class BlankLine(NamedTuple):
    """Nothing."""


LineState = HeadLine | RowLine | NoticeLine | BlankLine
"""Equal states of different kinds do not occur on one line; equal states are equal lines."""


class TableState:
    """Columns, source, cursor, marks and the fitted plan. Call `update` after any change."""

    def __init__(self, columns: Sequence[Column], source: Source) -> None:
        self.columns = tuple(columns)
        self.source = source
        self.view = Viewport()
        self.plan = Plan()
        self.head = 1
        self.selected: int | None = None
        self.sorts: Sorts = ()
        self.marks: frozenset[str] = frozenset()
        self.baseline: str | None = None
        self.glyphs: Glyphs = UNICODE
        self._width = 0
        self._start: int | None = None
        self._widths: tuple[int, ...] = ()
        self._generation = source.generation
        self._measured: tuple[object, ...] = ()
        self._measured_page = False
        self._planned: tuple[object, ...] = ()
        self._wanted: tuple[int, ...] | None = None
        self._key: str | None = None

    @property
    def ascii_only(self) -> bool:
        """Whether the table's own signs are ASCII."""
        return self.glyphs is ASCII

    @ascii_only.setter
    def ascii_only(self, value: bool) -> None:
        self.glyphs = ASCII if value else UNICODE

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor; None when there is none or it is not loaded."""
        return self.source.row(self.view.cursor) if self.view.count else None

    @property
    def position(self) -> str:
        """What is in sight, in words."""
        view, total = self.view, f"{self.view.count:,}"
        if self.source.count is None:
            total += "+"
        rows = f"rows {view.top + 1:,}-{view.last + 1:,} of {total}" if view.count else "no rows"
        if len(self.plan.places) == len(self.columns):
            return rows
        return f"{rows}  cols {len(self.plan.places)} of {len(self.columns)}"

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Take other columns; the selected one and the first in sight stay when among them."""
        if self.columns == (taken := tuple(columns)):
            return
        selected = None if self.selected is None else self.columns[self.selected].key
        start = None if self._start is None else self.columns[self._start].key
        self.columns = taken
        self.selected = self.column_at(selected)
        self._start = self.column_at(start)
        self._widths = ()
        self._measured = ()

    def set_source(self, source: Source) -> None:
        """Take another source."""
        self.source = source
        self._generation = source.generation - 1

    @property
    def to_the_right(self) -> Sequence[int]:
        """The columns that come into sight when one scrolls to the right."""
        return beyond(self.columns, self.plan)

    def scroll(self, by: int) -> None:
        """Bring the columns on the right (1) or left (-1) into sight; a selected one goes along."""
        start = scrolled(self.columns, self._widths, self._width, self.plan, by)
        if start == self.plan.start:
            return
        self._start = start
        self.plan = fit(self.columns, self._widths, self._width, None, start)
        if self.selected is not None and not self.plan.shows(self.selected):
            moving = [p.column for p in self.plan.places if not self.columns[p.column].pinned]
            self.selected = moving[0] if moving else None
        self._planned = (self.columns, self._widths, self._width, self.selected)

    def column_at(self, key: str | None) -> int | None:
        """Return the index of a column."""
        return next((at for at, column in enumerate(self.columns) if column.key == key), None)

    def resize(self, width: int, height: int) -> bool:
        """Take the measures of the widget, head included; return whether they are other ones."""
        rows = max(height - self.head, 0)
        other = (self._width, self.view.height) != (width, rows)
        self._width, self.view.height = width, rows
        return other

    def update(self) -> None:
        """Bring cursor, widths and plan in line with what the source says now."""
        source, view = self.source, self.view
        if source.generation != self._generation:
            self._generation = source.generation
            self._wanted = None
            view.count = known(source)
            index = None if self._key is None else source.index_of(self._key)
            if index is not None:
                view.hold(index)
        view.resize(known(source), view.height)
        self._measure()
        wanted = (self.columns, self._widths, self._width, self.selected)
        if wanted != self._planned:
            self._planned = wanted
            self.plan = fit(self.columns, self._widths, self._width, self.selected, self._start)
            self._start = self.plan.start
        row = self.cursor_row
        self._key = None if row is None else row.key

    def ask_again(self) -> None:
        """Forget what the source was asked for."""
        self._wanted = None

    def want(self) -> None:
        """Tell the source, once a view, which rows are in sight."""
        view = self.view
        open_end = self.source.count is None
        first, last = view.top, view.top + view.height - (0 if open_end else 1)
        if not open_end:
            last = min(last, view.count - 1)
        wanted = (self._generation, first, last, view.count)
        if last < first or view.height <= 0 or wanted == self._wanted:
            return
        self._wanted = wanted
        self.source.want(first, last)

    def line(self, y: int) -> LineState:
        """Return what is on line `y` of the table."""
        if y < self.head:
            return HeadLine(self.plan, self.selected, self.sorts)
        view = self.view
        if not view.count:
            return NoticeLine(y - self.head, "reading" if self.source.count is None else "empty")
        index = view.top + y - self.head
        if index < view.count:
            row = self.source.row(index)
            key = None if row is None else row.key
            baseline = key is not None and key == self.baseline
            cursor = index == view.cursor
            return RowLine(row, self.plan, cursor, key in self.marks, baseline)
        if index == view.count and self.source.count is None:
            return RowLine(None, self.plan)
        return BlankLine()

    def _measure(self) -> None:
        """Settle the natural widths: once for an arrangement of rows, from a page that is there.

        Until a whole page has been seen they may grow, but nothing shrinks under the reader.
        """
        measured = (self._generation, self.sorts, self.glyphs)
        again = measured == self._measured
        if again and self._measured_page:
            return
        view = self.view
        page = [self.source.row(index) for index in range(view.top, view.last + 1)]
        rows = [row for row in page if row is not None]
        old = self._widths or (0,) * len(self.columns)
        widths = []
        for at, column in enumerate(self.columns):
            texts = [cell_text(row, at, self.glyphs)[0] for row in rows]
            suffix = len(sort_sign(column, self.glyphs, self.sorts))
            wide = natural(column, suffix, texts, old[at])
            widths.append(max(wide, old[at]) if again or not rows else wide)
        self._widths = tuple(widths)
        self._measured = measured
        whole = self.source.count is not None or len(page) >= view.height
        self._measured_page = bool(page) and len(rows) == len(page) and whole
