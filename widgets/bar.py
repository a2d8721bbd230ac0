"""One line of short texts: some from the left, some against the right edge."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from .text import cells, clip, show


class Part(NamedTuple):
    """A text, as it is (the bar makes it safe), and the name of a style."""

    text: str
    style: str = ""


STYLES = {
    "strong": "bold",
    "dim": "$foreground-muted",
    "accent": "$text-accent",
    "ok": "$text-success",
    "bad": "bold $text-error",
    "warn": "$text-warning",
    "alert": "bold reverse",
}
"""The names of styles. No component classes: Textual would work out all of them for each bar."""


class Bar(Widget):
    """A line that is drawn again only when what it says has changed.

    When the width is short, the left gives way from its first part that may: those after `keep`.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "Bar { height: 1; }"

    def __init__(
        self,
        left: Sequence[Part | str] = (),
        right: Sequence[Part | str] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._said: tuple[Sequence[Part], Sequence[Part]] = (_parts(left), _parts(right))

    def say(self, left: Sequence[Part | str], right: Sequence[Part | str] = ()) -> None:
        """Say something else."""
        said = (_parts(left), _parts(right))
        if said != self._said:
            self._said = said
            self.refresh()

    @property
    def text(self) -> str:
        """What it says, without styles."""
        left, right = self._said
        return " ".join(part.text for part in (*left, *right))

    def render(self) -> Content:
        """Nothing: the line is drawn by `render_line`."""
        return Content("")

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        left, right = self._said
        ends = [(show(p.text), p.style) for p in right]
        used = sum(cells(text) for text, _ in ends)
        if used > width:
            ends, used = [], 0
        room = max(width - used - (1 if ends else 0), 0)
        begins = []
        for part in left:
            text = clip(show(part.text), room)
            room -= cells(text)
            begins.append((text, part.style))
        filled = sum(cells(text) for text, _ in begins)
        gap = (" " * max(width - filled - used, 0), "")
        segments = [
            Segment(text, self._style(style)) for text, style in (*begins, gap, *ends) if text
        ]
        return Strip(segments, width)

    def _style(self, name: str) -> RichStyle:
        if name not in STYLES:
            return self.rich_style
        look = STYLES[name]
        if name == "dim" and self.has_pseudo_class("ansi"):
            look = "dim"
        elif name == "dim" and self.has_pseudo_class("nocolor"):
            look = f"dim {look}"
        return (self.visual_style + Style.parse(look)).rich_style


def _parts(parts: Sequence[Part | str]) -> tuple[Part, ...]:
    return tuple(part if isinstance(part, Part) else Part(part) for part in parts)
