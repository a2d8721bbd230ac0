"""Whether going back to a version would work: each step checked before anybody needs it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import NotFoundError, RefusedError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Verdict

from .fitting import fit
from .gated import Move
from .register import size_words
from .rereading import Progress, is_comparable, read_again
from .session import Session

KIND = "rollback"
FAR = 64 << 20
"""Bytes of a version on a server that a plan reads to compare them; a drill reads all."""


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
    if session.remote and not whole and (size > FAR or not is_comparable(version, files)):
        known = "not read: a drill reads them" if size > FAR else "no digest to compare with"
        return [_verdict(rule, "pass", f"{what} listed, {known}", files=len(files))], [], 0
    try:
        again = await read_again(session, version, files, progress)
    except RefusedError as error:
        return [_verdict(rule, "fail", error.what)], [], 0
    if again.wrong:
        return [_verdict(rule, "fail", again.wrong)], [], again.read
    known = "read again, digest as recorded"
    if not is_comparable(version, files):
        known = "read again, no digest to compare with"
    return [_verdict(rule, "pass", f"{what} {known}", files=len(files), bytes=size)], [], again.read


def _signature(version: Version, live: Version | None) -> Verdict | str:
    """Whether who calls the live version can call this one."""
    if live is None:
        return "nothing is live to compare its signature with"
    if not version.signature or not live.signature:
        which = live if version.signature else version
        return f"version {which.version} has no signature: whether the two fit is not known"
    found = fit(version.signature, live.signature)
    verdict = "fail" if found.wrong else "unknown" if found.unknown else "pass"
    return _verdict(f"signature fits {live.version}", verdict, found.shows)


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
