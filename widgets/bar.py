"""One line of short texts: some from the left, some against the right edge."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from .text import cells, clip, show


class Part(NamedTuple):
    """A text, as it is (the bar makes it safe), and the name of a style."""

    text: str
    style: str = ""


STYLES = ("strong", "dim", "accent", "ok", "bad", "warn", "alert")


class Bar(Widget):
    """A line that is drawn again only when what it says has changed.

    When the width is short, the left gives way from its first part that may: those after `keep`.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{name}" for name in STYLES}
    DEFAULT_CSS = """
    Bar {
        height: 1;
        & > .bar--strong { text-style: bold; }
        & > .bar--dim { color: $foreground-muted; }
        & > .bar--accent { color: $text-accent; }
        & > .bar--ok { color: $text-success; }
        & > .bar--bad { color: $text-error; text-style: bold; }
        & > .bar--warn { color: $text-warning; }
        & > .bar--alert { text-style: bold reverse; }
        &:ansi > .bar--dim { color: ansi_default; text-style: dim; }
        &:nocolor > .bar--dim { text-style: dim; }
    }
    """

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
        base = self.rich_style
        segments = [
            Segment(text, self._style(style, base)) for text, style in (*begins, gap, *ends) if text
        ]
        return Strip(segments, width)

    def _style(self, name: str, base: Style) -> Style:
        return self.get_component_rich_style(f"bar--{name}") if name in STYLES else base


def _parts(parts: Sequence[Part | str]) -> tuple[Part, ...]:
    return tuple(part if isinstance(part, Part) else Part(part) for part in parts)
