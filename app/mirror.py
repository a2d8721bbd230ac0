"""Opening what other tools left on disk, where it lies: a mirror in the cache, kept up to date."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path

from modeldeck.app.config.paths import cache_folder
from modeldeck.app.config.settings import Settings
from modeldeck.app.usecases.stamps import stamp_of
from modeldeck.backends.api.errors import ModeldeckError, RefusedError, UsageError
from modeldeck.backends.api.ingest import Source
from modeldeck.backends.local import LocalBackend, open_mirror, open_registry
from modeldeck.backends.local.opening import IN_PLACE
from modeldeck.backends.local.schema import REGISTRY as REGISTRY_FILE
from modeldeck.backends.local.schema import TELEMETRY as TELEMETRY_FILE
from modeldeck.backends.sources.detect import REGISTRY, SNAPSHOT, Candidate, detect

PAGE = 500
LOOK = 2.0
"""Seconds between two looks at a source, at least."""
SHARE = 20
"""Of the time, one part in so many is spent on looking."""
Progress = Callable[[int], None]


async def open_in_place(
    path: Path,
    settings: Settings,
    *,
    tool: str,
    read_only: str = "",
    progress: Progress = lambda _: None,
) -> LocalBackend:
    """The store or snapshot at `path` as a read-only registry; our own registries simply open.

    What is new there is indexed first; `progress` gets the number of runs looked at.
    """
    found = await asyncio.to_thread(the_one, path)
    if found.kind == REGISTRY:
        allowed = frozenset(settings.safe_directories)
        return open_registry(found.path, read_only=read_only, allowed=allowed, tool=tool)
    if found.kind == SNAPSHOT:
        from .snapshot import open_snapshot

        return await open_snapshot(found.path, tool=tool)
    source = await asyncio.to_thread(found.open)
    folder = mirror_folder(source.origin)
    try:
        with _cache_errors(folder):
            mirror = await asyncio.to_thread(_opened, folder, source, tool)
    except BaseException:
        await asyncio.to_thread(source.close)
        raise
    try:
        async with _alone(folder):
            await bring_up_to_date(mirror, source, progress)
    except BaseException:
        await mirror.close()
        raise
    mirror.protect(IN_PLACE)
    return mirror


class Mirror(LocalBackend):
    """A mirror that follows its source for as long as somebody asks whether it has changed."""

    looking: asyncio.Task[None] | None = None
    next_look = 0.0

    def changed(self) -> str:
        """A text that differs after every change; it also has the source looked at again."""
        loop = asyncio.get_running_loop()
        if (self.looking is None or self.looking.done()) and loop.time() >= self.next_look:
            self.looking = loop.create_task(self._look())
        return super().changed()

    async def close(self) -> None:
        """Stop looking, then let go of all files."""
        if self.looking is not None:
            self.looking.cancel()
            await asyncio.wait([self.looking])
        await super().close()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        # A source that is away or half-written is shown as it was, and looked at again.
        with contextlib.suppress(ModeldeckError, OSError):
            await self._catch_up()
        took = loop.time() - begun
        self.next_look = begun + max(LOOK, took * SHARE)

    async def _catch_up(self) -> None:
        assert self.source is not None
        if await self.stamp(self.source.origin) == await asyncio.to_thread(self.source.stamp):
            return
        writer = LocalBackend(self.layout, tool=self.tool)
        try:
            async with _alone(self.layout.folder):
                await bring_up_to_date(writer, self.source)
        finally:
            await writer.close()


def mirror_folder(origin: str) -> Path:
    """Where the mirror of an origin lies. Each version of the schema has its own."""
    name = hashlib.sha256(origin.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    version = f"{REGISTRY_FILE.version}.{TELEMETRY_FILE.version}"
    return cache_folder() / "mirrors" / f"{name}-{version}"


def the_one(path: Path) -> Candidate:
    """What lies at `path`; UsageError naming them all when it is more than one thing."""
    found = detect(path)
    if len(found) > 1:
        from modeldeck.backends.sources.counting import words

        names = ", ".join(f"{c.path} ({words(c)})" for c in found)
        raise UsageError(
            f"holds {len(found)} things to open: {names}",
            where=str(path),
            way_out=f"Name one, as {found[0].path}",
        )
    return found[0]


def is_snapshot(path: Path) -> bool:
    """Whether a snapshot lies at `path`."""
    return the_one(path).kind == SNAPSHOT


def open_store(path: Path) -> Source:
    """What another tracker wrote at `path`."""
    return the_one(path).open()


async def bring_up_to_date(
    mirror: LocalBackend, source: Source, progress: Progress = lambda _: None
) -> bool:
    """Index what has changed in the source since its stamp was noted; gives whether it had."""
    stamp = await asyncio.to_thread(source.stamp)
    if await mirror.stamp(source.origin) == stamp:
        return False
    origin, kind = source.origin, source.kind
    experiments = await asyncio.to_thread(lambda: list(source.experiments()))
    await mirror.take(origin, kind, experiments=experiments, mirror=True)
    loaded = await mirror.loaded()
    ids = await mirror.native_ids(origin)
    seen: set[str] = set()
    runs = iter(source.runs())
    while page := await asyncio.to_thread(lambda: list(islice(runs, PAGE))):
        marks = {record.run.id: stamp_of(record) for record in page}
        changed = [r for r in page if loaded.get(ids.get(r.run.id, "")) != marks[r.run.id]]
        if changed:
            await mirror.take(origin, kind, runs=changed, mirror=True)
            here = await mirror.native_ids(origin, [record.run.id for record in changed])
            await mirror.mark_loaded({uid: marks[native] for native, uid in here.items()})
        seen.update(marks)
        progress(len(seen))
    models = await asyncio.to_thread(lambda: list(source.models()))
    await mirror.keep_only(
        origin,
        experiments={experiment.id for experiment in experiments},
        runs=seen,
        models={r.model.name: {version.version for version in r.versions} for r in models},
    )
    await mirror.take(origin, kind, models=models, mirror=True)
    await mirror.note_stamp(origin, kind, stamp)
    return True


def _opened(folder: Path, source: Source, tool: str) -> Mirror:
    """The mirror in `folder`, made anew when what is there is none or is damaged."""
    if (folder / "registry.db").exists():
        with contextlib.suppress(ModeldeckError):
            found = open_registry(folder, tool=tool)
            found.registry.close_now()
            found.telemetry.close_now()
            return Mirror(found.layout, source=source, tool=tool)
        shutil.rmtree(folder, ignore_errors=True)
    made = open_mirror(folder, source, tool=tool)
    return Mirror(made.layout, source=source, tool=tool)


@contextlib.contextmanager
def _cache_errors(folder: Path) -> Iterator[None]:
    """What is wrong is the folder of the mirror, not what it mirrors: say so."""
    try:
        yield
    except (ModeldeckError, OSError) as error:
        what = error.what if isinstance(error, ModeldeckError) else error.strerror
        raise RefusedError(
            f"the index of what lies there cannot be kept here ({what})",
            where=str(folder),
            way_out="Point XDG_CACHE_HOME to a folder that you may write, or `modeldeck import` it",
        ) from error


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """One process at a time brings a mirror up to date; the next one finds it so."""
    with _cache_errors(folder):
        handle = os.open(folder / "indexing.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
    finally:
        os.close(handle)
