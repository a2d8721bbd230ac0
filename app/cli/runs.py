"""`modeldeck runs`."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from modeldeck.app.usecases import runs as usecase
from modeldeck.app.usecases import shelf
from modeldeck.app.usecases.bulk import plan_bulk
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.words import sort_of
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.query import RUNS, Field
from modeldeck.backends.api.runs import SYSTEM, Run, Shelf

from . import words
from .bulk import add_restore, bulk_options, carry_out_bulk, names_or_filter
from .common import carry_out, refs_of, tags_of, with_session
from .options import (
    change_options,
    complete_experiment,
    complete_metric,
    complete_run,
    complete_sort,
    format_option,
    formats_option,
    list_options,
    place_options,
)
from .output import Columns
from .pages import first_of, print_list
from .views import view_option

METRICS_SHOWN = 5
_ATTRIBUTES: Columns = {
    "git": lambda run: (run.git or words.NONE)[:12],
    "experiment": lambda run: run.experiment,
    "user": lambda run: run.user,
}
"""What a view may show beside metrics, parameters and tags; the id is always there."""

_of_experiment = click.option(
    "--experiment",
    "-e",
    "experiments",
    multiple=True,
    help="Only of this experiment.",
    shell_complete=complete_experiment,
)


@click.group()
def runs() -> None:
    """List, show, compare, export, tag, delete runs."""


@runs.command()
@_of_experiment
@click.option("--parent", metavar="RUN", help="Only its children.", shell_complete=complete_run)
@click.option("--top", is_flag=True, help="Without runs that are children of others.")
@click.option("--deleted", is_flag=True, help="Deleted runs instead.")
@click.option(
    "--by",
    metavar="FIELDS",
    help="Count them by their values, as params.depth,status.",
    shell_complete=complete_sort,
)
@list_options
@format_option
@place_options
@with_session
@view_option("runs")
async def ls(
    session: Session,
    experiments: Sequence[str],
    parent: str | None,
    top: bool,
    deleted: bool,
    by: str | None,
    where: str,
    sort: str,
    limit: int,
    after: str | None,
    form: str,
    chosen: Sequence[str] = (),
) -> None:
    """List runs, newest first unless sorted otherwise; or count them --by some of their values.

    Groups are sorted by count, value, metrics."best KEY" or metrics."mean KEY".
    """
    query = await usecase.run_query(
        session,
        experiments=experiments or None,
        where=where,
        sort=sort if by is None else "",
        shelf=Shelf.DELETED if deleted else Shelf.ACTIVE,
        parent=(await usecase.find_run(session, parent)).id if parent else None,
        top=top,
    )
    if by is not None:
        from .run_groups import print_groups

        await print_groups(
            session, query, by, sort=sort, chosen=chosen, limit=limit, after=after, form=form
        )
        return
    window = await session.registry.runs(query, first_of(limit))
    sorted_by = [one.field for one in sort_of(sort, RUNS) if one.field.of]
    await print_list(
        window,
        lambda run: run.id,
        lambda items: _columns(session, items, sorted_by, chosen),
        limit=limit,
        after=after,
        form=form,
    )


def _columns(
    session: Session, items: Sequence[Run], sorted_by: Sequence[Field], chosen: Sequence[str]
) -> Columns:
    now = session.clock()
    columns: dict[str, Callable[[Run], str]] = {
        "ID": lambda run: run.id[:8],
        "NAME": lambda run: run.name,
        "STATUS": lambda run: run.status.value,
        "STARTED": lambda run: words.short_time(run.started_at, now),
        "DURATION": lambda run: words.duration(words.lasted(run, now)),
    }
    fields = dict.fromkeys(sorted_by)
    for key in chosen:
        of, dot, name = key.partition(".")
        if dot:
            fields[Field(name, of)] = None
        elif key in _ATTRIBUTES:
            columns[key.upper()] = _ATTRIBUTES[key]
    for run in items if not chosen else ():
        for name in run.metrics:
            if len(fields) >= max(METRICS_SHOWN, len(sorted_by)):
                break
            if not name.startswith(SYSTEM):
                fields[Field(name, "metrics")] = None
    for field in fields:
        name = field.name if field.of == "metrics" else str(field)
        columns[name if name not in columns else str(field)] = _reader(field)
    if any(run.reason for run in items):
        columns["REASON"] = lambda run: run.reason or ""
    return columns


def _reader(field: Field) -> Callable[[Run], str]:
    if field.of == "metrics":
        return lambda run: words.figure(run.metrics.get(field.name))
    return lambda run: getattr(run, field.of).get(field.name, words.NONE)


@runs.command()
@click.argument("ref", metavar="RUN", shell_complete=complete_run)
@format_option
@place_options
@with_session
async def show(session: Session, ref: str, form: str) -> None:
    """Print everything that is known of a run."""
    from modeldeck.app.usecases.describe import describe_run

    from .run_parts import print_run

    print_run(await describe_run(session, ref), form, session.clock())


@runs.command()
@click.argument("refs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_run)
@click.option(
    "--baseline",
    metavar="RUN",
    help="What the others are measured by; the first without it.",
    shell_complete=complete_run,
)
@click.option("--all", "everything", is_flag=True, help="Parameters that do not differ, too.")
@format_option
@place_options
@with_session
async def compare(
    session: Session, refs: Sequence[str], baseline: str | None, everything: bool, form: str
) -> None:
    """Compare 2 to 20 runs; - reads ids from stdin."""
    from modeldeck.app.usecases.compare import compare_runs

    from .compare_parts import print_comparison

    found = await compare_runs(session, refs_of(refs, _ref), baseline=baseline)
    print_comparison(found, form, everything=everything)


@runs.command()
@click.argument("ref", metavar="RUN", shell_complete=complete_run)
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@click.option("--raw", is_flag=True, help="The bytes as they are; not to a terminal.")
@click.option("--timestamps", is_flag=True, help="Before each line when it was written.")
@place_options
@with_session
async def logs(session: Session, ref: str, follow: bool, raw: bool, timestamps: bool) -> None:
    """Print the output of a run."""
    from modeldeck.app.usecases.logs import read_log, read_timed

    from .log_lines import print_log, print_timed

    if raw and timestamps:
        raise UsageError(
            "bytes as they are have nothing before them",
            where="--raw",
            way_out="Leave out --raw or --timestamps",
        )
    if timestamps:
        await print_timed(read_timed(session, ref, follow=follow), session.clock().tzinfo)
    else:
        await print_log(read_log(session, ref, follow=follow), raw=raw)


@runs.command()
@click.argument("refs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_run)
@click.option("--series", is_flag=True, help="All points of their series, one a line.")
@click.option(
    "--metric",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Only this series.",
    shell_complete=complete_metric,
)
@formats_option("jsonl", "csv", "json")
@place_options
@with_session
async def export(
    session: Session, refs: Sequence[str], series: bool, keys: Sequence[str], form: str
) -> None:
    """Print runs, or the points of their series; - reads ids from stdin."""
    from modeldeck.app.usecases.export import export_points, export_runs

    from . import output
    from .points import print_points

    found = refs_of(refs, _ref)
    if series or keys:
        await print_points(export_points(session, found, keys), form)
    else:
        output.write_list(await export_runs(session, found), {}, form)


@runs.command()
@click.argument("what", nargs=-1, required=True, metavar="[RUN...] KEY=VALUE...")
@_of_experiment
@bulk_options
@change_options
@place_options
@with_session
async def tag(
    session: Session,
    what: Sequence[str],
    experiments: Sequence[str],
    where: str | None,
    count: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Set tags of runs (KEY=VALUE) or remove them (KEY=); - reads ids from stdin."""
    refs, tags = tags_of(what)
    if where is not None:
        names_or_filter(refs, where)
        bulk = await plan_bulk(
            session, "run", "tag", where=where, of=experiments, tags=tags,
            reason=reason, ticket=ticket,
        )  # fmt: skip
        return await carry_out_bulk(session, [bulk], count=count, **how)
    plan = await shelf.plan_tags(
        session, "run", refs_of(refs, _ref), tags, reason=reason, ticket=ticket
    )
    return await carry_out(session, plan, **how)


@runs.command()
@click.argument("refs", nargs=-1, metavar="[RUN...]", shell_complete=complete_run)
@_of_experiment
@bulk_options
@change_options
@place_options
@with_session
async def rm(
    session: Session,
    refs: Sequence[str],
    experiments: Sequence[str],
    where: str | None,
    count: int | None,
    reason: str,
    ticket: str,
    **how: Any,
) -> int:
    """Delete runs; they can be restored. - reads ids from stdin, --filter takes all that fit."""
    names_or_filter(refs, where)
    if where is not None:
        bulk = await plan_bulk(
            session, "run", "rm", where=where, of=experiments, reason=reason, ticket=ticket
        )
        return await carry_out_bulk(session, [bulk], count=count, **how)
    plan = await shelf.plan_shelf(
        session, "run", refs_of(refs, _ref), delete=True, reason=reason, ticket=ticket
    )
    return await carry_out(session, plan, **how)


def _ref(item: Any) -> str:
    return str(item["id"])


add_restore(runs, "run", "RUN...", lambda what: refs_of(what, _ref))
