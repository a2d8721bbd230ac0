"""`modeldeck audit`."""

from typing import Any

import click

from modeldeck.app.config.redaction import masked_value
from modeldeck.app.usecases import audit as usecase
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.events import Event

from . import output, streams, words
from .audit_parts import checkpoint, erase, export, prove
from .audit_show import show
from .audit_verify import verify
from .common import with_session
from .options import format_option, list_options, place_options
from .pages import first_of, print_list
from .views import view_option


@click.group()
def audit() -> None:
    """Look at the audit trail, prove it, verify it."""


@audit.command()
@list_options
@click.option("--from", "since", metavar="TIME", default="", help="From then on, as -7d.")
@click.option("--to", "until", metavar="TIME", default="", help="Before then.")
@click.option("--actor", metavar="NAME", default="", help="Whose.")
@click.option("--action", metavar="NAME", default="", help="Which action, as alias.set or alias.*")
@click.option("--subject", metavar="ADDRESS", default="", help="On that, and what is below it.")
@format_option
@place_options
@with_session
@view_option("audit")
async def ls(
    session: Session,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
    **wanted: str,
) -> None:
    """List who did what and why, newest first unless sorted otherwise."""
    now = session.clock()
    columns: output.Columns = {
        "SEQ": lambda item: str(item.seq),
        "TIME": lambda item: words.short_time(item.time, now),
        "WHO": who,
        "ACTION": lambda item: (
            item.action if item.phase == "done" else f"{item.action} {item.phase}"
        ),
        "SUBJECT": lambda item: item.subject,
        "CHANGE": change_of,
        "TICKET": lambda item: item.ticket,
        "REASON": lambda item: item.reason,
    }
    window = await usecase.list_events(
        session,
        where=where,
        sort=sort,
        first=first_of(limit),
        wanted=usecase.Wanted(**wanted),
    )
    await print_list(
        window,
        lambda item: str(item.seq),
        lambda _: columns,
        limit=limit,
        after=after,
        form=form,
    )
    if form == "table":
        await window.whole()
        of = await usecase.count_events(session)
        streams.say(f"{window.count or 0:,} of {of:,} events")


for _command in (show, verify, prove, checkpoint, export, erase):
    audit.add_command(_command)


def who(item: Event) -> str:
    """Who acted: the person behind sudo first."""
    actor = item.actor
    name = f"{actor.sudo_user} as {actor.user}" if actor.sudo_user else actor.user
    return f"{name} for {actor.on_behalf_of}" if actor.on_behalf_of else name


def change_of(item: Event) -> str:
    """What an event changed, in a few words."""
    before = item.before if isinstance(item.before, dict) else {}
    after = item.after if isinstance(item.after, dict) else {}
    steps = {key: (before.get(key), after.get(key)) for key in [*before, *after]}
    return ", ".join(
        f"{key} {_step(key, *step)}" for key, step in steps.items() if step != (None, None)
    )


def _step(name: str, before: Any, after: Any) -> str:
    if after is None:
        return f"{_value(name, before)} removed"
    new = _value(name, after)
    return f"= {new}" if before is None else f"{_value(name, before)} -> {new}"


def _value(name: str, value: Any) -> str:
    if isinstance(value, dict) and value.get("digest"):
        return f"{value.get('format', '')} {words.short_digest(str(value['digest']))}".strip()
    return masked_value(name, str(value))
