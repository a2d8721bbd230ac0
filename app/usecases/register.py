"""A file or folder registered as the next version of a model."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import NotFoundError, ReadOnlyError, UsageError
from modeldeck.backends.api.plan import Change, Inverse, Plan
from modeldeck.backends.api.protocols import Recording
from modeldeck.backends.api.runs import Shelf
from modeldeck.backends.formats import Content, inspect

from .plans import make_plan
from .session import Session

LONGEST_NAME = 255


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

    Its bytes are read, never loaded. They are in the store once the plan is made: content that no
    version names is what `gc` removes.
    """
    check_name(model)
    session.check_writable("version.register")
    source = await session.registry.run(run) if run else None
    content = await asyncio.to_thread(_looked_at, path)
    if not content.files:
        raise UsageError("holds no file", where=str(path), way_out="Name a model file or folder")
    files = await asyncio.to_thread(_kept, session, path, content.files)
    number, same = await _place(session, model, content.digest)
    after: dict[str, Any] = {
        "digest": content.digest,
        "size": content.size,
        "format": content.format,
        "unsafe": None if content.unsafe is None else list(content.unsafe),
        "signature": None if content.signature is None else dict(content.signature),
        "source": os.path.abspath(path),  # noqa: PTH100 - a link is kept as it was named
        "run_id": source.id if source else None,
        "lock": source.lock if source else None,
        "user": session.actor.sudo_user or session.actor.user,
        "note": note,
        "tags": dict(tags or {}),
        "files": [{"path": f.path, "size": f.size, "digest": f.digest} for f in files],
    }
    effects = [f"{problem.where}: {problem.what}" for problem in content.problems]
    effects += [f"unsafe to load: {why}" for why in (content.unsafe or ())[:10]]
    if number == 1:
        effects.append(f"the model {model} is made")
    if same:
        effects.append(f"its content is that of version {', '.join(map(str, same))}")
    subject = address(model, number)
    command = ["modeldeck", "register", str(path), "--model", model]
    return make_plan(
        session,
        "version.register",
        {"model": model, "version": number, "digest": content.digest},
        [Change(subject, "content", None, after)],
        command=[*command, *(["--run", source.id] if source else [])],
        effects=effects,
        untouched=["no alias moves", "no version is loaded or run"],
        inverse=Inverse("version.rm", {"model": model, "version": number}),
        reason=reason,
        ticket=ticket,
    )


def check_name(model: str) -> None:
    """Refuse what cannot be a model's name."""
    if not model.strip():
        raise UsageError("a model needs a name", way_out="--model NAME")
    if len(model) > LONGEST_NAME:
        raise UsageError(f"a model's name has at most {LONGEST_NAME} characters, not {len(model)}")


def _looked_at(path: Path) -> Content:
    if not path.exists():
        raise NotFoundError("no such file or folder", where=str(path), way_out="Check the path")
    return inspect(path)


def _kept(session: Session, path: Path, files: Sequence[Artifact]) -> Sequence[Artifact]:
    registry = session.registry
    if not isinstance(registry, Recording):
        raise ReadOnlyError("this registry keeps no files", where=registry.place)
    kept = []
    for file in files:
        place = path if path.is_file() else path / file.path
        with place.open("rb") as stream:
            found = registry.keep(stream, file.path)
        if found.digest != file.digest:
            raise UsageError("changed while it was read", where=str(place), way_out="Try again")
        kept.append(found)
    return kept


async def _place(session: Session, model: str, digest: str) -> tuple[int, Sequence[int]]:
    """The number of the next version, and the versions of the same content."""
    window = await session.registry.versions(model, shelf=Shelf.ALL)
    versions = await window.page(0, window.at_least)
    same = [v.version for v in versions if v.digest == digest and v.deleted_at is None]
    return max((v.version for v in versions), default=0) + 1, same
