"""Looking after the registry's files: backups, restoring one, removing what nothing needs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.errors import ReadOnlyError, RefusedError
from modeldeck.backends.api.events import Actor, Entry, Event
from modeldeck.backends.api.plan import LIFETIME, Change, Plan
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.local import backup, collect
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.files import DATABASE, FOLDER
from modeldeck.backends.local.opening import open_registry

from .config.actor import current_actor
from .config.settings import read_settings
from .usecases.plans import make_plan
from .usecases.session import Session, local_now
from .workspace import TOOL, NothingFoundError, Place, Wish, find, readonly_reason

SUBJECT = "registry"
Progress = Callable[[str, int, int], None]


class Copied(Struct, frozen=True, kw_only=True):
    """A backup that was made. `missing` are artifacts that the registry no longer had itself."""

    target: str
    files: int
    size: int
    missing: Sequence[str]


async def back_up(session: Session, target: Path, progress: Progress) -> Copied:
    """Copy the registry to `target`, a folder that is new or empty, and read the copy again."""
    layout = _own(session).layout
    made = await asyncio.to_thread(
        backup.backup, layout, target, session.clock(), tool=TOOL, progress=progress
    )
    return Copied(
        target=_named(target),
        files=len(made.files),
        size=sum(file.size for file in made.files),
        missing=made.missing,
    )


def plan_restore(wish: Wish, source: Path, cwd: Path, progress: Progress) -> tuple[Plan, Path]:
    """The plan to put the backup in `source` in the registry's place, and that place.

    The backup is read to its last byte first; the registry is not, it may be damaged.
    """
    try:
        place = find(wish, cwd)
    except NothingFoundError:
        place = Place(kind="registry", path=cwd / FOLDER, why="the working directory")
    if place.kind != "registry":
        where = place.name or str(place.path)
        raise RefusedError("only a registry of modeldeck can be restored", where=where)
    folder = _folder(place.path.absolute())
    if reason := readonly_reason(wish, read_settings()):
        raise ReadOnlyError(reason, where=str(folder))
    manifest = backup.verify(source, progress=progress)
    now = local_now()
    before = f"as it is at {rfc3339(now)}" if (folder / DATABASE).exists() else None
    return (
        Plan(
            operation="registry.restore",
            arguments={"backup": str(source.absolute()), "registry": str(folder)},
            context=place.context,
            changes=(
                Change(str(folder), "content", before, f"backup of {rfc3339(manifest.made_at)}"),
            ),
            effects=("what was changed since the backup is no longer seen",),
            untouched=("what is there is moved aside beside it, not deleted",) if before else (),
            command=("modeldeck", "restore", str(source), "--registry", str(folder)),
            request=f"{len(manifest.files)} files to {folder}",
            created_at=now,
            lapses_at=now + LIFETIME,
        ),
        folder,
    )


def _folder(path: Path) -> Path:
    """The `.modeldeck` of a registry that need not be there: its file, it, or the folder above."""
    if path.name == DATABASE:
        return path.parent
    return path if path.name == FOLDER else path / FOLDER


async def restore(plan: Plan, source: Path, folder: Path, progress: Progress) -> Path | None:
    """Do it, with its event in the restored trail; gives where the registry before it lies."""
    aside = await asyncio.to_thread(backup.restore, source, folder, local_now(), progress=progress)
    allowed = frozenset(read_settings().safe_directories)
    registry = await asyncio.to_thread(open_registry, folder, allowed=allowed, tool=TOOL)
    try:
        after = {"backup": _named(source), "aside": None if aside is None else str(aside)}
        await registry.note(_entry(plan, current_actor(), plan.context, after))
    finally:
        await registry.close()
    return aside


async def plan_collection(session: Session, *, reason: str = "", ticket: str = "") -> Plan:
    """What can be removed for good, because nothing names it."""
    found = await asyncio.to_thread(collect.garbage, _own(session).layout, session.clock())
    kinds = {
        "artifacts": (found.artifacts, "that no run and no version names"),
        "folders": (found.folders, "of runs that have ended and were read whole"),
        "series": (found.series, "of runs that are not there"),
        "left": (found.left, "that a crash left half written"),
    }
    return make_plan(
        session,
        "registry.gc",
        {kind: list(names) for kind, (names, _) in kinds.items()} | {"size": found.size},
        [
            Change(SUBJECT, kind, f"{len(names)} {words}", None)
            for kind, (names, words) in kinds.items()
            if names
        ],
        command=["modeldeck", "gc"],
        effects=[f"{found.size} bytes are freed"] if found.size else [],
        untouched=["what was deleted and can be restored stays"],
        reason=reason,
        ticket=ticket,
    )


async def apply_collection(session: Session, plan: Plan) -> Sequence[Event]:
    """Remove what the plan names and still nothing needs."""
    backend = _own(session)
    wanted = {name: plan.arguments[name] for name in ("artifacts", "folders", "series", "left")}
    gone = await asyncio.to_thread(
        collect.collect, backend.layout, collect.Garbage(**wanted), session.clock()
    )
    after = {
        "artifacts": list(gone.artifacts),
        "folders": list(gone.folders),
        "series": list(gone.series),
        "left": list(gone.left),
        "size": gone.size,
    }
    return [await backend.note(_entry(plan, session.actor, session.context, after))]


def _entry(plan: Plan, actor: Actor, context: str, after: Mapping[str, Any]) -> Entry:
    return Entry(
        actor=actor,
        tool=TOOL,
        context=context,
        phase="done",
        action=plan.operation,
        subject=SUBJECT,
        after=after,
    )


def _named(path: Path) -> str:
    return str(path.absolute())


def _own(session: Session) -> LocalBackend:
    backend = session.registry
    if not isinstance(backend, LocalBackend) or backend.source is not None:
        raise RefusedError(
            "only a registry of modeldeck is looked after",
            where=backend.place,
            way_out="`modeldeck import` copies it into one",
        )
    return backend
