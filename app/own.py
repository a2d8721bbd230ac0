"""For commands that write runs and versions: a registry of ours, made where there is none."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from modeldeck.backends.api.errors import ReadOnlyError, RefusedError

from .usecases.session import Session
from .workspace import NothingFoundError, Wish, find, make_registry, open_session


async def open_recording(
    wish: Wish, say: Callable[[str], None], *, make: bool = True, cwd: Path | None = None
) -> Session:
    """As `open_session`, but what other tools left on disk will not do: a registry is made then.

    `say` is told of it. Without `make` it is NothingFoundError instead.
    """
    cwd = cwd or Path.cwd()
    try:
        place = find(wish, cwd)
        if place.kind == "context":
            session = await open_session(wish, cwd)
            if session.folder is not None:
                return session
            await session.registry.close()
            if wish.context or place.why == "MODELDECK_CONTEXT":
                raise RefusedError(
                    "runs and versions are recorded in a registry on this machine",
                    where=f"context {place.name}",
                    way_out="Name one with --registry, or leave --context out",
                )
        missing = place.kind != "registry"
    except NothingFoundError:
        missing = True
    if missing and not make:
        raise NothingFoundError([f".modeldeck in {cwd} and above"])
    if missing:
        if wish.readonly:
            raise ReadOnlyError("there is no registry here, and --readonly makes none")
        database, _ = await asyncio.to_thread(make_registry, cwd)
        say(f"modeldeck: no registry yet, made {database.parent}")
        wish = msgspec.structs.replace(wish, registry=str(database.parent), path="")
    return await open_session(wish, cwd)
