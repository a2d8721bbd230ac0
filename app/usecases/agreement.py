"""Where what is written down and what is there disagree; nothing is changed by looking."""

import asyncio
import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import pages_of
from modeldeck.backends.api.models import Alias
from modeldeck.backends.api.query import And, Field, In
from modeldeck.backends.api.tasks import task_group

from .findings import Finding, bad, doubtful, good
from .outcomes import unsettled
from .session import Session

MOST_VERSIONS = 20
MOST_MOVES = 5000
"""So many of the newest own moves of aliases are looked at."""
_AT_ONCE = 4
_SHOWN = 10
_MOVES = And(
    (In(Field("phase"), ["done", "learned"]), In(Field("action"), ["alias.set", "alias.rm"]))
)

_DOUBTS = {
    "intent": "it was begun, and nobody wrote down how it ended",
    "unknown": "whether it was done is not known",
}


async def left_open(session: Session) -> Sequence[Finding]:
    """Changes made from here of which nobody knows what became of them."""
    return [
        doubtful(
            "changes",
            f"event {event.seq}, {event.action} of {event.subject}: {_DOUBTS[event.phase]}",
            f"Look at {event.subject}: what is seen or done there next settles it",
        )
        for event in await unsettled(session)
    ]


async def moved_aliases(session: Session, aliases: Sequence[Alias]) -> Sequence[Finding]:
    """Aliases that our own last move left elsewhere than they are now."""
    there = {address.alias(one.model, one.alias): one.version for one in aliases}
    own = await _own_moves(session)
    moved = [
        event
        for subject, event in sorted(own.items())
        if event.after.get("version") != there.get(subject)
    ]
    found = [_moved(event, there.get(event.subject)) for event in moved[:_SHOWN]]
    if len(moved) > _SHOWN:
        found.append(doubtful("aliases", f"so are {len(moved) - _SHOWN} more"))
    if own and not moved:
        found.append(good("aliases", f"{len(own)} are where we left them"))
    return found


async def _own_moves(session: Session) -> Mapping[str, Event]:
    """The newest move from here of each alias; what was only observed does not count."""
    found: dict[str, Event] = {}
    looked = 0
    async for page in pages_of(await session.registry.events(_MOVES)):
        for event in page:
            if event.context == session.context and isinstance(event.after, dict):
                found.setdefault(event.subject, event)
        looked += len(page)
        if looked >= MOST_MOVES:
            break
    return found


def _moved(event: Event, now: int | None) -> Finding:
    then = event.after.get("version")
    place = address.parse_address(event.subject)
    words = [place.name, place.alias or ""]
    words += ["--expect", "none" if now is None else str(now)]
    verb = "rm" if then is None else "set"
    if then is not None:
        words.insert(2, str(then))
    left = "removed it" if then is None else f"left it at {then}"
    return doubtful(
        "aliases",
        f"{place.name}@{place.alias} is {'not there' if now is None else f'at {now}'},"
        f" and we {left} (event {event.seq})",
        f"`modeldeck alias {verb} {shlex.join(words)}` takes it back",
    )


async def pointed_at(
    session: Session, aliases: Sequence[Alias], seconds: float
) -> Sequence[Finding]:
    """Versions that aliases point at: whether they are there, and their files can be listed."""
    of: dict[tuple[str, int], list[str]] = {}
    for one in sorted(aliases, key=lambda one: (one.model, one.version, one.alias)):
        of.setdefault((one.model, one.version), []).append(one.alias)
    chosen = list(of)[:MOST_VERSIONS]
    looked: dict[tuple[str, int], Finding | None] = {}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def look(model: str, number: int) -> None:
        async with turns:
            looked[model, number] = await _version(session, model, number, of[model, number])

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), task_group() as group:
            for model, number in chosen:
                group.create_task(look(model, number))
    return list(_told(looked, len(of)))


def _told(looked: Mapping[tuple[str, int], Finding | None], count: int) -> Iterator[Finding]:
    yield from (found for _, found in sorted(looked.items()) if found is not None)
    left = f"; {count - len(looked)} more were not looked at" if count > len(looked) else ""
    fine = sum(found is None for found in looked.values())
    if fine or left:
        yield good("versions", f"{fine} that aliases point at are there, with their files{left}")


async def _version(
    session: Session, model: str, number: int, aliases: Sequence[str]
) -> Finding | None:
    """What is wrong with a version."""
    name = f"{model} {number} ({', '.join(f'@{alias}' for alias in aliases)})"
    try:
        await session.registry.version(model, number)
    except NotFoundError:
        return bad(
            "versions",
            f"{name} is not there: who loads it by its alias finds nothing",
            f"`modeldeck alias set {shlex.join([model, aliases[0]])} VERSION` moves the alias",
        )
    except ModeldeckError as error:
        return doubtful("versions", f"{name} cannot be looked at: {error.what}", error.way_out)
    try:
        files = await session.registry.artifacts(address.version(model, number))
    except ModeldeckError as error:
        shows = f"{name}: its files cannot be listed: {error.what}"
        return doubtful("versions", shows, error.way_out)
    if not files:
        return doubtful("versions", f"{name} has no files", "Look whether its source was deleted")
    if len(files) == 1 and files[0].size is None and files[0].location:
        # One that only names where they are.
        return good("versions", f"{name}: the server does not list {files[0].location}")
    return None
