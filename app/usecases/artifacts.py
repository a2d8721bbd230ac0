"""Files of runs and versions: listing, and saving one whole, with its digest."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from msgspec import Struct

from modeldeck.app.recorder.walk import digest as digest_of
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError, RefusedError, UsageError

from .runs import find_run
from .session import Session
from .versions import find_version, number_of


class Saved(Struct, frozen=True, kw_only=True):
    """A file that was saved: its artifact, where it is now, the digest of what came.

    `here` says that it was there before, with the same bytes.
    """

    artifact: Artifact
    target: Path
    digest: str
    here: bool = False


async def owner_of(session: Session, ref: str) -> str:
    """The address of the run or version that `ref` names: MODEL/13, MODEL@ALIAS, else a run."""
    head, slash, tail = ref.rpartition("/")
    if "@" in ref or ref.startswith("models/") or (slash and head != "runs" and number_of(tail)):
        version = await find_version(session, ref)
        return version_address(version.model, version.version)
    return run_address((await find_run(session, ref)).id)


async def list_artifacts(
    session: Session, owner: str, paths: Sequence[str] = ()
) -> Sequence[Artifact]:
    """The files of an owner in order of path; of `paths`, files and folders, where any are given.

    NotFoundError for a path that names nothing.
    """
    found = sorted(await session.registry.artifacts(owner), key=lambda one: one.path)
    if not paths:
        return found
    chosen: dict[str, Artifact] = {}
    for path in paths:
        folder = path.rstrip("/") + "/"
        fitting = [one for one in found if one.path == path or one.path.startswith(folder)]
        if not fitting:
            raise NotFoundError(
                f"no artifact {path!r}", where=owner, way_out="`modeldeck artifacts ls` lists them"
            )
        chosen |= {one.path: one for one in fitting}
    return list(chosen.values())


async def download(
    session: Session, owner: str, artifact: Artifact, folder: Path, *, replace: bool = False
) -> Saved:
    """Save a file below `folder`, under its own path; what broke off before goes on.

    RefusedError for a path that leads out of the folder, UsageError for a file that is there with
    other bytes, DamagedError when what came is not of the recorded digest.
    """
    target = folder.joinpath(*_parts(artifact))
    if target.exists() and not replace:
        digest = digest_of(target)
        if digest == artifact.digest:
            return Saved(artifact=artifact, target=target, digest=digest, here=True)
        raise UsageError(
            "is there already", where=str(target), way_out="--force replaces it, --to names a place"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = await session.registry.download(owner, artifact.path, target)
    if artifact.digest not in (None, digest):
        target.unlink()
        raise DamagedError("its bytes are not those of its digest", where=artifact.path)
    return Saved(artifact=artifact, target=target, digest=digest)


def _parts(artifact: Artifact) -> Sequence[str]:
    path = artifact.path
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or not path.isprintable():
        raise RefusedError(f"{path!r} cannot be the name of a file here")
    return parts
