"""What events say of persons, forgotten for good; every proof stays valid."""

from collections.abc import Sequence

from modeldeck.backends.api.errors import NotFoundError, RefusedError
from modeldeck.backends.api.plan import Change, Plan

from .audit import auditing_of
from .plans import make_plan
from .session import Session

OPERATION = "audit.erase"
"""What is applied where the trail lies: for a server that is beside it."""
KEPT, ERASED = "kept", "erased"
_MOST = 10_000


async def plan_erase(
    session: Session,
    seqs: Sequence[int] = (),
    *,
    subject: str = "",
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Forget the payloads of these events, or of all of exactly that subject."""
    trail = auditing_of(session)
    if not reason:
        raise RefusedError("an erasure has a reason", way_out="Give --reason, such as the request")
    wanted = list(dict.fromkeys(seqs))
    if subject:
        wanted += [seq for seq in await trail.subjects(subject) if seq not in wanted]
    if not wanted:
        raise NotFoundError("there is no such event", where=subject, way_out="See `audit ls`")
    if len(wanted) > _MOST:
        raise RefusedError(f"{len(wanted)} events are too many at once", where=subject)
    changes = []
    for seq in wanted:
        record = await trail.record(seq)
        before = ERASED if record.payload is None else KEPT
        changes.append(Change(f"events/{seq}", "payload", before, ERASED))
    count = sum(change.before == KEPT for change in changes)
    return make_plan(
        session,
        OPERATION,
        # Not the subject: it may be what is to be forgotten.
        {"seqs": wanted},
        changes,
        command=["modeldeck", "audit", "erase", *map(str, wanted[:50]), "--reason", reason],
        effects=[
            f"who did what to which, and why, of {count} events is gone for good",
            "the erasure is an event itself, with this reason: write nothing personal in it",
        ]
        if count
        else [],
        untouched=["number, time, action and hash of each event, and every proof and checkpoint"],
        caveats=["backups, snapshots and exports that were made before keep what they hold"],
        request=f"one transaction on {_place(session)}",
        reason=reason,
        ticket=ticket,
    )


def _place(session: Session) -> str:
    place = getattr(auditing_of(session), "place", "")
    return str(place or session.registry.place)
