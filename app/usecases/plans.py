"""Plans made and applied: the one road by which anything changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from modeldeck.backends.api.errors import RefusedError, UsageError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import LIFETIME, Change, Inverse, Plan
from modeldeck.backends.api.text import exact

from .session import Session

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
    inverse: Inverse | None = None,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """A plan of this session, from now on good for its lifetime."""
    now = session.clock()
    return Plan(
        operation=operation,
        arguments=arguments,
        context=session.context,
        changes=tuple(changes),
        effects=tuple(effects),
        untouched=tuple(untouched),
        command=_placed(session, command),
        request=session.registry.request(changes),
        caveats=tuple(session.registry.caveats(operation)),
        inverse=inverse,
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


async def apply_plan(session: Session, plan: Plan) -> Sequence[Event]:
    """Do what `plan` says; gives its events. Raises ConflictError when the state has moved."""
    session.check_writable(plan.operation)
    if plan.context != session.context:
        raise RefusedError(
            f"the plan is for context {plan.context!r}, this is {session.context!r}",
            way_out="Open the plan's own context",
        )
    return await session.registry.apply(plan, session.actor, session.context)


def sends(plan: Plan) -> Sequence[str]:
    """The requests that a server gets, a line each; none where a registry here is written."""
    return () if plan.request.startswith("one transaction") else plan.request.splitlines()


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
