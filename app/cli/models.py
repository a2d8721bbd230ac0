"""`modeldeck models`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases import models as usecase
from modeldeck.app.usecases.locks import is_locked
from modeldeck.app.usecases.models import ModelDetail
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Shelf
from modeldeck.widgets.text import show_lines

from . import output, words
from .bulk import add_restore
from .common import carry_out, refs_of, with_session
from .options import change_options, complete_model, format_option, list_options, place_options
from .pages import print_list
from .tables import pair_lines, table_lines
from .views import view_option


@click.group()
def models() -> None:
    """List, show, delete models."""


@models.command()
@click.option("--deleted", is_flag=True, help="Deleted models instead.")
@list_options
@format_option
@place_options
@with_session
@view_option("models")
async def ls(
    session: Session,
    deleted: bool,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List models by name unless sorted otherwise."""
    now = session.clock()
    shelf = Shelf.DELETED if deleted else Shelf.ACTIVE
    columns: output.Columns = {
        "NAME": lambda item: item.name,
        "ALIASES": aliases_of,
        "LATEST": lambda item: words.NONE if item.latest is None else str(item.latest),
        "VERSIONS": lambda item: words.NONE if item.versions is None else str(item.versions),
        "UPDATED": lambda item: words.short_time(item.updated_at, now),
    }
    await print_list(
        await usecase.list_models(session, where=where, sort=sort, shelf=shelf),
        lambda item: item.name,
        lambda _: columns,
        limit=limit,
        after=after,
        form=form,
    )


def aliases_of(item: Model) -> str:
    """`champion 12, candidate 13`."""
    return words.joined(f"{name} {number}" for name, number in item.aliases.items())


def format_of(item: Version) -> str:
    """The format, and whether loading it could run foreign code."""
    return f"{item.format} UNSAFE" if item.unsafe else item.format


@models.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@format_option
@place_options
@with_session
async def show(session: Session, name: str, form: str) -> None:
    """Print everything that is known of a model."""
    from modeldeck.app.usecases.views import model_detail

    item = await usecase.describe_model(session, name)
    if form == "csv":
        output.write_document(item.model, form)
    elif form != "table":
        output.write_document(model_detail(item), form)
    else:
        _print(session, item)


def _print(session: Session, item: ModelDetail) -> None:
    now, model = session.clock(), item.model
    facts = [
        ("model", model.name),
        ("aliases", aliases_of(model)),
        ("created", words.long_time(model.created_at, now)),
        ("updated", words.long_time(model.updated_at, now)),
        ("deleted", words.long_time(model.deleted_at, now) if model.deleted_at else ""),
        ("came from", model.origin or ""),
    ]
    output.write_pairs([(name, value) for name, value in facts if value])
    output.write_part("NOTE", show_lines(model.note) if model.note else [])
    output.write_part("TAGS", pair_lines(list(masked_map(model.tags).items())))
    output.write_part("VERSIONS", _versions(session, item))


def _versions(session: Session, item: ModelDetail) -> Iterator[str]:
    now = session.clock()
    rows = [
        [
            str(one.version),
            words.joined(one.aliases),
            format_of(one),
            (one.run_id or words.NONE)[:8],
            words.short_digest(one.digest),
            words.short_time(one.created_at, now),
            "deleted" if one.deleted_at else f"{one.status}{' LOCKED' * is_locked(one)}",
        ]
        for one in item.versions
    ]
    if rows:
        heads = ["VERSION", "ALIASES", "FORMAT", "RUN", "DIGEST", "CREATED", "STATUS"]
        yield from table_lines(heads, rows)


@models.command()
@click.argument("refs", nargs=-1, required=True, metavar="MODEL...", shell_complete=complete_model)
@click.option("--with-aliases", is_flag=True, help="Remove its aliases in the same plan.")
@change_options
@place_options
@with_session
async def rm(
    session: Session,
    refs: Sequence[str],
    with_aliases: bool,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Delete models with their versions; they can be restored. - reads names from stdin."""
    from modeldeck.app.usecases.shelf import plan_shelf

    plan = await plan_shelf(
        session,
        "model",
        refs_of(refs, _ref),
        delete=True,
        with_aliases=with_aliases,
        reason=reason,
        ticket=ticket,
    )
    return await carry_out(session, plan, **how)


def _ref(item: Any) -> str:
    return str(item["name"])


add_restore(models, "model", "MODEL...", lambda what: refs_of(what, _ref))
