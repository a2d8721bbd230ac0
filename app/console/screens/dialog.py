"""What every dialog has: the first line of the program, a body, keys in the last line."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.text import cells

from ..frame import key_line, top_line

if TYPE_CHECKING:
    from ..console import Console

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A question over the screens. Escape answers it with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "cancel", "Cancel", show=False),
    ]
    DEFAULT_CSS = """
    Dialog { background: $background; layout: vertical; }
    Dialog #ends { dock: bottom; height: 2; }
    """
    crumb: ClassVar[str] = ""
    keys: ClassVar[str] = "Esc cancel"

    @property
    def console(self) -> "Console":
        """The program."""
        from ..console import Console

        assert isinstance(self.app, Console)
        return self.app

    def compose(self) -> ComposeResult:
        """The first line, the body, what is said, the keys."""
        yield Bar(id="top")
        yield from self.body()
        with Vertical(id="ends"):
            yield Bar(id="state")
            yield Bar(id="foot")

    def body(self) -> Iterator[Widget]:
        """What stands between."""
        yield from ()

    def on_mount(self) -> None:
        """Draw the frame."""
        session = self.console.bridge.session
        path = [*self.crumbs(), self.crumb]
        self.query_one("#top", Bar).say(*top_line(session, path, self.app.size.width))
        self.draw_foot()

    def crumbs(self) -> list[str]:
        """The words of the screens below."""
        return self.console.crumbs_of(self)

    def draw_foot(self) -> None:
        """Bring the last line up to date."""
        end = self.foot_end()
        pairs = [text.split(" ", 1) for text in self.keys.split("  ")]
        room = self.app.size.width - cells(end) - 1
        keys = "  ".join(map(" ".join, key_line([(key, words) for key, words in pairs], room)))
        self.query_one("#foot", Bar).say([Part(keys)], [Part(end, "dim")])

    def foot_end(self) -> str:
        """What stands at the right edge of the last line."""
        return ""

    def say(self, text: str, style: str = "") -> None:
        """Say something above the keys."""
        self.query_one("#state", Bar).say([Part(text, style)])

    def action_cancel(self) -> None:
        """Leave it."""
        self.dismiss(None)
