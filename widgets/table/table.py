"""The widget: keys and mouse in, messages out."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content

from . import messages
from .look import COMPONENTS, CSS
from .model import Column, Row, Source
from .state import Sorts
from .surface import Surface

LOADED = 2000
"""So many rows are looked through here for a range; a longer one is for the owner."""


class Table(Surface, can_focus=True):
    """A table over a `Source` of any length, whose rows it knows by key.

    Foreign text is drawn safe.
    """

    RowHighlighted = messages.RowHighlighted
    RowChosen = messages.RowChosen
    SortAsked = messages.SortAsked
    RangeAsked = messages.RangeAsked
    ColumnSelected = messages.ColumnSelected
    MarksChanged = messages.MarksChanged
    ToggleAsked = messages.ToggleAsked
    ViewChanged = messages.ViewChanged

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First row", show=False),
        Binding("end,G", "last", "Last row", show=False),
        Binding("enter", "choose", "Open", show=False),
        Binding("space", "mark", "Mark", show=False),
        # What terminals send for ctrl+space is one of the first two.
        Binding("ctrl+@,ctrl+space,M", "mark_range", "Mark from the last mark on", show=False),
        Binding("shift+left", "column(-1)", "Column left", show=False),
        Binding("shift+right", "column(1)", "Column right", show=False),
        Binding("ctrl+left,left_parenthesis", "scroll(-1)", "Columns to the left", show=False),
        Binding("ctrl+right,right_parenthesis", "scroll(1)", "Columns to the right", show=False),
        Binding("o", "sort", "Sort by the column", show=False),
        Binding("O", "sort(True)", "Sort also by the column", show=False),
        Binding("right", "expand", "Open or close", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    _highlighted: tuple[int, str | None] | None = None
    _in_sight: tuple[object, ...] = ()
    _anchor: str | None = None

    # What the owner sets.

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Take other columns. The selected one stays selected when it is among them."""
        self._state.set_columns(columns)
        self._sync()

    def set_source(self, source: Source) -> None:
        """Take another source. The cursor stays on its row by key; marks are kept by key."""
        self._state.set_source(source)
        self._sync()

    def refresh_rows(self) -> None:
        """Look at the source again and draw the lines that are not what they were."""
        self._state.ask_again()
        self._sync()

    def rows_changed(self, first: int, last: int) -> None:
        """Rows `first` to `last` (included) have come or changed; say so once, after the change."""
        view = self._state.view
        if first < view.top + max(view.height, 1) and last >= view.top:
            self._state.ask_again()
        self._sync()

    def set_sort(self, *sorts: tuple[str, bool]) -> None:
        """Show by which columns the rows are sorted now, each with whether downwards."""
        self._state.sorts = sorts
        self._sync()

    def select_column(self, key: str | None) -> None:
        """Select a column and bring it into sight."""
        self._select(self._state.column_at(key))

    def goto(self, index: int) -> None:
        """Put the cursor on a row, or the nearest there is."""
        self._state.view.goto(index)
        self._sync()

    def toggle_mark(self, key: str | None = None) -> None:
        """Mark or unmark a row, by default the one under the cursor."""
        key = self.cursor_key if key is None else key
        if key is not None:
            self._anchor = None if key in self.marks else key
            self._set_marks(self.marks ^ {key})

    def mark_all(self, keys: Iterable[str]) -> None:
        """Mark these rows too."""
        self._set_marks(self.marks.union(keys))

    def clear_marks(self) -> None:
        """Mark nothing."""
        self._anchor = None
        self._set_marks(frozenset())

    @property
    def baseline(self) -> str | None:
        """The key of the row that others are compared with."""
        return self._state.baseline

    @baseline.setter
    def baseline(self, key: str | None) -> None:
        self._state.baseline = key
        self._sync()

    @property
    def empty(self) -> str | Content:
        """What is said when there are no rows. Foreign text in a `Content` must be shown first."""
        return self._notices["empty"]

    @empty.setter
    def empty(self, text: str | Content) -> None:
        self._set_notice("empty", text)

    @property
    def reading(self) -> str | Content:
        """What is said while the source does not even know whether there are rows."""
        return self._notices["reading"]

    @reading.setter
    def reading(self, text: str | Content) -> None:
        self._set_notice("reading", text)

    @property
    def ascii_only(self) -> bool:
        """Whether the table's own signs are ASCII."""
        return self._state.ascii_only

    @ascii_only.setter
    def ascii_only(self, value: bool) -> None:
        self._state.ascii_only = value
        self._drawn.clear()
        self._sync()

    @property
    def scroll_jump(self) -> int:
        """How many rows come into sight when the cursor leaves it; more spares a slow line."""
        return self._state.view.jump

    @scroll_jump.setter
    def scroll_jump(self, rows: int) -> None:
        self._state.view.jump = max(rows, 1)

    # What the owner may ask.

    @property
    def source(self) -> Source:
        """The present source."""
        return self._state.source

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, shown or not."""
        return self._state.columns

    @property
    def visible_columns(self) -> tuple[Column, ...]:
        """The columns in sight, from left to right."""
        return tuple(self.columns[place.column] for place in self._state.plan.places)

    @property
    def selected_column(self) -> str | None:
        """The key of the selected column."""
        selected = self._state.selected
        return None if selected is None else self.columns[selected].key

    @property
    def sorts(self) -> Sorts:
        """The columns by which the rows are said to be sorted, and whether downwards."""
        return self._state.sorts

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor; 0 when there are none."""
        return self._state.view.cursor

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor; None when there is none or it is not loaded."""
        return self._state.cursor_row

    @property
    def cursor_key(self) -> str | None:
        """The key of that row."""
        row = self.cursor_row
        return None if row is None else row.key

    @property
    def marks(self) -> frozenset[str]:
        """The keys of the marked rows, in sight or not."""
        return self._state.marks

    @property
    def position(self) -> str:
        """What is in sight, in words: `rows 1-13 of 38  cols 9 of 61`."""
        return self._state.position

    @property
    def to_the_right(self) -> tuple[Column, ...]:
        """The columns that come into sight when one scrolls to the right."""
        return tuple(self.columns[at] for at in self._state.to_the_right)

    # Keys.

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.goto(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move by whole pages."""
        self._state.view.page(pages)
        self._sync()

    def action_first(self) -> None:
        """Go to the first row."""
        self.goto(0)

    def action_last(self) -> None:
        """Go to the last row that is known."""
        self.goto(self._state.view.count - 1)

    def action_choose(self) -> None:
        """Say that the row under the cursor is chosen."""
        key = self.cursor_key
        if key is not None:
            self.post_message(messages.RowChosen(self, self.cursor, key))

    def action_mark(self) -> None:
        """Mark or unmark the row and go to the next."""
        self.toggle_mark()
        self.goto(self.cursor + 1)

    def action_mark_range(self) -> None:
        """Mark the rows from the last mark to the cursor, without a mark the one under it.

        Where some are not loaded, the owner is asked to mark them.
        """
        key = self.cursor_key
        if key is None:
            return
        anchor, self._anchor = self._anchor, key
        if anchor is None:
            self.mark_all([key])
            return
        start = self.source.index_of(anchor)
        if start is not None and abs(start - self.cursor) <= LOADED:
            first, last = sorted((start, self.cursor))
            rows = [self.source.row(index) for index in range(first, last + 1)]
            keys = [row.key for row in rows if row is not None]
            if len(keys) == len(rows):
                self.mark_all(keys)
                return
        self.post_message(messages.RangeAsked(self, anchor, key))

    def action_column(self, by: int) -> None:
        """Select the next column to the right or left."""
        last = len(self.columns) - 1
        if last >= 0:
            selected = self._state.selected
            at = (-1 if by > 0 else 1) if selected is None else selected
            self._select(max(min(at + by, last), 0))

    def action_scroll(self, by: int) -> None:
        """Bring the columns on the right (1) or left (-1) into sight; pinned ones stay."""
        before = self._state.selected
        self._state.scroll(by)
        self._sync()
        key = self.selected_column
        if key is not None and self._state.selected != before:
            self.post_message(messages.ColumnSelected(self, key))

    def action_sort(self, further: bool = False) -> None:
        """Ask for the rows sorted by the selected column, by it alone or `further` too."""
        key = self.selected_column
        if key is not None:
            self.post_message(messages.SortAsked(self, key, further=further))

    def action_expand(self) -> None:
        """Ask for the tree row under the cursor to open or close."""
        row = self.cursor_row
        if row is not None and row.twisty:
            self.post_message(messages.ToggleAsked(self, self.cursor, row.key))

    # Mouse and Textual.

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; twice chooses; on the head, select the column and ask to sort."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y < self._state.head:
            for place in self._state.plan.places:
                if place.x - 1 <= at.x < place.x + place.width:
                    self._select(place.column)
                    self.action_sort()
            return
        view = self._state.view
        index = view.top + at.y - self._state.head
        if index < view.count:
            self.goto(index)
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self._state.view.scroll(3)
        self._sync()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self._state.view.scroll(-3)
        self._sync()

    # Inside.

    def _select(self, at: int | None) -> None:
        if at != self._state.selected:
            self._state.selected = at
            self._sync()
            key = self.selected_column
            if key is not None:
                self.post_message(messages.ColumnSelected(self, key))

    def _set_marks(self, marks: frozenset[str]) -> None:
        if marks != self.marks:
            self._state.marks = marks
            self._sync()
            self.post_message(messages.MarksChanged(self, marks))

    def _tell(self) -> None:
        view = self._state.view
        highlighted = (view.cursor, self.cursor_key) if view.count else None
        if highlighted is not None and highlighted != self._highlighted:
            self.post_message(messages.RowHighlighted(self, *highlighted))
        self._highlighted = highlighted
        places = self._state.plan.places
        in_sight = (view.top, view.last, view.count, self.source.count, len(self.columns), places)
        if in_sight != self._in_sight:
            self._in_sight = in_sight
            self.post_message(messages.ViewChanged(self))
