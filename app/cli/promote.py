"""`modeldeck promote`."""

from typing import Any

import click

from modeldeck.app.usecases import promotion
from modeldeck.app.usecases.aliases import expectation, version_number
from modeldeck.app.usecases.session import Session

from .alias import expect_option
from .common import carry_out, with_session
from .options import change_options, complete_version, place_options


@click.command()
@click.argument("alias", metavar="MODEL@ALIAS", shell_complete=complete_version)
@click.argument("version")
@expect_option
@change_options
@place_options
@with_session
async def promote(
    session: Session,
    alias: str,
    version: str,
    expect: str | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Point an alias at a version that its gates let through, if it still points where seen."""
    model, name = promotion.alias_ref(alias)
    plan = await promotion.plan_promote(
        session,
        model,
        name,
        version_number(version),
        expect=expectation(expect),
        reason=reason,
        ticket=ticket,
    )
    return await carry_out(session, plan, **how)
