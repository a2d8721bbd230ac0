"""A file as a commit of a git repository holds it, read so that nothing in it is run."""

from pathlib import Path

from msgspec import Struct

from modeldeck.app.recorder.ask import program
from modeldeck.app.recorder.git import Asker
from modeldeck.backends.api.errors import RefusedError

from .contexts import REF

_LARGEST = 1 << 20


class Committed(Struct, frozen=True, kw_only=True):
    """What `ref` of the repository at `top` is now. `data` is None where it has no such file."""

    top: Path
    commit: str
    data: bytes | None


def committed(folder: Path, ref: str, file: Path) -> Committed:
    """`file`, absolute or below the top of the repository that `folder` lies in, as of `ref`.

    RefusedError when git, the repository or the ref is not there.
    """
    path = program("git")
    if path is None:
        raise RefusedError("git is not installed, and the policy lies in a repository")
    if not REF.fullmatch(ref):
        raise RefusedError(f"{ref!r} cannot name a commit", way_out="Set policy_ref to a branch")
    if not folder.is_dir():
        raise RefusedError("is not there", where=str(folder), way_out="Clone it, or fix its path")
    asker = Asker(path, str(folder))
    top = asker("rev-parse", "--show-toplevel")
    if top is None or not top.good:
        raise RefusedError(
            "is no git repository that may be read",
            where=str(folder),
            way_out="`git -C` with this folder says why",
        )
    place = Path(top.output.decode("utf-8", "surrogateescape").removesuffix("\n"))
    head = asker("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if head is None or not head.good:
        raise RefusedError(
            f"knows no commit {ref}", where=str(place), way_out="Fetch it, or fix policy_ref"
        )
    commit = head.output.decode("ascii", "replace").strip()
    # The file itself may be a link, which then is no plain file; the folders above are followed.
    whole = file.parent.resolve() / file.name if file.is_absolute() else place.resolve() / file
    name = whole.relative_to(place.resolve())
    return Committed(top=place, commit=commit, data=_blob(asker, commit, name.as_posix(), place))


def _blob(asker: Asker, commit: str, name: str, place: Path) -> bytes | None:
    listed = asker("ls-tree", "-z", "--full-tree", commit, "--", name)
    if listed is None or not listed.good:
        raise RefusedError(f"cannot list {commit[:7]}", where=str(place))
    kind = listed.output.split(b"\t", 1)[0].split()
    if not kind:
        return None
    if kind[0] not in {b"100644", b"100755"}:
        raise RefusedError(f"{name} of {commit[:7]} is no plain file", where=str(place))
    found = asker("cat-file", "blob", kind[2].decode("ascii"), limit=_LARGEST)
    if found is None or not found.good:
        size = "is larger than 1 MiB" if found is not None and found.cut else "cannot be read"
        raise RefusedError(f"{name} of {commit[:7]} {size}", where=str(place))
    return found.output
