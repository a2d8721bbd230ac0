"""`modeldeck register`: a file or folder becomes a version."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from modeldeck.app.own import open_recording
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish
from modeldeck.backends.api.errors import NotFoundError

from . import streams
from .common import carry_out
from .options import change_options, complete_model, complete_run, place_options
from .wish import without_place
from .words import pairs_of


@click.command()
@click.argument("path", type=click.Path())
@click.option("--model", required=True, help="The model's name.", shell_complete=complete_model)
@click.option(
    "--run",
    "run_ref",
    help="The run it came from; inside `modeldeck run`, that run.",
    shell_complete=complete_run,
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--note", default="", help="A few words about it.")
@change_options
@place_options
@without_place
def register(wish: Wish, **options: Any) -> int:
    """Make PATH the next version of a model. It is read, never loaded."""

    async def inside() -> int:
        # A dry run makes nothing, no registry either.
        session = await open_recording(wish, streams.say, make=not options["dry_run"])
        try:
            return await _register(session, **options)
        finally:
            await session.registry.close()

    return asyncio.run(inside())


async def _register(
    session: Session,
    path: str,
    model: str,
    run_ref: str | None,
    tags: Sequence[str],
    note: str,
    yes: bool,
    dry_run: bool,
    reason: str,
    ticket: str,
    form: str,
    **save: Any,
) -> int:
    from modeldeck.app.usecases.register import apply_register, plan_register

    plan = await plan_register(
        session,
        Path(path),
        model,
        run=run_ref or await _surrounding(session),
        tags=pairs_of(tags),
        note=note,
        reason=reason,
        ticket=ticket,
    )
    if yes and not dry_run:
        # Nobody is asked, but whoever reads the log is told.
        for effect in plan.effects:
            streams.say(f"modeldeck: {effect}")
    code = await carry_out(
        session, plan, yes=yes, dry_run=dry_run, form=form, apply=apply_register, **save
    )
    if not dry_run and not save["save"]:
        streams.say(f"modeldeck: modeldeck open {plan.changes[0].subject}")
    return code


async def _surrounding(session: Session) -> str | None:
    """The run that this command line is a part of, when it is one of this registry."""
    named = os.environ.get("MODELDECK_RUN_ID")
    if not named:
        return None
    try:
        found = await session.registry.run(named)
    except NotFoundError:
        return None
    return named if found.id == named else None
