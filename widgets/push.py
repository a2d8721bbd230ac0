"""A button of one line: `[ Cancel ]`, and `>` before it when it has the keys."""

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from .text import cells, clip, show


class Push(Widget, can_focus=True):
    """Posts Pressed. Its label may be foreign text. A disabled one is dim and gets no keys."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", "Press", show=False)]
    DEFAULT_CSS = """
    Push {
        width: auto;
        height: 1;
        &:focus { text-style: bold reverse; }
        &:disabled { color: $foreground-muted; text-style: dim; }
    }
    """

    class Pressed(Message):
        """It was pressed."""

        def __init__(self, push: "Push") -> None:
            super().__init__()
            self.push = push

    def __init__(
        self,
        label: str,
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
        disabled: bool = False,
    ) -> None:
        super().__init__(id=id, disabled=disabled)
        self.label = label

    @property
    def text(self) -> str:
        """What stands there."""
        mark = ">" if self.has_focus else " "
        edges = "()" if self.disabled else "[]"
        return f"{mark}{edges[0]} {show(self.label)} {edges[1]} "

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as its label."""
        return min(cells(self.text), container.width)

    def action_press(self) -> None:
        """Say that it was pressed."""
        self.post_message(self.Pressed(self))

    def on_click(self) -> None:
        """The same by mouse."""
        self.action_press()

    def render(self) -> Content:
        """Nothing: it is drawn by `render_line`."""
        return Content("")

    def render_line(self, y: int) -> Strip:
        """Draw it."""
        width = self.size.width
        segment = Segment(clip(self.text, width), self.rich_style)
        return Strip([segment]).adjust_cell_length(width, self.rich_style)
