"""Taking a change back: its fields as they were, if nobody has changed them since."""

from collections.abc import Sequence
from typing import Any

import msgspec

from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.times import rfc3339

from .gated import UNDO, with_gates
from .makes import is_mine, last_own, made_by_ref, who
from .plans import command_of, make_plan, tag_words
from .session import Session

FIELDS = ("version", "deleted", "card", "note", "tag")
"""Words of the fields that can be put back as they were."""
_BACK = {"rm": "restore", "restore": "rm", "lock": "unlock", "unlock": "lock", "register": "rm"}
_NOUNS = {"runs": "run", "experiments": "experiment", "models": "model"}


async def plan_undo(session: Session, ref: str = "", *, reason: str = "", ticket: str = "") -> Plan:
    """The plan that takes a change back; of one's own the last one where none is named.

    `ref` is the number of an event, or the beginning of a plan's digest, 8 hex digits or more.
    NotFoundError when there is no such change, RefusedError when it cannot be undone, ConflictError
    with both values when something was changed since.
    """
    events = await made_by_ref(session, ref) if ref else await last_own(session, can_undo)
    if why := why_not_undo(events):
        raise RefusedError(why, where=f"event {events[-1].seq}", way_out="Nothing was changed")
    return await _plan(session, events, reason, ticket)


async def _plan(session: Session, events: Sequence[Event], reason: str, ticket: str) -> Plan:
    last = events[-1]
    now = rfc3339(session.clock())
    changes = [change for event in events for change in _back(event, now)]
    for change in changes:
        found = await _found(session, change)
        if found != change.before:
            raise ConflictError(
                f"{change.field} is {_words(found)} now, it was left as {_words(change.before)}",
                where=change.subject,
                way_out="Somebody has changed it since; it is not undone",
            )
    operation = _operation(last.action, changes[0])
    whose = "" if is_mine(session, last) else f", made by {who(last)} and not by you"
    takes = f"takes back event {last.seq}, {last.action} of {rfc3339(last.time)}{whose}"
    plan = make_plan(
        session,
        operation,
        {"undo_of": last.seq, "as": UNDO},
        changes,
        command=_command(operation, changes) or ["modeldeck", "undo", str(last.seq)],
        effects=[takes],
        untouched=["what others have changed since"],
        way_back=["make the change again: this plan undoes it"],
        reason=reason,
        ticket=ticket,
    )
    return await with_gates(session, msgspec.structs.replace(plan, undo_of=last.seq))


def can_undo(events: Sequence[Event]) -> bool:
    """Whether the events of one plan can be taken back, as far as they tell."""
    return not why_not_undo(events)


def why_not_undo(events: Sequence[Event]) -> str:
    """Why the events of one plan cannot be taken back; empty when they can."""
    for event in events:
        if not isinstance(event.before, dict) or not isinstance(event.after, dict):
            return f"{event.action} has no way back"
        for field, before in event.before.items():
            if field == "content" and before is None and event.after.get(field) is not None:
                continue  # what was made can be deleted
            if field.partition(":")[0] not in FIELDS or field not in event.after:
                return f"{event.action} has no way back"
    return "" if events else "there is nothing to undo"


def _back(event: Event, now: str) -> Sequence[Change]:
    return [
        Change(event.subject, "deleted", None, now)
        if field == "content"
        else Change(event.subject, field, event.after[field], before)
        for field, before in event.before.items()
    ]


def _operation(action: str, change: Change) -> str:
    """The operation that takes `action` back, which has made `change` the other way round."""
    noun, _, verb = action.partition(".")
    if noun != "alias" and verb in _BACK:
        return f"{noun}.{_BACK[verb]}"
    address, word = parse_address(change.subject), change.field.partition(":")[0]
    if address.alias is not None:
        return "alias.rm" if change.after is None else "alias.set"
    noun = "version" if address.version is not None else _NOUNS[address.noun]
    if word == "deleted":
        return f"{noun}.restore" if change.after is None else f"{noun}.rm"
    return f"{noun}.{word}"


async def _found(session: Session, change: Change) -> Any:
    address = parse_address(change.subject)
    registry, (word, _, key) = session.registry, change.field.partition(":")
    try:
        if address.alias is not None:
            return (await registry.model(address.name)).aliases.get(address.alias)
        item = await _item(session, address)
    except NotFoundError as error:
        raise ConflictError("is gone", where=change.subject, way_out=str(error)) from error
    if word == "tag":
        return item.tags.get(key)
    if word == "deleted":
        return rfc3339(item.deleted_at) if item.deleted_at else None
    return getattr(item, word)


async def _item(session: Session, address: Address) -> Any:
    registry = session.registry
    if address.version is not None:
        return await registry.version(address.name, address.version)
    if address.noun == "models":
        return await registry.model(address.name)
    if address.noun == "runs":
        return await registry.run(address.name)
    if address.noun == "experiments":
        return await registry.experiment(address.name)
    raise UsageError("has no fields", where=str(address))


def _command(operation: str, changes: Sequence[Change]) -> Sequence[str]:
    """The same on the command line, where one command does it."""
    noun, _, verb = operation.partition(".")
    refs = list(dict.fromkeys(change.subject for change in changes))
    if noun == "alias" and len(changes) == 1:
        address, (change,) = parse_address(refs[0]), changes
        command = ["modeldeck", "alias", "set" if change.after is not None else "rm"]
        command += [address.name, address.alias or ""]
        command += [] if change.after is None else [str(change.after)]
        return [*command, "--expect", "none" if change.before is None else str(change.before)]
    if verb in ("rm", "restore"):
        return command_of([f"{noun}s", verb], refs)
    if verb == "tag":
        tags = {change.field.partition(":")[2]: change.after for change in changes}
        if all(tags[change.field.partition(":")[2]] == change.after for change in changes):
            return command_of([f"{noun}s", "tag"], refs, tag_words(tags))
    return ()


def _words(value: Any) -> str:
    text = "not set" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
