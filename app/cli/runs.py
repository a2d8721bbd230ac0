"""`modeldeck runs`."""

from collections.abc import Sequence
from typing import Any

import click

from modeldeck.app.usecases import runs as usecase
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.parse import parse_sort
from modeldeck.backends.api.query import RUNS
from modeldeck.backends.api.runs import Run, Shelf

from . import output
from .common import format_option, list_options, place_options, with_session
from .pages import page_of


@click.group()
def runs() -> None:
    """List, show, compare, tag, delete runs."""


@runs.command()
@click.option("--experiment", "-e", "experiments", multiple=True, help="Only of this experiment.")
@click.option("--deleted", is_flag=True, help="Deleted runs instead.")
@list_options
@format_option
@place_options
@with_session
async def ls(
    session: Session,
    experiments: Sequence[str],
    deleted: bool,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """List runs, newest first unless sorted otherwise."""
    window = await usecase.list_runs(
        session,
        experiments=experiments or None,
        where=where,
        sort=sort,
        shelf=Shelf.DELETED if deleted else Shelf.ACTIVE,
        first=limit + 1 if limit else 1000,
    )
    items, following = await page_of(window, limit, after, lambda run: run.id)
    output.write_list(items, _columns(session, items, sort), form, following=following)


def _columns(session: Session, items: Sequence[Run], sort: str) -> dict[str, Any]:
    now = session.clock()
    columns: dict[str, Any] = {
        "ID": lambda run: run.id[:8],
        "NAME": lambda run: run.name,
        "STATUS": lambda run: run.status.value,
        "STARTED": lambda run: output.short_time(run.started_at, now),
    }
    sorted_by = [s.field.name for s in parse_sort(sort, RUNS) if s.field.of == "metrics"]
    seen = dict.fromkeys(sorted_by)
    for run in items:
        seen |= dict.fromkeys(run.metrics)
    for name in list(seen)[:5]:
        columns[name] = lambda run, name=name: output.figure(run.metrics.get(name))
    columns["REASON"] = lambda run: run.reason or ""
    return columns
