"""What is seen of a server compared with what is known of it, beside the reads that see it."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from .api import address
from .api.ages import Age
from .api.errors import ModeldeckError
from .api.events import Entry, learned
from .api.lists import Window
from .api.models import Alias, Model, Version
from .api.protocols import Records
from .api.statements import EVENT, Statements

T = TypeVar("T")
FIELD = "version"
"""What is observed: which version an alias is on."""
FRESH = 2.0
"""Seconds for which what was fetched counts as new."""
MOST = 16
"""So many looks may wait to be compared; one more is left out, the next one sees the same."""


class Observer:
    """Compares aliases in the background, so that no read waits for it or fails with it.

    `trouble` says in words why the latest comparison could not be made, or is empty. `statements`
    are asked who did what was not done from here.
    """

    def __init__(self, records: Records, context: str, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._context = context
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: set[asyncio.Task[None]] = set()
        self.trouble = ""
        self.statements: Statements | None = None

    def age(self) -> Age:
        """A look that begins now."""
        return Age(self._clock())

    def models(self, found: Iterable[Model], at: datetime, *, all_there: bool = False) -> None:
        """Each model tells all of its aliases; `all_there`: and these are all the models.

        A deleted one counts as one that is not there.
        """
        found = [model for model in found if model.deleted_at is None]
        seen = {
            address.alias(model.name, name): number
            for model in found
            for name, number in model.aliases.items()
        }
        self._look(seen, at, ["models/"] if all_there else [below(m.name) for m in found])

    def versions(self, found: Iterable[Version], at: datetime) -> None:
        """A version tells which aliases are on it, not which have left it."""
        seen = {
            address.alias(version.model, name): version.version
            for version in found
            for name in version.aliases
            if version.deleted_at is None
        }
        self._look(seen, at, [])

    def aliases(self, found: Iterable[Alias], at: datetime, model: str | None) -> None:
        """All aliases of a model, or of all."""
        seen = {address.alias(one.model, one.alias): one.version for one in found}
        self._look(seen, at, ["models/"] if model is None else [below(model)])

    def gone(self, model: str, at: datetime) -> None:
        """There is no such model."""
        self._look({}, at, [below(model)])

    async def settled(self) -> None:
        """Wait until all that was seen is compared."""
        while self._waiting:
            await asyncio.wait(tuple(self._waiting))

    def _look(self, seen: Mapping[str, int], at: datetime, whole: Collection[str]) -> None:
        if not seen and not whole:
            return
        if reason := self._records.availability("event.note").reason:
            self.trouble = reason
        elif len(self._waiting) < MOST:
            self._start(self._compare(seen, at, whole))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _compare(self, seen: Mapping[str, int], at: datetime, whole: Collection[str]) -> None:
        async with self._turn:
            try:
                await self._records.observe(
                    seen, at, field=FIELD, context=self._context, below=whole, teach=self._teach
                )
            except ModeldeckError as error:
                self.trouble = str(error)
            else:
                self.trouble = ""

    async def _teach(self, subjects: Sequence[str]) -> Mapping[str, Sequence[Entry]]:
        """What others have signed for: fetched now, since something has moved."""
        statements = self.statements
        if statements is None:
            return {}
        await statements.sync(older=FRESH)
        found = {}
        for subject in subjects:
            said = await statements.statements((EVENT,), subject)
            entries = (learned(one, FIELD, context=self._context) for one in said)
            found[subject] = [entry for entry in entries if entry is not None]
        return found


def below(model: str) -> str:
    """The beginning of all aliases of a model."""
    return address.alias(model, "")


class Watched(Generic[T]):
    """A window that shows its rows to `look` as they come, and says what troubles `observer`.

    Rows of a later page may have come earlier: they are looked at as of the window's beginning.
    """

    def __init__(
        self, window: Window[T], observer: Observer, look: Callable[[Sequence[T], datetime], None],
        at: datetime,
    ) -> None:  # fmt: skip
        self._window = window
        self._observer = observer
        self._look = look
        self._at = at

    @property
    def notes(self) -> Sequence[str]:
        trouble = self._observer.trouble
        words = [f"what others changed could not be written down: {trouble}"] if trouble else []
        return [*self._window.notes, *words]

    @property
    def first(self) -> Sequence[T]:
        return self._window.first

    @property
    def count(self) -> int | None:
        return self._window.count

    @property
    def at_least(self) -> int:
        return self._window.at_least

    async def whole(self) -> None:
        """Learn the rest of the list."""
        await self._window.whole()

    async def page(self, start: int, limit: int) -> Sequence[T]:
        """The rows from `start`."""
        found = await self._window.page(start, limit)
        if start + len(found) > len(self._window.first):
            self._look(found, self._at)
        return found

    async def index_of(self, key: str) -> int | None:
        """The place of the row of that key."""
        return await self._window.index_of(key)

    async def keys(self) -> Sequence[str]:
        """The keys of the rows that are known."""
        return await self._window.keys()
