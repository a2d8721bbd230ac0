"""A prompt of two lines: what is typed, and below it what completes it or is wrong with it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input

from .bar import Bar, Part
from .field import Field
from .text import cells, clip, show

Complete = Callable[[str], Sequence[str]]
KEPT_PAST = 100


class Prompt(Horizontal):
    """Hidden, and empty, until `ask`. Posts Changed while one types, then Given or Dropped.

    `past` holds what was given, by kind; several prompts may share it. `on_turn` is called with
    whether it is shown, when that changes.
    """

    DEFAULT_CSS = """
    Prompt {
        height: 2;
        display: none;
        & > #hint { dock: bottom; }
        & > Input { width: 1fr; border: none; height: 1; padding: 0; background: $surface; }
        & > Input:ansi { background: ansi_default; }
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

    class Turned(Message):
        """Up (-1) or Down (1) in a prompt that was asked without a past."""

        def __init__(self, kind: str, by: int) -> None:
            super().__init__()
            self.kind, self.by = kind, by

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.past: dict[str, list[str]] = {}
        self.on_turn: Callable[[bool], None] = lambda _: None
        self._kind = ""
        self._before = ""
        self._complete: Complete = lambda _: ()
        self._with_past = True
        self._turn = 0
        self._back_to: Widget | None = None
        self._sign, self._hint = Bar(id="sign"), Bar(id="hint")
        self._made: _Field | None = None

    @property
    def field(self) -> Input:
        """What one types in. Most screens are left before anything is typed."""
        if self._made is None:
            self._made = _Field(self)
            self._made.cursor_blink = False
            self.mount(self._sign, self._made, self._hint)
        return self._made

    @property
    def text(self) -> str:
        """What stands there."""
        return self._made.value if self._made is not None else ""

    def ask(
        self,
        kind: str,
        sign: str,
        text: str = "",
        complete: Complete | None = None,
        *,
        with_past: bool = True,
    ) -> None:
        """Show it for a text of some `kind`, with `text` to begin from."""
        self._kind, self._before, self._turn = kind, text, 0
        self._complete = complete or (lambda _: ())
        self._with_past = with_past
        field = self.field
        self._sign.styles.width = cells(show(sign)) + 1
        self._sign.say([Part(f"{sign} ", "accent")])
        self.hint("")
        self.display = True
        self.on_turn(True)
        with self.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        self._back_to = self.screen.focused
        # At once, not with the next message: who types fast must not lose the first letters.
        self.screen.set_focus(field)

    def hint(self, text: str, style: str = "dim", right: str = "") -> None:
        """Say something below what is typed, and at the right edge of that."""
        self._hint.say([Part(text, style)], [Part(right, "dim")] if right else [])

    def point(self, position: int, text: str, style: str = "warn") -> None:
        """Say something with a caret below the character at `position`."""
        field, sign = self.field, self._sign.size.width
        at = sign + cells(field.value[:position]) - int(field.scroll_offset.x)
        self.hint(pointing(at, show(text), self.size.width), style)

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
        past = self.past.setdefault(self._kind, [])
        if event.value and self._with_past:
            past[:] = [*(text for text in past if text != event.value), event.value][-KEPT_PAST:]
        self.post_message(self.Given(self._kind, event.value))

    def leave(self) -> None:
        """Hide it and give the keys back."""
        self.display = False
        self.on_turn(False)
        self.screen.set_focus(self._back_to)

    def action_drop(self) -> None:
        """Leave it."""
        self.leave()
        self.post_message(self.Dropped(self._kind, self._before))

    def action_clear(self) -> None:
        """Begin anew."""
        self.field.value = ""

    def action_turn(self, by: int) -> None:
        """Take what was given earlier."""
        if not self._with_past:
            self.post_message(self.Turned(self._kind, by))
            return
        past = self.past.get(self._kind, [])
        self._turn = max(min(self._turn - by, len(past)), 0)
        field = self.field
        field.value = past[-self._turn] if self._turn else self._before
        field.cursor_position = len(field.value)

    def action_complete(self) -> None:
        """Take the first completion."""
        field = self.field
        found = self._complete(field.value)
        if found:
            field.value = found[0]
            field.cursor_position = len(field.value)


def pointing(at: int, text: str, width: int) -> str:
    """A caret in cell `at` of `width` with `text` after it, or before it where more room is."""
    at = max(min(at, width - 1), 0)
    after, before = max(width - at - 2, 0), max(at - 1, 0)
    if cells(text) <= after or after >= before:
        return (" " * at + "^ " + clip(text, after))[:width]
    said = clip(text, before)
    return " " * (before - cells(said)) + said + " ^"


class _Field(Field):
    """The input. Keys that come after Enter, before the focus has moved, are passed on."""

    def __init__(self, prompt: Prompt) -> None:
        super().__init__()
        self.suggester = _Completer(prompt)
        self._prompt = prompt

    async def action_submit(self) -> None:
        await super().action_submit()
        self._prompt.leave()

    async def _on_key(self, event: Key) -> None:
        # Textual would do what is bound to Enter and Escape later, among the letters that follow.
        if self._prompt.display and event.key not in ("enter", "escape"):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        if not self._prompt.display:
            self.app.post_message(Key(event.key, event.character))
        elif event.key == "enter":
            await self.action_submit()
        else:
            self._prompt.action_drop()


class _Completer(Suggester):
    def __init__(self, prompt: Prompt) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._prompt = prompt

    async def get_suggestion(self, value: str) -> str | None:
        found = self._prompt.completions(value) if value else ()
        return found[0] if found and found[0].isprintable() else None
