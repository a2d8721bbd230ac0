"""The widget for pictures that are no lines over x: bars, points, boxes, a matrix."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from .colours import NAMES, css
from .rows import Nothing, Picture, fitted


class Plot(Widget, can_focus=False):
    """A picture; its colours are those of charts."""

    COMPONENT_CLASSES: ClassVar[set[str]] = NAMES
    DEFAULT_CSS = css("Plot")

    def __init__(
        self,
        *,
        ascii: bool = False,  # noqa: A002
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._picture: Picture = Nothing("reading ...")
        self._drawn_for = (0, 0)
        self._strips: list[Strip] = []

    def show(self, picture: Picture) -> None:
        """Draw it."""
        self._picture, self._strips = picture, []
        self.refresh()

    def notify_style_update(self) -> None:
        """Take the colours of a new theme."""
        super().notify_style_update()
        self._strips = []

    @property
    def text(self) -> str:
        """What is on the screen, without colour."""
        return "\n".join(self.render_line(y).text.rstrip() for y in range(self.size.height))

    def render_line(self, y: int) -> Strip:
        """Return one row of cells."""
        width, height = self.size
        if not self._strips or self._drawn_for != (width, height):
            self._drawn_for = (width, height)
            rows = fitted(self._picture, width, height, ascii_only=self._ascii)
            self._strips = [
                Strip([Segment(text, self._style(name)) for text, name in row], width)
                for row in rows
            ]
        return self._strips[y] if y < len(self._strips) else Strip.blank(width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"chart--{name}") if name else self.rich_style
