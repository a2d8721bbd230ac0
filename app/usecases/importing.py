"""Copying another store into this registry: resumable, repeatable, never silent about conflicts."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from modeldeck.app.recorder.home import Home
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError, ReadOnlyError
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.ingest import Problem, RunRecord, Source
from modeldeck.backends.api.runs import Points

from .importing_models import Names, take_models
from .session import Session
from .stamps import stamp_of

PAGE = 100
POINTS = 400_000
"""A batch is written when it has so many: other writers wait no longer than one takes."""


class Imported(Struct, frozen=True, kw_only=True):
    """What an import brought in, and what it could not or would not.

    `runs` and `models` are there, `runs_taken` were new or had changed.
    """

    origin: str
    experiments: int
    runs: int
    runs_taken: int
    points: int
    files: int
    models: int
    conflicts: Sequence[str]
    problems: Sequence[Problem]


class Step(Struct, frozen=True):
    """How far an import is: runs looked at, points and files copied."""

    runs: int
    points: int
    files: int


class _Loaded(Struct):
    """A run with all that its store holds of it."""

    record: RunRecord
    stamp: str
    history: Mapping[str, Points] = {}
    files: Sequence[Artifact] = ()

    @property
    def points(self) -> int:
        return sum(map(len, self.history.values()))


async def import_store(
    session: Session,
    source: Source,
    *,
    rename: Mapping[str, str] | None = None,
    progress: Callable[[Step], None] = lambda _: None,
) -> Imported:
    """Copy all of `source`. Runs that are here as they are there are passed over.

    `rename` gives models another name here; that is remembered. Clashes of names are refused before
    anything is copied. What was copied before an interruption stays, and is not copied again.
    """
    session.check_writable("import")
    registry = session.registry
    if not isinstance(registry, Home):
        raise ReadOnlyError("this registry takes in no other stores", where=registry.place)
    work = Import(session, registry, source, progress)
    models = await asyncio.to_thread(lambda: list(source.models()))
    names = await Names.checked(registry, source.origin, models, rename or {})
    experiments = await work.take_runs()
    conflicts = await take_models(work, models, names)
    return await work.ended(experiments, len(models), conflicts)


class Import:
    """One import under way: what its parts share."""

    def __init__(
        self,
        session: Session,
        registry: Home,
        source: Source,
        progress: Callable[[Step], None],
    ) -> None:
        self.registry = registry
        self.source = source
        self.problems: list[Problem] = []
        self._session = session
        self._progress = progress
        self._begun = False
        self._points = self._files = self._runs = self._taken = 0

    async def take_runs(self) -> int:
        """Copy experiments and runs; gives how many experiments there are."""
        source, registry = self.source, self.registry
        experiments = await asyncio.to_thread(lambda: list(source.experiments()))
        loaded = await registry.loaded()
        ids = await registry.native_ids(source.origin)
        known = {native: loaded[here] for native, here in ids.items() if here in loaded}
        mark = {f"{source.origin}#experiments": stamp_of(experiments)}
        if not mark.items() <= loaded.items():
            await self.begin()
            await registry.take(source.origin, source.kind, experiments=experiments)
            await registry.mark_loaded(mark)
        batches = self._batches(known)
        # The next batch is read while this one is compressed and written.
        ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await ahead) is not None:
                ahead = asyncio.create_task(asyncio.to_thread(next, batches, None))
                if batch:
                    await self._take(batch)
                self._progress(Step(self._runs, self._points, self._files))
        finally:
            # Its thread reads the source, which is about to be closed.
            await asyncio.wait([ahead])
        return len(experiments)

    async def begin(self) -> None:
        """Note that something is copied, before the first of it."""
        if not self._begun:
            self._begun = True
            await self._event("started", {"kind": self.source.kind})

    async def ended(self, experiments: int, models: int, conflicts: Sequence[str]) -> Imported:
        """Note the end; gives what came of it."""
        if self._begun:
            await self._event("ended", {"runs": self._taken, "points": self._points})
        return Imported(
            origin=self.source.origin,
            experiments=experiments,
            runs=self._runs,
            runs_taken=self._taken,
            points=self._points,
            files=self._files,
            models=models,
            conflicts=conflicts,
            problems=[*self.source.problems, *self.problems],
        )

    def keep(self, owner: str, files: Sequence[Artifact]) -> Sequence[Artifact]:
        """The files, kept with their digests; those that cannot be read stay where they are."""
        kept = []
        for artifact in files:
            try:
                with self.source.open(artifact) as file:
                    kept.append(self.registry.keep(file, artifact.path))
                self._files += 1
            except (ModeldeckError, OSError) as error:
                self.problems.append(Problem(f"{owner}/{artifact.path}", str(error)))
                kept.append(artifact)
        return kept

    def _batches(self, known: Mapping[str, str]) -> Iterator[Sequence[_Loaded]]:
        """Runs that are not here as they are there; an empty batch for a page without any."""
        records = iter(self.source.runs())
        batch: list[_Loaded] = []
        points = 0
        while page := list(islice(records, PAGE)):
            for record in page:
                self._runs += 1
                files = self.source.artifacts(address(record.run.id))
                stamp = stamp_of([record, [(file.path, file.size) for file in files]])
                if known.get(record.run.id) == stamp:
                    continue
                one = _Loaded(record, stamp)
                one.history = self.source.history(record.run.id)
                one.files = self.keep(address(record.run.id), files)
                batch.append(one)
                points += one.points
                if points >= POINTS:
                    yield batch
                    batch, points = [], 0
            yield batch
            batch, points = [], 0

    async def _take(self, batch: Sequence[_Loaded]) -> None:
        await self.begin()
        registry, origin = self.registry, self.source.origin
        await registry.take(origin, self.source.kind, runs=[one.record for one in batch])
        ids = await registry.native_ids(origin, [one.record.run.id for one in batch])
        here = {ids[one.record.run.id]: one for one in batch}
        await registry.take_histories({run: one.history for run, one in here.items()})
        for run, one in here.items():
            if one.files:
                await registry.take_artifacts(address(run), one.files)
        # Marked only now: an interruption before makes the next import copy these again.
        await registry.mark_loaded({run: one.stamp for run, one in here.items()})
        self._taken += len(batch)
        self._points += sum(one.points for one in batch)

    async def _event(self, phase: str, after: Mapping[str, Any]) -> None:
        session = self._session
        await self.registry.note(
            Entry(
                actor=session.actor,
                tool="",
                context=session.context,
                phase=phase,
                action="import",
                subject=self.source.origin,
                after=after,
            )
        )
