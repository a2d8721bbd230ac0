"""A file or folder registered as the next version of a model."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from modeldeck.app.recorder.home import Home
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    ReadOnlyError,
    UsageError,
)
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.plan import Change, Inverse, Plan
from modeldeck.backends.api.protocols import Trash
from modeldeck.backends.api.runs import Run, Shelf
from modeldeck.backends.formats import Content, inspect, opened_files

from .plans import apply_plan, make_plan
from .session import Session

LONGEST_NAME = 255
SAID = 20
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


async def plan_register(
    session: Session,
    path: Path,
    model: str,
    *,
    run: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str = "",
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Make `path` the next version of `model`, which is made too where it is not there.

    Its bytes are read, never loaded, and nothing is kept yet: `apply_register` does that.
    """
    check_name(model)
    session.check_writable("version.register")
    source = await session.registry.run(run) if run else None
    content, place = await asyncio.to_thread(_looked_at, path)
    number, same = await _place(session, model, content.digest)
    after: dict[str, Any] = {
        "digest": content.digest,
        "size": content.size,
        "format": content.format,
        "unsafe": None if content.unsafe is None else list(content.unsafe),
        "signature": None if content.signature is None else dict(content.signature),
        "source": place,
        "run_id": source.id if source else None,
        "lock": source.lock if source else None,
        "user": session.actor.sudo_user or session.actor.user,
        "note": note,
        "tags": dict(tags or {}),
        "files": [{"path": f.path, "size": f.size, "digest": f.digest} for f in content.files],
    }
    command = ["modeldeck", "register", str(path), "--model", model]
    return make_plan(
        session,
        "version.register",
        {"model": model, "version": number, "digest": content.digest},
        [Change(address(model, number), "content", None, after)],
        command=[*command, *(["--run", source.id] if source else [])],
        effects=[
            *_facts(content, source),
            *([f"the model {model} is made"] if number == 1 else []),
            *([f"its content is that of version {', '.join(map(str, same))}"] if same else []),
            *_shortened([f"unsafe to load: {why}" for why in content.unsafe or ()]),
            *_shortened([f"{problem.where}: {problem.what}" for problem in content.problems]),
        ],
        untouched=["no alias moves", "nothing of it is loaded or run"],
        inverse=Inverse("version.rm", {"model": model, "version": number}),
        reason=reason,
        ticket=ticket,
    )


async def apply_register(session: Session, plan: Plan) -> Sequence[Event]:
    """Keep the files that the plan names, then make the version.

    ConflictError when they are not any more what the plan saw.
    """
    session.check_writable(plan.operation)
    registry = session.registry
    if not isinstance(registry, Home):
        raise ReadOnlyError("this registry keeps no files", where=registry.place)
    (change,) = plan.changes
    wanted = msgspec.convert(change.after["files"], tuple[Artifact, ...])
    await asyncio.to_thread(_keep, registry, Path(change.after["source"]), wanted)
    return await apply_plan(session, plan)


def check_name(model: str) -> None:
    """Refuse what cannot be a model's name."""
    if not model.strip():
        raise UsageError("a model needs a name", way_out="--model NAME")
    if len(model) > LONGEST_NAME:
        raise UsageError(f"a model's name has at most {LONGEST_NAME} characters, not {len(model)}")


def _looked_at(path: Path) -> tuple[Content, str]:
    """What lies at a path, and the path in full; a link is kept as it was named."""
    place = os.path.abspath(path)  # noqa: PTH100
    if not os.path.lexists(place):
        raise NotFoundError("no such file or folder", where=str(path), way_out="Check the path")
    content = inspect(Path(place))
    if not content.files:
        what = "; ".join(f"{problem.where}: {problem.what}" for problem in content.problems[:3])
        raise UsageError(
            f"holds no file that can be kept{f' ({what})' if what else ''}",
            where=str(path),
            way_out="Name a model file or folder",
        )
    return content, place


def _keep(registry: Home, place: Path, wanted: Sequence[Artifact]) -> None:
    left = {file.path: file.digest for file in wanted}
    try:
        for path, file in opened_files(place):
            with file:
                if path in left and registry.keep(file, path).digest == left[path]:
                    del left[path]
    except OSError as error:
        raise _changed(place, error.strerror or str(error)) from error
    if left:
        raise _changed(place, next(iter(left)))


def _changed(place: Path, what: str) -> ConflictError:
    return ConflictError(
        f"is not what the plan saw ({what})", where=str(place), way_out="Make the plan again"
    )


def _facts(content: Content, run: Run | None) -> Sequence[str]:
    """What becomes a version, in words."""
    files = f"{len(content.files)} file{'' if len(content.files) == 1 else 's'}"
    facts = [f"format {content.format}, {files}, {size_words(content.size)}, {content.digest[:19]}"]
    if content.signature:
        facts.append(f"signature: {', '.join(map(str, content.signature))}")
    if run:
        facts.append(
            f"from run {run.id} {run.name}, with its lock" if run.lock else f"run {run.id}"
        )
    if content.unsafe is None:
        facts.append("whether it is safe to load is not known")
    return facts


def size_words(size: int) -> str:
    """Bytes in words: `512 B`, `1.2 MiB`."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.{1 if unit else 0}f} {_UNITS[unit]}"


def _shortened(lines: Sequence[str]) -> Sequence[str]:
    more = [f"{len(lines) - SAID} more of the kind"] if len(lines) > SAID else []
    return [*lines[:SAID], *more]


async def _place(session: Session, model: str, digest: str) -> tuple[int, Sequence[int]]:
    """The number of the next version, and the versions of the same content."""
    versions = await all_of(await session.registry.versions(model, shelf=Shelf.ALL))
    same = [v.version for v in versions if v.digest == digest and v.deleted_at is None]
    registry = session.registry
    purged = await registry.purged(model) if isinstance(registry, Trash) else ()
    return max([0, *purged, *(v.version for v in versions)]) + 1, sorted(same)
