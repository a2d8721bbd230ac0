"""What a table is made of: columns, cells, rows, and a source of rows. Plain data, no Textual."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

Kind = Literal["text", "number", "time"]
Align = Literal["left", "right"]
Twisty = Literal["", "open", "closed"]

STYLES = ("ok", "bad", "warn", "dim", "accent", "best", "strong")
"""The names that a cell, row or span may give as its style; anything else is drawn plainly."""


class Column(NamedTuple):
    """A column: what its head says and how much room it wants.

    `priority`: when the width is short, the lowest is dropped first. `pinned` columns come first
    and stay while the others are paged. `grow` is the share of what is left over, up to
    `max_width` (0: no limit). Numbers and times are never narrowed below their content as far as
    `max_width` allows; text may shrink to `min_width`.
    """

    key: str
    title: str
    kind: Kind = "text"
    align: Align | None = None
    min_width: int = 0
    max_width: int = 40
    priority: int = 0
    grow: int = 0
    pinned: bool = False

    @property
    def right(self) -> bool:
        """Whether its cells stand at the right edge."""
        return self.align == "right" or (self.align is None and self.kind == "number")


class Cell(NamedTuple):
    """A text, as it is (the table makes it safe), and the name of a style."""

    text: str
    style: str = ""


class Span(NamedTuple):
    """Text that takes the place of the cells from one column to the right edge."""

    column: str
    text: str
    style: str = ""


class Row(NamedTuple):
    """One row. `cells` follow the columns; missing ones are blank, the `key` is its identity.

    A row is a value: what changed is another row, or the table does not see the change.
    """

    key: str
    cells: Sequence[Cell | str]
    style: str = ""
    level: int = 0
    twisty: Twisty = ""
    span: Span | None = None


class Source(Protocol):
    """Rows by index, loaded or not. Every call must be quick and must not wait.

    `generation` changes whenever an index may mean another row (sorted, filtered, reloaded).
    """

    @property
    def generation(self) -> int:
        """The number of this arrangement of rows."""
        ...

    @property
    def count(self) -> int | None:
        """How many rows there are, or None while that is not known."""
        ...

    @property
    def at_least(self) -> int:
        """How many rows are known to exist."""
        ...

    def row(self, index: int) -> Row | None:
        """Return the row, or None when it is not loaded."""
        ...

    def want(self, first: int, last: int) -> None:
        """Say that rows `first` to `last` (included) are in sight, once a view.

        Those that are not loaded are asked for; the owner says when they have come.
        """
        ...

    def index_of(self, key: str) -> int | None:
        """Return where the row with this key stands now, as far as that is known."""
        ...


class ListSource:
    """A source over a short list that is all there."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.generation = 0
        self._rows: Sequence[Row] = ()
        self._index: Mapping[str, int] = {}
        self.replace(rows)

    @property
    def count(self) -> int | None:
        """How many rows there are."""
        return len(self._rows)

    @property
    def at_least(self) -> int:
        """The same: all rows are known."""
        return len(self._rows)

    def replace(self, rows: Sequence[Row]) -> None:
        """Put other rows in place of the present ones."""
        self._rows = rows
        self._index = {row.key: index for index, row in enumerate(rows)}
        self.generation += 1

    def row(self, index: int) -> Row | None:
        """Return the row, or None outside the list."""
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def want(self, first: int, last: int) -> None:
        """Nothing to do: all rows are there."""

    def index_of(self, key: str) -> int | None:
        """Return where the row with this key stands."""
        return self._index.get(key)


def known(source: Source) -> int:
    """Return how many rows of `source` a cursor may stand on."""
    count = source.count
    return max(source.at_least if count is None else count, 0)
