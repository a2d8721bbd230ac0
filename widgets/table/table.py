"""The widget: keys and mouse in, messages out, and only the lines that changed to the screen."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from . import messages
from .look import COMPONENTS, CSS, NAMES
from .model import Column, ListSource, Row, Source, known
from .notice import notice_strip
from .render import head_runs, plain, row_runs, segments
from .state import HeadLine, LineState, NoticeLine, RowLine, TableState


class Table(Widget, can_focus=True):
    """A table over a `Source` of any length. It knows its rows by key and draws foreign text safe.

    Rows are drawn line by line from what the source has; after every change the lines in sight
    are compared with those on the screen, and only the others are drawn again.
    """

    ALLOW_SELECT = False

    RowHighlighted = messages.RowHighlighted
    RowChosen = messages.RowChosen
    SortAsked = messages.SortAsked
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
        Binding("shift+left", "column(-1)", "Column left", show=False),
        Binding("shift+right", "column(1)", "Column right", show=False),
        Binding("o", "sort", "Sort by the column", show=False),
        Binding("right", "expand", "Open or close", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS

    def __init__(
        self,
        columns: Sequence[Column] = (),
        source: Source | None = None,
        *,
        empty: str | Content = "nothing here",
        reading: str | Content = "reading ...",
        ascii_only: bool = False,
        head: bool = True,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._state = TableState(columns, ListSource() if source is None else source)
        self._state.head = 1 if head else 0
        self._state.ascii_only = ascii_only
        self._notices = {"empty": empty, "reading": reading}
        self._highlighted: tuple[int, str | None] | None = None
        self._in_sight: tuple[object, ...] = ()
        self._lines: list[LineState] = []
        self._drawn: dict[int, LineState] = {}
        self._palette: dict[str, Style] = {}

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

    def set_sort(self, column: str | None, *, descending: bool = False) -> None:
        """Show by which column the rows are sorted now."""
        self._state.sort = None if column is None else (column, descending)
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
            self._set_marks(self.marks ^ {key})

    def mark_all(self, keys: Iterable[str]) -> None:
        """Mark these rows too."""
        self._set_marks(self.marks.union(keys))

    def clear_marks(self) -> None:
        """Mark nothing."""
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
    def sort(self) -> tuple[str, bool] | None:
        """The column by which the rows are said to be sorted, and whether downwards."""
        return self._state.sort

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

    def action_column(self, by: int) -> None:
        """Select the next column to the right or left."""
        last = len(self.columns) - 1
        if last >= 0:
            selected = self._state.selected
            at = (-1 if by > 0 else 1) if selected is None else selected
            self._select(max(min(at + by, last), 0))

    def action_sort(self) -> None:
        """Ask for the rows sorted by the selected column."""
        key = self.selected_column
        if key is not None:
            self.post_message(messages.SortAsked(self, key))

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

    def on_mount(self) -> None:
        """Take the first measures."""
        self._sync()

    def on_resize(self) -> None:
        """Fit columns and rows to the new size."""
        self._sync()

    def notify_style_update(self) -> None:
        """Forget the colours: theme, focus or class may have changed."""
        super().notify_style_update()
        self._palette = {}

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height for `height: auto`: the head and all rows, or two lines of notice."""
        return self._state.head + (known(self.source) or 2)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        state = self._state
        size, palette = self.size, self._colours()
        width = size.width
        if state.resize(width, size.height) or y >= len(self._lines):
            state.update()  # a paint may come before the event that tells of the size
            self._lines = [state.line(number) for number in range(max(size.height, y + 1))]
        line = self._drawn[y] = self._lines[y]
        match line:
            case HeadLine(plan, selected, sort):
                runs = head_runs(plan, state.columns, width, state.glyphs, selected, sort)
            case RowLine(row, plan, cursor, marked, baseline):
                runs = row_runs(
                    row,
                    plan,
                    state.columns,
                    width,
                    state.glyphs,
                    cursor=cursor,
                    marked=marked,
                    baseline=baseline,
                )
                if cursor:
                    runs = [(plain(runs), "cursor")]
            case NoticeLine(number, what):
                text = self._notices[what]
                return notice_strip(text, number, width, palette, self.visual_style)
            case _:
                runs = [(" " * width, "")]
        return Strip(segments(runs, palette), width)

    # Inside.

    def _colours(self) -> dict[str, Style]:
        if not self._palette:
            self._palette = {
                name: self.get_component_rich_style(f"table--{name}") for name in NAMES
            }
            self._palette[""] = self.rich_style
        return self._palette

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

    def _set_notice(self, what: str, text: str | Content) -> None:
        self._notices[what] = text
        self._drawn.clear()
        self._sync()

    def _sync(self) -> None:
        """Bring the state, the screen and the owner up to what the source says now."""
        state = self._state
        if not self.is_mounted:
            state.update()
            return
        width, height = self.size
        state.resize(width, height)
        state.update()
        self._redraw(width, height)
        self._tell()
        state.want()

    def _redraw(self, width: int, height: int) -> None:
        self._lines = [self._state.line(y) for y in range(height)]
        regions: list[Region] = []
        for y, line in enumerate(self._lines):
            if self._drawn.get(y) == line:
                continue
            if regions and regions[-1].bottom == y:
                regions[-1] = Region(0, regions[-1].y, width, regions[-1].height + 1)
            else:
                regions.append(Region(0, y, width, 1))
        if regions and width:
            self.refresh(*regions)

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
