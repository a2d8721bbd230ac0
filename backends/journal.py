"""A server and the records of what happens to it, together a registry.

Reads go to the server and are observed. A change is written down before it is sent and after:

    intent -> done                  and read back as it was meant
           -> done, then observed   somebody else wrote at the same moment; both values are named
           -> failed                the server said no
           -> unknown               nobody can tell whether it arrived

An intent without an outcome is what a crash leaves: `reconcile` finds out at the next start.
Nothing that changes anything is ever sent twice.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from .api.artifacts import Artifact
from .api.errors import BusyError, ModeldeckError, NotFoundError, ReadOnlyError
from .api.events import Actor, Event
from .api.exchanges import Exchange
from .api.lists import RunQuery, Window
from .api.locks import check_locks, lockable
from .api.models import Alias, Model, Version
from .api.plan import RECORDED, Change, Plan
from .api.protocols import READS, Availability, Records, Server
from .api.query import Expression, Sort
from .api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Keys,
    Lock,
    Points,
    Run,
    SeriesInfo,
    Shelf,
    Usage,
)
from .api.statements import Statements
from .observer import Observer, Watched
from .writer import Writer

WAIT = 10.0
"""Seconds to wait for another process that applies a plan with the same records."""
WHOLE = 5000
"""Models of a list that are all looked at, when it is whole."""
_NAMED = 3


class Journaled:
    """A `Registry` of a server and records. `tool` and `context` are what its events carry."""

    def __init__(
        self,
        server: Server,
        records: Records,
        *,
        tool: str,
        clock: Callable[[], datetime],
        context: str,
        read_only: str = "",
    ) -> None:
        self.server = server
        self.records = records
        self.name = server.name
        self.place = server.place
        self.tool = tool
        self.clock = clock
        self.context = context
        self.read_only = read_only
        self._observer = Observer(records, context, clock)
        self._writer = Writer(server, records, tool, clock)

    def learn_from(self, statements: Statements) -> None:
        """Ask these who changed what was changed elsewhere, before it is nobody's doing."""
        self._observer.statements = statements

    def availability(self, operation: str, subject: str = "") -> Availability:
        """What the server can; changes only where they may be made and written down."""
        if operation.startswith(RECORDED):
            reason = self.read_only or self.records.availability(operation, subject).reason
            return Availability(supported=not reason, reason=reason)
        if operation.rpartition(".")[2] not in READS:
            if self.read_only:
                return Availability(supported=False, reason=self.read_only)
            if reason := self.records.availability("event.note").reason:
                words = f"changes cannot be written down: {reason}"
                return Availability(supported=False, reason=words)
        return self.server.availability(operation, subject)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        return self.server.exchanges

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know of the records, in words."""
        trouble = self._observer.trouble
        return [f"what others changed could not be written down: {trouble}"] if trouble else []

    def link(self, address: str) -> str | None:
        """The address of a thing in the server's own web pages."""
        return self.server.link(address)

    def forget(self) -> None:
        """Answer nothing from memory from here on, where the server keeps answers at all."""
        forget = getattr(self.server, "forget", None)
        if forget is not None:
            forget()

    async def settled(self) -> None:
        """Wait until what was begun is written down: outcomes, and what was observed."""
        await self._writer.settled()
        await self._observer.settled()

    async def close(self) -> None:
        """Let go of server and records, after what was begun is written down."""
        try:
            await self.settled()
        finally:
            try:
                await self.server.close()
            finally:
                await self.records.close()

    # Experiments, runs, histories, artifacts: the server's

    async def experiments(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Experiment]:
        return await self.server.experiments(where, sort, shelf)

    async def experiment(self, ref: str) -> Experiment:
        return await self.server.experiment(ref)

    async def runs(self, query: RunQuery, first: int = 100) -> Window[Run]:
        return await self.server.runs(query, first)

    async def run(self, ref: str) -> Run:
        return await self.server.run(ref)

    async def run_keys(self, query: RunQuery) -> Keys:
        return await self.server.run_keys(query)

    async def datasets(self, run_id: str) -> Sequence[Dataset]:
        return await self.server.datasets(run_id)

    async def evaluations(self, run_id: str) -> Sequence[Evaluation]:
        return await self.server.evaluations(run_id)

    async def usage(self, run_id: str) -> Usage:
        return await self.server.usage(run_id)

    async def lock(self, digest: str) -> Lock | None:
        return await self.server.lock(digest)

    async def series(self, run_id: str) -> Sequence[SeriesInfo]:
        return await self.server.series(run_id)

    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        return await self.server.points(run_id, key, low=low, high=high, by=by)

    async def sampled(
        self,
        run_ids: Sequence[str],
        key: str,
        most: int,
        low: int | None = None,
        high: int | None = None,
    ) -> Mapping[str, Points]:
        return await self.server.sampled(run_ids, key, most, low, high)

    async def artifacts(self, owner: str) -> Sequence[Artifact]:
        return await self.server.artifacts(owner)

    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes:
        return await self.server.read_artifact(owner, path, start, limit)

    async def download(self, owner: str, path: str, target: Path) -> str:
        return await self.server.download(owner, path, target)

    # Models: the server's, observed

    async def models(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Model]:
        with self._observer.age() as age:
            window = await self.server.models(where, sort, shelf)
        rows = window.first
        if window.count is not None and len(rows) < window.count <= WHOLE:
            # It is whole already, so this asks nothing.
            rows = await window.page(0, window.count)
        whole = where is None and shelf is not Shelf.DELETED and window.count == len(rows)
        self._observer.models(rows, age.at, all_there=whole)
        return Watched(window, self._observer, self._observer.models, age.at)

    async def model(self, name: str) -> Model:
        with self._observer.age() as age:
            try:
                found = await self.server.model(name)
            except NotFoundError:
                self._observer.gone(name, age.at)
                raise
        if found.deleted_at is None:
            self._observer.models([found], age.at)
        else:
            self._observer.gone(found.name, age.at)
        return found

    async def versions(
        self,
        model: str | None = None,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Version]:
        with self._observer.age() as age:
            window = await self.server.versions(model, where, sort, shelf)
        self._observer.versions(window.first, age.at)
        return Watched(window, self._observer, self._observer.versions, age.at)

    async def version(self, model: str, number: int) -> Version:
        with self._observer.age() as age:
            found = await self.server.version(model, number)
        self._observer.versions([found], age.at)
        return found

    async def aliases(self, model: str | None = None) -> Sequence[Alias]:
        with self._observer.age() as age:
            found = await self.server.aliases(model)
        self._observer.aliases(found, age.at, model)
        return found

    # Trail and changes

    async def events(
        self, where: Expression | None = None, sort: Sequence[Sort] = (), first: int = 100
    ) -> Window[Event]:
        return await self.records.events(where, sort, first)

    def request(self, changes: Sequence[Change]) -> str:
        """What applying them would send."""
        return self.server.request(changes)

    def caveats(self, operation: str) -> Sequence[str]:
        """What the server lets others do past every gate."""
        return self.server.caveats(operation)

    async def apply(self, plan: Plan, actor: Actor, context: str) -> Sequence[Event]:
        """Make the changes of `plan` one after the other, each with its intent and outcome.

        Whatever stops it in the middle is raised and says how many are made; those stay.
        """
        moved = [change for change in plan.changes if change.before != change.after]
        for subject in dict.fromkeys(["", *(change.subject for change in moved)]):
            can = self.availability(plan.operation, subject)
            if not can.supported:
                raise ReadOnlyError(can.reason, where=subject or self.place)
        plan.check(self.clock())
        events: list[Event] = []
        async with self.records.applying(WAIT):
            await self._writer.compare(plan.changes)
            check_locks(plan, await self._writer.held(lockable(moved)))
            for number, change in enumerate(moved):
                try:
                    entry = plan.entry(
                        change, "intent", actor=actor, tool=self.tool, context=context
                    )
                    events.append(await self._writer.make(change, entry))
                except ModeldeckError as error:
                    if len(moved) > 1:
                        error.what = f"{error.what} ({_so_far(moved, number)})"
                    raise
        return events

    async def reconcile(self) -> Sequence[Event]:
        """Find out what became of intents whose outcome nobody wrote; gives the outcomes.

        An intent stays open while the server cannot be asked, or another process is applying.
        """
        if self.read_only or not self.records.availability("event.note").supported:
            return []
        found = []
        with contextlib.suppress(BusyError):
            async with self.records.applying(0):
                for intent in await self.records.opened():
                    if intent.context != self.context:
                        continue
                    outcome = await self._writer.resolve(intent)
                    if outcome is not None:
                        found.append(outcome)
        return found


def _so_far(moved: Sequence[Change], made: int) -> str:
    if not made:
        return f"none of {len(moved)} changes was made before"
    names = [f"{change.field} of {change.subject}" for change in moved[:made]]
    more = f" and {made - _NAMED} more" if made > _NAMED else ""
    return f"{made} of {len(moved)} changes are made: {', '.join(names[:_NAMED])}{more}"
