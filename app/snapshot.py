"""A registry in one file: taken of any context, opened read-only where no network leads."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError
from modeldeck.backends.api.events import Entry, Event
from modeldeck.backends.api.ingest import Problem
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import LIFETIME
from modeldeck.backends.api.receiving import BESIDE, Origin
from modeldeck.backends.api.runs import Lock, Points, Run, Shelf
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.local import snapshot, snapshot_reading
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.backup import Progress
from modeldeck.backends.local.files import Layout
from modeldeck.backends.local.opening import open_registry
from modeldeck.backends.local.store import Store, digest_of

from .config.paths import cache_folder
from .usecases.copying import apply_copy, plan_copy
from .usecases.copying_sides import home_of
from .usecases.copying_what import Wanted, by_depth
from .usecases.models import list_models
from .usecases.runs import list_runs
from .usecases.session import Session
from .workspace import TOOL


class Choice(Struct, frozen=True, kw_only=True):
    """What of a registry to take; everything when nothing is chosen.

    Chosen models bring the runs that their versions came from, unless runs are chosen too.
    """

    experiments: Sequence[str] = ()
    models: Sequence[str] = ()
    runs: str = ""
    with_artifacts: bool = True
    samples: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it is everything."""
        return not (self.experiments or self.models or self.runs)


class Taken(Struct, frozen=True, kw_only=True):
    """A snapshot that was taken, and what of it could not be."""

    manifest: snapshot.Manifest
    problems: Sequence[Problem] = ()


async def take(
    session: Session, target: Path, choice: Choice, *, force: bool, progress: Progress
) -> Taken:
    """Write what is chosen of a context into one file; nothing of the context changes."""
    await asyncio.to_thread(_check_free, target, force)
    facts = {
        "made_at": session.clock(),
        "tool": TOOL,
        "context": session.context,
        "place": session.registry.place,
        "origin": home_of(session.registry),
        "samples": choice.samples,
    }
    with tempfile.TemporaryDirectory(
        prefix=f".{target.name[:60]}.part-", dir=target.parent
    ) as name:
        folder = Path(name)
        problems: Sequence[Problem] = ()
        own = session.registry
        if isinstance(own, LocalBackend) and own.source is None:
            stores = [own.store]
            await _draw(session, own, folder, choice)
        else:
            stores = [Store(folder / "artifacts")]
            problems = await _copy(session, folder, choice, progress)
        manifest = await asyncio.to_thread(
            _written, folder, target, stores, facts, choice, force, progress
        )
    return Taken(manifest=manifest, problems=problems)


def _check_free(target: Path, force: bool) -> None:
    """Say at once what would come out after all the work."""
    if not force and (target.exists() or target.is_symlink()):
        raise snapshot.there(target)
    if not target.parent.is_dir():
        raise NotFoundError("no such folder", where=str(target.parent))


def _written(
    folder: Path,
    target: Path,
    stores: Sequence[Store],
    facts: Mapping[str, Any],
    choice: Choice,
    force: bool,
    progress: Progress,
) -> snapshot.Manifest:
    if choice.samples is not None:
        snapshot.thin(folder, choice.samples)
    snapshot.close_up(folder)
    return snapshot.write(
        folder,
        target,
        stores,
        manifest=facts,
        bytes_too=choice.with_artifacts,
        replace=force,
        progress=progress,
    )


async def _chosen(session: Session, choice: Choice) -> tuple[Sequence[Run], Sequence[Model]]:
    """The runs and models that are chosen."""
    if choice.whole:
        models = await all_of(await list_models(session))
        return await all_of(await session.registry.runs(RunQuery())), models
    models = [await session.registry.model(name) for name in choice.models]
    if choice.experiments or choice.runs:
        window = await list_runs(session, experiments=choice.experiments or None, where=choice.runs)
        return await all_of(window), models
    found: dict[str, Run] = {}
    for model in models:
        for version in await all_of(await session.registry.versions(model.name, shelf=Shelf.ALL)):
            if version.run_id and version.run_id not in found:
                try:
                    run = await session.registry.run(version.run_id)
                except NotFoundError:
                    continue
                found[run.id] = run
    return list(found.values()), models


async def _draw(session: Session, own: LocalBackend, folder: Path, choice: Choice) -> None:
    """Of a registry of ours: its files, and then of these what is chosen."""
    part = snapshot.Part()
    if not choice.whole:
        runs, models = await _chosen(session, choice)
        part = snapshot.Part(runs={run.id for run in runs}, models={model.name for model in models})
    await asyncio.to_thread(snapshot.draw, own.layout, folder, part)


async def _copy(
    session: Session, folder: Path, choice: Choice, progress: Progress
) -> Sequence[Problem]:
    """Of a server, or of what another tool left: a copy of it, beside its trail as it is."""
    records = getattr(session.registry, "records", None)
    nothing = snapshot.Part(runs=(), models=())
    if isinstance(records, LocalBackend):
        await asyncio.to_thread(snapshot.draw, records.layout, folder, nothing)
    elif isinstance(session.registry, LocalBackend):
        await asyncio.to_thread(snapshot.draw, session.registry.layout, folder, nothing)
    runs, models = await _chosen(session, choice)
    thinned = Thinned(session.registry, choice.samples, with_artifacts=choice.with_artifacts)
    source = msgspec.structs.replace(session, registry=thinned)
    registry = Quiet(Layout(folder / "registry.db"), tool=TOOL, clock=session.clock)
    target = Session(
        context=session.context, registry=registry, actor=session.actor, clock=session.clock
    )
    problems: list[Problem] = []
    wanted = [Wanted(runs=by_depth(runs))] if runs else []
    for model in models:
        versions = await all_of(await session.registry.versions(model.name))
        if versions:
            wanted.append(Wanted(model=model.name, versions=versions))
    try:
        for place, one in enumerate(wanted):
            progress("copying", place, len(wanted))
            plan = await plan_copy(source, target, one)
            # Nobody waits for a yes here: however long it took to look, it is what was looked at.
            plan = msgspec.structs.replace(plan, lapses_at=session.clock() + LIFETIME)
            done = await apply_copy(source, target, plan)
            problems += done.problems
    finally:
        await registry.close()
    return problems


class Quiet(LocalBackend):
    """A registry on its way into a snapshot: what is written there is nobody's change.

    Its trail is that of the context it is taken of, link for link.
    """

    async def note(self, entry: Entry) -> Event:
        """Nothing is written."""
        return Event(seq=0, time=self.clock(), **msgspec.structs.asdict(entry))

    async def receive_version(
        self,
        origin: Origin,
        model: Model,
        version: Version,
        files: Sequence[Artifact],
        lock: Lock | None,
        entry: Entry | None,
    ) -> int:
        """Make the version, without an event."""
        return await super().receive_version(origin, model, version, files, lock, None)


class Thinned:
    """A registry that gives samples of series, or no bytes of files, and else what it has.

    What is copied of it keeps its ids and tags, those that say where it came from among them.
    """

    faithful = True

    def __init__(self, registry: Any, samples: int | None, *, with_artifacts: bool) -> None:
        self._registry = registry
        self._samples = samples
        self._with_artifacts = with_artifacts
        self.origin = home_of(registry)

    def __getattr__(self, name: str) -> Any:
        if name in ("server", "records"):
            raise AttributeError(name)
        return getattr(self._registry, name)

    async def points(self, run_id: str, key: str, **between: Any) -> Points:
        """The points of a series, or a sample of them."""
        if self._samples is None:
            found: Points = await self._registry.points(run_id, key, **between)
            return found
        sampled: Mapping[str, Points] = await self._registry.sampled([run_id], key, self._samples)
        return sampled[run_id]

    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes:
        """The bytes of a file, unless these were not wanted; what they say of a run always."""
        self._check(path)
        data: bytes = await self._registry.read_artifact(owner, path, start, limit)
        return data

    async def download(self, owner: str, path: str, target: Path) -> str:
        """A whole file, by the same rule."""
        self._check(path)
        digest: str = await self._registry.download(owner, path, target)
        return digest

    def _check(self, path: str) -> None:
        if not self._with_artifacts and path != BESIDE:
            raise NotFoundError("its bytes are not in the snapshot", where=path)


# Opening


async def open_snapshot(path: Path, *, tool: str) -> LocalBackend:
    """The snapshot at `path` as a read-only registry, out of the cache once it was checked."""

    def prepared() -> tuple[Path, snapshot.Manifest]:
        manifest = snapshot_reading.read_manifest(path)
        try:
            with path.open("rb") as file:
                digest = digest_of(file)
        except OSError as error:
            raise DamagedError(f"cannot be read: {error.strerror}", where=str(path)) from error
        folder = snapshots_folder() / digest[7:39]
        if not (folder / "registry.db").exists():
            snapshot_reading.extract(path, folder)
        return folder, manifest

    folder, manifest = await asyncio.to_thread(prepared)
    backend = await asyncio.to_thread(open_registry, folder, tool=tool)
    backend.place = str(path)
    backend.taken_from = manifest.origin
    taken = f"of {manifest.context} from {rfc3339(manifest.made_at)}"
    backend.protect(f"it is a snapshot {taken}; `modeldeck import` copies it into a registry")
    return backend


def snapshots_folder() -> Path:
    """Where snapshots that were opened lie, each under the digest of its file."""
    return cache_folder() / "snapshots"
