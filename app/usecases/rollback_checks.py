"""Whether going back to a version would work: each step checked before anybody needs it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError, RefusedError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Verdict

from .gated import Move
from .register import size_words
from .session import Session

KIND = "rollback"
PIECE = 4 << 20
FAR = 64 << 20
"""Bytes of a version on a server that a plan reads to compare them; a drill reads all."""
Progress = Callable[[int], None]


class Checked(Struct, frozen=True, kw_only=True):
    """What was found. `notes` say what could not be looked at; `read` is in bytes."""

    verdicts: Sequence[Verdict]
    notes: Sequence[str] = ()
    read: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing stands against it."""
        return all(one.holds for one in self.verdicts)


async def check_rollback(
    session: Session,
    move: Move,
    *,
    live: bool = False,
    whole: bool = False,
    progress: Progress = lambda _: None,
) -> Checked:
    """Check that `move.after` exists, has its bytes, fits the live `move.before`, has its lock.

    All bytes are read again where they lie here, or where the `whole` of a server's is asked for;
    `progress` gets the size of each piece. With `live` it is live now, before it is replaced.
    """
    number = move.after or 0
    try:
        version = await session.registry.version(move.model, number)
    except NotFoundError as error:
        return Checked(verdicts=[_verdict("version exists", "fail", str(error))])
    other = None
    if move.before not in (None, number):
        other = await session.registry.version(move.model, move.before or 0)
    deleted = version.deleted_at is not None
    verdicts = [
        _verdict(
            "version exists",
            "fail" if deleted else "pass",
            f"version {number} is deleted; restore it first" if deleted else "",
        ),
        *([] if live else [await _lived(session, move)]),
    ]
    bytes_of, notes, read = await _bytes(session, version, whole, progress)
    verdicts += bytes_of
    for found in (_signature(version, other), await _lock(session, version)):
        if isinstance(found, Verdict):
            verdicts.append(found)
        else:
            notes = [*notes, found]
    return Checked(verdicts=verdicts, notes=notes, read=read)


def _verdict(rule: str, verdict: str, shows: str = "", **numbers: Any) -> Verdict:
    return Verdict(rule=rule, kind=KIND, verdict=verdict, shows=shows, numbers=numbers)


async def _lived(session: Session, move: Move) -> Verdict:
    from .gated import was_there

    if await was_there(session, move):
        return _verdict("was live before", "pass", f"as {move.target}")
    return _verdict(
        "was live before", "fail", f"{move.after} was never {move.target}: promote it instead"
    )


async def _bytes(
    session: Session, version: Version, whole: bool, progress: Progress
) -> tuple[list[Verdict], list[str], int]:
    rule, owner = "artifact is whole", version_address(version.model, version.version)
    try:
        files = await session.registry.artifacts(owner)
    except RefusedError as error:
        note = f"whether the files of version {version.version} are whole is not known: {error}"
        return [], [note], 0
    if not files:
        return [_verdict(rule, "fail", "it has no files that can be found")], [], 0
    size = sum(file.size or 0 for file in files)
    what = f"{len(files)} file{'s' * (len(files) != 1)}, {size_words(size)}"
    if session.remote and not whole and (size > FAR or not _comparable(version, files)):
        known = "not read: a drill reads them" if size > FAR else "no digest to compare with"
        return [_verdict(rule, "pass", f"{what} listed, {known}", files=len(files))], [], 0
    read = 0
    digests: dict[str, str] = {}
    for file in files:
        try:
            digest, count = await _digest(session, owner, file, progress)
        except (NotFoundError, DamagedError, RefusedError) as error:
            return [_verdict(rule, "fail", f"{file.path}: {error.what}")], [], read
        read += count
        if file.size is not None and count != file.size:
            shows = f"{file.path} has {count:,} bytes, {file.size:,} were recorded"
            return [_verdict(rule, "fail", shows)], [], read
        if file.digest is not None and digest != file.digest:
            shows = f"{file.path} is {digest[:19]}, {file.digest[:19]} was recorded"
            return [_verdict(rule, "fail", shows)], [], read
        digests[file.path] = digest
    if version.digest is not None and version.digest not in _names(files, digests):
        shows = f"its files are not those of {version.digest[:19]}"
        return [_verdict(rule, "fail", shows)], [], read
    known = "read again, digest as recorded"
    if not _comparable(version, files):
        known = "read again, no digest to compare with"
    return [_verdict(rule, "pass", f"{what} {known}", files=len(files), bytes=size)], [], read


def _comparable(version: Version, files: Sequence[Artifact]) -> bool:
    return version.digest is not None or any(file.digest for file in files)


def _names(files: Sequence[Artifact], digests: Mapping[str, str]) -> set[str]:
    """The digests that content of these files may be known by: of a file, or of the manifest."""
    from modeldeck.backends.formats.folder import manifest_digest

    return {
        *digests.values(),
        manifest_digest(
            [Artifact(path=file.path, size=file.size, digest=digests[file.path]) for file in files]
        ),
    }


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


def _signature(version: Version, live: Version | None) -> Verdict | str:
    """Whether who calls the live version can call this one."""
    if live is None:
        return "nothing is live to compare its signature with"
    if version.signature is None or live.signature is None:
        which = version if version.signature is None else live
        return f"version {which.version} has no signature: whether the two fit is not known"
    if trouble := misfit(version.signature, live.signature):
        return _verdict(f"signature fits {live.version}", "fail", trouble)
    count = len(_columns(version.signature, "inputs"))
    shows = f"its {count} input{'s' * (count != 1)} and its output are there"
    return _verdict(f"signature fits {live.version}", "pass", shows)


def misfit(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """Why what calls a model of signature `live` cannot call one that is `wanted`; empty if it can.

    What is passed and not wanted does no harm; an output must be the same.
    """
    passed = _columns(live, "inputs")
    for name, kind in _columns(wanted, "inputs").items():
        if name not in passed:
            if not _optional(wanted, name):
                return f"it needs the input {name!r}, which is not passed now"
        elif passed[name] != kind:
            return f"the input {name!r} is {passed[name]} now, it needs {kind}"
    if (before := _columns(live, "outputs")) != (after := _columns(wanted, "outputs")):
        return f"its output is {_said(after)}, that of now {_said(before)}"
    return ""


def _columns(signature: Mapping[str, Any], side: str) -> dict[str, str]:
    columns = signature.get(side) or []
    if not isinstance(columns, list):
        return {"": str(columns)}
    found = {}
    for at, one in enumerate(columns):
        known = one if isinstance(one, dict) else {"type": one}
        kind = known.get("tensor-spec") or known.get("type") or "unknown"
        found[str(known.get("name") or at)] = str(kind)
    return found


def _optional(signature: Mapping[str, Any], name: str) -> bool:
    for one in signature.get("inputs") or ():
        if isinstance(one, dict) and one.get("name") == name:
            return bool(one.get("optional")) or one.get("required") is False
    return False


def _said(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items()) or "nothing"


async def _lock(session: Session, version: Version) -> Verdict | str:
    digest = version.lock
    if digest is None and version.run_id:
        try:
            digest = (await session.registry.run(version.run_id)).lock
        except NotFoundError:
            digest = None
    if digest is None:
        return f"no lock was recorded with version {version.version}: what it needs is not known"
    if await session.registry.lock(digest) is None:
        return _verdict("lock is there", "fail", f"{digest[:19]} is not kept here")
    return _verdict("lock is there", "pass", digest[:19])


def span_words(span: timedelta) -> str:
    """`12 s`, `4 min`, `3 h`, `9 d`; never less than nothing."""
    seconds = max(int(span.total_seconds()), 0)
    for size, unit in ((172_800, "d"), (7200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds // {'d': 86400, 'h': 3600, 'min': 60}[unit]} {unit}"
    return f"{seconds} s"
