"""`modeldeck undo`."""

from typing import Any

import click

from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.undo import plan_undo

from .common import carry_out, with_session
from .options import change_options, place_options


@click.command()
@click.argument("id", required=False, default="")
@change_options
@place_options
@with_session
async def undo(session: Session, id: str, reason: str, ticket: str, **how: Any) -> int:  # noqa: A002
    """Take back one's own last change, or the one of an event's number or a plan's name."""
    plan = await plan_undo(session, id, reason=reason, ticket=ticket)
    return await carry_out(session, plan, **how)
