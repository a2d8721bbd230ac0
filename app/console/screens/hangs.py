"""What hangs on a run or a version: what a change of it would touch."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.widget import Widget

from modeldeck.app.usecases.hanging import Hanging, hanging_on
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Part
from modeldeck.widgets.table import Cell, Column, ListSource, Row, Table

from ..words import when
from .base import DeckScreen


class HangsScreen(DeckScreen):
    """What a change would touch first stands first."""

    offers = ("open", "back")
    crumb = "what hangs on it"
    reads = "hanging"
    COLUMNS: ClassVar[Sequence[Column]] = [
        Column("kind", "IS", max_width=10, priority=9),
        Column("name", "NAME", pinned=True, min_width=16, max_width=48, priority=9, grow=1),
        Column("what", "HOW", max_width=44, priority=8),
        Column("at", "WHEN", "time", priority=7),
        Column("id", "ID", max_width=34, priority=5),
    ]

    def __init__(self, of: str) -> None:
        super().__init__()
        self.of = of
        self._source = ListSource()

    def body(self) -> Iterator[Widget]:
        """The table."""
        yield Table(
            self.COLUMNS, self._source, empty="reading ...", ascii_only=self.console.ascii_only
        )

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one(Table).focus()

    def ask(self) -> None:
        """Ask for all of it."""
        self.bridge.ask(
            self, "hanging", f"what hangs on {self.of}", lambda: hanging_on(self.session, self.of)
        )

    def got_hanging(self, hanging: Sequence[Hanging]) -> None:
        """Show it."""
        now = self.session.clock()
        table = self.query_one(Table)
        table.empty = f"nothing hangs on {self.of}"
        self._source.replace(
            [
                Row(
                    one.address or f"{one.kind}:{one.id}",
                    [
                        Cell(one.kind, "accent" if one.kind in ("alias", "version") else ""),
                        one.name,
                        one.what,
                        when(one.time, now),
                        Cell(one.id, "dim"),
                    ],
                )
                for one in hanging
            ]
        )
        table.refresh_rows()
        self.draw_frame()

    def failed_hanging(self, error: ModeldeckError) -> None:
        """Say why there is nothing."""
        self.query_one(Table).empty = str(error)
        self.fail(error)

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """How many there are, and on what: the list below does not say that."""
        if self.notice:
            return super().state_line()
        said = f"{self.query_one(Table).position}  on {self.of}"
        return [Part(said, "dim")], [Part(self.age(), "dim")]

    def on_table_row_chosen(self) -> None:
        """Enter."""
        if not self.why_not("open"):
            self.do_open()

    def do_open(self) -> None:
        """Go to what is under the cursor."""
        self.console.open_address(self.address_now())

    def why_not_open(self) -> str:
        """There has to be one that has a screen."""
        if self.query_one(Table).cursor_key is None:
            return "there is nothing to open"
        return "" if self.address_now() else "what was signed is shown by the version itself"

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        key = self.query_one(Table).cursor_key or ""
        return key if key.startswith(("runs/", "models/")) else ""
