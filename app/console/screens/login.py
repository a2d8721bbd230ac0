"""The dialog that asks who one is to a server."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from modeldeck.app.config.contexts import Slot
from modeldeck.app.config.secrets import Secret
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.field import Field
from modeldeck.widgets.lines import Lines, line
from modeldeck.widgets.push import Push

from .dialog import Dialog


class LoginDialog(Dialog[Secret]):
    """User and password, or a token; the answer is None when nothing is said."""

    crumb: ClassVar[str] = "LOGIN"
    keys: ClassVar[str] = "Tab next  Enter log in  Esc cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", "Before", show=False),
        Binding("down", "app.focus_next", "Next", show=False),
    ]
    DEFAULT_CSS = """
    LoginDialog {
        & #lines { height: auto; max-height: 1fr; margin: 1 0; }
        & .field { height: 1; }
        & .field > Bar { width: 12; }
        & .field > Input {
            width: 1fr; max-width: 60; border: none; height: 1; padding: 0; background: $surface;
        }
        & .field > Input:ansi { text-style: underline; }
        & #buttons { height: 1; align-horizontal: center; margin: 1 0; }
    }
    """

    def __init__(self, context: str, slot: Slot) -> None:
        super().__init__()
        self._named = context
        self._slot = slot

    def body(self) -> Iterator[Widget]:
        """Who asks, the fields, the buttons."""
        lines = Lines(
            [
                line(Part(f"{self._named} wants to know who you are", "strong")),
                line(f"  {self._slot.url}", hang=2),
                line(),
                line(
                    Part(
                        "It is kept in memory until the console ends;"
                        f" `modeldeck login {self._named}` keeps it for longer.",
                        "dim",
                    )
                ),
            ],
            id="lines",
        )
        lines.can_focus = False
        yield lines
        if self._slot.auth != "token":
            hint = "the user" if self._slot.auth == "basic" else "the user; empty for a token"
            yield self._field("user", hint, self._slot.user)
        word = "token" if self._slot.auth == "token" else "password"
        yield self._field(word, "is not shown", "", hidden=True)
        yield Horizontal(Push("Cancel", id="cancel"), Push("Log in", id="enter"), id="buttons")

    def _field(self, name: str, hint: str, text: str, *, hidden: bool = False) -> Widget:
        field = Field(text, hint, id="word" if hidden else name, password=hidden)
        return Horizontal(Bar([Part(f"  {name}")]), field, classes="field")

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        fields = list(self.query(Input))
        next((field for field in fields if not field.value), fields[-1]).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes on, and after the secret logs in."""
        message.stop()
        if message.input.id == "word":
            self._answer()
        else:
            self.focus_next()

    def on_push_pressed(self, message: Push.Pressed) -> None:
        """Answer."""
        message.stop()
        if message.push.id == "enter":
            self._answer()
        else:
            self.dismiss(None)

    def _answer(self) -> None:
        users = [field.value.strip() for field in self.query(Input) if field.id == "user"]
        word = self.query_one("#word", Input).value
        if not word:
            self.say("nothing was typed", "warn")
            return
        if self._slot.auth == "basic" and not users[0]:
            self.say("the user is missing", "warn")
            return
        try:
            secret = Secret(word, users[0] if users else "")
        except ModeldeckError as error:
            self.say(str(error), "warn")
        else:
            self.dismiss(secret)
