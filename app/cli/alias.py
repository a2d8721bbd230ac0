"""`modeldeck alias`."""

from typing import Any

import click

from modeldeck.app.usecases import aliases as usecase
from modeldeck.app.usecases.session import Session

from . import output, words
from .common import carry_out, with_session
from .options import (
    change_options,
    complete_alias,
    complete_model,
    format_option,
    list_options,
    place_options,
)
from .pages import print_list

expect_option = click.option(
    "--expect",
    metavar="VERSION",
    help="Only if it points there now; none: only if it is not set.",
)


@click.group()
def alias() -> None:
    """Point names such as champion at versions."""


@alias.command()
@click.argument("model", required=False, shell_complete=complete_model)
@list_options
@format_option
@place_options
@with_session
async def ls(
    session: Session,
    model: str | None,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List the aliases of a model, or of all."""
    now = session.clock()
    columns: output.Columns = {
        "MODEL": lambda item: item.model,
        "ALIAS": lambda item: item.alias,
        "VERSION": lambda item: str(item.version),
        "MOVED": lambda item: words.short_time(item.moved_at, now),
    }
    await print_list(
        await usecase.list_aliases(session, model, where=where, sort=sort),
        lambda item: f"{item.model}@{item.alias}",
        lambda _: columns,
        limit=limit,
        after=after,
        form=form,
    )


@alias.command("set")
@click.argument("model", shell_complete=complete_model)
@click.argument("name", metavar="ALIAS", shell_complete=complete_alias)
@click.argument("version")
@expect_option
@change_options
@place_options
@with_session
async def set_(
    session: Session,
    model: str,
    name: str,
    version: str,
    expect: str | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Point an alias at a version, if it still points where the plan saw it."""
    plan = await usecase.plan_set(
        session,
        model,
        name,
        usecase.version_number(version),
        expect=usecase.expectation(expect),
        reason=reason,
        ticket=ticket,
    )
    return await carry_out(session, plan, **how)


@alias.command()
@click.argument("model", shell_complete=complete_model)
@click.argument("name", metavar="ALIAS", shell_complete=complete_alias)
@expect_option
@change_options
@place_options
@with_session
async def rm(
    session: Session,
    model: str,
    name: str,
    expect: str | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Remove an alias; the version stays."""
    plan = await usecase.plan_remove(
        session,
        model,
        name,
        expect=usecase.expectation(expect),
        reason=reason,
        ticket=ticket,
    )
    return await carry_out(session, plan, **how)
