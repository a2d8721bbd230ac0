"""For commands that write runs and versions: a registry of ours, made where there is none."""

from pathlib import Path

import msgspec

from .usecases.session import Session
from .workspace import TOOL, NothingFoundError, Wish, find, open_session


async def open_recording(wish: Wish, cwd: Path | None = None) -> Session:
    """As `open_session`, but what other tools left on disk will not do."""
    from modeldeck.backends.local.opening import create_registry

    cwd = cwd or Path.cwd()
    try:
        missing = find(wish, cwd).kind != "registry"
    except NothingFoundError:
        missing = True
    if missing:
        made = create_registry(cwd, tool=TOOL)
        await made.close()
        wish = msgspec.structs.replace(wish, registry=str(made.layout.folder))
    return await open_session(wish, cwd)
