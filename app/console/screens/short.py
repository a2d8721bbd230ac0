"""A list that lies in memory, found again by any of its words: keys, verbs, calls."""

from collections.abc import Sequence
from typing import Any

from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.backends.api.query import Vocabulary
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Row

from .listing import Arrived, ListScreen


class ShortScreen(ListScreen):
    """Rows of words; a filter is words that a row must have, in any order."""

    vocabulary = Vocabulary("rows", {})
    watches = False

    def entries(self) -> Sequence[Any]:
        """All items."""
        raise NotImplementedError

    def set_out(self) -> None:
        """Nothing: it is in memory."""

    def begin(self) -> None:
        """Draw all of it at once."""
        super().begin()
        self.ask()

    def ask(self, pause: float = 0) -> None:
        """Take them anew; there is nothing to wait for."""
        self.got_window(Arrived(self.fitting()))
        self.draw_frame()

    def fitting(self) -> Window[Any]:
        """Those that fit."""
        wanted = self.where.casefold().split()
        found = []
        for item in self.entries():
            row = self.row(item)
            text = words_of(row).casefold()
            if all(word in text for word in wanted):
                found.append((item, row.key))
        items = [item for item, _ in found]
        return ListWindow(items, [key for _, key in found], first=len(items))

    def complete_filter(self, text: str) -> Sequence[str]:
        """Words complete to nothing."""
        return ()

    def _hint_filter(self, text: str) -> None:
        self.query_one(Prompt).hint("words that a row must have, in any order")

    def why_not_raw(self) -> str:
        """Rows of words are all there is."""
        return f"there is no more to {self.noun} than their rows"

    why_not_describe = why_not_raw

    def sortable(self, column: str) -> bool:
        """The order says something."""
        return False

    def age(self) -> str:
        """It is as old as the screen."""
        return ""


def words_of(row: Row) -> str:
    """All that a row says."""
    cells = [cell if isinstance(cell, str) else cell.text for cell in row.cells]
    return " ".join([*cells, row.span.text if row.span else ""])
