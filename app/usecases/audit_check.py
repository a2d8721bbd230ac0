"""The whole trail verified: against itself, against checkpoints from elsewhere, against people."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, UsageError
from modeldeck.backends.api.trail import Mark, Progress, TrailCheck

from .audit import auditing_of
from .audit_anchors import Anchors
from .audit_keys import people_of, verify_signature, vkey_of
from .audit_tags import tagged
from .session import Session

LARGEST = 1 << 20


async def verify_trail(
    session: Session,
    progress: Progress,
    *,
    anchors: Anchors | None = None,
    files: Sequence[Path] = (),
    keys: Sequence[str] = (),
    must_sign: Sequence[str] = (),
) -> TrailCheck:
    """Read all of it. `files` hold checkpoints that a person brings, `keys` are verifier keys.

    Without `keys` that of this machine is known, if it has signed any of the checkpoints.
    """
    trail = auditing_of(session)
    marks = [read_mark(path) for path in files]
    if anchors is not None:
        marks += await asyncio.to_thread(anchors.marks)
        marks += await tagged(session)
    known = [*keys] if keys else await _own(session, marks)
    people = msgspec.structs.replace(people_of(session), must_sign=tuple(must_sign))
    return await trail.check_trail(
        marks=marks, keys=known, people=people, verify=verify_signature, progress=progress
    )


async def _own(session: Session, marks: Sequence[Mark]) -> Sequence[str]:
    notes = [one.text for one in await auditing_of(session).checkpoints()]
    for text in [*notes, *(mark.note for mark in marks)]:
        try:
            key = await asyncio.to_thread(vkey_of, text)
        except (ModeldeckError, OSError):
            return []
        if key:
            return [key]
    return []


def read_mark(path: Path) -> Mark:
    """The checkpoint in a file that a person names."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST)
    except FileNotFoundError:
        raise NotFoundError("no such file", where=str(path)) from None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise UsageError("is no checkpoint", where=str(path)) from None
    return Mark(place=str(path), note=text, outside=True, asked=True)


def read_key(word: str) -> str:
    """A verifier key as it was given, or out of the file that was named; UsageError for others."""
    from modeldeck.backends.tlog.note import NoteError, parse_vkey

    path, text = Path(word), word
    if "+" not in word and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        return parse_vkey(text).vkey
    except NoteError as error:
        raise UsageError(str(error), where=word, way_out="It is NAME+ID+KEY") from None


async def compare_files(one: Path, other: Path, session: Session) -> str:
    """Whether two checkpoints are of one history, as far as this trail can tell; in words.

    Empty when they are. Two of one size are compared without any trail.
    """
    from modeldeck.backends.tlog.checkpoint import read_checkpoint
    from modeldeck.backends.tlog.note import NoteError

    try:
        a, _ = read_checkpoint(read_mark(one).note)
        b, _ = read_checkpoint(read_mark(other).note)
    except NoteError as error:
        raise UsageError(str(error), where=f"{one}, {other}") from None
    if a.origin != b.origin:
        return f"they are of two logs: {a.origin} and {b.origin}"
    if a.size == b.size:
        return "" if a.root == b.root else f"they count other events, {a.size:,} each"
    found = await verify_trail(session, lambda *_: None, files=[one, other])
    bad = [row for row in found.compared if row.asked and row.state != "same"]
    return "; ".join(f"{row.place} {row.words}" for row in bad)
