"""Styled lines that wrap and scroll: a plan, a card, a difference."""

import re
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from .bar import STYLES, Part
from .text import cells, clip, show

_WORD = re.compile(r" +|[^ ]+")
Piece = tuple[str, str]


class Line(NamedTuple):
    """Texts as they are (the widget makes them safe); wrapped rows begin `hang` cells in."""

    parts: tuple[Part, ...] = ()
    hang: int = 0


def line(*parts: Part | str, hang: int = 0) -> Line:
    """A line of these parts."""
    return Line(tuple(p if isinstance(p, Part) else Part(p) for p in parts), hang)


def text_of(lines: Sequence[Line]) -> str:
    """The exact text of lines, without styles."""
    return "\n".join("".join(part.text for part in one.parts) for one in lines)


def wrapped(one: Line, width: int) -> list[list[Piece]]:
    """The rows of a line in `width` cells: broken at spaces, a longer word where it must be."""
    rows: list[list[Piece]] = [[]]
    hang = min(one.hang, max(width - 8, 0))
    used = 0

    def turn() -> None:
        nonlocal used
        rows.append([(" " * hang, "")] if hang else [])
        used = hang

    for part in one.parts:
        for word in _WORD.findall(show(part.text)):
            wide = cells(word)
            if used + wide <= width:
                if word[0] != " " or len(rows) == 1 or used > hang:
                    rows[-1].append((word, part.style))
                    used += wide
                continue
            if word[0] == " ":
                continue
            if used > hang and (wide <= width - hang or used > width // 2):
                turn()
            while used + cells(word) > width:
                head = clip(word, width - used, "") or word[:1]
                rows[-1].append((head, part.style))
                word = word[len(head) :]
                turn()
            if word:
                rows[-1].append((word, part.style))
                used += cells(word)
    return rows


class Lines(Widget, can_focus=True):
    """Lines, of which a part is in sight. Posts Moved when another part is."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home,g", "end(-1)", "First line", show=False),
        Binding("end,G", "end(1)", "Last line", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in STYLES}
    DEFAULT_CSS = """
    Lines {
        height: 1fr;
        & > .lines--strong { text-style: bold; }
        & > .lines--dim { color: $foreground-muted; }
        & > .lines--accent { color: $text-accent; }
        & > .lines--ok { color: $text-success; }
        & > .lines--bad { color: $text-error; text-style: bold; }
        & > .lines--warn { color: $text-warning; }
        & > .lines--alert { text-style: bold reverse; }
        &:ansi > .lines--dim { color: ansi_default; text-style: dim; }
        &:nocolor > .lines--dim { text-style: dim; }
    }
    """

    class Moved(Message):
        """Other lines are in sight."""

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self._lines = tuple(lines)
        self._rows: list[list[Piece]] = []
        self._wrapped_at: tuple[tuple[Line, ...], int] | None = None
        self.top = 0

    def say(self, lines: Sequence[Line]) -> None:
        """Show other lines, from as far down as before if there are as many."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self.goto(self.top)
            self.refresh(layout=True)

    @property
    def said(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    def rows(self, width: int) -> list[list[Piece]]:
        """All rows at a width."""
        if self._wrapped_at != (self._lines, width):
            self._rows = [row for one in self._lines for row in wrapped(one, width)]
            self._wrapped_at = (self._lines, width)
        return self._rows

    @property
    def position(self) -> str:
        """What is in sight, in words; empty when it is all."""
        count = len(self.rows(self.size.width))
        if count <= self.size.height:
            return ""
        return f"lines {self.top + 1:,}-{min(self.top + self.size.height, count):,} of {count:,}"

    def goto(self, top: int) -> None:
        """Bring that row to the top, as far as there are rows below it."""
        most = max(len(self.rows(self.size.width)) - self.size.height, 0)
        top = max(min(top, most), 0)
        if top != self.top:
            self.top = top
            self.refresh()
            self.post_message(self.Moved())

    def action_scroll(self, by: int) -> None:
        """Move by rows."""
        self.goto(self.top + by)

    def action_page(self, by: int) -> None:
        """Move by what is in sight, less a row to go on from."""
        self.goto(self.top + by * max(self.size.height - 1, 1))

    def action_end(self, which: int) -> None:
        """Go to either end."""
        self.goto(0 if which < 0 else len(self._rows))

    def on_mouse_scroll_down(self) -> None:
        """Down."""
        self.action_scroll(3)

    def on_mouse_scroll_up(self) -> None:
        """Up."""
        self.action_scroll(-3)

    def on_resize(self) -> None:
        """Other rows fit."""
        self.goto(self.top)
        self.post_message(self.Moved())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All rows, for `height: auto`."""
        return len(self.rows(width))

    def render(self) -> Content:
        """Nothing: lines are drawn by `render_line`."""
        return Content("")

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.size.width
        rows = self.rows(width)
        at = self.top + y
        base = self.rich_style
        segments = [
            Segment(
                text,
                self.get_component_rich_style(f"lines--{style}") if style in STYLES else base,
            )
            for text, style in (rows[at] if at < len(rows) else ())
        ]
        return Strip(segments).adjust_cell_length(width, base)
