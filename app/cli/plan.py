"""`modeldeck plan` and `modeldeck apply`: plans that were saved in files."""

import asyncio
from typing import Any

import click
import msgspec

from modeldeck.app.usecases.saved_plans import Saved, check_place, read_plan
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.plan import Plan

from . import streams
from .common import asker, carry_out, told
from .options import format_option, formats_option, place_options
from .wish import without_place


@click.group()
def plan() -> None:
    """Look at plans that were saved with --save."""


@plan.command()
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@formats_option("table", "json", "jsonl")
def show(file: str, form: str) -> int:
    """Print a saved plan, as it was when it was saved; its gates are asked again when applied."""
    from modeldeck.app.usecases.session import local_now
    from modeldeck.backends.api.errors import RefusedError

    from .plans import print_plan

    saved = read_plan(file)
    now = local_now()
    print_plan(saved.plan, form, now=now)
    if now > saved.plan.lapses_at:
        raise RefusedError("the plan has lapsed", where=file, way_out="Make it again")
    streams.say(
        f"for {saved.plan.context}, until {saved.plan.lapses_at.astimezone():%Y-%m-%d %H:%M}"
    )
    return 0


@click.command("apply")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why, where the plan does not say.")
@click.option("--ticket", default="", help="The ticket, where the plan does not say.")
@format_option
@place_options
@without_place
def apply_(wish: Wish, file: str, **how: Any) -> int:
    """Apply a saved plan, if all is still as it says; its gates are asked again."""
    saved = read_plan(file)

    async def inside() -> int:
        session = await open_session(wish, ask=asker())
        try:
            return await _apply(wish, session, saved, **how)
        finally:
            await session.registry.close()

    return asyncio.run(inside())


async def _apply(
    wish: Wish, session: Session, saved: Saved, *, yes: bool, reason: str, ticket: str, form: str
) -> int:
    from modeldeck.app.usecases.gated import with_gates

    found = await check_place(session, saved)
    found = msgspec.structs.replace(
        found, reason=found.reason or reason, ticket=found.ticket or ticket
    )
    # A person agrees to what its gates say now; whether they are those of the plan is checked next.
    shown = await with_gates(session, found)
    gates = {(one.gate, one.kind, one.rule) for one in found.gates}
    if gates == {(one.gate, one.kind, one.rule) for one in shown.gates}:
        found = msgspec.structs.replace(found, gates=shown.gates, evidence=shown.evidence)
    if found.operation.startswith("copy."):
        return await _copy(wish, session, found, yes=yes, form=form)
    if found.operation == "rollback.drill":
        from .drill import carry_drill

        return await carry_drill(session, found, form)

    async def apply(session: Session, plan: Plan) -> Any:
        from modeldeck.app.usecases.plans import apply_plan

        if plan.operation == "version.register":
            from modeldeck.app.usecases.register import apply_register

            return await apply_register(session, plan)
        return await apply_plan(session, plan, tell=told, agreed=saved.digest)

    return await carry_out(session, found, yes=yes, dry_run=False, form=form, apply=apply)


async def _copy(wish: Wish, target: Session, found: Plan, *, yes: bool, form: str) -> int:
    from modeldeck.app.config.settings import read_settings

    from .copying import carry_copy, wish_for

    named = found.arguments["from"]
    place = named if named in read_settings().contexts else found.arguments["origin"]
    source = await open_session(wish_for(wish, place), ask=asker())
    try:
        return await carry_copy(source, target, found, yes=yes, form=form)
    finally:
        await source.registry.close()
