"""Versions of models copied: their files first, then the version over them, with its event."""

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import (
    ConflictError,
    ModeldeckError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.ingest import Problem
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.receiving import HOLDS, Origin

from .copying_files import brought, described
from .copying_sides import arrivals, note, one_trail, origin_of

if TYPE_CHECKING:
    from .copying_work import Copying

WAIT = 10.0
"""Seconds to wait for another process that changes something on the same server."""


async def copy_version(work: "Copying", model: str, number: int, name: str, here: int) -> None:
    """Copy one version of a model, as the version `here` of `name`."""
    source = work.source.registry
    version = await source.version(model, number)
    there, owner = address.version(model, number), address.version(name, here)
    (change,) = [one for one in work.plan.changes if one.subject == owner]
    if version.digest != change.after["digest"] or version.deleted_at is not None:
        raise ConflictError("is not what the plan saw", where=there, way_out="Make the plan again")
    origin = origin_of(source, version, there)
    origin, arrival = (await arrivals(work.target, work.source, {there: origin}))[there]
    if arrival is not None:
        work.passed += 1
        return
    files = await source.artifacts(there)
    version = msgspec.structs.replace(version, run_id=await _run_of(work, version))
    await work.receiver.make_room(origin, owner, version.run_id)
    with tempfile.TemporaryDirectory(prefix="modeldeck-copy-") as name_of:
        folder: Path | None = None
        if version.digest is None and files:
            # Files that are not there either are named here as they are there.
            with contextlib.suppress(NotFoundError):
                files = await brought(source, there, files, Path(name_of))
                version = await described(version, files, Path(name_of))
                folder = Path(name_of)
        problems = await work.files.all_of(there, owner, files, folder)
    if problems:
        work.problems += problems
        return
    await _make(work, change, origin, await source.model(model), name, version, here)
    work.count(versions=1)


async def _run_of(work: "Copying", version: Version) -> str | None:
    """The id here of the run that a version came from; not of one that only holds its files."""
    if version.run_id:
        try:
            run = await work.source.registry.run(version.run_id)
        except NotFoundError:
            return version.run_id
        if HOLDS in run.tags:
            return None
    return await work.here(version.run_id)


async def _make(
    work: "Copying",
    change: Change,
    origin: Origin,
    model: Model,
    name: str,
    version: Version,
    number: int,
) -> None:
    made = msgspec.structs.replace(
        version,
        model=name,
        version=number,
        aliases=(),
        tags=work.tags(version.tags),
    )
    lock = await work.source.registry.lock(version.lock) if version.lock else None
    model = msgspec.structs.replace(model, name=name, aliases={}, tags=work.tags(model.tags))
    plan, target = work.plan, work.target

    def entry(phase: str, cause: int | None = None) -> Entry:
        return plan.entry(
            change,
            phase,
            actor=target.actor,
            tool="",
            context=target.context,
            caused_by=cause,
        )

    files = work.files.kept
    if one_trail(target):
        await work.receiver.receive_version(origin, model, made, files, lock, entry("done"))
        return
    records: Any = getattr(target.registry, "records", None)
    async with records.applying(WAIT):
        intent = (await note(target, entry("intent"))).seq
        try:
            number = await work.receiver.receive_version(origin, model, made, files, lock, None)
        except ModeldeckError as error:
            sure = isinstance(error, RefusedError | UsageError)
            await note(target, entry("failed" if sure else "unknown", intent))
            raise
        await note(target, entry("done", intent))
    if number != made.version:
        what = f"is version {number}: somebody made one meanwhile"
        work.problems.append(Problem(change.subject, what))
