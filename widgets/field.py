"""A field to type in, safe to look at whatever is pasted into it."""

from rich.text import Text
from textual.widgets import Input

from .text import show

PLACED = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that is not drawn, one for one, so that the cursor stays where it is."""


class Field(Input):
    """Textual's, which draws what is typed and its placeholder as they are."""

    def __init__(self, text: str = "", hint: str = "", *, id: str | None = None,  # noqa: A002
                 password: bool = False) -> None:  # fmt: skip
        super().__init__(
            text, show(hint), id=id, password=password, compact=True, select_on_focus=False
        )
        self.cursor_blink = False

    @property
    def _value(self) -> Text:
        shown = super()._value
        if shown.plain.isprintable():
            return shown
        drawn = "".join(char if char.isprintable() else PLACED for char in shown.plain)
        return Text(drawn, no_wrap=True, overflow="ignore", end="")
