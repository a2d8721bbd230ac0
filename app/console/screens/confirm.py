"""A question before a person's own command is started."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.reader import Reader

from .dialog import Dialog


class ConfirmDialog(Dialog[bool]):
    """The whole command line; `y` starts it, everything else does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Start", show=False),
        Binding("n,enter", "cancel", "Cancel", show=False),
    ]
    crumb: ClassVar[str] = "start"
    keys: ClassVar[str] = "y start  n cancel"

    def __init__(self, name: str, description: str, line: str) -> None:
        super().__init__()
        self._command = name
        self._description = description
        self._line = line

    def body(self) -> Iterator[Widget]:
        """Its name, what it is for, and the command line in as many rows as it takes."""
        yield Bar([Part(self._command, "strong"), Part(f"  {self._description}", "dim")])
        yield Reader([self._line], wrap=True, ascii_only=self.console.ascii_only)

    def action_yes(self) -> None:
        """Start it."""
        self.dismiss(True)
