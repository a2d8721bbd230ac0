"""The audit trail as a list."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import audit as usecase
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EVENTS
from modeldeck.widgets.table import Cell, Column, Row

from ..events_words import STYLES, who, whole_words
from .listing import ListScreen


class EventsScreen(ListScreen):
    """Who did what to which, newest first."""

    noun: ClassVar[str] = "audit"
    vocabulary = EVENTS
    offers = ("open", "filter", "goto")
    crumb = "audit"
    address = "events"
    command = "modeldeck audit ls"
    empty = "nothing has happened here yet"

    def __init__(self, *, where: str = "", sort: str = "") -> None:
        super().__init__(where=where, sort=sort)
        self._came_with = where

    async def load(self) -> Window[Event]:
        """The events."""
        return await usecase.list_events(self.session, where=self.where, sort=self.sort)

    def columns(self) -> Sequence[Column]:
        """When, who, what, on what, why."""
        return [
            Column("seq", "SEQ", "number", priority=5),
            Column("time", "TIME", "time", priority=9),
            Column("actor", "WHO", max_width=16, priority=8),
            Column("action", "ACTION", max_width=20, priority=8),
            Column("phase", "PHASE", max_width=9, priority=3),
            Column("subject", "ON", min_width=16, max_width=48, priority=7, grow=1),
            Column("change", "CHANGE", min_width=10, max_width=60, priority=6, grow=1),
            Column("reason", "REASON", max_width=40, priority=4, grow=1),
            Column("ticket", "TICKET", max_width=14, priority=2),
        ]

    def row(self, item: Event) -> Row:
        """One event."""
        now = self.session.clock()
        at = item.time.astimezone(now.tzinfo)
        cells: list[Cell | str] = [
            str(item.seq),
            f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}",
            Cell(who(item), STYLES.get(item.phase, "") if item.phase == "observed" else ""),
            item.action,
            Cell(item.phase, STYLES.get(item.phase, "dim")),
            item.subject,
            Cell(whole_words(item, now), STYLES.get(item.phase, "")),
            Cell(item.reason, "dim"),
            item.ticket,
        ]
        return Row(str(item.seq), cells)

    def open_item(self, item: Any) -> None:
        """All of it, as JSON."""
        self.console.show_json(self, item, f"event {item.seq}")

    def first_where(self) -> str:
        """The filter that the screen came with."""
        return self._came_with
