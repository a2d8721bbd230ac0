"""`modeldeck rollback`."""

from typing import Any

import click

from modeldeck.app.usecases import promotion
from modeldeck.app.usecases.aliases import expectation, version_number
from modeldeck.app.usecases.session import Session

from .alias import expect_option
from .common import carry_out, told, with_session
from .options import change_options, complete_version, place_options


@click.command()
@click.argument("alias", metavar="MODEL@ALIAS", shell_complete=complete_version)
@click.argument("version", required=False)
@expect_option
@click.option(
    "--break-glass",
    "glass",
    default="",
    metavar="TICKET",
    help="Waive freezes and approvals; an approval is due afterwards.",
)
@change_options
@place_options
@with_session
async def rollback(
    session: Session,
    alias: str,
    version: str | None,
    expect: str | None,
    glass: str,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Point an alias back at what it was before, once all that it needs is checked."""
    model, name = promotion.alias_ref(alias)
    plan = await promotion.plan_rollback(
        session,
        model,
        name,
        None if version is None else version_number(version),
        expect=expectation(expect),
        glass=glass,
        reason=reason,
        ticket=ticket,
        tell=told,
    )
    return await carry_out(session, plan, **how)
