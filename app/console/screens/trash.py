"""The trash as a list: what was deleted, by whom, why, until when it can be restored."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import trash as usecase
from modeldeck.app.usecases.bulk import Bulk
from modeldeck.app.usecases.purging import plan_purges
from modeldeck.app.usecases.restoring import plan_restores
from modeldeck.app.usecases.trash import Trashed
from modeldeck.app.usecases.trash_words import TRASH
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.protocols import Trash
from modeldeck.widgets.table import Cell, Column, Row

from .. import changing
from ..words import length, size
from .listing import ListScreen

_NOT_KNOWN = Cell("not known", "dim")


class TrashScreen(ListScreen):
    """What was deleted last first; `u` restores, `Del` removes for good what is past its time."""

    noun: ClassVar[str] = "trash"
    vocabulary = TRASH
    offers = ("open", "restore", "delete", "filter", "goto")
    crumb = "trash"
    address = "trash"
    command = "modeldeck trash ls"
    empty = "the trash is empty"

    async def load(self) -> Window[Trashed]:
        """All of it."""
        return await usecase.list_trash(self.session, where=self.where, sort=self.sort)

    def columns(self) -> Sequence[Column]:
        """What it is, since when it is here, by whom and why, until when it can be restored."""
        return [
            Column("what", "WHAT", priority=9),
            Column("name", "NAME", pinned=True, min_width=12, max_width=40, priority=10, grow=1),
            Column("deleted", "AGE", "time", priority=8),
            Column("goes", "GOES", "time", priority=9),
            Column("held", "HELD BY", min_width=14, max_width=28, priority=7),
            Column("by", "BY", max_width=14, priority=6),
            Column("why", "WHY", min_width=8, max_width=48, priority=5, grow=1),
            Column("size", "SIZE", "number", priority=4),
            Column("ticket", "TICKET", max_width=12, priority=3),
            Column("id", "ID", max_width=18, priority=1),
        ]

    def row(self, item: Trashed) -> Row:
        """One thing."""
        now = self.session.clock()
        age = None if item.deleted_at is None else max(now - item.deleted_at, now - now)
        held = ", ".join(item.held)
        cells: list[Cell | str] = [
            item.what,
            Cell(item.name, "strong"),
            _NOT_KNOWN if age is None else length(age),
            self._goes(item),
            Cell(held, "warn" if usecase.LOCKED in held else ""),
            item.by or _NOT_KNOWN,
            Cell(item.why, "dim"),
            size(item.size),
            item.ticket,
            Cell(item.ref, "dim"),
        ]
        return Row(item.subject, cells)

    def _goes(self, item: Trashed) -> Cell:
        left = usecase.days_left(item, self.session.clock())
        if left is None:
            return Cell("-", "dim")
        if left == 0:
            return Cell("past", "warn")
        return Cell(f"{left:.0f}d" if left >= 1 else "today", "" if left > 3 else "warn")

    def open_item(self, item: Any) -> None:
        """It, as it was."""
        from modeldeck.backends.api.address import parse_address

        from ..places import screen_at

        self.console.push_screen(screen_at(parse_address(item.subject)))

    async def whole(self, item: Any) -> Any:
        """As JSON, with how long it is kept."""
        return usecase.as_object(item, self.session.clock())

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return str(item.subject) if item else self.address

    def do_restore(self) -> None:
        """Restore the marked, else the one under the cursor."""
        session, refs = self.session, self.chosen()

        async def plan() -> Bulk:
            return _only(await plan_restores(session, refs=refs))

        changing.many(self, "thing", plan, "restored", self.table.clear_marks)

    def do_delete(self) -> None:
        """Remove the marked for good, else the one under the cursor."""
        session, refs = self.session, self.chosen()

        async def plan() -> Bulk:
            return _only(await plan_purges(session, refs=refs))

        changing.many(self, "thing", plan, "removed for good", self.table.clear_marks)

    def why_not_restore(self) -> str:
        """There is nothing, or there are things of several kinds."""
        if not self.chosen():
            return "there is nothing to restore"
        return self._mixed()

    def why_not_delete(self) -> str:
        """Where nothing is purged, or where its time is not over."""
        registry = self.session.registry
        if not isinstance(registry, Trash):
            return registry.availability("run.purge").reason or "nothing is purged from here"
        if not self.chosen():
            return "there is nothing to remove"
        item = self.current()
        if item is None or self.table.marks:
            return self._mixed()
        if item.held:
            return f"it is kept for {', '.join(item.held)}"
        left = usecase.days_left(item, self.session.clock())
        if left:
            keeps = self.session.policy.trash.retention_days
            return f"it is kept {left:.1f} more days of {keeps}; then Del removes it"
        return ""

    def _mixed(self) -> str:
        kinds = {key.partition("/")[0] + str(key.count("/")) for key in self.chosen()}
        return "mark things of one kind: runs, versions or models" if len(kinds) > 1 else ""


def _only(bulks: Sequence[Bulk]) -> Bulk:
    if len(bulks) != 1:
        raise ModeldeckError("things of one kind at a time", way_out="Mark runs alone, say")
    return bulks[0]
