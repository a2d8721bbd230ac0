"""Single changes sent to a server, each written down before it is sent and after."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from .api.address import parse_address
from .api.errors import (
    ConflictError,
    DamagedError,
    ModeldeckError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from .api.events import Entry, Event, observation
from .api.locks import FIELD, Held
from .api.plan import Change, moved_on
from .api.protocols import Records, Server
from .api.tasks import task_group

T = TypeVar("T")
AT_ONCE = 8
"""So many fields are read at the same time."""
PATIENCE = 10.0
"""Seconds that what was begun has to end in, once nobody waits for it any more."""


class Writer:
    """Makes changes on a server; the records say what became of each, whatever happens."""

    def __init__(
        self, server: Server, records: Records, tool: str, clock: Callable[[], datetime]
    ) -> None:
        self._server = server
        self._records = records
        self._tool = tool
        self._clock = clock
        self._pending: set[asyncio.Task[Any]] = set()

    async def settled(self) -> None:
        """Wait until what was begun is written down."""
        while self._pending:
            await asyncio.wait(tuple(self._pending))

    async def compare(self, changes: Sequence[Change]) -> None:
        """Raise ConflictError when anything is not as the plan saw it."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def check(change: Change) -> None:
            async with turns:
                found = await self._server.read_field(change.subject, change.field)
            if not same(change.field, found, change.before):
                raise moved_on(change, found)

        async with task_group() as group:
            for change in changes:
                group.create_task(check(change))

    async def held(self, subjects: Sequence[str]) -> Sequence[Held]:
        """Those of these versions that are locked, by whom and why."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def read(subject: str) -> Held | None:
            async with turns:
                words = await self._read(subject, FIELD)
            place = parse_address(subject)
            return Held(place.name, place.version or 0, str(words)) if words is not None else None

        async with task_group() as group:
            tasks = [group.create_task(read(subject)) for subject in subjects]
        return [found for task in tasks if (found := task.result()) is not None]

    async def make(self, change: Change, entry: Entry) -> Event:
        """Make one change, whose intent is `entry`; gives its outcome when it is done."""
        began = self._clock()
        intent = await self._intend(entry)
        try:
            await self._server.write_field(change)
        except (UnreachableError, DamagedError) as error:
            if isinstance(error, UnreachableError) and not error.sent:
                await self._surely(self._end(intent, "failed", error.what))
                raise
            # What cannot be read may be the answer of who has done it, or of another in between.
            outcome = await self._surely(self._learn(change, intent, error.what))
            if outcome.phase == "done":
                return outcome
            raise _unknown(change, error) from error
        except (RefusedError, UsageError) as error:
            await self._surely(self._end(intent, "failed", error.what))
            raise
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            why = "it was cancelled while it was sent" if cancelled else type(error).__name__
            await self._surely(_soon(self._learn(change, intent, why)))
            raise
        return await self._verify(change, intent, began)

    async def resolve(self, intent: Event) -> Event | None:
        """What became of an intent that a crash left; None while the server cannot be asked."""
        field, wanted = next(iter(intent.after.items()))
        try:
            found = await self._read(intent.subject, field)
        except ModeldeckError:
            return None
        if same(field, found, wanted):
            return await self._end(intent, "done", "found so at the next start")
        if same(field, found, intent.before.get(field)):
            return await self._end(intent, "failed", "found as before at the next start")
        why = f"found {_words(found)} at the next start"
        return await self._end(intent, "unknown", why)

    async def _intend(self, entry: Entry) -> Event:
        written: list[Event] = []

        async def note() -> None:
            written.append(await self._records.note(entry))

        try:
            await self._surely(note())
        except asyncio.CancelledError:
            for intent in written:
                await self._surely(
                    self._end(intent, "failed", "it was cancelled before it was sent")
                )
            raise
        return written[0]

    async def _learn(self, change: Change, intent: Event, why: str) -> Event:
        """Nobody knows whether it arrived: what is there now may tell."""
        try:
            found = await self._read(change.subject, change.field)
        except ModeldeckError:
            return await self._end(intent, "unknown", why)
        if same(change.field, found, change.after):
            return await self._end(intent, "done", f"found so after: {why}")
        return await self._end(intent, "unknown", f"{why}; {_words(found)} when it was read back")

    async def _verify(self, change: Change, intent: Event, began: datetime) -> Event:
        """The server took it: see that it is what is there now."""
        try:
            found = await self._read(change.subject, change.field)
        except ModeldeckError:
            return await self._surely(self._end(intent, "done", "it was not read back"))
        except BaseException:
            await self._surely(self._end(intent, "done", "it was not read back"))
            raise
        event = await self._surely(self._end(intent, "done"))
        if same(change.field, found, change.after):
            return event
        other = observation(
            change.subject,
            change.field,
            change.after,
            found,
            (began, self._clock()),
            tool=self._tool,
            context=intent.context,
        )
        await self._surely(self._records.note(other))
        raise ConflictError(
            f"{change.field} was set to {_words(change.after)} and is {_words(found)} now: somebody"
            " else wrote at the same moment",
            where=change.subject,
            way_out="Look at what is there, then plan again",
        )

    async def _end(self, intent: Event, phase: str, why: str = "") -> Event:
        fields = {name: getattr(intent, name) for name in Entry.__struct_fields__}
        after: Mapping[str, Any] = {**intent.after, "why": why} if why else intent.after
        fields |= {"phase": phase, "after": after, "caused_by": intent.seq, "tool": self._tool}
        return await self._records.note(Entry(**fields))

    async def _read(self, subject: str, field: str) -> Any:
        """What a field holds now; None too where its subject is gone."""
        try:
            return await self._server.read_field(subject, field)
        except NotFoundError:
            return None

    async def _surely(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish `work` whatever happens; a cancellation waits for it, a second one does not.

        It does not wait for ever: an intent that is left open is looked into at the next start.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=PATIENCE)
            task.cancel()
            raise


async def _soon(work: Coroutine[Any, Any, object]) -> None:
    """Do `work`, as far as that is possible while nobody waits for it any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await work


def same(field: str, found: Any, wanted: Any) -> bool:
    """Whether a field holds what is wanted. Times and contents are the server's: there or not."""
    if field in ("deleted", "content"):
        return (found is None) == (wanted is None)
    return bool(found == wanted)


def _unknown(
    change: Change, error: UnreachableError | DamagedError
) -> UnreachableError | DamagedError:
    return type(error)(
        f"{error.what}; whether {change.field} went from {_words(change.before)} to"
        f" {_words(change.after)} is not known",
        where=error.where or change.subject,
        way_out="Look at what is there, then plan again: it is not sent a second time by itself",
    )


def _words(value: Any) -> str:
    return "not there" if value is None else repr(value)
