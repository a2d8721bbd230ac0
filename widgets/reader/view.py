"""The widget: keys in, only the rows that changed to the screen."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..text import cells
from .model import Match, Reading, Row, clipped
from .styles import COMPONENTS, CSS, NAMES

SIDEWAYS = 16


class Reader(Widget, can_focus=True):
    """Many lines of foreign text, exact in the source and safe on the screen.

    Lines are a sequence that may grow (say so with `grew`) and be of any length; each is looked at
    only when it comes into sight. `style_of` names the style of a line.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,b", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First line", show=False),
        Binding("end,G", "last", "Last line", show=False),
        Binding("left", "shift(-1)", "Left", show=False),
        Binding("right", "shift(1)", "Right", show=False),
    ]

    class Moved(Message):
        """Other lines are in sight, or there are more of them."""

        def __init__(self, reader: "Reader") -> None:
            super().__init__()
            self.reader = reader

        @property
        def control(self) -> "Reader":
            """The viewer."""
            return self.reader

    class Sought(Moved):
        """A search has ended; `match` is None when there is no such text."""

        def __init__(self, reader: "Reader", match: Match | None) -> None:
            super().__init__(reader)
            self.match = match

    def __init__(
        self,
        lines: Sequence[str] = (),
        *,
        style_of: Callable[[str], str] | None = None,
        wrap: bool = False,
        numbers: bool = False,
        empty: str = "nothing here",
        ascii_only: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.reading = Reading(lines, ascii_only=ascii_only)
        self.reading.wrap, self.reading.numbers = wrap, numbers
        if style_of:
            self.reading.style_of = style_of
        self.empty = empty
        self._rows: list[Row] = []
        self._drawn: dict[int, Row] = {}
        self._told = ""
        self._palette: dict[str, Style] = {}

    # What the owner does.

    def set_lines(self, lines: Sequence[str], style_of: Callable[[str], str] | None = None) -> None:
        """Show other lines, from the first on."""
        old = self.reading
        self.reading = Reading(lines, ascii_only=old.ascii_only)
        new = self.reading
        new.wrap, new.numbers, new.follow = old.wrap, old.numbers, old.follow
        new.width, new.height = old.width, old.height
        if style_of:
            new.style_of = style_of
        self._sync()

    def grew(self, gone: int = 0) -> None:
        """Say that the source has more lines; `gone` went from its beginning."""
        self.reading.grew(gone)
        self._sync()

    def toggle_wrap(self) -> bool:
        """Wrap long lines or not; gives which."""
        self.reading.set_wrap(not self.reading.wrap)
        self._sync()
        return self.reading.wrap

    def set_stamps(self, stamp_of: Callable[[int], str] | None, cells: int = 0) -> None:
        """Put before each line what `stamp_of` says of its place, in so many cells; or nothing."""
        self.reading.set_stamps(stamp_of, cells)
        self._sync()

    def toggle_follow(self) -> bool:
        """Stay at the end or not; gives which."""
        self.reading.set_follow(not self.reading.follow)
        self._sync()
        return self.reading.follow

    def search(self, text: str) -> None:
        """Look for a text from here on, and go there; Sought tells of the end."""
        self.reading.search(text)
        self._sync()
        if text:
            self.seek()

    def seek(self, *, back: bool = False) -> None:
        """Go to the next match, or the one before."""
        self.run_worker(self._seek(back=back), group="seek", exclusive=True)

    async def _seek(self, *, back: bool) -> None:
        found: Match | None = None
        for found in self.reading.hunt(back=back):
            if found is not None:
                break
            await asyncio.sleep(0)
        if found is not None:
            self.reading.reveal(found)
            self._sync()
        self.post_message(self.Sought(self, found))

    @property
    def position(self) -> str:
        """What is in sight, in words."""
        reading = self.reading
        states = ["wrapped"] * reading.wrap + ["following the end"] * reading.follow
        return "  ".join([reading.position, *states])

    # Keys and mouse.

    def action_move(self, by: int) -> None:
        """Move by rows."""
        self.reading.move(by)
        self._sync()

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self.reading.page(pages)
        self._sync()

    def action_first(self) -> None:
        """Go to the first line."""
        self.reading.goto(0)
        self._sync()

    def action_last(self) -> None:
        """Go to the last line."""
        self.reading.end()
        self._sync()

    def action_shift(self, by: int) -> None:
        """Move sideways; where that is not possible, the key is somebody else's."""
        if not self.reading.shift(by * SIDEWAYS):
            raise SkipAction
        self._sync()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self.action_move(-3)

    # Textual.

    def on_mount(self) -> None:
        """Take the first measures."""
        self._sync()

    def on_resize(self) -> None:
        """Fit the new size."""
        self._sync()

    def notify_style_update(self) -> None:
        """Forget the colours: theme or focus may have changed."""
        super().notify_style_update()
        self._palette = {}

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, height = self.size
        if (self.reading.width, self.reading.height) != (width, height) or y >= len(self._rows):
            self.reading.resize(width, height)
            self._rows = self.reading.rows()
        row = self._rows[y] if y < len(self._rows) else Row()
        self._drawn[y] = row
        palette = self._colours()
        if not len(self.reading.lines):
            text = clipped(self.empty, width) if y == 0 else ""
            return Strip([Segment(text, palette["dim"])], cells(text)).adjust_cell_length(
                width, palette[""]
            )
        drawn = [Segment(text, palette.get(style, palette[""])) for text, style in row.runs if text]
        used = sum(segment.cell_length for segment in drawn)
        return Strip(drawn, used).adjust_cell_length(width, palette[""])

    def _colours(self) -> dict[str, Style]:
        if not self._palette:
            self._palette = {
                name: self.get_component_rich_style(f"reader--{name}") for name in NAMES
            }
            self._palette[""] = self.rich_style
        return self._palette

    def _sync(self) -> None:
        if not self.is_mounted:
            return
        width, height = self.size
        if (self.reading.width, self.reading.height) != (width, height):
            self.reading.resize(width, height)
        self._rows = self.reading.rows()
        changed = [y for y, row in enumerate(self._rows) if self._drawn.get(y) != row]
        if changed and width:
            self.refresh(*(Region(0, y, width, 1) for y in changed))
        if self.position != self._told:
            self._told = self.position
            self.post_message(self.Moved(self))
