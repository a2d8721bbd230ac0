"""`modeldeck gc`."""

from typing import Any

import click

from modeldeck.app.usecases.session import Session

from .common import carry_out, with_session
from .options import change_options, place_options


@click.command()
@change_options
@place_options
@with_session
async def gc(session: Session, reason: str, ticket: str, **how: Any) -> int:
    """Remove what nothing needs any more: unnamed artifacts, folders of ended runs."""
    from modeldeck.app.upkeep import apply_collection, plan_collection

    plan = await plan_collection(session, reason=reason, ticket=ticket)
    return await carry_out(session, plan, apply=apply_collection, **how)
