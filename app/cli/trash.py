"""`modeldeck trash`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from modeldeck.app.usecases import trash as usecase
from modeldeck.app.usecases.session import Session

from . import output, words
from .bulk import bulk_options, carry_out_bulk, names_or_filter
from .common import refs_of, with_session
from .options import change_options, format_option, list_options, place_options
from .pages import Listing, first_of
from .views import view_option

_DAY = timedelta(days=1)


@click.group()
def trash() -> None:
    """What was deleted: list it, restore it, remove it for good."""


@trash.command()
@list_options
@format_option
@place_options
@with_session
@view_option("trash")
async def ls(
    session: Session, where: str, sort: str, limit: int, after: str | None, form: str
) -> None:
    """List what was deleted, the last first unless sorted otherwise."""
    now = session.clock()
    columns: output.Columns = {
        "WHAT": lambda item: item.what,
        "NAME": lambda item: item.name,
        "DELETED": lambda item: age(item.deleted_at, now),
        "BY": lambda item: item.by or words.NONE,
        "WHY": lambda item: " ".join(filter(None, (item.ticket, item.why))) or words.NONE,
        "SIZE": lambda item: words.size(item.size),
        "GOES": lambda item: goes(item, now),
        "HELD BY": lambda item: words.joined(item.held),
        "ID": lambda item: item.ref[:12] if item.what == "run" else words.NONE,
    }
    window = await usecase.list_trash(session, where=where, sort=sort)
    listing = Listing(window, limit or first_of(0), after, lambda item: item.subject)
    items, following = await listing.page()
    if not limit:
        items, following = [item async for page in listing.pages() for item in page], None
    if form == "table":
        output.write_list(items, columns, form, following=following)
    else:
        objects = [usecase.as_object(item, now) for item in items]
        output.write_list(objects, {}, form, following=following)


def age(time: datetime | None, now: datetime) -> str:
    """How long ago: `3d04h`."""
    if time is None:
        return words.NONE
    return words.duration(max((now - time).total_seconds(), 0.0))


def goes(item: usecase.Trashed, now: datetime) -> str:
    """How long it can still be restored for certain."""
    left = usecase.days_left(item, now)
    if left is None:
        return words.NONE
    return f"{left:.0f}d" if left >= 1 else "today" if left > 0 else "now"


@trash.command()
@click.argument("refs", nargs=-1, metavar="[REF...]")
@bulk_options
@change_options
@place_options
@with_session
async def restore(
    session: Session,
    refs: Sequence[str],
    where: str | None,
    count: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Restore what was deleted: ids, names, MODEL/13; - reads them from stdin."""
    from modeldeck.app.usecases.restoring import plan_restores

    names_or_filter(refs, where)
    named = None if where is not None else refs_of(refs, _ref)
    bulks = await plan_restores(session, where=where, refs=named, reason=reason, ticket=ticket)
    return await carry_out_bulk(session, bulks, count=count, **how)


@trash.command()
@click.argument("refs", nargs=-1, metavar="[REF...]")
@bulk_options
@click.option("--older-than", metavar="SPAN", help="Only what was deleted so long ago: 30d, 12w.")
@click.option("--now", "at_once", is_flag=True, help="Before its time is over; needs a reason.")
@change_options
@place_options
@with_session
async def purge(
    session: Session,
    refs: Sequence[str],
    where: str | None,
    count: int | None,
    older_than: str | None,
    at_once: bool,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Remove for good what has been in the trash for its time: there is no way back."""
    from modeldeck.app.usecases.purging import plan_purges

    if where is not None:
        names_or_filter(refs, where)
    bulks = await plan_purges(
        session,
        where=where,
        refs=refs_of(refs, _ref) if refs else None,
        older_than=span(older_than) if older_than else None,
        now=at_once,
        reason=reason,
        ticket=ticket,
    )
    return await carry_out_bulk(session, bulks, count=count, **how)


def span(text: str) -> timedelta:
    """The time span of `30d`, `12h`, `8w`."""
    from modeldeck.backends.api.errors import UsageError

    units = {"h": timedelta(hours=1), "d": _DAY, "w": 7 * _DAY}
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) < 6 and unit in units):
        raise UsageError(f"{text!r} is no span", way_out="Give it as 30d, 12h or 8w")
    return int(number) * units[unit]


def _ref(item: Any) -> str:
    return str(item["subject"])
