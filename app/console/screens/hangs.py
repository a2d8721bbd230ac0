"""What hangs on a run: its children, and the versions that were made from it."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.widget import Widget

from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.runs import list_runs
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.runs import Fields, Run
from modeldeck.widgets.bar import Part
from modeldeck.widgets.table import Cell, Column, ListSource, Row, Table

from ..words import STATES, when
from .base import DeckScreen

MOST = 1000


class HangsScreen(DeckScreen):
    """Versions first: they are what a change of the run would touch."""

    offers = ("open", "back")
    crumb = "what hangs on it"
    COLUMNS: ClassVar[Sequence[Column]] = [
        Column("kind", "IS", priority=9),
        Column("name", "NAME", pinned=True, min_width=16, max_width=48, priority=9, grow=1),
        Column("state", "STATE", max_width=30, priority=8),
        Column("at", "WHEN", "time", priority=7),
        Column("id", "ID", max_width=34, priority=5),
    ]

    def __init__(self, detail: RunDetail) -> None:
        super().__init__()
        self.detail = detail
        self._source = ListSource()

    def body(self) -> Iterator[Widget]:
        """The table."""
        empty = "nothing hangs on this run: no child, and no version was made from it"
        table = Table(self.COLUMNS, self._source, empty=empty, ascii_only=self.console.ascii_only)
        yield table

    def on_mount(self) -> None:
        """Show the versions, which are known."""
        self.query_one(Table).focus()
        self._show(())

    def ask(self) -> None:
        """Its children."""
        run = self.detail.run
        fields = Fields(metrics=(), params=(), tags=())

        async def children() -> Sequence[Run]:
            window = await list_runs(self.session, parent=run.id, fields=fields, first=MOST)
            return window.first

        if run.children:
            self.bridge.ask(self, "children", f"children of {run.name}", children)

    def got_children(self, runs: Sequence[Run]) -> None:
        """Show them too."""
        self._show(runs)

    def _show(self, runs: Sequence[Run]) -> None:
        now = self.session.clock()
        rows = [
            Row(
                version_address(one.model, one.version),
                [
                    Cell("version", "accent"),
                    f"{one.model} {one.version}",
                    "  ".join(one.aliases) or one.status,
                    when(one.created_at, now),
                    Cell(one.digest or "", "dim"),
                ],
            )
            for one in self.detail.versions
        ]
        for run in runs:
            cells: list[Cell | str] = [
                "run", run.name, Cell(*STATES[run.status]), when(run.started_at, now),
                Cell(run.id, "dim"),
            ]  # fmt: skip
            rows.append(Row(f"runs/{run.id}", cells))
        self._source.replace(rows)
        self.query_one(Table).refresh_rows()

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """How many there are."""
        if self.notice:
            return super().state_line()
        return [Part(self.query_one(Table).position, "dim")], [Part(self.age(), "dim")]

    def on_table_row_chosen(self) -> None:
        """Enter."""
        self.do_open()

    def do_open(self) -> None:
        """Go to the version or the run."""
        key = self.query_one(Table).cursor_key
        if key:
            self.console.open_address(key)

    def why_not_open(self) -> str:
        """There has to be one."""
        return "" if self.query_one(Table).cursor_key else "there is nothing to open"

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        return self.query_one(Table).cursor_key or ""
