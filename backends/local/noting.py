"""What happens to a server, written down in a registry of ours: events, and what was last seen."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ..api.events import OUTCOMES, Entry, Event
from ..api.protocols import Teach
from ..api.times import to_micros
from .auditing import Auditor
from .database import Connection, Database
from .locking import alone
from .trail import PROMOTIONS, write

if TYPE_CHECKING:
    from .files import Layout


class Noting(Auditor):
    """The verbs of `Records`."""

    layout: "Layout"
    registry: Database
    tool: str
    clock: Callable[[], datetime]

    def applying(self, wait: float) -> AbstractAsyncContextManager[None]:
        """Be the only one who applies with these records, on this machine."""
        return alone(self.layout.folder / "apply.lock", wait)

    async def note(self, entry: Entry) -> Event:
        """Write an event that changes nothing here; an outcome only where there is none yet."""
        return await self.note_with(entry, lambda _: None)

    async def note_with(self, entry: Entry, work: Callable[[Connection], object]) -> Event:
        """The same; `work` writes what it speaks of, in the same transaction."""
        from . import seen as table

        def both(connection: Connection) -> Event:
            outcome = entry.phase in OUTCOMES and entry.caused_by is not None
            known = table.outcome_of(connection, entry.caused_by) if outcome else None
            if known is not None:
                return known
            work(connection)
            event = write(connection, self._signed(entry), self.clock(), self.signer)
            if entry.phase == "observed" or (outcome and entry.phase == "done"):
                table.learn(connection, event, event.time)
            return event

        promoted = entry.phase == "done" and entry.action in PROMOTIONS
        return await self.recorded(both, at_once=promoted)

    async def opened(self) -> Sequence[Event]:
        """The intents whose outcome nobody wrote, oldest first."""
        from . import seen as table

        return await self.registry.read(table.open_intents)

    async def observe(
        self,
        seen: Mapping[str, Any],
        at: datetime,
        *,
        field: str,
        context: str,
        below: Collection[str] = (),
        teach: Teach | None = None,
    ) -> Sequence[Event]:
        """Compare what was seen with what was known; nothing is written when it is the same."""
        from . import seen as table

        def look() -> table.Look:
            now = to_micros(self.clock())
            return table.Look(context, field, seen, below, min(to_micros(at), now), now)

        def work(connection: Connection) -> Sequence[Event]:
            # Again, now that nobody else can write.
            current = look()
            found = table.news(connection, current)
            entries = table.told(connection, current, self.tool, found, lessons)
            table.remember(connection, current, found)
            return [write(connection, entry, self.clock()) for entry in entries]

        found = await self.registry.read(lambda c: table.news(c, look()))
        lessons: Mapping[str, Sequence[Entry]] = {}
        if teach is not None and found.changes:
            lessons = await teach([subject for subject, _, _ in found.changes])
        return [] if found.empty else await self.recorded(work)

    def _signed(self, entry: Entry) -> Entry:
        return entry if entry.tool else msgspec.structs.replace(entry, tool=self.tool)
