"""What several people share: events told to others as signed statements, and what others told."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

import msgspec

from modeldeck.backends.api.errors import ModeldeckError, RefusedError
from modeldeck.backends.api.events import Entry, Event, learned
from modeldeck.backends.api.plan import LIFETIME, Change, Plan
from modeldeck.backends.api.query import Field, In
from modeldeck.backends.api.statements import (
    EVENT,
    Accepting,
    Signed,
    Statement,
    Statements,
    Sync,
)

from . import encode
from .roles import check_role
from .session import Session

FRESH = 30.0
"""Seconds for which what was fetched is new enough to decide on."""
LOOKED = 200
"""So many of the newest events are looked at for what nobody was known to have done."""
LONGEST = 2000
"""Characters of a text in an event; of a longer one its digest is told."""
SLACK = timedelta(minutes=1)
"""So much may the clock of who signed be behind ours."""
TOUCHES = 3
"""So many events may ask for a touch of a hardware key each."""
ACCEPT = "audit.accept"
"""The operation that takes rewritten records as they are."""
_NOUNS = frozenset({"alias", "approval", "audit", "copy", "drill", "model", "rollback", "version"})
_PHASES = frozenset({"done", "ended"})
_told: "WeakSet[Statements]" = WeakSet()


def is_shared(event: Event) -> bool:
    """Whether others should hear of it: what governs models, not what runs log."""
    return event.phase in _PHASES and event.action.partition(".")[0] in _NOUNS


async def publish(session: Session, events: Sequence[Event]) -> str:
    """Sign events and send them to those who share these records; what went wrong in words.

    What cannot be sent now waits. Nothing is raised: the changes are made.
    """
    statements = session.statements
    chosen = [event for event in events if is_shared(event)]
    if statements is None or not chosen:
        return ""
    try:
        signer = await asyncio.to_thread(session.signer)
        if signer is None:
            return await _unsigned(statements)
        if signer.public.startswith("sk-") and len(chosen) > TOUCHES:
            return f"{len(chosen)} events are not told to others: each would ask for a touch"
        said = [
            Statement(kind=EVENT, subject=one.subject, time=one.time, body=body_of(one))
            for one in chosen
        ]
        await statements.put_all(said, signer)
        status = await statements.status()
    except (ModeldeckError, OSError) as error:
        return f"not told to others: {error}"
    if status.waiting:
        words = f"{status.waiting} statement{'' if status.waiting == 1 else 's'} wait to be sent"
        return f"{words}: {status.trouble}" if status.trouble else words
    return ""


async def _unsigned(statements: Statements) -> str:
    """Said once, and only where others wait to hear of it."""
    if statements in _told or not (await statements.status()).shared:
        return ""
    _told.add(statements)
    return "nothing is told to others: there is no key to sign with; `modeldeck key new` makes one"


def body_of(event: Event) -> Mapping[str, Any]:
    """An event as the body of a statement: its JSON object, long texts as digests."""
    found: Mapping[str, Any] = _short(encode.event(event))
    return found


def _short(value: Any) -> Any:
    match value:
        case str() if len(value) > LONGEST:
            import hashlib

            data = value.encode("utf-8", "replace")
            return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        case bool() | None:
            return value
        case int() | float() if abs(value) >= 1 << 53:
            return str(value)
        case Mapping():
            return {key: _short(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_short(inner) for inner in value]
    return value


async def shared(session: Session, kinds: Sequence[str], subject: str = "") -> Sequence[Signed]:
    """Statements of these kinds, the invalid ones too, oldest first; fetched when that is due."""
    if session.statements is None:
        return ()
    await refresh(session, older=FRESH)
    return await session.statements.statements(kinds, subject)


async def refresh(session: Session, *, older: float = 0.0) -> Sync:
    """Fetch and send; what others say of changes that were nobody's then goes to the trail."""
    statements = _of(session)
    sync = await statements.sync(older=older)
    if (sync.new or not older) and session.remote and not session.readonly:
        await _explain(session, statements)
    return sync


async def _explain(session: Session, statements: Statements) -> None:
    """Of each move that was observed before its statement came, say whose it was."""
    records: Any = getattr(session.registry, "records", None)
    if records is None or not records.availability("event.note").supported:
        return
    where = In(Field("phase"), ["observed", "learned"])
    events = (await session.registry.events(where, first=LOOKED)).first
    lessons = [one for one in events if one.phase == "learned"]
    explained = {one.caused_by for one in lessons}
    used = {(one.evidence or {}).get("statement") for one in lessons}
    for event in events:
        if event.phase != "observed" or event.seq in explained:
            continue
        for signed in await statements.statements((EVENT,), event.subject):
            entry = learned(signed, "version", context=session.context)
            if entry is not None and signed.id not in used and _fits(event, entry, signed):
                used.add(signed.id)
                await records.note(msgspec.structs.replace(entry, caused_by=event.seq))
                break


def _fits(event: Event, entry: Entry, signed: Signed) -> bool:
    """Whether an observed event is the one that the statement speaks of."""
    if not isinstance(event.after, Mapping) or event.context != entry.context:
        return False
    between = event.after.get("between")
    same = event.after.get("version") == entry.after["version"]
    if not same or not isinstance(between, list | tuple):
        return False
    low, high = (datetime.fromisoformat(time) for time in between)
    return low - SLACK < signed.statement.time <= high


async def plan_accept(session: Session, *, reason: str = "") -> Plan:
    """Take the shared records as they are now, though they are not what they were."""
    accepting = _accepting(session)
    status = await _of(session).status()
    before, after = await accepting.heads()
    now = session.clock()
    return Plan(
        operation=ACCEPT,
        arguments={"head": after},
        context=session.context,
        changes=(
            Change(status.place, "head", before or None, after or None),
            Change(status.place, "trouble", status.trouble or None, None),
        ),
        untouched=("statements that are here stay here, also those that are gone there",),
        command=("modeldeck", "records", "accept"),
        created_at=now,
        lapses_at=now + LIFETIME,
        reason=reason,
    )


async def accept(session: Session, plan: Plan) -> Sequence[Event]:
    """Do it, with its events."""
    session.check_writable(plan.operation)
    check_role(session, plan.operation)
    plan.check(session.clock())
    records: Any = getattr(session.registry, "records", session.registry)
    await _accepting(session).accept(plan.arguments["head"])
    who, where = session.actor, session.context
    return [
        await records.note(plan.entry(change, "done", actor=who, tool="", context=where))
        for change in plan.changes
        if change.before != change.after
    ]


def _accepting(session: Session) -> Accepting:
    statements = _of(session)
    if not isinstance(statements, Accepting):
        raise RefusedError("these records are shared with nobody", where=session.context)
    return statements


def _of(session: Session) -> Statements:
    if session.statements is None:
        raise RefusedError(
            "there are no records that statements could be kept in", where=session.context
        )
    return session.statements
