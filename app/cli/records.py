"""`modeldeck records`."""

import click

from modeldeck.app.usecases import sharing as usecase
from modeldeck.app.usecases import views
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.statements import KINDS, Sync

from . import output, streams, words
from .common import carry_out, with_session
from .options import complete_address, format_option, place_options


@click.group()
def records() -> None:
    """What several people share: approvals, events, checkpoints."""


@records.command()
@format_option
@place_options
@with_session
async def status(session: Session, form: str) -> int:
    """Say how far the shared records have come, asking nobody; exit 1 when they are not right."""
    if session.statements is None:
        raise RefusedError("nothing can be shared from here", where=session.context)
    found = await session.statements.status()
    _print(session, found, form)
    return _code(found, away=0)


@records.command()
@format_option
@place_options
@with_session
async def sync(session: Session, form: str) -> int:
    """Fetch what others said and send what waits; exit 3 when that cannot be reached."""
    found = await usecase.refresh(session)
    _print(session, found, form)
    if found.new:
        streams.say(f"new: {output.counted(len(found.new), 'statement')}")
    return _code(found, away=3)


def _print(session: Session, found: Sync, form: str) -> None:
    now = session.clock()
    pairs = [
        ("place", found.place if found.shared else f"{found.place}, shared with nobody"),
        ("reached", words.long_time(found.at, now) if found.shared else words.NONE),
        ("age", words.duration((now - found.at).total_seconds()) if found.at else words.NONE),
        ("waiting", str(found.waiting)),
        ("trouble", found.trouble or "none"),
    ]
    output.write_one(views.sync(found), form, pairs)


def _code(found: Sync, *, away: int) -> int:
    if found.away:
        return away
    return int(bool(found.trouble))


@records.command()
@click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Of this kind alone.")
@click.option("--subject", default="", help="Of this address.", shell_complete=complete_address)
@click.option("--limit", type=click.IntRange(0), default=100, help="The newest so many; 0 is all.")
@format_option
@place_options
@with_session
async def ls(session: Session, kind: tuple[str, ...], subject: str, limit: int, form: str) -> None:
    """List statements, newest first, also those that do not count, with why."""
    now = session.clock()
    found = list(reversed(await usecase.shared(session, kind, subject)))
    shown = found[: limit or None]
    columns: output.Columns = {
        "ID": lambda item: item["id"][:8],
        "TIME": lambda item: words.short_time(times[item["id"]], now),
        "KIND": lambda item: item["kind"] or "(cannot be read)",
        "SUBJECT": lambda item: item["subject"],
        "PERSON": lambda item: item["person"] or words.NONE,
        "COUNTS": lambda item: "yes" if item["valid"] else f"no: {item['why']}",
    }
    times = {one.id: one.statement.time if one.statement.kind else one.received_at for one in shown}
    output.write_list([views.signed(one) for one in shown], columns, form)
    if len(shown) < len(found):
        streams.say(f"{len(found) - len(shown)} older ones are not shown: --limit 0 gives all")


@records.command()
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Print the plan, change nothing.")
@click.option("--reason", default="", help="Why, for the audit trail.")
@format_option
@place_options
@with_session
async def accept(session: Session, yes: bool, dry_run: bool, reason: str, form: str) -> int:
    """Take the shared records as they are now, though they are not what they were.

    What is here stays here; nothing that is gone there is sent anew.
    """
    plan = await usecase.plan_accept(session, reason=reason)
    return await carry_out(session, plan, yes=yes, dry_run=dry_run, form=form, apply=usecase.accept)
