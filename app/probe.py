"""`modeldeck context test`: what of a context works, asked of the real thing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from modeldeck.backends.api.connect import Credentials
from modeldeck.backends.api.errors import ModeldeckError

from .config.contexts import ENV, GIT, LOCAL, Slot
from .config.secrets import Ask, Kept
from .config.settings import ProjectFile, Settings
from .remote import find_context, open_context, records_folder
from .statements import address_of, clone_of
from .usecases.allowed import allowed
from .usecases.session import Session


class Check(Struct, frozen=True, kw_only=True):
    """One thing tried in a slot. `code` is the exit code of what failed, 0 when it works."""

    slot: str
    about: str
    shows: str
    way_out: str = ""
    code: int = 0


async def probe(
    name: str, settings: Settings, *, readonly: str, tool: str, ask: Ask | None = None
) -> Sequence[Check]:
    """Try each slot. Raises nothing but for a context that is not there."""
    context, credentials = find_context(name, settings)
    found: list[Check] = []
    for slot_name, slot in context.slots():
        if slot_name == "registry":
            credentials = credentials or Kept(name, slot, ask=ask)
            found.extend(await _registry(name, slot, settings, credentials, readonly, tool))
        elif slot_name == "records" and slot.type == GIT:
            found.append(await _shared(slot))
        elif slot_name == "records":
            found.append(Check(slot="records", about="path", shows=slot.path))
        else:
            shows = "not used by this version"
            found.append(Check(slot=slot_name, about=slot.type, shows=shows))
    elsewhere = context.records is None or context.records.type == GIT
    if context.registry is not None and elsewhere and context.registry.type != LOCAL:
        found.append(Check(slot="records", about="path", shows=str(records_folder(name))))
    return found


async def _registry(
    name: str,
    slot: Slot,
    settings: Settings,
    credentials: Credentials,
    readonly: str,
    tool: str,
) -> Sequence[Check]:
    opened: list[Session] = []

    async def opening() -> str:
        opened.append(
            await open_context(
                name,
                settings,
                readonly=readonly,
                project=ProjectFile(),
                tool=tool,
                credentials=credentials,
            )
        )
        return slot.url or slot.path

    found = [await _tried("address", opening)]
    if not opened:
        return found
    session = opened[0]
    try:
        reads: dict[str, Callable[[], Awaitable[str]]] = {
            "experiments": lambda: _listed(session.registry.experiments()),
            "models": lambda: _listed(session.registry.models()),
        }
        for about, read in reads.items():
            found.append(await _tried(about, read, timed=True))
            if found[-1].code == 3:
                break
        else:
            found.append(_changes(session))
    finally:
        await session.registry.close()
    if slot.type != LOCAL or name == ENV:
        found.append(Check(slot="registry", about="credentials", shows=credentials.describe()))
    return found


async def _shared(slot: Slot) -> Check:
    """Whether the repository that records are shared through can be reached."""
    from modeldeck.backends.statements.repository import Repository

    repository = Repository(clone_of(slot), address_of(slot), slot.branch, seconds=slot.deadline)

    def reach() -> str:
        repository.make()
        head = repository.fetch()
        where = f"{address_of(slot)} ({slot.branch})"
        return f"{where} at {head[:12]}" if head else f"{where}, no such branch yet"

    try:
        shows = await asyncio.to_thread(reach)
    except ModeldeckError as error:
        where = f"{error.where}: " if error.where else ""
        return Check(
            slot="records",
            about="git",
            shows=f"{where}{error.what}",
            way_out=error.way_out or "Statements wait here until it can be reached",
            code=error.exit_code,
        )
    return Check(slot="records", about="git", shows=shows)


async def _listed(window: Awaitable[object]) -> str:
    await window
    return "can be read"


def _changes(session: Session) -> Check:
    found = allowed(session)
    if not found.can:
        shows = f"none: {'; '.join(found.withheld)}"
    else:
        shows = "can be made" + (", with care: it is protected" if session.protected else "")
        shows = "; ".join([shows, *found.words])
    return Check(slot="registry", about="changes", shows=shows)


async def _tried(about: str, work: Callable[[], Awaitable[str]], *, timed: bool = False) -> Check:
    begun = time.monotonic()
    try:
        shows = await work()
    except ModeldeckError as error:
        where = f"{error.where}: " if error.where else ""
        return Check(
            slot="registry",
            about=about,
            shows=f"{where}{error.what}",
            way_out=error.way_out,
            code=error.exit_code,
        )
    took = f" ({(time.monotonic() - begun) * 1000:.0f} ms)" if timed else ""
    return Check(slot="registry", about=about, shows=f"{shows}{took}")
