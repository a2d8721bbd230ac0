"""Copying another store into this registry: resumable, repeatable, never silent about conflicts."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError, ReadOnlyError
from modeldeck.backends.api.ingest import ModelRecord, Problem, RunRecord, Source
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.protocols import Collecting, Recording
from modeldeck.backends.api.runs import Points, Status

from .session import Session

PAGE = 100


class Taker(Recording, Collecting, Protocol):
    """A registry that takes in others' records and files."""


class Imported(Struct, frozen=True, kw_only=True):
    """What an import brought in, and what it could not or would not."""

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


async def import_store(
    session: Session,
    source: Source,
    *,
    rename: Mapping[str, str] | None = None,
    progress: Callable[[Step], None] = lambda _: None,
) -> Imported:
    """Copy all of `source`. Runs that are here as they are there are passed over.

    `rename` gives models another name here. What was copied before an interruption stays, and is
    not copied again.
    """
    session.check_writable("import")
    registry = session.registry
    if not isinstance(registry, Collecting) or not isinstance(registry, Recording):
        raise ReadOnlyError("this registry takes in no other stores", where=registry.place)
    return await _Import(session, registry, source, rename or {}, progress).work()


class _Import:
    def __init__(
        self,
        session: Session,
        registry: Taker,
        source: Source,
        rename: Mapping[str, str],
        progress: Callable[[Step], None],
    ) -> None:
        self.session = session
        self.registry = registry
        self.source = source
        self.rename = rename
        self.progress = progress
        self.begun = False
        self.points = 0
        self.files = 0
        self.taken = 0
        self.problems: list[Problem] = []

    async def work(self) -> Imported:
        experiments = await asyncio.to_thread(lambda: list(self.source.experiments()))
        loaded = await self.registry.loaded()
        ids = await self.registry.native_ids(self.source.origin)
        await self.registry.take(self.source.origin, self.source.kind, experiments=experiments)
        runs = 0
        pages = iter(self.source.runs())
        ahead = asyncio.create_task(asyncio.to_thread(_page, pages))
        while page := await ahead:
            ahead = asyncio.create_task(asyncio.to_thread(_page, pages))
            runs += len(page)
            changed = [r for r in page if loaded.get(ids.get(r.run.id, "")) != _stamp(r)]
            if changed:
                await self._take_runs(changed)
            self.progress(Step(runs, self.points, self.files))
        conflicts, models = await self._take_models()
        if self.begun:
            await self._event("ended", {"runs": self.taken, "points": self.points})
        return Imported(
            origin=self.source.origin,
            experiments=len(experiments),
            runs=runs,
            runs_taken=self.taken,
            points=self.points,
            files=self.files,
            models=models,
            conflicts=conflicts,
            problems=[*self.source.problems, *self.problems],
        )

    async def _take_runs(self, page: Sequence[RunRecord]) -> None:
        await self._begin()
        origin, kind = self.source.origin, self.source.kind
        await self.registry.take(origin, kind, runs=page)
        ids = await self.registry.native_ids(origin)
        histories: dict[str, Mapping[str, Points]] = {}
        for record in page:
            native = record.run.id
            here = ids[native]
            histories[here] = await asyncio.to_thread(self.source.history, native)
            self.points += sum(len(points) for points in histories[here].values())
            kept = await asyncio.to_thread(self._keep, f"runs/{native}")
            if kept:
                await self.registry.take_artifacts(f"runs/{here}", kept)
        await self.registry.take_histories(histories)
        # Marked only now: an interruption before makes the next import copy these again.
        done = {ids[r.run.id]: _stamp(r) for r in page if r.run.status != Status.RUNNING}
        await self.registry.mark_loaded(done)
        self.taken += len(page)

    async def _take_models(self) -> tuple[Sequence[str], int]:
        records = await asyncio.to_thread(lambda: list(self.source.models()))
        conflicts: list[str] = []
        known = {
            (v.model, v.version): v
            for v in await _all_versions(self.session)
            if v.origin == self.source.origin
        }
        for record in records:
            name = self.rename.get(record.model.name, record.model.name)
            versions = []
            for version in record.versions:
                old = known.get((name, version.version))
                if old is None or old.digest is None:
                    version = await self._with_content(version, name)
                versions.append(msgspec.structs.replace(version, model=name))
            model = msgspec.structs.replace(record.model, name=name)
            found = ModelRecord(model=model, versions=versions)
            conflicts.extend(
                await self.registry.take(self.source.origin, self.source.kind, models=[found])
            )
        return conflicts, len(records)

    async def _with_content(self, version: Version, name: str) -> Version:
        """The version with what its files say, its files kept."""
        owner = version_address(version.model, version.version)
        files = await asyncio.to_thread(self.source.artifacts, owner)
        root = _root(files)
        if root is None:
            return version
        await self._begin()
        kept = await asyncio.to_thread(self._keep, owner)
        await self.registry.take_artifacts(version_address(name, version.version), kept)
        from modeldeck.backends.formats import inspect

        content = await asyncio.to_thread(inspect, root)
        return msgspec.structs.replace(
            version,
            digest=content.digest,
            size=content.size,
            format=content.format,
            unsafe=content.unsafe,
            signature=content.signature,
        )

    def _keep(self, owner: str) -> Sequence[Artifact]:
        kept = []
        for artifact in self.source.artifacts(owner):
            try:
                with self.source.open(artifact) as file:
                    kept.append(self.registry.keep(file, artifact.path))
                self.files += 1
            except (ModeldeckError, OSError) as error:
                self.problems.append(Problem(f"{owner}/{artifact.path}", str(error)))
                kept.append(artifact)
        return kept

    async def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            await self._event("started", {"kind": self.source.kind})

    async def _event(self, phase: str, after: Mapping[str, object]) -> None:
        session = self.session
        await self.registry.note_event(
            session.actor, session.context, phase, "import", self.source.origin, after
        )


def _page(records: Iterator[RunRecord]) -> list[RunRecord]:
    return list(islice(records, PAGE))


def _stamp(record: RunRecord) -> str:
    return hashlib.sha256(msgspec.json.encode(record, order="sorted")).hexdigest()[:32]


def _root(files: Sequence[Artifact]) -> Path | None:
    """The folder or file on disk that holds all of a version's files."""
    places = [(f.path, f.location) for f in files if f.location]
    if not places:
        return None
    path, location = places[0]
    whole = Path(location.removeprefix("file://"))
    if len(places) == 1 and "/" not in path and path != "MLmodel":
        return whole if whole.is_file() else None
    root = whole
    for _ in path.split("/"):
        root = root.parent
    return root if root.is_dir() else None


async def _all_versions(session: Session) -> Sequence[Version]:
    window = await session.registry.versions()
    return await window.page(0, window.at_least)
