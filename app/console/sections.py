"""The overview as rows of one table: sections under heads, as many rows of each as have room."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from modeldeck.app.usecases.asked import Waiting
from modeldeck.app.usecases.overview import Best, Overview
from modeldeck.app.usecases.runs import metric_title, metrics_in_order
from modeldeck.backends.api.address import model as model_address
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.runs import Run
from modeldeck.widgets.table import Cell, Column, Row, Span

from .events_words import STYLES, change_words, outcome_words, who
from .inbox_words import KINDS, until_words
from .words import STATES, figure, lasted, length, when

COLUMNS = (
    Column("state", "", min_width=4, max_width=9, priority=9),
    Column("name", "", min_width=16, max_width=44, priority=8, grow=2),
    Column("of", "", min_width=8, max_width=24, priority=6),
    Column("when", "", "time", priority=7),
    Column("detail", "", min_width=16, max_width=0, priority=5, grow=1),
)
METRICS = 3
NOT_HERE = "deployments, alerts, cost, compliance"


class Entry(NamedTuple):
    """A row and what Enter does there: `opens` is an address, or a text for `:`, or a command."""

    row: Row
    opens: str = ""
    goes: str = ""
    command: str = ""


class Section(NamedTuple):
    """A head, what it says beside its name, where Enter on it goes, its rows; `total` of all."""

    name: str
    note: str
    goes: str
    entries: Sequence[Entry]
    total: int = 0
    quiet: bool = False


class Looked(NamedTuple):
    """Up to which event one has seen the trail, when that was, and how many came since."""

    seq: int
    at: datetime | None
    new: int


def share(lengths: Sequence[int], room: int) -> list[int]:
    """How many rows each section shows in `room`: one each, then in turn while there is room."""
    shown = [min(length, 1) for length in lengths]
    left = room - len(lengths) - sum(shown)
    while left > 0 and shown != list(lengths):
        for at, whole in enumerate(lengths):
            if left > 0 and shown[at] < whole:
                shown[at] += 1
                left -= 1
    return shown


def entries_of(sections: Sequence[Section], width: int, room: int) -> list[Entry]:
    """Heads and rows in order; a head says how many of its rows are not shown."""
    found = []
    shares = share([len(section.entries) for section in sections], room)
    for section, shown in zip(sections, shares, strict=True):
        found.append(_head(section, shown, width))
        found.extend(section.entries[:shown])
    return found


def _head(section: Section, shown: int, width: int) -> Entry:
    text = section.name
    if section.total:
        text += f" {shown} of {section.total:,}" if shown < section.total else f" {shown}"
    if section.note:
        text += f"  {section.note}"
    line = text if section.quiet else f"{text} {'-' * max(width - 4 - len(text), 0)}"
    span = Span("state", line, "dim" if section.quiet else "strong")
    return Entry(Row(f"/{section.name}", (), span=span), goes=section.goes)


def sections_of(
    found: Overview,
    now: datetime,
    directions: Mapping[str, str],
    looked: Looked,
    changes: Sequence[Event],
    unsettled: Sequence[Event] = (),
    waiting: Sequence[Waiting] = (),
) -> list[Section]:
    """The sections that have something to say, what is wrong first."""
    above = {run.id for run in (*found.failed, *found.running)}
    recent = [run for run in found.recent if run.id not in above]
    failing = "status in (failed, killed) and (ended > -24h or started > -24h)"
    wrong = [_waiting(one, now) for one in waiting if one.kind == "wrong"]
    waits = [_waiting(one, now) for one in waiting if one.kind != "wrong"]
    sections = [
        Section("WRONG", "", "inbox", wrong, len(wrong)),
        Section("WAITING FOR ME", "", "inbox", waits, len(waits)),
        Section(
            "UNSETTLED",
            "not known to have arrived",
            "audit /phase in (intent, unknown)",
            [_change(event, now, of="u") for event in unsettled],
            len(unsettled),
        ),
        Section(
            "FAILED",
            "in the last day",
            f"runs /{failing}",
            [_run(run, now, run.reason or "") for run in found.failed],
            found.failed_lately,
        ),
        Section(
            "RUNNING",
            "",
            "runs /status = running",
            [_run(run, now, f"for {length(lasted(run, now))}") for run in found.running],
            found.running_count,
        ),
        Section(
            "CHANGED",
            _since(looked, now),
            "audit",
            [_change(event, now) for event in changes],
            looked.new,
        ),
        Section(
            "MODELS",
            "",
            "models",
            [
                Entry(
                    Row(
                        f"m/{model.name}",
                        [
                            "" if model.latest is None else f"v{model.latest}",
                            Cell(model.name, "strong"),
                            _versions(model.versions),
                            when(model.updated_at, now),
                            Cell(_aliases(model.aliases), "accent"),
                        ],
                    ),
                    opens=model_address(model.name),
                )
                for model in found.models
            ],
            found.model_count,
        ),
        Section(
            "BEST",
            f"in {_count(found.experiments, 'experiment')}",
            "experiments",
            _best(found.best, now),
        ),
        Section(
            "RECENT",
            f"of {_runs_looked_at(found)} in {_count(found.experiments, 'experiment')}",
            "runs",
            [_run(run, now, _measured(run, now, directions)) for run in recent],
        ),
        Section(
            "NEXT",
            "",
            "",
            [
                Entry(
                    Row(f"n/{words}", [], span=Span("state", f"{words}: {command}")),
                    command=command,
                )
                for words, command in found.next
            ],
        ),
    ]
    said = [section for section in sections if section.entries]
    said.append(Section("NOT CONNECTED", NOT_HERE, "", (), quiet=True))
    return said


def _best(found: Sequence[Best], now: datetime) -> list[Entry]:
    """A row for each run that is best of its experiment, with all that it is best by."""
    by_run: dict[str, list[Best]] = {}
    for best in found:
        by_run.setdefault(best.run.id, []).append(best)
    return [
        Entry(
            Row(
                f"b/{run_id}",
                [
                    Cell("best", "best"),
                    of[0].run.name or run_id,
                    of[0].experiment,
                    when(of[0].run.started_at, now),
                    "  ".join(
                        f"{metric_title(one.metric, one.direction)} {figure(one.value)}"
                        for one in of
                    ),
                ],
            ),
            opens=run_address(run_id),
        )
        for run_id, of in by_run.items()
    ]


def _waiting(one: Waiting, now: datetime) -> Entry:
    word, style = KINDS[one.kind]
    alias = one.target.rpartition("@")[2]
    known = one.version is not None
    cells: list[Cell | str] = [
        Cell(word, style),
        f"{one.model} v{one.version} -> {alias}" if known else one.words,
        one.person,
        when(one.time, now) if one.time else "",
        Cell("  ".join(filter(None, (until_words(one, now), one.words if known else ""))), "dim"),
    ]
    opens = version_address(one.model, one.version) if one.version is not None else ""
    return Entry(Row(waiting_key(one), cells), opens=opens, command=one.command)


def waiting_key(one: Waiting) -> str:
    """The key of its row."""
    return f"w/{one.kind}/{one.id}/{one.target}/{one.version}"


def _run(run: Run, now: datetime, detail: str) -> Entry:
    word, style = STATES[run.status]
    cells: list[Cell | str] = [
        Cell(word, style),
        run.name or run.id,
        run.experiment,
        when(run.started_at, now),
        Cell(detail, "dim"),
    ]
    return Entry(Row(f"r/{run.id}", cells), opens=run_address(run.id))


def _change(event: Event, now: datetime, of: str = "e") -> Entry:
    detail = change_words(event)
    if event.reason:
        detail += f'  "{event.reason}"'
    detail = "  ".join(filter(None, (detail, _outcome(event, now))))
    noun, style = event.action.partition(".")[0], STYLES.get(event.phase, "")
    said = {"observed": who(event).upper(), "done": noun, "ended": noun, "learned": noun}
    cells: list[Cell | str] = [
        Cell(said.get(event.phase, event.phase.upper()), style),
        event.subject.removeprefix("models/"),
        noun if event.phase == "observed" else who(event),
        when(event.time, now),
        Cell(detail, "dim"),
    ]
    return Entry(Row(f"{of}/{event.seq}", cells), goes=f"audit /seq = {event.seq}")


def _outcome(event: Event, now: datetime) -> str:
    if event.phase == "intent":
        return "what came of it was never written down"
    return outcome_words(event, now)


def _since(looked: Looked, now: datetime) -> str:
    if looked.at is None:
        return "lately"
    local = looked.at.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{local:%d%b} "
    return f"since you last looked, {day}{local:%H:%M}"


def _versions(count: int | None) -> str:
    return "" if count is None else _count(count, "version")


def _runs_looked_at(found: Overview) -> str:
    if found.runs is None:
        return f"the newest {_count(found.newest or 0, 'run')}"
    return _count(found.runs, "run")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _aliases(aliases: Mapping[str, int]) -> str:
    return "  ".join(f"{name}={number}" for name, number in sorted(aliases.items()))


def _measured(run: Run, now: datetime, directions: Mapping[str, str]) -> str:
    names = metrics_in_order(run.metrics, directions)[:METRICS]
    words = [f"{name} {figure(run.metrics[name])}" for name in names]
    return "  ".join([length(lasted(run, now)), *words])
