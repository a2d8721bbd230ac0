"""A window of a use case as the source of a table: pages asked for as they come into sight."""

from collections.abc import Callable, Sequence
from typing import Any

from modeldeck.backends.api.lists import Window
from modeldeck.widgets.table import Row

PAGE = 128
KEPT_PAGES = 12

MakeRow = Callable[[Any], Row]
Ask = Callable[[int, int], None]


class WindowRows:
    """Rows made from the items of a window; `ask` gets (start, limit) of a page to load."""

    def __init__(self, window: Window[Any], make: MakeRow, ask: Ask, generation: int) -> None:
        self.window = window
        self.generation = generation
        self._make = make
        self._ask = ask
        self._rows: dict[int, tuple[Any, Row]] = {}
        self._asked: set[int] = set()
        self._order: list[int] = []
        for place, item in enumerate(window.first):
            self._rows[place] = (item, make(item))

    @property
    def count(self) -> int | None:
        """How many rows there are, None while not known."""
        return self.window.count

    @property
    def at_least(self) -> int:
        """How many are known to exist."""
        return max(self.window.at_least, len(self.window.first))

    def row(self, index: int) -> Row | None:
        """The row, None while it is not loaded."""
        found = self._rows.get(index)
        return found[1] if found else None

    def item(self, index: int) -> Any | None:
        """The item behind a row."""
        found = self._rows.get(index)
        return found[0] if found else None

    def want(self, first: int, last: int) -> None:
        """Ask for the pages that rows `first` to `last` are on."""
        for page in range(first // PAGE, last // PAGE + 1):
            start = page * PAGE
            missing = any(
                index not in self._rows
                for index in range(max(first, start), min(last + 1, start + PAGE))
            )
            if missing and page not in self._asked:
                self._asked.add(page)
                self._ask(start, PAGE)

    def take(self, start: int, items: Sequence[Any]) -> tuple[int, int]:
        """Take a page that has come; gives the first and last row that changed."""
        page = start // PAGE
        self._asked.discard(page)
        for place, item in enumerate(items, start):
            self._rows[place] = (item, self._make(item))
        self._order.append(page)
        if len(self._order) > KEPT_PAGES:
            old = self._order.pop(0)
            if old not in self._order:
                for place in range(old * PAGE, old * PAGE + PAGE):
                    self._rows.pop(place, None)
        return start, start + max(len(items), 1) - 1

    def remake(self) -> None:
        """Make all rows again from their items: columns or baseline have changed."""
        self._rows = {place: (item, self._make(item)) for place, (item, _) in self._rows.items()}
        self.generation += 1

    def index_of(self, key: str) -> int | None:
        """Where a loaded row stands."""
        return next((place for place, (_, row) in self._rows.items() if row.key == key), None)
