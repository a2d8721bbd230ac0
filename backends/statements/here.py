"""Statements kept in a registry's own file."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..api.events import Entry, Event
from ..api.statements import Signed, Signer, Statement, Sync
from ..api.times import from_micros, to_micros
from ..local import statements as table
from ..local.noting import Noting
from .envelope import Opened, judge, open_envelope, seal
from .keys import Owner

People = Callable[[], Mapping[str, Owner]]
_REMEMBERED = 10_000


class LocalStatements:
    """Those of one registry. `people` gives the owners of keys by the policy in force.

    The file is that of `records`, which open and close it.
    """

    def __init__(self, records: Noting, people: People, clock: Callable[[], datetime]) -> None:
        self.records = records
        self.database = records.registry
        self.people = people
        self.clock = clock
        self.place = str(self.database.path)
        self._opened: dict[str, Opened] = {}

    async def put(self, statement: Statement, signer: Signer, *, send: bool = True) -> Signed:
        return (await self.put_all([statement], signer, send=send))[0]

    async def put_all(
        self, statements: Sequence[Statement], signer: Signer, *, send: bool = True
    ) -> Sequence[Signed]:
        rows = await self._sealed(statements, signer)
        await self.database.write(lambda c: table.keep(c, rows))
        return self._judged(rows, self.people())

    async def put_noted(
        self, statement: Statement, signer: Signer, entry: Callable[[Signed], Entry]
    ) -> Event:
        rows = await self._sealed([statement], signer)
        (signed,) = self._judged(rows, self.people())
        return await self.records.note_with(entry(signed), lambda c: table.keep(c, rows))

    async def _sealed(self, statements: Sequence[Statement], signer: Signer) -> Sequence[table.Row]:
        """Signed off the event loop: a key may wait for a touch."""
        now = to_micros(self.clock())

        def made() -> Sequence[table.Row]:
            sealed = [seal(one, signer) for one in statements]
            return [row_of(open_envelope(one), one, now) for one in sealed]

        return await asyncio.to_thread(made)

    async def statements(self, kinds: Sequence[str] = (), subject: str = "") -> Sequence[Signed]:
        rows = await self.database.read(lambda c: table.found(c, kinds, subject))
        if not rows:
            return []
        # Signatures are checked the first time that each is seen: off the event loop.
        return await asyncio.to_thread(self._judged, rows, self.people())

    async def sync(self, *, older: float = 0.0) -> Sync:
        return await self.status()

    async def status(self) -> Sync:
        return Sync(place=self.place, shared=False)

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _judged(self, rows: Sequence[table.Row], people: Mapping[str, Owner]) -> Sequence[Signed]:
        found = []
        for row in rows:
            opened = self._opened.get(row.id)
            if opened is None:
                if len(self._opened) >= _REMEMBERED:
                    self._opened.clear()
                opened = self._opened[row.id] = open_envelope(row.envelope)
            found.append(judge(opened, people, from_micros(row.received_at), row.origin))
        return found


def row_of(opened: Opened, envelope: bytes, received_at: int, origin: str = "") -> table.Row:
    """As the table holds it. What cannot be read is kept under no kind and no subject."""
    said = opened.statement
    time = to_micros(said.time) if said.kind else received_at
    return table.Row(opened.id, said.kind, said.subject, time, envelope, received_at, origin)
