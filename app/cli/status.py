"""`modeldeck status`, and the overview as text."""

import asyncio
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from modeldeck.app.usecases import overview as usecase
from modeldeck.app.usecases import views
from modeldeck.app.usecases.overview import Counts, Overview
from modeldeck.app.usecases.session import Session
from modeldeck.app.workspace import Wish, open_session
from modeldeck.widgets.text import show

from . import output, words
from .audit import change_of, who
from .common import asker, with_session
from .models import aliases_of
from .options import formats_option, place_options
from .tables import table_lines


@click.command()
@click.option("--short", is_flag=True, help="One line, as for the status line of tmux.")
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def status(session: Session, short: bool, form: str) -> None:
    """Print what runs, what failed, what is best, what changed."""
    if not short:
        await _print(session, form)
        return
    found = await usecase.counts(session)
    if form != "table":
        output.write_document(views.counts(found), form)
        return
    parts = [
        f"{found.running} running",
        f"{found.failed_lately} failed",
        f"{_runs_looked_at(found)} run{'' if found.runs == 1 else 's'}",
        output.counted(found.models, "model"),
    ]
    if found.waiting is not None:
        parts.append(f"{found.waiting} wait{'s' if found.waiting == 1 else ''}")
    print(show(f"{found.context}: {', '.join(parts)}"))


def _runs_looked_at(found: Overview | Counts) -> str:
    return f"newest {found.newest}" if found.runs is None else str(found.runs)


def print_overview(wish: Wish) -> Any:
    """The first screen of the console, as text."""

    async def inside() -> None:
        session = await open_session(wish, ask=asker())
        try:
            await _print(session, "table")
        finally:
            await session.registry.close()

    asyncio.run(inside())


async def _print(session: Session, form: str) -> None:
    item = await usecase.overview(session)
    waiting = await usecase.waiting_for(session, item.models)
    item = msgspec.structs.replace(item, waiting=waiting)
    if form != "table":
        output.write_document(views.overview(item), form)
        return
    facts = [
        ("context", item.context),
        ("place", item.place),
        ("read-only", item.readonly),
        ("experiments", str(item.experiments)),
        ("runs", f"{_runs_looked_at(item)}, {item.running_count} running"),
        ("failed", f"{item.failed_lately} in the last day"),
        ("models", str(item.model_count)),
    ]
    output.write_pairs([(name, value) for name, value in facts if value])
    output.write_part("WRONG", _waiting(session, item, wrong=True))
    output.write_part("WAITING FOR ME", _waiting(session, item, wrong=False))
    output.write_part("FAILED", _runs(session, item.failed, reason=True))
    output.write_part("RUNNING", _runs(session, item.running))
    output.write_part("RECENT", _runs(session, item.recent))
    output.write_part("BEST", _best(item))
    output.write_part("MODELS", _models(session, item))
    output.write_part("CHANGED", _changes(session, item))
    output.write_part("NEXT", (f"{words_}: {show(command)}" for words_, command in item.next))


def _waiting(session: Session, item: Overview, *, wrong: bool) -> Iterator[str]:
    found = [one for one in item.waiting if (one.kind == "wrong") == wrong]
    if found:
        from .approvals import inbox_columns

        columns = inbox_columns(session)
        rows = [[cell(one) for cell in columns.values()] for one in found]
        yield from table_lines(list(columns), rows)


def _runs(session: Session, runs: Any, *, reason: bool = False) -> Iterator[str]:
    now = session.clock()
    rows = [
        [
            run.id[:8],
            run.name,
            run.experiment,
            run.status.value,
            words.short_time(run.started_at, now),
            words.duration(words.lasted(run, now)),
            *([run.reason or words.NONE] if reason else []),
        ]
        for run in runs
    ]
    heads = ["ID", "NAME", "EXPERIMENT", "STATUS", "STARTED", "DURATION"]
    if rows:
        yield from table_lines([*heads, "REASON"] if reason else heads, rows)


def _best(item: Overview) -> Iterator[str]:
    rows = [
        [one.experiment, one.metric, words.exact(one.value), one.run.name, one.run.id[:8]]
        for one in item.best
    ]
    if rows:
        yield from table_lines(["EXPERIMENT", "METRIC", "VALUE", "RUN", "ID"], rows)


def _models(session: Session, item: Overview) -> Iterator[str]:
    now = session.clock()
    rows = [
        [
            model.name,
            aliases_of(model),
            words.NONE if model.latest is None else str(model.latest),
            words.short_time(model.updated_at, now),
        ]
        for model in item.models
    ]
    if rows:
        yield from table_lines(["NAME", "ALIASES", "LATEST", "UPDATED"], rows)


def _changes(session: Session, item: Overview) -> Iterator[str]:
    now = session.clock()
    rows = [
        [
            words.short_time(event.time, now),
            who(event),
            event.action,
            event.subject,
            change_of(event),
            event.reason,
        ]
        for event in item.changes
    ]
    if rows:
        yield from table_lines(["TIME", "WHO", "ACTION", "SUBJECT", "CHANGE", "REASON"], rows)
