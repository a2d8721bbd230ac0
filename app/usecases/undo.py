"""Taking a change back: its fields as they were, if nobody has changed them since."""

from collections.abc import Sequence
from typing import Any

import msgspec

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ConflictError, NotFoundError, RefusedError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.times import rfc3339

from .plans import command_of, make_plan, tag_words
from .session import Session


async def plan_undo(session: Session, plan: Plan, events: Sequence[Event]) -> Plan:
    """The plan that takes `plan` back, which made `events`.

    Raises ConflictError when something has changed since, RefusedError when there is no way back.
    """
    if plan.inverse is None or not events:
        raise RefusedError(f"{plan.operation} cannot be undone")
    changes = [
        Change(change.subject, change.field, change.after, change.before)
        for change in plan.changes
        if change.before != change.after
    ]
    for change in changes:
        now = await _now(session, change)
        if now != change.before:
            raise ConflictError(
                f"{change.field} is {_words(now)} now, it was left as {_words(change.before)}",
                where=change.subject,
                way_out="Somebody has changed it since; it is not undone",
            )
    back = make_plan(
        session,
        plan.inverse.operation,
        {"undo_of": events[-1].seq},
        changes,
        command=_command(plan.inverse.operation, changes),
        effects=[f"takes back event {events[-1].seq}, {plan.operation}"],
        untouched=["what others have changed since"],
    )
    return msgspec.structs.replace(back, undo_of=events[-1].seq)


async def _now(session: Session, change: Change) -> Any:
    address = parse_address(change.subject)
    registry, (word, _, key) = session.registry, change.field.partition(":")
    if address.alias is not None:
        return (await registry.model(address.name)).aliases.get(address.alias)
    item: Any
    if address.version is not None:
        item = await registry.version(address.name, address.version)
    elif address.noun == "models":
        item = await registry.model(address.name)
    elif address.noun == "runs":
        item = await registry.run(address.name)
    elif address.noun == "experiments":
        item = await registry.experiment(address.name)
    else:
        raise NotFoundError("has no fields", where=change.subject)
    if word == "tag":
        return item.tags.get(key)
    if word == "deleted":
        return rfc3339(item.deleted_at) if item.deleted_at else None
    return getattr(item, word)


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
