"""The list of experiments."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import experiments as usecase
from modeldeck.backends.api.address import experiment as address
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EXPERIMENTS
from modeldeck.backends.api.runs import Experiment, Shelf
from modeldeck.widgets.table import Cell, Column, Row

from ..words import when
from .listing import ListScreen


class ExperimentsScreen(ListScreen):
    """Experiments; Enter shows the runs of one."""

    noun: ClassVar[str] = "experiments"
    vocabulary = EXPERIMENTS
    offers = ("open", "filter", "goto", "shelf", "calls")
    crumb = "experiments"
    address = "experiments"
    command = "modeldeck experiments ls"
    empty = "no experiments yet: modeldeck run -e NAME -- CMD records the first run"
    shelf = Shelf.ACTIVE

    async def load(self) -> Window[Experiment]:
        """The experiments."""
        return await usecase.list_experiments(
            self.session, where=self.where, sort=self.sort, shelf=self.shelf
        )

    def arrived(self, window: Window[Any]) -> None:
        """Know their names, for completion."""
        if not self.where:
            self.console.know_names("experiments", [item.name for item in window.first])

    def columns(self) -> Sequence[Column]:
        """Name, runs, age."""
        return [
            Column("name", "NAME", pinned=True, min_width=12, max_width=48, priority=9, grow=1),
            Column("runs", "RUNS", "number", priority=8),
            Column("updated", "UPDATED", "time", priority=5),
            Column("created", "CREATED", "time", priority=4),
            Column("note", "NOTE", max_width=40, priority=2, grow=1),
            Column("id", "ID", max_width=18, priority=1),
        ]

    def row(self, item: Experiment) -> Row:
        """One experiment."""
        now = self.session.clock()
        cells: list[Cell | str] = [
            item.name,
            "" if item.runs is None else f"{item.runs:,}",
            when(item.updated_at, now),
            when(item.created_at, now),
            Cell(item.note.partition("\n")[0], "dim"),
            Cell(item.id, "dim"),
        ]
        return Row(item.id, cells, style="dim" if item.deleted_at else "")

    def open_item(self, item: Any) -> None:
        """Its runs."""
        from .runs import RunsScreen

        self.console.push_screen(RunsScreen(experiment=item.name))

    def do_shelf(self) -> None:
        """Deleted ones, or those in use."""
        self.shelf = Shelf.DELETED if self.shelf == Shelf.ACTIVE else Shelf.ACTIVE
        self.say("deleted ones" if self.shelf == Shelf.DELETED else "")
        self.ask()

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return address(item.id) if item else self.address
