"""Which columns are shown, in which order: what the dialog of columns keeps."""

import re
from collections.abc import Sequence

from modeldeck.widgets.table import Cell, Row

OF = {"metrics": "metric", "params": "param", "tags": "tag"}


class ColumnChoice:
    """Keys, of which some are chosen in an order; and a source of rows for those that fit.

    Rows keep their places while one chooses; `arrange` puts the chosen ones first, in order.
    """

    def __init__(self, shown: Sequence[str], every: Sequence[str]) -> None:
        self.chosen = list(dict.fromkeys(shown))
        self.every = list(dict.fromkeys([*shown, *every]))
        self.needle = ""
        self.generation = 0
        self.keys: list[str] = []
        self._index: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self.arrange()

    def filter(self, text: str) -> None:
        """Keep the keys that hold `text`, or that it matches as a regular expression."""
        self.needle = text
        self.arrange()

    def arrange(self) -> None:
        """The chosen ones first, in order; then the others."""
        self._number()
        fits = fitting(self.needle)
        self.keys = [key for key in self.chosen if fits(key)]
        self.keys += [key for key in self.every if key not in self._places and fits(key)]
        self._index = {key: at for at, key in enumerate(self.keys)}
        self.generation += 1

    def choose(self, chosen: frozenset[str]) -> None:
        """Take these as the chosen ones: new ones come last, in the order of the list."""
        kept = [key for key in self.chosen if key in chosen]
        new = sorted(chosen.difference(kept), key=lambda key: self._index.get(key, 0))
        self.chosen = [*kept, *new]
        self._number()
        self.generation += 1

    def move(self, key: str, by: int) -> bool:
        """Move a chosen one up or down among the chosen; gives whether it has moved."""
        if key not in self._places:
            return False
        at = self.chosen.index(key)
        to = max(min(at + by, len(self.chosen) - 1), 0)
        if to == at:
            return False
        self.chosen.insert(to, self.chosen.pop(at))
        self.arrange()
        return True

    def _number(self) -> None:
        self._places = {key: at for at, key in enumerate(self.chosen, 1)}

    # A source of rows.

    @property
    def count(self) -> int:
        """How many keys fit."""
        return len(self.keys)

    at_least = count

    def row(self, index: int) -> Row | None:
        """A key: its place among the chosen, its name, what it is a key of."""
        if not 0 <= index < len(self.keys):
            return None
        key = self.keys[index]
        of, dot, name = key.partition(".")
        place = str(self._places.get(key, ""))
        kind = OF.get(of, "run") if dot else "run"
        return Row(key, [Cell(place, "accent"), name if dot else key, Cell(kind, "dim")])

    def want(self, first: int, last: int) -> None:
        """Nothing to do: all keys are there."""

    def index_of(self, key: str) -> int | None:
        """Where a key stands."""
        return self._index.get(key)


def fitting(text: str) -> "Fits":
    """Whether a key holds `text`, in any case; as a regular expression where it is one."""
    return Fits(text.strip())


class Fits:
    """A filter of keys."""

    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        self._pattern = None
        if re.escape(text) != text:
            try:
                self._pattern = re.compile(text, re.IGNORECASE)
            except re.error:
                self._pattern = None

    def __call__(self, key: str) -> bool:
        if self._folded in key.casefold():
            return True
        return self._pattern is not None and self._pattern.search(key) is not None
