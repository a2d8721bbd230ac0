"""What is asked when the state was not as a plan saw it."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Lines, line
from modeldeck.widgets.push import Push

from .dialog import Dialog


class ConflictDialog(Dialog[bool]):
    """Says what is otherwise; the answer is True to plan again."""

    crumb: ClassVar[str] = "CONFLICT"
    keys: ClassVar[str] = "Tab next  Esc leave it"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
    ]
    DEFAULT_CSS = """
    ConflictDialog #lines { height: auto; max-height: 1fr; margin: 1 0; }
    ConflictDialog #buttons { height: 1; align-horizontal: center; margin: 1 0; }
    """

    def __init__(self, error: ModeldeckError) -> None:
        super().__init__()
        self._error = error

    def body(self) -> Iterator[Widget]:
        """The two values, and what can be done."""
        lines = Lines(
            [
                line(Part("NOT DONE: it is not as the plan saw it. Nothing was changed.", "bad")),
                line(),
                *([line(Part(self._error.where, "strong"))] if self._error.where else []),
                line(f"  {self._error.what}", hang=2),
            ],
            id="lines",
        )
        lines.can_focus = False
        yield lines
        yield Horizontal(Push("Leave it", id="leave"), Push("Plan again", id="again"), id="buttons")

    def on_mount(self) -> None:
        """Begin at leaving it."""
        self.query_one("#leave").focus()

    def on_push_pressed(self, message: Push.Pressed) -> None:
        """Answer."""
        message.stop()
        self.dismiss(message.push.id == "again")
