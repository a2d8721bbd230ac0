"""Where a version came from and what became of it, as the rows of a table."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from modeldeck.app.usecases.beside import Beside
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.events import ELSEWHERE
from modeldeck.backends.api.runs import Run
from modeldeck.widgets.table import Cell, Column, Row

from .events_words import who
from .words import length, short, when

LINEAGE = (
    Column("what", "FROM", pinned=True, min_width=12, max_width=20, priority=9),
    Column("is", "IS", min_width=16, max_width=52, priority=8),
    Column("more", "MORE", min_width=8, max_width=0, priority=6, grow=1),
)


def lineage_rows(view: Beside, now: datetime) -> list[Row]:
    """Where a version came from, what it replaced, what replaced it. Keys are addresses to open."""
    run = view.detail.run
    version = view.detail.version
    rows = []
    if run is None:
        words = f"{version.run_id}, which is not here" if version.run_id else "none is recorded"
        rows.append(Row("run", ["run", Cell(words, "warn")]))
    else:
        rows.append(_run_row("run", run, now))
        rows.append(Row("git", ["< git", git_words(run), Cell(run.git or "", "dim")], level=1))
        for place, data in enumerate(view.datasets):
            labels = " ".join(f"[{key}={value}]" for key, value in data.labels.items())
            words = f"{data.name} {data.digest}".strip()
            more = " ".join(filter(None, (data.context or "", labels)))
            rows.append(Row(f"data:{place}", ["< data", words, Cell(more, "dim")], level=1))
        if not view.datasets:
            rows.append(Row("data", ["< data", Cell("none is recorded", "dim")], level=1))
        if view.above:
            rows.append(_run_row("< parent run", view.above, now, 1))
        rows += [_run_row("child run", child, now, 1) for child in view.children]
    for one in view.siblings:
        rows.append(
            Row(
                version_address(one.model, one.version),
                ["same run", f"{one.model} v{one.version}", Cell("  ".join(one.aliases), "dim")],
            )
        )
    return rows + list(_replaced(view, now))


def _run_row(what: str, run: Run, now: datetime, level: int = 0) -> Row:
    span = run.ended_at - run.started_at if run.ended_at and run.started_at else None
    more = f"{run.experiment}, {run.status.value}, {when(run.started_at, now)}, {length(span)}"
    return Row(
        run_address(run.id), [what, f"{run.name or '(no name)'} {run.id}", Cell(more, "dim")]
    )


def _replaced(view: Beside, now: datetime) -> Iterator[Row]:
    """What alias moves say; the newest first."""
    number = view.detail.version.version
    for event in view.events:
        if not event.action.startswith("alias.") or event.phase not in ("done", *ELSEWHERE):
            continue
        alias = event.subject.rpartition("@")[2]
        before, after = (_pointed(side) for side in (event.before, event.after))
        by = f"{who(event)}, {when(event.time, now)}"
        more = Cell(f"{by}  {event.reason}".rstrip(), "dim")
        if after == number:
            words = ["became", f"{alias}, which was not set"]
            if before is not None:
                words = ["replaced", f"v{before} as {alias}"]
            yield Row(f"event:{event.seq}", [*words, more])
        elif before == number:
            new = f"v{after}" if after is not None else "nothing"
            yield Row(f"event:{event.seq}", ["replaced by", f"{new} as {alias}", more])


def _pointed(side: Any) -> int | None:
    found = side.get("version") if isinstance(side, dict) else None
    return found if isinstance(found, int) else None


def git_words(run: Run | None) -> str:
    """The commit of a run, and whether the tree was clean."""
    if run is None or not run.git:
        return "not known"
    state = {True: "dirty", False: "clean", None: "perhaps dirty"}[run.dirty]
    return f"{short(run.git)} {state}"
