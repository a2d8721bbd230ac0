"""What a table tells its owner."""

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from .table import Table


class TableMessage(Message):
    """From a table; `control` is that table, for `@on(..., "#id")`."""

    def __init__(self, table: "Table") -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> "Table":
        """The table that speaks."""
        return self.table


class RowHighlighted(TableMessage, namespace="table"):
    """The cursor is on another row, or its row has been loaded; `key` is None until it is."""

    def __init__(self, table: "Table", index: int, key: str | None) -> None:
        super().__init__(table)
        self.index = index
        self.key = key


class RowChosen(TableMessage, namespace="table"):
    """Enter or a double click on a row that is loaded."""

    def __init__(self, table: "Table", index: int, key: str) -> None:
        super().__init__(table)
        self.index = index
        self.key = key


class ToggleAsked(TableMessage, namespace="table"):
    """A tree row should open or close."""

    def __init__(self, table: "Table", index: int, key: str) -> None:
        super().__init__(table)
        self.index = index
        self.key = key


class SortAsked(TableMessage, namespace="table"):
    """The rows should be sorted by the column with this key; the owner decides how.

    `further`: by what they are sorted by now first, then by this one.
    """

    def __init__(self, table: "Table", column: str, *, further: bool = False) -> None:
        super().__init__(table)
        self.column = column
        self.further = further


class RangeAsked(TableMessage, namespace="table"):
    """The rows between two keys (included) should be marked; not all of them are loaded."""

    def __init__(self, table: "Table", start: str, end: str) -> None:
        super().__init__(table)
        self.start = start
        self.end = end


class ColumnSelected(TableMessage, namespace="table"):
    """Another column is the selected one."""

    def __init__(self, table: "Table", column: str) -> None:
        super().__init__(table)
        self.column = column


class MarksChanged(TableMessage, namespace="table"):
    """Other rows are marked than before."""

    def __init__(self, table: "Table", marks: frozenset[str]) -> None:
        super().__init__(table)
        self.marks = marks


class ViewChanged(TableMessage, namespace="table"):
    """Other rows or columns are in sight, or their number changed: `Table.position` says which."""
