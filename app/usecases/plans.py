"""Plans made and applied: the one road by which anything changes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ModeldeckError, RefusedError, UsageError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import LIFETIME, Change, Inverse, Plan
from modeldeck.backends.api.text import exact

from .roles import check_role, role_caveats
from .session import Session

Tell = Callable[[str], None]
TOUCH = "touch your key"
"""Told while a key in hardware waits."""
SKEW = timedelta(minutes=5)
"""Clocks of two machines may differ by that much; a plan from further ahead is not believed."""
NAMED = 50
"""A command line names at most as many subjects; for more it reads them from stdin."""


def make_plan(
    session: Session,
    operation: str,
    arguments: Mapping[str, Any],
    changes: Sequence[Change],
    *,
    command: Sequence[str],
    effects: Sequence[str] = (),
    untouched: Sequence[str] = (),
    caveats: Sequence[str] = (),
    inverse: Inverse | None = None,
    way_back: Sequence[str] = (),
    request: str | None = None,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """A plan of this session, from now on good for its lifetime.

    `request` says what is sent where it is not the registry that its changes go to.
    """
    now = session.clock()
    return Plan(
        operation=operation,
        arguments=arguments,
        context=session.context,
        changes=tuple(changes),
        effects=tuple(effects),
        untouched=tuple(untouched),
        command=_placed(session, command),
        request=session.registry.request(changes) if request is None else request,
        caveats=(*session.registry.caveats(operation), *role_caveats(session), *caveats),
        inverse=inverse,
        way_back=tuple(way_back),
        created_at=now,
        lapses_at=now + LIFETIME,
        reason=exact(reason),
        ticket=exact(ticket),
    )


def _placed(session: Session, command: Sequence[str]) -> tuple[str, ...]:
    """The command with the context that it is for, where that is not found by itself."""
    if not command or not session.remote or "--to" in command:
        return tuple(command)
    return (command[0], "--context", session.context, *command[1:])


def silent(_: str) -> None:
    """Nobody is told."""


async def apply_plan(
    session: Session, plan: Plan, *, tell: Tell = silent, agreed: str = ""
) -> Sequence[Event]:
    """Do what `plan` says; gives its events. Raises ConflictError when the state has moved.

    `agreed` is the digest of the plan that was agreed to where this one was saved elsewhere. What
    goes wrong after the change is made, such as sending it to others, is told and not raised.
    """
    from .afterwards import follow_up

    checked = await check_plan(session, plan, agreed=agreed)
    if plan.operation.startswith("approval."):
        from .approving import apply_word

        return await apply_word(session, checked, tell)
    apply = session.registry.apply
    if plan.operation == "audit.erase":
        from .audit import auditing_of

        apply = auditing_of(session).apply
    events = await apply(checked, session.actor, session.context)
    await follow_up(session, checked, events, tell)
    return events


async def check_plan(session: Session, plan: Plan, *, agreed: str = "") -> Plan:
    """The plan as it may be applied now, its gates asked again: what it says of them is no proof.

    Raises RefusedError where person, time, reason, policy or a gate says no.
    """
    from .gated import stand_again
    from .in_force import in_force

    session.check_writable(plan.operation)
    if plan.context != session.context:
        raise RefusedError(
            f"the plan is for context {plan.context!r}, this is {session.context!r}",
            way_out="Open the plan's own context",
        )
    session = await in_force(session)
    check_role(session, plan.operation, plan.changes[0].subject if plan.changes else "")
    now = session.clock()
    if plan.created_at > now + SKEW:
        raise RefusedError(
            "the plan was made later than it is now: the clock was set back",
            way_out="Set the clock right, then make it again",
        )
    if why := reason_needed(session, plan):
        raise RefusedError(f"a reason is needed: {why}", way_out="Give it with --reason")
    if plan.operation.endswith(".purge"):
        from .purging import check_purge

        await check_purge(session, plan)
    checked = await stand_again(session, plan)
    checked.check(now)
    return msgspec.structs.replace(checked, agreed=agreed or plan.digest)


def reason_needed(session: Session, plan: Plan) -> str:
    """Why the plan cannot be applied without a reason; empty where it has one or needs none."""
    from .gated import gated

    if plan.reason.strip():
        return ""
    if plan.operation.startswith("approval."):
        return "it is signed, for others to read"
    if session.protected:
        return f"the context {session.context} is protected"
    before = gated(session, plan.changes)
    return f"a gate stands before {before}" if before else ""


def sends(plan: Plan) -> Sequence[str]:
    """The requests that a server gets, a line each; none where a registry here is written."""
    return () if plan.request.startswith("one transaction") else plan.request.splitlines()


def way_back(plan: Plan) -> Sequence[str]:
    """How a plan is taken back, a line each; that it cannot be, where it cannot."""
    if plan.way_back:
        return plan.way_back
    if plan.inverse is None:
        return ["none: this cannot be undone"]
    if plan.operation.startswith("copy."):
        return [f"by hand, with {plan.inverse.operation}"]
    made = [change for change in plan.changes if change.before != change.after]
    if len(made) == 1 and made[0].field == "version":
        back = "not set" if made[0].before is None else made[0].before
        alias = alias_of(made[0].subject)
        return [f"z, or modeldeck undo: {alias} {made[0].after or 'not set'} -> {back}"]
    return [f"z, or modeldeck undo, by {plan.inverse.operation}"]


def alias_of(subject: str) -> str:
    """The alias that an address names; the address itself when it names none."""
    try:
        return parse_address(subject).alias or subject
    except ModeldeckError:
        return subject


def inverse_of(changes: Sequence[Change], operation: str) -> Inverse:
    """The way back: the same fields, before and after exchanged; what only expects is left out."""
    return Inverse(
        operation,
        {
            "changes": [
                {"subject": c.subject, "field": c.field, "before": c.after, "after": c.before}
                for c in changes
                if c.before != c.after
            ]
        },
    )


def expected(subject: str, field: str, value: Any) -> Change:
    """A change that changes nothing: the plan is refused when the field is something else."""
    return Change(subject, field, value, value)


def tag_changes(
    subject: str, now: Mapping[str, str], tags: Mapping[str, str | None]
) -> Sequence[Change]:
    """What setting `tags` does to a subject whose tags are `now`; None removes one."""
    return [
        Change(subject, f"tag:{key}", now.get(key), None if value is None else exact(value))
        for key, value in tags.items()
    ]


def tag_words(tags: Mapping[str, str | None]) -> Sequence[str]:
    """Tags as the command line takes them; UsageError when there are none or one has no name."""
    if not tags:
        raise UsageError("no tags given", way_out="Give them as KEY=VALUE, or KEY= to remove one")
    if "" in tags:
        raise UsageError("a tag needs a name", way_out="Give it as KEY=VALUE")
    return [f"{key}={value if value is not None else ''}" for key, value in tags.items()]


def command_of(verb: Sequence[str], refs: Sequence[str], words: Sequence[str] = ()) -> list[str]:
    """The same change as a command line."""
    return ["modeldeck", *verb, *(refs if len(refs) <= NAMED else ["-"]), *words]
