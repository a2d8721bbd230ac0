"""The trail as a folder that anybody can verify with nothing but Python."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

import modeldeck.backends.tlog.verifier as stand_alone
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.trail import Kept, Progress, Record

from .audit import auditing_of
from .audit_keys import vkey_of
from .session import Session

PIECE = 2000


class Exported(Struct, frozen=True, kw_only=True):
    """What was written: the folder, how many events and proofs."""

    target: str
    events: int
    proofs: int


async def export_trail(
    session: Session, target: Path, progress: Progress, *, proofs: Sequence[int] = ()
) -> Exported:
    """Write all events, a checkpoint of them, proofs of some, and the verifier to a new folder.

    The checkpoint is written first, so that what happens meanwhile is in neither.
    """
    trail = auditing_of(session)
    kept = await trail.checkpoint()
    if any(not 0 < seq <= kept.size for seq in proofs):
        raise RefusedError("a proof is wanted of an event that is not there")
    folder = await asyncio.to_thread(_begin, target, kept)
    with (folder / "events.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for first in range(1, kept.size + 1, PIECE):
            count = min(PIECE, kept.size + 1 - first)
            records = await trail.records_from(first, count)
            await asyncio.to_thread(file.writelines, map(line_of, records))
            progress(first + count - 1, kept.size)
    for seq in dict.fromkeys(proofs):
        _write(folder / "proofs" / f"{seq}.tlog-proof", await trail.prove(seq, kept))
    return Exported(target=str(folder), events=kept.size, proofs=len(set(proofs)))


def _begin(target: Path, kept: Kept) -> Path:
    """The folder with all but events and proofs."""
    try:
        target.mkdir(mode=0o700)
    except FileExistsError:
        raise RefusedError(
            "is there already", where=str(target), way_out="Name a new folder"
        ) from None
    _write(target / "checkpoint", kept.text)
    if vkey := vkey_of(kept.text):
        _write(target / "key", f"{vkey}\n")
    (target / "proofs").mkdir()
    _write(target / "verify.py", Path(stand_alone.__file__).read_text(encoding="utf-8"))
    return target.absolute()


def line_of(record: Record) -> str:
    """An event as a line of events.jsonl; `verifier` says what it means."""
    row = {
        "seq": record.event.seq,
        "leaf": record.leaf,
        "payload": record.payload,
        "salt": record.salt,
        "link": record.link,
        "key": record.key or None,
        "signature": record.signature or None,
    }
    return json.dumps(row, separators=(",", ":")) + "\n"


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
