"""The files of a copy: read in pieces, written, and compared by digest on both sides."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError
from modeldeck.backends.api.ingest import Problem
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.protocols import Registry
from modeldeck.backends.api.receiving import Receiving

from .copying_sides import Read


class Files:
    """Copies files of one owner after the other. `kept` are those of the last one.

    With a `folder` their bytes lie there already, under their paths.

    `left` names files whose bytes the other registry does not have; `lacking` are those of the last
    owner that it knows by digest, and that somebody else may still have.
    """

    def __init__(self, source: Registry, target: Registry, receiver: Receiving) -> None:
        self.source, self._target, self._receiver = source, target, receiver
        self.left: list[Problem] = []
        self.kept: list[Artifact] = []
        self.count = self.size = self.lacking = 0

    async def all_of(
        self, there: str, here: str, files: Sequence[Artifact], folder: Path | None = None
    ) -> Sequence[Problem]:
        """Copy the files of an owner; gives what is not as it is there, by path."""
        self.kept = []
        self.lacking = 0
        wrong = []
        known = {one.path: one for one in await self._known(here)}
        for file in files:
            old = known.get(file.path)
            if old is not None and file.digest is not None and old.digest == file.digest:
                # From a copy that was stopped; whatever has a digest here was written whole.
                self.kept.append(old)
                continue
            if file.path.endswith("/"):
                wrong.append(Problem(f"{there}/{file.path}", "is a folder that was not listed"))
                continue
            try:
                problem = await self._one(there, here, file, folder)
            except NotFoundError as error:
                problem = Problem(f"{there}/{file.path}", error.what)
                if file.digest is not None and not there.startswith("runs/"):
                    # A version is its bytes.
                    wrong.append(problem)
                    continue
                self.left.append(problem)
                if file.digest is None:
                    self.kept.append(file)
                else:
                    self.lacking += 1
                continue
            if problem is not None:
                wrong.append(problem)
        return wrong

    async def _known(self, here: str) -> Sequence[Artifact]:
        try:
            return await self._target.artifacts(here)
        except NotFoundError:
            return ()

    async def _one(
        self, there: str, here: str, file: Artifact, folder: Path | None
    ) -> Problem | None:
        reading = Read(self.source, there, file)
        pieces = reading.stored(folder / file.path) if folder else reading.pieces()
        kept = await self._receiver.receive_file(here, file, pieces)
        self.kept.append(kept)
        where = f"{there}/{file.path}"
        if file.digest is not None and reading.digest != file.digest:
            return Problem(where, f"is damaged there: not {file.digest}, but {reading.digest}")
        if kept.digest != reading.digest:
            return Problem(where, f"is {kept.digest} here and {reading.digest} there")
        if file.size is not None and reading.size != file.size:
            return Problem(where, f"has {reading.size} bytes, and {file.size} where it is listed")
        self.count += 1
        self.size += reading.size
        return None


async def brought(
    source: Registry, there: str, files: Sequence[Artifact], folder: Path
) -> Sequence[Artifact]:
    """The files of an owner, brought to `folder`, with their digests."""
    found = []
    for file in files:
        parts = file.path.split("/")
        if {"", ".", ".."} & set(parts) or "\0" in file.path:
            raise DamagedError("is no path below a folder", where=f"{there}/{file.path}")
        place = folder.joinpath(*parts)
        await asyncio.to_thread(place.parent.mkdir, parents=True, exist_ok=True)
        reading = Read(source, there, file)
        with place.open("xb") as target:
            async for piece in reading.pieces():
                await asyncio.to_thread(target.write, piece)
        found.append(msgspec.structs.replace(file, digest=reading.digest, size=reading.size))
    return found


async def described(version: Version, files: Sequence[Artifact], folder: Path) -> Version:
    """The version with what its files in `folder` say: looked at, never loaded."""
    from modeldeck.backends.formats import inspect

    only = len(files) == 1 and "/" not in files[0].path and files[0].path != "MLmodel"
    content = await asyncio.to_thread(inspect, folder / files[0].path if only else folder)
    return msgspec.structs.replace(
        version,
        digest=content.digest,
        size=content.size,
        format=content.format,
        unsafe=content.unsafe,
        signature=content.signature,
    )
