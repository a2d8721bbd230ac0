"""A one-line prompt: a sign, an input, what completes it, what is wrong with it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Blur
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from .bar import Bar, Part

Complete = Callable[[str], Sequence[str]]


class Prompt(Horizontal):
    """Hidden until `ask`. Posts Changed while one types, then Given or Dropped."""

    DEFAULT_CSS = """
    Prompt {
        height: 1;
        display: none;
        & > Bar { width: auto; min-width: 2; }
        & > #sign { width: 2; }
        & > #hint { width: 1fr; }
        & > Input { width: 1fr; border: none; height: 1; padding: 0; background: $surface; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Drop", show=False),
        Binding("ctrl+l", "clear", "Clear", show=False),
        Binding("up", "turn(-1)", "Earlier", show=False),
        Binding("down", "turn(1)", "Later", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
    ]

    class Changed(Message):
        """Another text stands there."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind, self.text = kind, text

    class Given(Changed):
        """Enter."""

    class Dropped(Changed):
        """Escape; `text` is what stood there at first."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._kind = ""
        self._before = ""
        self._complete: Complete = lambda _: ()
        self._past: dict[str, list[str]] = {}
        self._turn = 0

    def compose(self) -> ComposeResult:
        """A sign, an input, a hint."""
        yield Bar(id="sign")
        field = Input(compact=True, select_on_focus=False, suggester=_Completer(self))
        field.cursor_blink = False
        yield field
        yield Bar(id="hint")

    def ask(self, kind: str, sign: str, text: str = "", complete: Complete | None = None) -> None:
        """Show it for a text of some `kind`, with `text` to begin from."""
        self._kind, self._before, self._turn = kind, text, 0
        self._complete = complete or (lambda _: ())
        self.query_one("#sign", Bar).say([Part(f"{sign} ", "accent")])
        self.hint("")
        self.display = True
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        # At once, not with the next message: who types fast must not lose the first letters.
        self.screen.set_focus(field)

    def hint(self, text: str, style: str = "dim") -> None:
        """Say something beside what is typed."""
        self.query_one("#hint", Bar).say([Part(text, style)])

    def completions(self, text: str) -> Sequence[str]:
        """What `text` could become."""
        return self._complete(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed."""
        event.stop()
        self.post_message(self.Changed(self._kind, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass on what was given."""
        event.stop()
        past = self._past.setdefault(self._kind, [])
        if event.value and event.value not in past[-1:]:
            past.append(event.value)
        self.display = False
        self.post_message(self.Given(self._kind, event.value))

    def on_blur(self, event: Blur) -> None:
        """Stay as it is."""

    def action_drop(self) -> None:
        """Leave it."""
        self.display = False
        self.post_message(self.Dropped(self._kind, self._before))

    def action_clear(self) -> None:
        """Begin anew."""
        self.query_one(Input).value = ""

    def action_turn(self, by: int) -> None:
        """Take what was given earlier."""
        past = self._past.get(self._kind, [])
        self._turn = max(min(self._turn - by, len(past)), 0)
        field = self.query_one(Input)
        field.value = past[-self._turn] if self._turn else self._before
        field.cursor_position = len(field.value)

    def action_complete(self) -> None:
        """Take the first completion."""
        field = self.query_one(Input)
        found = self._complete(field.value)
        if found:
            field.value = found[0]
            field.cursor_position = len(field.value)


class _Completer(Suggester):
    def __init__(self, prompt: Prompt) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._prompt = prompt

    async def get_suggestion(self, value: str) -> str | None:
        found = self._prompt.completions(value) if value else ()
        return found[0] if found and found[0].isprintable() else None
