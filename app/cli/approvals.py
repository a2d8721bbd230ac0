"""`modeldeck approvals`, and `modeldeck inbox`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from modeldeck.app.usecases import inbox as waits
from modeldeck.app.usecases import requests as usecase
from modeldeck.app.usecases import views
from modeldeck.app.usecases.asked import Approval, Request, Waiting
from modeldeck.app.usecases.session import Session

from . import output, words
from .common import carry_out, with_session
from .options import (
    change_options,
    complete_alias,
    complete_version,
    format_option,
    list_options,
    place_options,
)
from .pages import Listing
from .tables import table_lines
from .views import view_option

for_option = click.option(
    "--for", "alias", default="", metavar="ALIAS", help="The alias, where several were asked for."
)


async def fresh(session: Session) -> None:
    """Fetch what others have said up to now: a person asks, so nothing older will do."""
    if session.statements is not None:
        from modeldeck.app.usecases.sharing import refresh

        await refresh(session)


@click.group()
def approvals() -> None:
    """Ask for approval of a version, approve, refuse; by signed words."""


@approvals.command()
@click.option("--all", "every", is_flag=True, help="Those too that are over or never counted.")
@list_options
@format_option
@place_options
@with_session
@view_option("approvals")
async def ls(
    session: Session,
    every: bool,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List what was asked for; the newest first unless sorted otherwise."""
    await fresh(session)
    now = session.clock()
    columns: output.Columns = {
        "ID": lambda item: item.word.short,
        "VERSION": lambda item: f"{item.word.model}/{item.word.number}",
        "FOR": lambda item: item.word.alias,
        "STATE": state_of,
        "BY": lambda item: item.word.person or words.NONE,
        "ASKED": lambda item: words.short_time(item.word.time, now),
        "EXPIRES": lambda item: words.short_time(item.itself and item.itself.expires, now),
        "DUE": lambda item: words.short_time(item.word.due, now),
        "WHY": lambda item: item.word.why,
    }
    window = await usecase.list_requests(session, where=where, sort=sort, every=every)
    listing = Listing(window, limit, after, lambda item: item.word.id)
    items, following = await listing.page()
    shown: Sequence[Any] = items if form == "table" else [views.request(one) for one in items]
    output.write_list(shown, columns, form, following=following)


def state_of(item: Request) -> str:
    """`wait 1 of 2`, `refused`."""
    if item.state in ("wait", "approved"):
        return f"{item.state} {len(item.approved)} of {item.needed}"
    return item.state


@approvals.command()
@click.argument("what", metavar="ID|VERSION", shell_complete=complete_version)
@for_option
@format_option
@place_options
@with_session
async def show(session: Session, what: str, alias: str, form: str) -> int:
    """Print a request and what was said of it. Exit code 1 while it is not approved."""
    from modeldeck.app.usecases.approving import find_request

    await fresh(session)
    word = await find_request(session, what, alias)
    item = next(one for one in await usecase.requests(session) if one.word.id == word.id)
    if form != "table":
        output.write_document(views.request(item), form)
    else:
        _print(item, session)
    return 0 if item.state == "approved" else 1


def _print(item: Request, session: Session) -> None:
    word, now = item.word, session.clock()
    facts = [
        ("request", word.id),
        ("version", f"{word.model}/{word.number}"),
        ("for", word.target),
        ("state", state_of(item)),
        ("does not stand", item.itself.why if item.itself else "it is not of this version"),
        ("asked by", f"{word.person or 'nobody that is known'} {word.key}".rstrip()),
        ("asked", words.long_time(word.time, now)),
        ("expires", words.long_time(item.itself.expires if item.itself else None, now)),
        ("due", words.long_time(word.due, now) if word.due else ""),
        ("reason", word.why),
        ("ticket", word.ticket),
        ("digest", word.digest),
        ("policy", f"{word.commit[:7]} {word.policy}".strip()),
        ("evidence", word.evidence),
    ]
    output.write_pairs([(name, value) for name, value in facts if value])
    gates = [f"{one.verdict:7} {output.safe(f'{one.rule}  {one.shows}')}" for one in word.gates]
    output.write_part("GATE when it was asked", gates)
    output.write_part("SAID", _said(item.said, session))


def _said(said: Sequence[Approval], session: Session) -> Iterator[str]:
    now = session.clock()
    rows = [
        [
            one.id[:8],
            one.decision,
            one.person or words.NONE,
            words.short_time(one.time, now),
            words.short_time(one.expires, now),
            "yes" if one.counts else f"no: {one.why}",
            one.reason,
        ]
        for one in said
    ]
    yield from table_lines(["ID", "SAYS", "WHO", "TIME", "EXPIRES", "COUNTS", "WHY"], rows)


@approvals.command()
@click.argument("version", shell_complete=complete_version)
@click.option(
    "--for",
    "alias",
    required=True,
    metavar="ALIAS",
    shell_complete=complete_alias,
    help="The alias that it shall go to.",
)
@click.option("--days", type=click.IntRange(1, 366), help="For how long the request stands.")
@change_options
@place_options
@with_session
async def ask(
    session: Session,
    version: str,
    alias: str,
    days: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Ask that a version (MODEL/NUMBER or MODEL@ALIAS) may go to an alias."""
    from modeldeck.app.usecases.approving import plan_ask

    await fresh(session)
    plan = await plan_ask(session, version, alias, days=days, reason=reason, ticket=ticket)
    return await carry_out(session, plan, **how)


def _answer(name: str, says: str) -> None:
    @approvals.command(name, help=says)
    @click.argument("what", metavar="ID|VERSION", shell_complete=complete_version)
    @for_option
    @change_options
    @place_options
    @with_session
    async def answer(
        session: Session, what: str, alias: str, reason: str, ticket: str, **how: Any
    ) -> int:
        from modeldeck.app.usecases import approving

        make = {
            "approve": approving.plan_approve,
            "refuse": approving.plan_refuse,
            "withdraw": approving.plan_withdraw,
        }[name]
        await fresh(session)
        plan = await make(session, what, alias, reason=reason, ticket=ticket)
        return await carry_out(session, plan, **how)


_answer("approve", "Approve a request: sign its content, target, policy and evidence.")
_answer("refuse", "Refuse a request; that stands until it is withdrawn.")
_answer("withdraw", "Take back one's own request, approval or refusal.")


@click.command()
@format_option
@place_options
@with_session
async def inbox(session: Session, form: str) -> None:
    """Print what waits for whoever sits here, the worst first."""
    await _print_inbox(session, form)


@approvals.command("inbox")
@format_option
@place_options
@with_session
async def inbox_(session: Session, form: str) -> None:
    """The same as `modeldeck inbox`."""
    await _print_inbox(session, form)


async def _print_inbox(session: Session, form: str) -> None:
    await fresh(session)
    items = await waits.inbox(session)
    shown: Sequence[Any] = items if form == "table" else [views.waiting(one) for one in items]
    output.write_list(shown, inbox_columns(session), form)


def inbox_columns(session: Session) -> output.Columns:
    """The columns of what waits."""
    now = session.clock()
    return {
        "WHAT": lambda item: WORDS[item.kind],
        "VERSION": _version,
        "FOR": lambda item: item.target.rpartition("@")[2] or words.NONE,
        "WHO": lambda item: item.person or words.NONE,
        "SINCE": lambda item: words.short_time(item.time, now),
        "UNTIL": lambda item: words.short_time(item.until, now),
        "IS": lambda item: item.words,
        "DO": lambda item: item.command,
    }


WORDS = {
    "wrong": "WRONG",
    "due": "DUE",
    "decide": "APPROVE",
    "conflict": "CONFLICT",
    "void": "VOID",
    "decided": "DECIDED",
}


def _version(item: Waiting) -> str:
    return words.NONE if item.version is None else f"{item.model}/{item.version}"
