"""The audit trail as a list."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import audit as usecase
from modeldeck.app.usecases import audit_words
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.query import EVENTS
from modeldeck.backends.api.trail import TrailCheck
from modeldeck.widgets.table import Cell, Column, Row

from ..events_words import STYLES, who, whole_words
from .listing import ListScreen


class EventsScreen(ListScreen):
    """Who did what to which, newest first."""

    noun: ClassVar[str] = "audit"
    vocabulary = EVENTS
    offers = ("open", "filter", "verify", "goto")
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
        """All of it, as JSON, with its leaf and what proves it."""
        self.do_raw()

    async def whole(self, item: Event) -> Any:
        """The event with its leaf, its hashes, its signature, the checkpoint that counts it."""
        from modeldeck.app.usecases import audit_encode

        return audit_encode.record(await usecase.event_record(self.session, item.seq))

    def got_raw(self, item: Any) -> None:
        """Show it."""
        self.console.show_json(self, item, f"event {item['seq']}")

    def do_verify(self) -> None:
        """Read the whole trail, and say how far it is."""
        from modeldeck.app.config.settings import read_settings
        from modeldeck.app.usecases.audit_anchors import Anchors
        from modeldeck.app.usecases.audit_check import verify_trail

        loop = asyncio.get_running_loop()

        def progress(done: int, of: int) -> None:
            loop.call_soon_threadsafe(self._verifying, done, of)

        async def work() -> TrailCheck:
            anchors = Anchors(read_settings().audit.anchors)
            return await verify_trail(self.session, progress, anchors=anchors)

        self.say("verifying ...")
        self.bridge.ask(self, "verify", "verify the trail", work)

    def why_not_verify(self) -> str:
        """It is under way."""
        return "it is under way; Esc stops it" if self.bridge.asked(self, "verify") else ""

    def _verifying(self, done: int, of: int) -> None:
        if self.is_attached and self.bridge.asked(self, "verify"):
            self.say(f"verifying {done:,} of {of:,} events")

    def got_verify(self, found: TrailCheck) -> None:
        """What was found."""
        self.say(audit_words.summary(found), "ok" if found.holds else "bad")

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return f"events/{item.seq}" if item else self.address

    def first_where(self) -> str:
        """The filter that the screen came with."""
        return self._came_with
