"""`modeldeck experiments`."""

from collections.abc import Sequence

import click

from modeldeck.app.usecases import experiments as usecase
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.runs import Experiment, Shelf

from . import words
from .common import with_session
from .options import format_option, list_options, place_options
from .output import Columns
from .pages import print_list
from .views import view_option


@click.group()
def experiments() -> None:
    """List experiments."""


@experiments.command()
@click.option("--deleted", is_flag=True, help="Deleted experiments instead.")
@list_options
@format_option
@place_options
@with_session
@view_option("experiments")
async def ls(
    session: Session,
    deleted: bool,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List experiments, newest first unless sorted otherwise."""
    shelf = Shelf.DELETED if deleted else Shelf.ACTIVE
    window = await usecase.list_experiments(session, where=where, sort=sort, shelf=shelf)
    await print_list(
        window,
        lambda item: item.id,
        lambda items: _columns(session, items),
        limit=limit,
        after=after,
        form=form,
    )


def _columns(session: Session, items: Sequence[Experiment]) -> Columns:
    now = session.clock()
    columns: Columns = {
        "ID": lambda item: item.id,
        "NAME": lambda item: item.name,
        "RUNS": lambda item: words.NONE if item.runs is None else str(item.runs),
        "CREATED": lambda item: words.short_time(item.created_at, now),
    }
    if any(item.note for item in items):
        columns = {**columns, "NOTE": lambda item: item.note}
    return columns
