"""What follows a change that is made: others hear of it, and a debt is noted."""

from collections.abc import Sequence
from datetime import datetime

from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan

from .gated import moves_of
from .plans import Tell
from .session import Session


async def follow_up(session: Session, plan: Plan, events: Sequence[Event], tell: Tell) -> None:
    """All of it. The change stays made whatever becomes of that: what goes wrong is only told."""
    for step in (_share, _ask):
        try:
            await step(session, plan, events, tell)
        except (ModeldeckError, OSError) as error:
            tell(f"the change is made; what follows it is not: {error}")


async def _share(session: Session, _: Plan, events: Sequence[Event], tell: Tell) -> None:
    if session.statements is None or not events:
        return
    from .sharing import publish

    if trouble := await publish(session, events):
        tell(trouble)


async def _ask(session: Session, plan: Plan, events: Sequence[Event], tell: Tell) -> None:
    """Ask for the approval that was due before the glass was broken."""
    evidence = plan.evidence or {}
    glass = evidence.get("glass")
    if not glass or not events:
        return
    tell(f"BROKE GLASS with {glass}: an approval is due until {evidence['due']}")
    if session.statements is None:
        return
    from .approving import plan_ask
    from .plans import apply_plan

    for move in moves_of(plan.changes):
        asked = await plan_ask(
            session,
            f"{move.model}/{move.after}",
            move.alias,
            reason=f"broke the glass: {plan.reason}",
            ticket=glass,
            due=datetime.fromisoformat(evidence["due"]),
        )
        await apply_plan(session, asked, tell=tell)
