"""The two ends of a copy: what is read there, what is written here, and where things come from."""

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import NotFoundError, ReadOnlyError, RefusedError
from modeldeck.backends.api.events import Entry, Event
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.protocols import Registry
from modeldeck.backends.api.receiving import (
    BESIDE,
    OWN,
    TAG,
    Arrival,
    Beside,
    Origin,
    Receiving,
    origin_from,
)
from modeldeck.backends.api.runs import Dataset, Evaluation, Lock, Run, SeriesInfo, Usage
from modeldeck.backends.api.tasks import task_group

from .session import Session, is_remote
from .stamps import stamp_of

T = TypeVar("T")
U = TypeVar("U")
PIECE = 4 << 20
AT_ONCE = 8
"""So many questions are asked at the same time."""
LARGEST = 64 << 20


def home_of(registry: Registry) -> str:
    """The name of a registry for good, which things that were made there come from."""
    named = getattr(_end(registry), "origin", "")
    place = registry.place
    return str(named) or (place if "://" in place else Path(place).absolute().as_uri())


def receiver_of(session: Session) -> Receiving:
    """What takes copies in this context; ReadOnlyError where nothing does."""
    found = _end(session.registry)
    if not isinstance(found, Receiving):
        raise ReadOnlyError("copies cannot be written there", where=session.context)
    return found


def _end(registry: Registry) -> Any:
    """The registry itself, or the server of one that keeps its records elsewhere."""
    return getattr(registry, "server", registry)


async def note(session: Session, entry: Entry) -> Event:
    """Write an event where this context keeps its trail."""
    records: Any = getattr(session.registry, "records", session.registry)
    event: Event = await records.note(entry)
    return event


def one_trail(session: Session) -> bool:
    """Whether changes and their events are one transaction."""
    return not hasattr(session.registry, "records")


class Loaded(Struct, frozen=True, kw_only=True):
    """A run with all that is known of it but its points and bytes."""

    run: Run
    origin: Origin
    usage: Usage
    series: Sequence[SeriesInfo]
    datasets: Sequence[Dataset]
    evaluations: Sequence[Evaluation]
    files: Sequence[Artifact]
    lock: Lock | None = None

    @property
    def points(self) -> int:
        """Its points, as far as they are counted."""
        return sum(one.count or 0 for one in self.series)

    @property
    def counted(self) -> bool:
        """Whether all its points are counted: a server tells only where a series ends."""
        return all(one.count is not None for one in self.series)

    @property
    def size(self) -> int:
        """Bytes of its files, as far as they are known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def stamp(self) -> str:
        """Differs when the content does: nothing of ids, places and sums that depend on order."""
        run = self.run
        return stamp_of(
            [
                [run.name, run.status, run.started_at, run.ended_at, run.deleted_at, run.user],
                [run.reason, run.exit_code, run.note, run.git, run.dirty, run.lock],
                [run.params, carried(run.tags)],
                {key: repr(value) for key, value in run.metrics.items()},
                sorted(
                    [s.key, str(s.count), s.last_step, repr(s.low), repr(s.high)]
                    for s in self.series
                ),
                [[repr(e.value), e.metric, e.dataset, e.slice, e.n] for e in self.evaluations],
                [self.datasets, self.usage],
                sorted((file.path, file.size, file.digest or "") for file in self.files),
            ]
        )


def faithful(registry: Registry) -> bool:
    """Whether what is read there shall look in the copy as it does there, ids and all."""
    return bool(getattr(registry, "faithful", False))


def carried(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags that go along: not those that say where a copy came from."""
    return {key: value for key, value in tags.items() if not key.startswith("modeldeck.")}


async def load(registry: Registry, run: Run) -> Loaded:
    """Everything of a run that a plan speaks of."""
    owner = address.run(run.id)
    found = Loaded(
        run=run,
        origin=origin_of(registry, run, owner),
        usage=await registry.usage(run.id),
        series=await registry.series(run.id),
        datasets=await registry.datasets(run.id),
        evaluations=await registry.evaluations(run.id),
        files=await registry.artifacts(owner),
        lock=await registry.lock(run.lock) if run.lock else None,
    )
    beside = any(file.path == BESIDE for file in found.files)
    own = [file for file in found.files if not file.path.startswith(OWN)]
    found = msgspec.structs.replace(found, files=own)
    if not beside:
        return found
    return _with(found, await registry.read_artifact(owner, BESIDE, limit=LARGEST))


async def together(ask: Callable[[T], Awaitable[U]], items: Sequence[T]) -> Sequence[U]:
    """The answers to some questions that are asked at the same time; the first error is raised."""

    async def one(item: T) -> U:
        return await ask(item)

    found: list[U] = []
    for at in range(0, len(items), AT_ONCE):
        async with task_group() as group:
            tasks = [group.create_task(one(item)) for item in items[at : at + AT_ONCE]]
        found += [task.result() for task in tasks]
    return found


def _with(found: Loaded, data: bytes) -> Loaded:
    """The run with what a copy left beside it where it had no field for that."""
    try:
        beside = msgspec.json.decode(data, type=Beside)
        evaluations = beside.measured
    except (msgspec.DecodeError, UnicodeDecodeError, struct.error):
        return found
    run = msgspec.structs.replace(
        found.run,
        reason=beside.reason,
        exit_code=beside.exit_code,
        dirty=beside.dirty,
        lock=beside.lock_digest,
    )
    return msgspec.structs.replace(
        found,
        run=run,
        lock=beside.lock,
        evaluations=evaluations,
        usage=beside.usage,
    )


def origin_of(registry: Registry, item: Run | Version, where: str) -> Origin:
    """Where a run or version was made: its own origin, else the registry that it is read from."""
    if faithful(registry):
        return Origin(home_of(registry), where)
    told = item.tags.get(TAG) or item.origin
    return origin_from(told, where) if told else Origin(home_of(registry), where)


async def arrival_of(target: Session, source: Session, run_id: str) -> Arrival | None:
    """What is here of a run there that is only named: a parent, the run of a version."""
    where = address.run(run_id)
    try:
        run = await source.registry.run(run_id)
    except NotFoundError:
        run = None
    origin = Origin(home_of(source.registry), where)
    if run is not None and run.id == run_id:
        origin = origin_of(source.registry, run, where)
    return (await arrivals(target, source, {where: origin}))[where][1]


async def arrivals(
    target: Session, source: Session, items: Mapping[str, Origin]
) -> Mapping[str, tuple[Origin, Arrival | None]]:
    """By address there: what each comes from, and what of it is here already.

    What claims to have been made here and is not here any more comes from where it is now.
    """
    receiver, home = receiver_of(target), home_of(source.registry)
    here = receiver.origin
    known = await receiver.arrived(list(items.values()))
    lost = {
        where: Origin(home, where)
        for where, origin in items.items()
        if origin.registry == here and origin not in known
    }
    known = {**known, **(await receiver.arrived(list(lost.values())) if lost else {})}
    origins = {**items, **lost}
    return {where: (origin, known.get(origin)) for where, origin in origins.items()}


class Read:
    """The bytes of a file there in pieces, with their digest once they were read."""

    def __init__(self, registry: Registry, owner: str, file: Artifact) -> None:
        self._registry, self._owner, self._file = registry, owner, file
        self._hasher = sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of what was read so far."""
        return f"sha256:{self._hasher.hexdigest()}"

    def add(self, piece: bytes) -> None:
        """Count a piece of it."""
        self._hasher.update(piece)
        self.size += len(piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it, from the registry; of a server in one request, gone on with where it broke."""
        if not is_remote(self._registry):
            async for piece in self._read():
                yield piece
            return
        with tempfile.TemporaryDirectory(prefix="modeldeck-copy-") as folder:
            place = Path(folder, "file")
            await self._registry.download(self._owner, self._file.path, place)
            async for piece in self.stored(place):
                yield piece

    async def stored(self, place: Path) -> AsyncIterator[bytes]:
        """All of it, from the disk."""
        with place.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                self.add(piece)
                yield piece

    async def _read(self) -> AsyncIterator[bytes]:
        while self._file.size is None or self.size < self._file.size or not self.size:
            piece = await self._registry.read_artifact(
                self._owner, self._file.path, self.size, PIECE
            )
            if not piece:
                return
            self.add(piece)
            yield piece


def check_two(source: Session, target: Session) -> None:
    """Refuse to copy from a place to itself."""
    if home_of(source.registry) == receiver_of(target).origin:
        raise RefusedError(
            "is both where to copy from and where to", where=target.context, way_out="Name two"
        )
