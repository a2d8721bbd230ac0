"""`modeldeck drill`."""

from typing import Any

import click

from modeldeck.app.usecases import encode
from modeldeck.app.usecases.promotion import alias_ref
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.plan import Plan
from modeldeck.widgets.text import show

from . import output, streams
from .common import told, with_session
from .options import complete_version, formats_option, place_options


@click.command()
@click.argument("alias", metavar="MODEL@ALIAS", shell_complete=complete_version)
@click.argument("version", required=False)
@click.option("--dry-run", is_flag=True, help="Print the plan, read nothing.")
@click.option("--reason", default="", help="Why, for the audit trail.")
@click.option("--ticket", default="", help="The ticket, for the audit trail.")
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def drill(
    session: Session,
    alias: str,
    version: str | None,
    dry_run: bool,
    reason: str,
    ticket: str,
    form: str,
) -> int:
    """Rehearse a rollback: read all that it needs, time it, write down how it went. Nothing moves.

    Exit code 1 when a step fails.
    """
    from modeldeck.app.usecases.aliases import version_number
    from modeldeck.app.usecases.drills import plan_drill

    model, name = alias_ref(alias)
    plan = await plan_drill(
        session,
        model,
        name,
        None if version is None else version_number(version),
        reason=reason,
        ticket=ticket,
    )
    if dry_run:
        from .plans import print_plan

        print_plan(plan, form)
        return 0
    return await carry_drill(session, plan, form)


async def carry_drill(session: Session, plan: Plan, form: str) -> int:
    """Do it and print how it went. Gives the exit code."""
    from modeldeck.app.usecases.drills import apply_drill

    from .copying import Line
    from .words import size

    read = 0
    with Line() as line:

        def progress(count: int) -> None:
            nonlocal read
            read += count
            line.say(f"{size(read)} read")

        found = await apply_drill(session, plan, tell=told, progress=progress)
    facts: dict[str, Any] = {
        "model": found.model,
        "alias": found.alias,
        "live": found.live,
        "version": found.version,
        "holds": found.holds,
        "seconds": f"{found.seconds:.1f}",
        "bytes": found.read,
        "checks": [encode.verdict(one) for one in found.verdicts],
        "notes": list(found.notes),
        "event": found.event.seq,
    }
    if form == "table":
        for one in found.verdicts:
            word = "FAIL" if one.verdict == "fail" else one.verdict
            print(show(f"{word:8}{one.rule}  {one.shows}").rstrip())
        for text in found.notes:
            print(show(f"not known: {text}"))
        went = "would work" if found.holds else "would FAIL"
        words = (
            f"rollback of {found.model}@{found.alias} from {found.live} to {found.version} {went}"
        )
        streams.say(f"{words}; took {found.seconds:.0f} s, event {found.event.seq}")
    else:
        output.write_document(facts, form)
    return 0 if found.holds else 1
