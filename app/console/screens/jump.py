"""Jump to any name by a few of its letters."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.widgets.table import Cell, Column, Row

from ..fuzzy import best
from ..known import Name, read_names
from .choosing import ChoosingScreen

MOST = 200
"""Names that are listed: nobody reads further."""


class JumpScreen(ChoosingScreen):
    """Names that were seen; no letter asks anybody. Up and Down choose, Enter opens."""

    noun: ClassVar[str] = "names"
    crumb = "jump"
    offers = ("open", "filter", "back")
    letters = "letters of a name, in order; Up and Down choose, Enter opens"
    empty = "no names were seen yet"

    def begin(self) -> None:
        """Read the names once where that costs no request, and let type at once."""
        known = self.console.known
        if not known.read and not self.session.remote:
            known.read = True
            session = self.session
            self.bridge.ask(self, "names", "names to jump to", lambda: read_names(session))
        super().begin()

    def got_names(self, items: Sequence[Any]) -> None:
        """They are there; the first one is the one to take."""
        self.console.known.saw(items)
        self._to_top = True
        self.ask()

    def failed_names(self, error: ModeldeckError) -> None:
        """Without them there is what was seen."""
        self.console.known.read = False
        self.fail(error)

    def entries(self) -> Sequence[Name]:
        """All names."""
        return self.console.known.names()

    def fitting(self) -> Window[Any]:
        """The best ones first."""
        every = self.entries()
        numbers: Sequence[int] = range(min(len(every), MOST))
        if self.where.strip():
            numbers = best(self.where, (name.text for name in every), MOST)
        found = [every[number] for number in numbers]
        return ListWindow(found, [name.address for name in found], first=len(found))

    def columns(self) -> Sequence[Column]:
        """What it is, its name."""
        return [
            Column("kind", "KIND", pinned=True, min_width=10, max_width=10, priority=9),
            Column("text", "NAME", min_width=20, max_width=0, priority=8, grow=1),
        ]

    def row(self, item: Name) -> Row:
        """One name."""
        return Row(item.address, [Cell(item.kind, "dim"), Cell(item.text, "strong")])

    async def open_item(self, item: Any) -> None:
        """Open it in place of this list."""
        self.console.pop_screen()
        self.console.open_address(item.address)
