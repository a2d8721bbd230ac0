"""The bytes of a version read again, and compared with what was recorded of them."""

import hashlib
from collections.abc import Callable, Sequence

from msgspec import Struct

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError
from modeldeck.backends.api.models import Version

from .session import Session

PIECE = 4 << 20
Progress = Callable[[int], None]


class Reread(Struct, frozen=True):
    """How many bytes were `read`, and what is `wrong` with them, in words; empty when nothing."""

    read: int
    wrong: str = ""


async def read_again(
    session: Session,
    version: Version,
    files: Sequence[Artifact],
    progress: Progress = lambda _: None,
) -> Reread:
    """Read `files`, all that the version has; `progress` gets the size of each piece.

    RefusedError where they cannot be read at all. Without any digest only sizes are compared.
    """
    owner, read = version_address(version.model, version.version), 0
    found: list[Artifact] = []
    for file in files:
        try:
            digest, count = await _digest(session, owner, file, progress)
        except (NotFoundError, DamagedError) as error:
            return Reread(read, f"{file.path}: {error.what}")
        read += count
        if file.size is not None and count != file.size:
            return Reread(read, f"{file.path} has {count:,} bytes, {file.size:,} were recorded")
        if file.digest is not None and digest != file.digest:
            return Reread(read, f"{file.path} is {digest[:19]}, {file.digest[:19]} was recorded")
        found.append(Artifact(path=file.path, size=count, digest=digest))
    if version.digest is not None and not _is_of(version.digest, files, found):
        return Reread(read, f"its files are not those of {version.digest[:19]}")
    return Reread(read)


def is_comparable(version: Version, files: Sequence[Artifact]) -> bool:
    """Whether a digest was recorded that bytes can be compared with."""
    return version.digest is not None or any(file.digest for file in files)


def _is_of(digest: str, recorded: Sequence[Artifact], found: list[Artifact]) -> bool:
    """Whether content is known by `digest`: that of its manifest, or of one file.

    Of one file only where each other one has a digest of its own, which it was compared with.
    """
    from modeldeck.backends.formats.folder import manifest_digest

    if digest == manifest_digest(found):
        return True
    others = [was for was, one in zip(recorded, found, strict=True) if one.digest != digest]
    return len(others) < len(found) and all(one.digest is not None for one in others)


async def _digest(
    session: Session, owner: str, file: Artifact, progress: Progress
) -> tuple[str, int]:
    sha, at = hashlib.sha256(), 0
    while True:
        piece = await session.registry.read_artifact(owner, file.path, at, PIECE)
        sha.update(piece)
        at += len(piece)
        progress(len(piece))
        if len(piece) < PIECE:
            return f"sha256:{sha.hexdigest()}", at
