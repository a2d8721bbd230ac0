"""Small Textual programs: our table over a million rows, and Textual's own beside it."""

import sys
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from modeldeck.widgets.chart import Chart, ChartGrid
from modeldeck.widgets.table import Cell, Column, Row, Table

NAMES = ["NAME", "ST", *(f"metric {n}" for n in range(7)), "GIT"]
MILLION, THOUSAND = 1_000_000, 1000


def texts(at: int) -> list[str]:
    """The texts of a row."""
    numbers = [f"0.{(at * k + 1) % 9973:04d}" for k in range(1, 8)]
    return [f"xgb-{at:06}", "FAIL" if at % 7 == 3 else "ok", *numbers, "7be2"]


class Million:
    """A source that makes each row when it is asked for."""

    generation = 1
    count = at_least = MILLION

    def row(self, index: int) -> Row:
        name, state, *rest = texts(index)
        return Row(str(index), [name, Cell(state, "bad" if state == "FAIL" else "ok"), *rest])

    def want(self, first: int, last: int) -> None:
        """All rows are there."""

    def index_of(self, key: str) -> int | None:
        return int(key)


class Ours(App[None]):
    """Our table over a million rows."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        columns = [Column("name", NAMES[0], pinned=True, priority=9)]
        columns += [Column(name, name, "number") for name in NAMES[1:]]
        yield Table(columns, Million())

    def on_mount(self) -> None:
        self.query_one(Table).focus()


class Theirs(App[None]):
    """Textual's DataTable over a thousand rows: it measures every cell of all it has."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table: DataTable[Any] = self.query_one(DataTable)
        table.add_columns(*NAMES)
        table.add_rows(texts(at) for at in range(THOUSAND))
        table.focus()


class Drawing(App[None]):
    """A chart that fills the screen."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Chart()


class Many(App[None]):
    """A page of small charts."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield ChartGrid()


if __name__ == "__main__":
    {"ours": Ours, "theirs": Theirs}[sys.argv[1]]().run()
