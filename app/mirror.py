"""Opening what other tools left on disk, where it lies: a mirror in the cache, kept up to date."""

import asyncio
import hashlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from modeldeck.app.config.paths import cache_folder
from modeldeck.app.config.settings import Settings
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.ingest import Source
from modeldeck.backends.local import LocalBackend, open_mirror, open_registry
from modeldeck.backends.local.opening import IN_PLACE
from modeldeck.backends.sources.detect import REGISTRY, Candidate, detect

PAGE = 500


async def open_in_place(
    path: Path, settings: Settings, *, tool: str, read_only: str = ""
) -> LocalBackend:
    """The store at `path` as a read-only registry; our own registries simply open."""
    found = await asyncio.to_thread(the_one, path)
    if found.kind == REGISTRY:
        allowed = frozenset(settings.safe_directories)
        return open_registry(found.path, read_only=read_only, allowed=allowed, tool=tool)
    source = found.open()
    name = hashlib.sha256(source.origin.encode()).hexdigest()[:24]
    folder = cache_folder() / "mirrors" / name
    mirror = await asyncio.to_thread(open_mirror, folder, source, tool=tool)
    await bring_up_to_date(mirror, source)
    await mirror.registry.close()
    await mirror.telemetry.close()
    return LocalBackend(mirror.layout, read_only=IN_PLACE, source=source, tool=tool)


def the_one(path: Path) -> Candidate:
    """What lies at `path`; UsageError naming them all when it is more than one thing."""
    found = detect(path)
    if len(found) > 1:
        names = ", ".join(f"{c.path} ({c.kind})" for c in found)
        raise UsageError(
            f"holds {len(found)} things to open: {names}", where=str(path), way_out="Name one"
        )
    return found[0]


def open_store(path: Path) -> Source:
    """The MLflow store at `path`."""
    return the_one(path).open()


async def bring_up_to_date(
    mirror: LocalBackend, source: Source, progress: Callable[[int], None] | None = None
) -> bool:
    """Index the source where its stamp has changed; gives whether it had."""
    stamp = await asyncio.to_thread(source.stamp)
    if await mirror.stamp(source.origin) == stamp:
        return False
    experiments = await asyncio.to_thread(lambda: list(source.experiments()))
    await mirror.take(source.origin, source.kind, experiments=experiments, mirror=True)
    seen = 0
    runs = iter(source.runs())
    while page := await asyncio.to_thread(lambda: list(islice(runs, PAGE))):
        await mirror.take(source.origin, source.kind, runs=page, mirror=True)
        seen += len(page)
        if progress:
            progress(seen)
    models = await asyncio.to_thread(lambda: list(source.models()))
    await mirror.take(source.origin, source.kind, models=models, mirror=True)
    await mirror.note_stamp(source.origin, source.kind, stamp)
    return True
