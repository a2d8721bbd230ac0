"""The trail of a registry as others see it: one event whole, proofs, checkpoints, the check."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from ..api.errors import DamagedError, ModeldeckError, NotFoundError, RefusedError
from ..api.statements import Signer
from ..api.trail import (
    HostKey,
    Kept,
    Mark,
    People,
    Progress,
    Record,
    TrailCheck,
    VerifySignature,
)
from ..tlog import merkle
from ..tlog.checkpoint import read_checkpoint
from ..tlog.proof import LogProof
from . import checkpoints, tree
from .checking import check, nothing
from .database import Connection, Database
from .trail import events_by_seq

T = TypeVar("T")


class Auditor:
    """The verbs of `Auditing`, and the checkpoints that the program writes by itself.

    `trouble` says why the last of these could not be written; changes go on without.
    """

    registry: Database
    clock: Callable[[], datetime]
    read_only: str
    signer: Signer | None = None
    host_key: Callable[[], HostKey] | None = None
    on_checkpoint: Callable[[Kept], None] | None = None
    trouble: str = ""
    _telling: "Collection[asyncio.Future[None]]" = ()

    async def trail_size(self) -> int:
        """How many events there are."""
        return await self.registry.read(tree.size)

    async def record(self, seq: int) -> Record:
        """One event whole."""
        found = await self.records_from(seq, 1)
        if not found or found[0].event.seq != seq:
            raise NotFoundError(f"there is no event {seq}", way_out="`modeldeck audit ls` lists")
        return found[0]

    async def records_from(self, first: int, count: int) -> Sequence[Record]:
        """At most so many events from that number on, whole, in order."""
        return await self.registry.read(lambda c: _records(c, first, count))

    async def subjects(self, subject: str) -> Sequence[int]:
        """The numbers of the events of exactly that subject that are not erased."""

        def work(connection: Connection) -> Sequence[int]:
            rows = connection.execute(
                "SELECT seq FROM audit_index WHERE subject = ? ORDER BY seq", (subject,)
            )
            return [row[0] for row in rows]

        return await self.registry.read(work)

    async def prove(self, seq: int, kept: Kept | None = None) -> str:
        """The proof, as a C2SP tlog-proof, that an event stands in a checkpoint: the newest."""

        def work(connection: Connection) -> str:
            last = kept or checkpoints.newest(connection)
            if last is None or not 0 < seq <= last.size:
                raise RefusedError(
                    f"no checkpoint counts event {seq} yet",
                    way_out="`modeldeck audit checkpoint` writes one",
                )
            return proof_of(connection, seq, last).text

        return await self.registry.read(work)

    async def checkpoints(self) -> Sequence[Kept]:
        """All checkpoints that are kept here, the smallest first."""
        return await self.registry.read(checkpoints.all_kept)

    async def checkpoint(self) -> Kept:
        """Write a checkpoint of the trail as it is; the last one where nothing has happened since.

        Where nothing may be written it is signed and not kept.
        """
        key = await self._key()
        if key is None:
            raise RefusedError(
                "there is no key to sign a checkpoint with", where=str(self.registry.path)
            )
        now = self.clock()
        if self.read_only:
            return await self.registry.read(lambda c: checkpoints.make(c, key, now))
        return await self.registry.write(lambda c: checkpoints.write(c, key, now))

    async def check_trail(
        self,
        *,
        marks: Sequence[Mark] = (),
        keys: Sequence[str] = (),
        people: People | None = None,
        verify: VerifySignature | None = None,
        progress: Progress = nothing,
    ) -> TrailCheck:
        """Read the whole trail; `progress` is called on another thread."""
        return await self.registry.read(
            lambda c: check(
                c, marks=marks, keys=keys, people=people, verify=verify, progress=progress
            )
        )

    async def recorded(self, work: Callable[[Connection], T], *, at_once: bool = False) -> T:
        """Do `work`, which writes events, and in the same transaction a checkpoint if one is due.

        `at_once`: it is a promotion, after which one is always written.
        """
        wanted = self.host_key is not None and (at_once or await self.registry.read(self._nearly))
        key = await self._key() if wanted else None
        made: list[Kept] = []

        def both(connection: Connection) -> T:
            result = work(connection)
            made.extend(self._due(connection, key, at_once=at_once))
            return result

        result = await self.registry.write(both)
        self._tell(made)
        return result

    async def sealed(self) -> None:
        """At the end of a session that wrote: count what no checkpoint counts yet."""
        if self.host_key is not None and self.registry.has_written and not self.read_only:
            await self._last()
        await self._told()

    async def _last(self) -> None:
        try:
            if not await self.registry.read(
                lambda c: checkpoints.due(c, self.clock(), at_once=True)
            ):
                return
            key = await self._key()
            made: list[Kept] = []
            await self.registry.write(lambda c: made.extend(self._due(c, key, at_once=True)))
        except ModeldeckError as error:
            self.trouble = str(error)
        else:
            self._tell(made)

    def _nearly(self, connection: Connection) -> bool:
        return checkpoints.nearly_due(connection, self.clock())

    def _due(self, connection: Connection, key: HostKey | None, *, at_once: bool) -> Sequence[Kept]:
        if key is None:
            return []
        now = self.clock()
        if not checkpoints.due(connection, now, at_once=at_once):
            return []
        try:
            return [checkpoints.write(connection, key, now)]
        except DamagedError as error:
            self.trouble = str(error)
            return []

    def _tell(self, made: Sequence[Kept]) -> None:
        for one in made:
            if self.on_checkpoint is not None:
                # Beside the change, which is made: whoever waits for it does not wait for this.
                task = asyncio.ensure_future(asyncio.to_thread(self.on_checkpoint, one))
                self._telling = {*(t for t in self._telling if not t.done()), task}

    async def _told(self) -> None:
        for found in await asyncio.gather(*self._telling, return_exceptions=True):
            if isinstance(found, BaseException):
                self.trouble = str(found)
        self._telling = ()

    async def _key(self) -> HostKey | None:
        if self.host_key is None:
            return None
        try:
            return await asyncio.to_thread(self.host_key)
        except ModeldeckError as error:
            self.trouble = str(error)
            return None


def proof_of(connection: Connection, seq: int, kept: Kept) -> LogProof:
    """That the event of that number is counted by a checkpoint which is kept here."""
    said, _ = read_checkpoint(kept.text)
    node = tree.node_of(connection)
    if merkle.root(said.size, node) != said.root:
        raise DamagedError(
            f"the trail is not the one that its checkpoint of {said.size} events counts",
            where="audit trail",
            way_out="`modeldeck audit verify` says more",
        )
    return LogProof(seq - 1, tuple(merkle.inclusion(seq - 1, said.size, node)), kept.text)


def _records(connection: Connection, first: int, count: int) -> Sequence[Record]:
    rows = connection.execute(
        "SELECT a.seq, a.leaf, a.link, p.salt, p.body, s.key, s.signature FROM audit a"
        " LEFT JOIN audit_payload p ON p.id = a.payload_id"
        " LEFT JOIN audit_signature s ON s.seq = a.seq"
        " WHERE a.seq >= ? ORDER BY a.seq LIMIT ?",
        (first, count),
    ).fetchall()
    events = {one.seq: one for one in events_by_seq(connection, [row[0] for row in rows])}
    found, cover = [], None
    for seq, leaf, link, salt, body, key, signature in rows:
        if cover is None or cover.size < seq:
            cover = checkpoints.covering(connection, seq)
        found.append(
            Record(
                event=events[seq],
                leaf=leaf.decode("utf-8", "surrogateescape"),
                leaf_hash=merkle.leaf_hash(leaf).hex(),
                link=link.hex(),
                payload=body,
                salt=None if salt is None else salt.hex(),
                key=key or "",
                signature="" if signature is None else signature.decode("ascii", "replace"),
                covered=cover.size if cover else None,
            )
        )
    return found
