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

from . import output
from .common import carry_out, without_place
from .options import change_options, complete_model, complete_run, place_options
from .words import pairs_of


@click.command()
@click.argument("path", type=click.Path())
@click.option("--model", required=True, help="The model's name.", shell_complete=complete_model)
@click.option(
    "--run",
    "run_ref",
    default=lambda: os.environ.get("MODELDECK_RUN_ID"),
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
        session = await open_recording(wish, output.say)
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
) -> int:
    from modeldeck.app.usecases.register import plan_register

    plan = await plan_register(
        session,
        Path(path),
        model,
        run=run_ref,
        tags=pairs_of(tags),
        note=note,
        reason=reason,
        ticket=ticket,
    )
    return await carry_out(session, plan, yes=yes, dry_run=dry_run, form=form)
