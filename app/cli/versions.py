"""`modeldeck versions`."""

from collections.abc import Sequence
from typing import Any

import click

from modeldeck.app.usecases import shelf
from modeldeck.app.usecases import versions as usecase
from modeldeck.app.usecases.bulk import plan_bulk
from modeldeck.app.usecases.locks import is_locked
from modeldeck.app.usecases.models import list_versions
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.runs import Shelf

from . import output, words
from .bulk import add_restore, bulk_options, carry_out_bulk
from .common import carry_out, refs_of, tags_of, with_session
from .models import format_of
from .options import (
    change_options,
    complete_model,
    complete_version,
    format_option,
    list_options,
    place_options,
)
from .pages import print_list
from .views import view_option

_NAMED = "MODEL VERSION"


@click.group()
def versions() -> None:
    """List, show, tag, delete versions: MODEL VERSION, MODEL/VERSION or MODEL@ALIAS."""


@versions.command()
@click.argument("model", required=False, shell_complete=complete_model)
@click.option("--deleted", is_flag=True, help="Deleted versions instead.")
@list_options
@format_option
@place_options
@with_session
@view_option("versions")
async def ls(
    session: Session,
    model: str | None,
    deleted: bool,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List the versions of a model, or of all; newest first unless sorted otherwise."""
    now = session.clock()
    shelf = Shelf.DELETED if deleted else Shelf.ACTIVE
    columns: output.Columns = {
        **({} if model else {"MODEL": lambda item: item.model}),
        "VERSION": lambda item: str(item.version),
        "ALIASES": lambda item: words.joined(item.aliases),
        "FORMAT": format_of,
        "RUN": lambda item: (item.run_id or words.NONE)[:8],
        "DIGEST": lambda item: words.short_digest(item.digest),
        "CREATED": lambda item: words.short_time(item.created_at, now),
        "STATUS": lambda item: f"{item.status} LOCKED" if is_locked(item) else item.status,
    }
    await print_list(
        await list_versions(session, model, where=where, sort=sort, shelf=shelf),
        lambda item: f"{item.model}/{item.version}",
        lambda _: columns,
        limit=limit,
        after=after,
        form=form,
    )


@versions.command()
@click.argument("what", nargs=-1, required=True, metavar=_NAMED, shell_complete=complete_version)
@format_option
@place_options
@with_session
async def show(session: Session, what: Sequence[str], form: str) -> None:
    """Print everything that is known of a version."""
    from .version_parts import print_version

    refs = usecase.version_refs(what)
    if len(refs) != 1:
        raise UsageError(f"{len(refs)} versions were named", way_out="Name one")
    print_version(await usecase.describe_version(session, refs[0]), form, session.clock())


@versions.command()
@click.argument("what", nargs=-1, required=True, metavar=f"[{_NAMED}...] KEY=VALUE...")
@bulk_options
@change_options
@place_options
@with_session
async def tag(
    session: Session,
    what: Sequence[str],
    where: str | None,
    count: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Set tags of versions (KEY=VALUE) or remove them (KEY=); - reads them from stdin.

    With --filter a MODEL alone narrows it.
    """
    named, tags = tags_of(what)
    if where is not None:
        bulk = await plan_bulk(
            session, "version", "tag", where=where, of=_model(named), tags=tags,
            reason=reason, ticket=ticket,
        )  # fmt: skip
        return await carry_out_bulk(session, [bulk], count=count, **how)
    plan = await shelf.plan_tags(
        session, "version", _refs(named), tags, reason=reason, ticket=ticket
    )
    return await carry_out(session, plan, **how)


@versions.command()
@click.argument("what", nargs=-1, metavar=f"[{_NAMED}]", shell_complete=complete_version)
@bulk_options
@change_options
@place_options
@with_session
async def rm(
    session: Session,
    what: Sequence[str],
    where: str | None,
    count: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Delete versions that no alias points at; they can be restored. - reads them from stdin.

    --filter takes all that fit, of one MODEL where that is named alone.
    """
    if where is not None:
        bulk = await plan_bulk(
            session, "version", "rm", where=where, of=_model(what), reason=reason, ticket=ticket
        )
        return await carry_out_bulk(session, [bulk], count=count, **how)
    plan = await shelf.plan_shelf(
        session, "version", _refs(what), delete=True, reason=reason, ticket=ticket
    )
    return await carry_out(session, plan, **how)


@versions.command()
@click.argument("what", nargs=-1, required=True, metavar=_NAMED, shell_complete=complete_version)
@change_options
@place_options
@with_session
async def lock(session: Session, what: Sequence[str], reason: str, ticket: str, **how: Any) -> int:
    """Keep versions from being deleted or written to; --reason says why."""
    from modeldeck.app.usecases.locks import plan_lock

    plan = await plan_lock(session, _refs(what), reason=reason, ticket=ticket)
    return await carry_out(session, plan, **how)


@versions.command()
@click.argument("what", nargs=-1, required=True, metavar=_NAMED, shell_complete=complete_version)
@change_options
@place_options
@with_session
async def unlock(
    session: Session, what: Sequence[str], reason: str, ticket: str, **how: Any
) -> int:
    """Take the lock off versions; --reason says why."""
    from modeldeck.app.usecases.locks import plan_unlock

    plan = await plan_unlock(session, _refs(what), reason=reason, ticket=ticket)
    return await carry_out(session, plan, **how)


def _model(named: Sequence[str]) -> Sequence[str]:
    if len(named) > 1:
        raise UsageError("names and --filter were given", way_out="Give one MODEL beside --filter")
    return named


def _refs(what: Sequence[str]) -> Sequence[str]:
    return usecase.version_refs(
        refs_of(what, lambda item: f"{item['model']}/{int(item['version'])}")
    )


add_restore(versions, "version", _NAMED, _refs)
