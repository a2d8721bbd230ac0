"""The models of another store, copied with their versions' files."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec
from msgspec import Struct

from modeldeck.app.recorder.home import Home
from modeldeck.backends.api.address import model as model_address
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ConflictError, ModeldeckError, NotFoundError, UsageError
from modeldeck.backends.api.ingest import ModelRecord, Problem
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.runs import Shelf

from .register import check_name
from .stamps import stamp_of

if TYPE_CHECKING:
    from .importing import Import


class Names(Struct, frozen=True):
    """What models of a store are called here, by their names there."""

    here: Mapping[str, str]

    @classmethod
    async def checked(
        cls,
        registry: Home,
        origin: str,
        models: Sequence[ModelRecord],
        rename: Mapping[str, str],
    ) -> "Names":
        """The names as asked for, as before, else as there; ConflictError when one is taken."""
        there = [record.model.name for record in models]
        for name in rename:
            if name not in there:
                raise NotFoundError(
                    f"there is no model {name!r} to be named otherwise", where=origin
                )
            check_name(rename[name])
        before = await registry.native_models(origin)
        moved = [n for n, new in rename.items() if before.get(n, new) != new]
        if moved:
            raise UsageError(
                f"the model {moved[0]!r} was imported as {before[moved[0]]!r} before",
                way_out="Leave out --as",
            )
        here = {name: rename.get(name) or before.get(name) or name for name in there}
        twice = [name for name in there if list(here.values()).count(here[name]) > 1]
        if twice:
            raise ConflictError(
                f"two models would be called {here[twice[0]]!r}: {', '.join(map(repr, twice))}",
                way_out=f"Import one under another name: {_as(twice[1])}",
            )
        found = await registry.models(shelf=Shelf.ALL)
        origins = {model.name: model.origin for model in await all_of(found)}
        taken = [n for n in there if here[n] in origins and origins[here[n]] != origin]
        if taken:
            words = ", ".join(repr(here[name]) for name in taken)
            raise ConflictError(
                f"here already, and from elsewhere: {words}; nothing was imported",
                way_out=f"Import under other names: {' '.join(map(_as, taken))}",
            )
        return cls(here)


def _as(name: str) -> str:
    return f"--as {name}=NAME"


async def take_models(work: "Import", models: Sequence[ModelRecord], names: Names) -> Sequence[str]:
    """Copy models and versions; gives the aliases that are elsewhere here than there, as words."""
    registry, source = work.registry, work.source
    found = await registry.versions(shelf=Shelf.ALL)
    known = {(v.model, v.version): v for v in await all_of(found)}
    loaded = await registry.loaded()
    conflicts: list[str] = []
    for record in models:
        name = names.here[record.model.name]
        mark = {model_address(name): stamp_of(record)}
        changed = not mark.items() <= loaded.items()
        if changed:
            await work.begin()
        versions = []
        for version in record.versions:
            old = known.get((name, version.version))
            if old is None or old.digest is None:
                version = await _with_content(work, version, name)
            versions.append(msgspec.structs.replace(version, model=name))
        renamed = ModelRecord(
            model=msgspec.structs.replace(record.model, name=name),
            versions=versions,
            native_name=record.model.name,
        )
        # Taken also when nothing changed there: it gives what is otherwise here.
        conflicts.extend(await registry.take(source.origin, source.kind, models=[renamed]))
        if changed:
            await registry.mark_loaded(mark)
    return conflicts


async def _with_content(work: "Import", version: Version, name: str) -> Version:
    """The version with what its files say, its files kept."""
    if version.deleted_at is not None:
        return version
    owner = address(version.model, version.version)
    files = await asyncio.to_thread(work.source.artifacts, owner)
    root = content_root(files)
    if root is None:
        return version
    from modeldeck.backends.formats import inspect

    try:
        content = await asyncio.to_thread(inspect, root)
    except ModeldeckError as error:
        work.problems.append(Problem(owner, str(error)))
        return version
    await work.begin()
    work.problems.extend(Problem(f"{owner}/{p.where}", p.what) for p in content.problems)
    kept = await asyncio.to_thread(work.keep, owner, files)
    await work.registry.take_artifacts(address(name, version.version), kept)
    return msgspec.structs.replace(
        version,
        digest=content.digest,
        size=content.size,
        format=content.format,
        unsafe=content.unsafe,
        signature=content.signature,
    )


def content_root(files: Sequence[Artifact]) -> Path | None:
    """The folder or file on this machine that all files of a version lie in; None for others."""
    for file in files:
        place = _place(file)
        if place is None:
            return None
        parts = file.path.split("/")
        if len(files) == 1 and parts == [place.name] and not (place.parent / "MLmodel").is_file():
            # A version that is one file has that file's name as its only path.
            return place if place.is_file() else None
        root = place.parents[len(parts) - 1]
        # A link in the folder is listed as the file that it leads to.
        if root.joinpath(*parts) == place:
            return root if root.is_dir() else None
    return None


def _place(file: Artifact) -> Path | None:
    parts = urlsplit(file.location or "none:")
    if parts.scheme not in ("", "file"):
        return None
    raw = unquote_to_bytes(parts.path) if parts.scheme else os.fsencode(parts.path)
    return Path(os.fsdecode(raw))
