"""Plans made and applied: the one road by which anything changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import LIFETIME, Change, Inverse, Plan

from .session import Session


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
        command=tuple(command),
        request=f"one transaction on {session.registry.place}",
        inverse=inverse,
        created_at=now,
        lapses_at=now + LIFETIME,
        reason=reason,
        ticket=ticket,
    )


async def apply_plan(session: Session, plan: Plan) -> Sequence[Event]:
    """Do what `plan` says; gives its events. Raises ConflictError when the state has moved."""
    session.check_writable(plan.operation)
    if plan.context != session.context:
        raise RefusedError(
            f"the plan is for context {plan.context!r}, this is {session.context!r}",
            way_out="Open the plan's own context",
        )
    return await session.registry.apply(plan, session.actor, session.context)


def inverse_of(changes: Sequence[Change], operation: str) -> Inverse:
    """The way back: the same fields, before and after exchanged."""
    return Inverse(
        operation,
        {
            "changes": [
                {"subject": c.subject, "field": c.field, "before": c.after, "after": c.before}
                for c in changes
            ]
        },
    )
