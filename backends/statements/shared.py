"""Statements shared through a git repository: a file each, only ever added.

    statements/KIND/YYYY-MM/ID.json

All that was fetched is also in the registry's own file, from which it is read; what was signed here
waits there until it is sent. What is sent is one commit on top of the newest that was fetched, made
anew when somebody was faster: there is nothing to merge, and nothing that could conflict.

What was there once must stay. A head that does not descend from the last one that we saw, or a
statement that was changed or removed on the way, means that the records were rewritten: what is
here stays, and nothing more is taken from there before a person accepts it.
"""

import asyncio
import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..api.errors import BusyError, ConflictError, ModeldeckError
from ..api.events import Entry, Event
from ..api.statements import Signed, Signer, Statement, Sync
from ..api.times import from_micros, to_micros
from ..local import statements as table
from ..local.database import Connection
from ..local.locking import alone
from ..local.noting import Noting
from .envelope import LARGEST, identity, open_envelope
from .here import LocalStatements, People, row_of
from .repository import Repository, Touch

T = TypeVar("T")
FOLDER = "statements"
TRIES = 20
"""So often is something sent anew when others are faster; then it waits for the next sync."""
WAIT = 60.0
"""Seconds to wait for another process here that speaks to the same repository."""
AGAIN = 30.0
"""Seconds after which a place that was away is tried again when something is put."""
_MOST = 1000
_NAMED = 20
_PAUSE = 0.1
_PATH = re.compile(rf"{FOLDER}/([a-z]{{1,32}})/(\d{{4}}-\d\d)/([0-9a-f]{{64}})\.json")
_FILE = "100644"


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the place. `head` is the last commit of which everything was taken.

    `refused` are files there that are no statements by that name, with why.
    """

    head: str = ""
    tried_at: datetime | None = None
    reached_at: datetime | None = None
    trouble: str = ""
    rewritten: str = ""
    refused: Mapping[str, str] = {}
    refused_more: int = 0


class GitStatements(LocalStatements):
    """Those of a registry, and of everybody who pushes to the same branch."""

    def __init__(
        self,
        records: Noting,
        people: People,
        clock: Callable[[], datetime],
        *,
        address: str,
        branch: str,
        clone: Path,
        seconds: float = 30.0,
    ) -> None:
        super().__init__(records, people, clock)
        self.place = address
        self.repository = Repository(clone, address, branch, seconds=seconds)
        self._key = f"{address} {branch}"
        self._turn = asyncio.Lock()

    async def put_all(
        self, statements: Sequence[Statement], signer: Signer, *, send: bool = True
    ) -> Sequence[Signed]:
        signed = await super().put_all(statements, signer)
        if send:
            await self._sent()
        return signed

    async def put_noted(
        self, statement: Statement, signer: Signer, entry: Callable[[Signed], Entry]
    ) -> Event:
        event = await super().put_noted(statement, signer, entry)
        await self._sent()
        return event

    async def _sent(self) -> None:
        state = await self._state()
        # Who is away is not waited for with each change.
        await self.sync(older=AGAIN if state.trouble else 0.0)

    async def status(self) -> Sync:
        def work(connection: Connection) -> tuple[State, int]:
            return _read(connection, self._key), table.count_waiting(connection)

        state, waiting = await self.database.read(work)
        return Sync(
            place=self.place,
            rewritten=bool(state.rewritten),
            away=bool(state.trouble),
            at=state.reached_at,
            waiting=waiting,
            trouble=_words(state),
        )

    async def sync(self, *, older: float = 0.0) -> Sync:
        new: list[str] = []
        async with self._turn:
            if not self._due((await self._state()).tried_at, older):
                return await self.status()
            try:
                async with self._alone():
                    if self._due((await self._state()).tried_at, older):
                        new = await self._sync()
            except (ModeldeckError, OSError) as error:
                try:
                    await self._note(trouble=str(error))
                except ModeldeckError as other:
                    # A registry that cannot be written: then it cannot be noted either.
                    return replace(await self.status(), trouble=str(other))
        return replace(await self.status(), new=new)

    async def accept(self, head: str) -> Sync:
        """Take the place as it is now, whatever was there before; what is here stays here."""
        async with self._turn, self._alone():
            found = await self._off(self.repository.fetch)
            if found != head:
                raise ConflictError(
                    "it has moved on meanwhile", where=self.place, way_out="Look again"
                )
            files = await self._off(lambda: list(self.repository.files(head))) if head else []
            new = await self._take(head, files, State(reached_at=self.clock()))
        return replace(await self.status(), new=new)

    async def heads(self) -> tuple[str, str]:
        """The last commit that was taken, and the newest there now; empty for none."""
        async with self._turn, self._alone():
            return (await self._state()).head, await self._off(self.repository.fetch)

    async def close(self) -> None:
        """End what git is doing."""
        self.repository.stop()

    def _alone(self) -> "_Alone":
        return _Alone(self)

    def _due(self, tried_at: datetime | None, older: float) -> bool:
        now = self.clock()
        return tried_at is None or not timedelta() <= now - tried_at < timedelta(seconds=older)

    async def _state(self) -> State:
        return await self.database.read(lambda c: _read(c, self._key))

    async def _note(self, **changes: object) -> None:
        """Write down what is known of the place now."""
        now = self.clock()

        def work(connection: Connection) -> None:
            state = replace(_read(connection, self._key), tried_at=now, **changes)
            _write(connection, self._key, state)

        await self.database.write(work)

    async def _sync(self) -> list[str]:
        """Fetch, take, send; gives the ids of what came. What others are too fast for waits."""
        new: list[str] = []
        for _ in range(TRIES):
            head = await self._off(self.repository.fetch)
            state = await self._state()
            first = state.reached_at is None
            if state.rewritten or await self._is_rewritten(state, head):
                return new
            if head != state.head or first:
                touched = await self._off(partial(self._touched, state.head, head))
                if changed := [one for one in touched if one.status != "A" and _is_ours(one)]:
                    await self._rewritten(head, _changed(changed))
                    return new
                new += await self._take(head, touched, state)
            else:
                await self._note(trouble="", reached_at=self.clock())
            if await self._send(head):
                return new
            # Not longer each time: who is always busy there would win for ever.
            await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311
        return new

    def _touched(self, old: str, new: str) -> Sequence[Touch]:
        return list(self.repository.history(old, new)) if new else []

    async def _is_rewritten(self, state: State, head: str) -> bool:
        if not state.head or head == state.head:
            return False
        if not head:
            await self._rewritten(head, "the branch is gone")
        elif not await self._off(lambda: self.repository.descends(state.head, head)):
            await self._rewritten(head, "what is there does not descend from what was")
        else:
            return False
        return True

    async def _rewritten(self, head: str, what: str) -> None:
        words = f"{what} ({_now(head)})"
        await self._note(rewritten=words, trouble="", reached_at=self.clock())

    async def _take(self, head: str, touched: Sequence[Touch], state: State) -> list[str]:
        """Keep the statements among files that were added, and remember `head`."""
        now, refused = self.clock(), dict(state.refused)
        # The same name can stand in several folders: only one of them is right.
        named = [(match[3], one) for one in touched if (match := _PATH.fullmatch(one.path))]
        ids = {name for name, _ in named}
        here = await self.database.read(lambda c: table.known(c, ids))
        missing = [one for name, one in named if name not in here]
        rows: list[table.Row] = []
        for start in range(0, len(missing), _MOST):
            piece = missing[start : start + _MOST]
            found, wrong = await self._off(partial(self._read, piece, now))
            rows += found
            refused |= wrong
        more = max(len(refused) - _NAMED, 0)
        last = State(
            head=head,
            tried_at=now,
            reached_at=now,
            refused=dict(list(refused.items())[:_NAMED]),
            refused_more=state.refused_more + more,
        )

        def work(connection: Connection) -> list[str]:
            if state.reached_at is None:
                table.unsent(connection)
            table.sent(connection, here, to_micros(now))
            _write(connection, self._key, last)
            return list(table.keep(connection, rows))

        return await self.database.write(work)

    def _read(
        self, touched: Sequence[Touch], now: datetime
    ) -> tuple[Sequence[table.Row], Mapping[str, str]]:
        contents = self.repository.blobs([one.blob for one in touched], LARGEST)
        rows, refused = [], {}
        for one in touched:
            data = contents.get(one.blob)
            if one.mode != _FILE:
                refused[one.path] = "it is no plain file"
            elif data is None:
                refused[one.path] = f"it is larger than {LARGEST >> 10} KiB, or not there"
            elif why := _misnamed(one.path, data):
                refused[one.path] = why
            else:
                rows.append(row_of(open_envelope(data), data, to_micros(now), self.place))
        return rows, refused

    async def _send(self, head: str) -> bool:
        """Push what waits; False when somebody else was faster."""
        rows = await self.database.read(lambda c: table.waiting(c, _MOST))
        if not rows:
            return True
        files = {path_of(row): row.envelope for row in rows}
        now = self.clock()
        commit = await self._off(lambda: self.repository.commit(head, files, now))
        if not await self._off(lambda: self.repository.push(commit)):
            return False

        def work(connection: Connection) -> int:
            table.sent(connection, [row.id for row in rows], to_micros(now))
            state = replace(_read(connection, self._key), head=commit)
            _write(connection, self._key, state)
            return table.count_waiting(connection)

        return not await self.database.write(work)

    async def _off(self, work: Callable[[], T]) -> T:
        """Run it on a thread; who does not wait for it any more ends it."""
        try:
            return await asyncio.to_thread(work)
        except asyncio.CancelledError:
            self.repository.interrupt()
            raise


class _Alone:
    """Be the only process here that uses the clone."""

    def __init__(self, statements: GitStatements) -> None:
        self._repository = statements.repository
        self._lock = alone(self._repository.folder.with_suffix(".lock"), WAIT)

    async def __aenter__(self) -> None:
        folder = self._repository.folder.parent
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        try:
            await self._lock.__aenter__()
        except BusyError:
            raise BusyError(
                f"another modeldeck has been speaking to it for {WAIT:.0f} s",
                where=self._repository.address,
            ) from None
        try:
            await asyncio.to_thread(self._repository.make)
        except BaseException:
            await self._lock.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *error: object) -> None:
        await self._lock.__aexit__(None, None, None)


def path_of(row: table.Row) -> str:
    """Where a statement lies in the repository."""
    return f"{FOLDER}/{row.kind}/{from_micros(row.time):%Y-%m}/{row.id}.json"


def _misnamed(path: str, data: bytes) -> str:
    match = _PATH.fullmatch(path)
    if match is None or identity(data) != match[3]:
        return "its name is not the digest of what is in it"
    said = open_envelope(data).statement
    if said.kind and (said.kind, f"{said.time:%Y-%m}") != (match[1], match[2]):
        return "it does not lie where a statement of its kind and time does"
    return ""


def _is_ours(touch: Touch) -> bool:
    return _PATH.fullmatch(touch.path) is not None


def _changed(touched: Sequence[Touch]) -> str:
    words = {"D": "removed", "M": "changed", "T": "changed"}
    one = touched[0]
    more = f", and {len(touched) - 1} more" if len(touched) > 1 else ""
    return f"{one.path} was {words.get(one.status, 'changed')}{more}"


def _now(head: str) -> str:
    """A commit for people."""
    return f"now {head[:12]}" if head else "now nothing"


def _words(state: State) -> str:
    """What is wrong with the place."""
    parts = [state.trouble] if state.trouble else []
    if state.rewritten:
        parts.append(
            f"the records were rewritten: {state.rewritten}. Nothing is taken from there or sent"
            " until `modeldeck records accept`"
        )
    if count := len(state.refused) + state.refused_more:
        path, why = next(iter(state.refused.items()))
        parts.append(f"{count} file{'' if count == 1 else 's'} there not taken: {path}: {why}")
    return "; ".join(parts)


def _read(connection: Connection, key: str) -> State:
    found = table.place_state(connection, key)
    return State() if found is None else msgspec.json.decode(found, type=State)


def _write(connection: Connection, key: str, state: State) -> None:
    table.put_place_state(connection, key, msgspec.json.encode(state))
