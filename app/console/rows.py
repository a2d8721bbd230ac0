"""Windows of use cases as the source of a table: pages as they come into sight, nested lists."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from modeldeck.backends.api.lists import Window
from modeldeck.widgets.table import Row

PAGE = 128
KEPT_PAGES = 12

MakeRow = Callable[[Any], Row]
Ask = Callable[["WindowRows", int, int], None]


class WindowRows:
    """Rows made from the items of a window; `ask` gets (rows, start, limit) of a page to load."""

    def __init__(self, window: Window[Any], make: MakeRow, ask: Ask) -> None:
        self.window = window
        self._make = make
        self._ask = ask
        self._items: dict[int, Any] = dict(enumerate(window.first))
        self._made: dict[int, Row] = {}
        self._asked: set[int] = set()
        self._ends: dict[int, int] = {}
        self._order: list[int] = []

    @property
    def count(self) -> int | None:
        """How many rows there are, None while not known."""
        return self.window.count

    @property
    def size(self) -> int:
        """How many there are as far as that is known."""
        count = self.window.count
        return max(self.window.at_least, len(self.window.first)) if count is None else count

    def row(self, place: int) -> Row | None:
        """The row, None while it is not loaded."""
        made = self._made.get(place)
        if made is None and place in self._items:
            # A page is three screens long: only what is looked at is made into words.
            made = self._made[place] = self._make(self._items[place])
        return made

    def item(self, place: int) -> Any | None:
        """The item behind a row."""
        return self._items.get(place)

    def items(self) -> Iterator[Any]:
        """All items that are loaded."""
        return iter(self._items.values())

    def want(self, first: int, last: int) -> None:
        """Ask for the pages that rows `first` to `last` are on."""
        for page in range(first // PAGE, last // PAGE + 1):
            start = page * PAGE
            missing = any(
                place not in self._items
                for place in range(max(first, start), min(last + 1, start + PAGE))
            )
            if missing and page not in self._asked and self._ends.get(page) != self.size:
                self._asked.add(page)
                self._ask(self, start, PAGE)

    def take(self, start: int, items: Sequence[Any]) -> None:
        """Take a page that has come."""
        page = start // PAGE
        self._asked.discard(page)
        if all(place in self._items for place in range(start, start + len(items))):
            # It brought nothing: it is not asked for again before more is known to exist.
            self._ends[page] = self.size
        for place, item in enumerate(items, start):
            self._items[place] = item
            self._made.pop(place, None)
        self._order.append(page)
        if len(self._order) > KEPT_PAGES:
            old = self._order.pop(0)
            if old not in self._order:
                for place in range(old * PAGE, old * PAGE + PAGE):
                    self._items.pop(place, None)
                    self._made.pop(place, None)

    def lost(self, start: int) -> None:
        """A page that was asked for does not come; it may be asked for again."""
        self._asked.discard(start // PAGE)

    def remake(self) -> None:
        """Make rows again from their items: columns, baseline or the time have changed."""
        self._made = {}

    def place_of(self, key: str) -> int | None:
        """Where a loaded row stands."""
        return next((place for place in self._items if self._key(place) == key), None)

    def _key(self, place: int) -> str | None:
        row = self.row(place)
        return row.key if row else None


class Branch:
    """The rows of one list, and the branches that are open below some of them, by place."""

    def __init__(self, rows: WindowRows, level: int = 0) -> None:
        self.rows = rows
        self.level = level
        self.open: dict[int, Branch] = {}

    @property
    def size(self) -> int:
        """How many rows it has, those of open branches included."""
        return self.rows.size + sum(branch.size for branch in self.open.values())

    def locate(self, index: int) -> "tuple[Branch, int]":
        """The branch, and the place in its own list, of a row counted from its first."""
        before = 0
        for place in sorted(self.open):
            inner = self.open[place]
            at = index - before - place
            if at <= 0:
                break
            if at <= inner.size:
                return inner.locate(at - 1)
            before += inner.size
        return self, index - before

    async def keys(self) -> Sequence[str]:
        """The keys of its rows and of open branches, in order, loaded or not."""
        await self.rows.window.whole()
        found: list[str] = []
        for place, key in enumerate(await self.rows.window.keys()):
            found.append(key)
            if place in self.open:
                found += await self.open[place].keys()
        return found

    def index_of(self, key: str) -> int | None:
        """The row of that key, counted from the first one, as far as it is loaded."""
        own = self.rows.place_of(key)
        if own is not None:
            return own + sum(self.open[place].size for place in self.open if place < own)
        before = 0
        for place in sorted(self.open):
            found = self.open[place].index_of(key)
            if found is not None:
                return before + place + 1 + found
            before += self.open[place].size
        return None

    def walk(self) -> "Iterator[Branch]":
        """Itself and every open branch below it."""
        yield self
        for inner in self.open.values():
            yield from inner.walk()


class TreeRows:
    """The source of a table over a list in which rows can be opened in place, level by level.

    The rows of the list keep their windowed places; those of open branches are inserted between.
    """

    def __init__(self, rows: WindowRows, generation: int = 0) -> None:
        self.root = Branch(rows)
        self.generation = generation

    @property
    def window(self) -> Window[Any]:
        """The list itself, without what is open in it."""
        return self.root.rows.window

    @property
    def count(self) -> int | None:
        """How many rows there are, None while not known."""
        return None if self.root.rows.count is None else self.root.size

    @property
    def at_least(self) -> int:
        """How many are known to exist."""
        return self.root.size

    def row(self, index: int) -> Row | None:
        """The row with its level, None while it is not loaded."""
        branch, place = self.root.locate(index)
        row = branch.rows.row(place)
        if row is None or (not branch.level and place not in branch.open):
            return row
        twisty = "open" if place in branch.open else row.twisty
        return row._replace(level=branch.level, twisty=twisty)

    def item(self, index: int) -> Any | None:
        """The item behind a row."""
        branch, place = self.root.locate(index)
        return branch.rows.item(place)

    def items(self) -> Iterator[Any]:
        """All items that are loaded."""
        for branch in self.root.walk():
            yield from branch.rows.items()

    def want(self, first: int, last: int) -> None:
        """Ask for what is missing of these rows and of as many on either side, from each list.

        What is asked for one screen ahead is there when a person turns the page.
        """
        ahead = last - first + 1
        end = last + ahead if self.count is None else min(last + ahead, self.root.size - 1)
        wanted: dict[int, tuple[Branch, int, int]] = {}
        for index in range(max(first - ahead, 0), end + 1):
            branch, place = self.root.locate(index)
            _, low, high = wanted.get(id(branch), (branch, place, place))
            wanted[id(branch)] = (branch, min(low, place), max(high, place))
        for branch, low, high in wanted.values():
            open_end = branch.rows.count is None and high + 1 == branch.rows.size
            branch.rows.want(low, high + open_end)

    def take(self, rows: WindowRows, start: int, items: Sequence[Any]) -> None:
        """Take a page of one of the lists that has come."""
        rows.take(start, items)
        if rows is not self.root.rows:
            # A branch may have become longer: what is below it stands elsewhere.
            self.generation += 1

    def index_of(self, key: str) -> int | None:
        """Where a loaded row stands."""
        return self.root.index_of(key)

    async def keys_between(self, start: str, end: str) -> Sequence[str]:
        """The keys from one row to another, whichever is first; none if one is not in the list."""
        keys = await self.root.keys()
        try:
            first, last = sorted((keys.index(start), keys.index(end)))
        except ValueError:
            return ()
        return keys[first : last + 1]

    def remake(self) -> None:
        """Make all rows again from their items."""
        for branch in self.root.walk():
            branch.rows.remake()

    def is_open(self, index: int) -> bool:
        """Whether the row has a branch open below it."""
        branch, place = self.root.locate(index)
        return place in branch.open

    def open(self, key: str, rows: WindowRows) -> None:
        """Put `rows` below the row of that key; nothing when it is not loaded."""
        index = self.root.index_of(key)
        if index is not None:
            branch, place = self.root.locate(index)
            branch.open[place] = Branch(rows, branch.level + 1)
            self.generation += 1

    def close(self, index: int) -> None:
        """Take away what is open below a row."""
        branch, place = self.root.locate(index)
        if branch.open.pop(place, None) is not None:
            self.generation += 1

    def opened(self) -> list[str]:
        """The keys of the rows that are open, outer ones before inner ones."""
        found = []
        for branch in self.root.walk():
            rows = (branch.rows.row(place) for place in branch.open)
            found += [row.key for row in rows if row is not None]
        return found
