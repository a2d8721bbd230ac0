"""Text to read: a screen of lines, and the verbs that any screen with such lines has."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from textual.widget import Widget

from modeldeck.app.actions import Action
from modeldeck.app.usecases import encode
from modeldeck.backends.api.text import exact
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.reader import Reader

from .base import DeckScreen

WORDS = {"filter": "search", "next": "next", "previous": "previous"}


class ReadingScreen(DeckScreen):
    """A screen that has lines to read, always or now and then: `reader` is None when it has not."""

    @property
    def reader(self) -> Reader | None:
        """The lines that are in sight."""
        raise NotImplementedError

    def words(self, action: Action) -> str:
        """Searching takes the place of filtering where there are lines."""
        return WORDS.get(action.id, super().words(action)) if self.reader else super().words(action)

    def do_filter(self) -> None:
        """Look for a text."""
        reader = self.reader
        if reader is not None:
            self.ask_line("search", "/", reader.search, hint="n and N go on; nothing ends it")

    def do_next(self) -> None:
        """The next match."""
        if self.reader is not None:
            self.reader.seek()

    def do_previous(self) -> None:
        """The match before."""
        if self.reader is not None:
            self.reader.seek(back=True)

    def why_not_next(self) -> str:
        """Nothing is looked for."""
        if self.reader is None:
            return "there are no lines here to search"
        return "" if self.reader.reading.needle else "nothing is looked for; / does"

    why_not_previous = why_not_next

    def do_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        if self.reader is not None:
            self.reader.toggle_wrap()

    def do_follow(self) -> None:
        """Stay at the end, or not."""
        if self.reader is not None:
            self.reader.toggle_follow()

    def why_not_wrap(self) -> str:
        """There are no lines."""
        return "" if self.reader is not None else "there are no lines here"

    why_not_follow = why_not_wrap

    def on_reader_moved(self, message: Reader.Moved) -> None:
        """Say what is in sight."""
        message.stop()
        self.moved(message)

    on_reader_sought = on_reader_moved

    def moved(self, message: Reader.Moved) -> None:
        """Other lines are in sight, or a search has ended."""
        if isinstance(message, Reader.Sought):
            match, needle = message.match, message.reader.reading.needle
            if match is None:
                self.say(f"{needle} is nowhere here", "warn")
            else:
                went = ", past the end and on from the other one" if match.round else ""
                self.say(f"{needle} on line {match.line + 1:,}{went}")
        elif self.notice:
            self.say("")
        else:
            self.draw_frame()

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is in sight."""
        if self.notice or self.reader is None:
            return super().state_line()
        return [Part(self.reader.position, "dim")], [Part(self.age(), "dim")]


class TextScreen(ReadingScreen):
    """Lines to read, as they are; `style_of` names the style of a line.

    `about` is what there is to know of them, each on a line of its own above them.
    """

    offers: ClassVar[tuple[str, ...]] = ("filter", "next", "previous", "wrap", "back")

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        *,
        style_of: Callable[[str], str] | None = None,
        wrap: bool = False,
        numbers: bool = False,
        address: str = "",
        command: str = "",
        about: Sequence[Part] = (),
    ) -> None:
        super().__init__()
        self.crumb = title
        self.address = address
        self.command = command
        self._about = about
        self._lines = lines
        self._options: dict[str, Any] = {"style_of": style_of, "wrap": wrap, "numbers": numbers}

    def body(self) -> Iterator[Widget]:
        """What is known of the lines, the lines."""
        for part in self._about:
            yield Bar([part])
        yield Reader(self._lines, ascii_only=self.console.ascii_only, **self._options)

    def on_mount(self) -> None:
        """Have the keys go to the lines."""
        self.query_one(Reader).focus()

    @property
    def reader(self) -> Reader | None:
        """The lines."""
        return self.query_one(Reader) if self.ready else None

    def age(self) -> str:
        """Text does not become old."""
        return ""


class JsonScreen(TextScreen):
    """A noun as `-o json` gives it, one key a line."""

    offers = ("filter", "next", "wrap", "address", "back")

    def __init__(self, item: Any, title: str, address: str = "") -> None:
        super().__init__(title, json_lines(item), wrap=True, address=address)


def json_lines(item: Any) -> list[str]:
    """A noun or a JSON object as lines. Letters stay readable; the screen makes them safe."""
    value = item if isinstance(item, dict) else encode.encode(item)
    whole = {"schema": encode.SCHEMA, **value}
    return exact(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)).split("\n")
