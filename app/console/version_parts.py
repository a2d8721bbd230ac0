"""The parts of the version screen: what each is made of, and all of them as lines."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases.beside import Beside
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.events import Event
from modeldeck.widgets.bar import Part as Text
from modeldeck.widgets.lines import Line, line
from modeldeck.widgets.table import Cell, Column, Row

from .card_lines import card_lines
from .events_words import STYLES, change_words, outcome_words, who
from .frame import part_names
from .lineage_rows import LINEAGE, lineage_rows
from .lock_rows import lock_columns, lock_difference, lock_rows
from .permission_rows import WORDS, gate_rows, word_rows
from .version_rows import REMOVES, evaluation_rows, fact_columns, fact_rows, metric_rows, titles
from .words import length, short, size

Directions = Mapping[str, str]


class Part(NamedTuple):
    """A part: a table of `columns` and `rows`, or `lines`. `empty` is said of no rows."""

    title: str
    columns: Callable[[Beside, int], Sequence[Column]] = lambda *_: ()
    rows: Callable[[Beside, datetime, Directions], list[Row]] = lambda *_: []
    lines: Callable[[Beside], list[Line]] | None = None
    empty: str = "nothing here"


def _metric_columns(view: Beside, width: int) -> list[Column]:
    _, mine, other, diff = fact_columns(view, width)
    side = 8 if width < 100 else 16
    against = other.title.removeprefix("AGAINST ") if width < 100 else other.title
    return [
        Column("metric", "METRIC", pinned=True, min_width=10, max_width=30, priority=9),
        Column("mine", mine.title, min_width=side, max_width=16, priority=8),
        Column("other", against, min_width=side, max_width=20, priority=7),
        diff,
        Column("on", "MEASURED", min_width=12, max_width=0, priority=5, grow=1),
    ]


def _metric_rows(view: Beside, _: datetime, directions: Directions) -> list[Row]:
    other = view.other.detail if view.other else None
    rows = metric_rows(view.detail.run, other.run if other else None, directions)
    said = Cell("last of its run", "dim")
    rows = [Row(row.key, [*row.cells, said]) for row in rows]
    return rows + evaluation_rows(view, directions)


def _fact_rows(view: Beside, now: datetime, directions: Directions) -> list[Row]:
    return [*gate_rows(view.permission, view.gated), *fact_rows(view, now, directions)]


def _lock_rows(view: Beside, *_: object) -> list[Row]:
    return lock_rows(view.detail.lock, view.other.detail.lock if view.other else None)


def _artifact_rows(view: Beside, *_: object) -> list[Row]:
    return [
        Row(f"file:{one.path}", [one.path, size(one.size), Cell(one.digest or "never read", "dim")])
        for one in view.detail.artifacts
    ]


def _event_rows(view: Beside, now: datetime, _: Directions) -> list[Row]:
    return [
        Row(
            f"event:{one.seq}",
            [
                f"{one.time.astimezone(now.tzinfo):%Y-%m-%d %H:%M}",
                who(one),
                Cell("  ".join(filter(None, (_what(one), outcome_words(one, now)))), _style(one)),
                one.reason,
                Cell(one.ticket, "dim"),
                Cell(str(one.seq), "dim"),
            ],
        )
        for one in view.events
    ]


def _style(event: Event) -> str:
    return STYLES.get(event.phase, "")


def _what(event: Event) -> str:
    alias = parse_address(event.subject).alias
    if alias is not None:
        return f"{alias} {change_words(event).removeprefix('version: ')}"
    if event.action == "version.register":
        return "registered"
    return change_words(event) or event.action


def _tag_rows(view: Beside, *_: object) -> list[Row]:
    tags = masked_map(view.detail.version.tags)
    return [Row(f"tag:{key}", [key, value]) for key, value in tags.items()]


def _card(view: Beside) -> list[Line]:
    card = view.detail.version.card
    if not card.strip():
        return [line(), line(Text("  no card yet: e writes one in your editor", "dim"))]
    return card_lines(card)


PARTS = (
    Part("Facts", fact_columns, _fact_rows),
    Part("Metrics", _metric_columns, _metric_rows, empty="its run has no metrics here"),
    Part("Lineage", lambda *_: LINEAGE, lambda view, now, _: lineage_rows(view, now)),
    Part(
        "Lock",
        lambda view, width: lock_columns(*titles(view), width),
        _lock_rows,
        empty="no lock is known: modeldeck run records one",
    ),
    Part("Card", lines=_card),
    Part(
        "Approvals",
        lambda *_: WORDS,
        lambda view, now, _: word_rows(view.permission, now),
        empty="nobody has asked for it to go anywhere: A asks",
    ),
    Part(
        "History",
        lambda *_: (
            Column("time", "TIME", "time", pinned=True, priority=9),
            Column("who", "WHO", max_width=16, priority=7),
            Column("what", "WHAT", min_width=12, max_width=60, priority=8),
            Column("reason", "REASON", min_width=12, max_width=0, priority=6, grow=1),
            Column("ticket", "TICKET", max_width=14, priority=5),
            Column("seq", "EVENT", "number", priority=4),
        ),
        _event_rows,
        empty="nothing has happened to it here",
    ),
    Part(
        "Tags",
        lambda *_: (
            Column("key", "TAG", pinned=True, min_width=12, max_width=40, priority=9),
            Column("value", "VALUE", min_width=12, max_width=0, priority=8, grow=1),
        ),
        _tag_rows,
        empty="no tags: T sets one",
    ),
    Part(
        "Files",
        lambda *_: (
            Column("path", "PATH", pinned=True, min_width=16, max_width=0, priority=9, grow=1),
            Column("size", "SIZE", "number", priority=8),
            Column("digest", "DIGEST", min_width=12, max_width=71, priority=7),
        ),
        _artifact_rows,
        empty="no files of it are known here",
    ),
)


def title_line(view: Beside, now: datetime) -> tuple[list[Text], list[Text]]:
    """What it is, in one line; what is dangerous about it first."""
    version, run = view.detail.version, view.detail.run
    parts = [Text(f"{version.model} v{version.version}", "strong")]
    if version.deleted_at:
        parts.append(Text("  DELETED", "bad"))
    if version.unsafe:
        parts += [Text("  "), Text(f" {version.format} UNSAFE ", "alert")]
    parts.append(Text(f"  {' '.join(version.aliases)}" if version.aliases else "", "accent"))
    if not version.unsafe:
        parts.append(Text(f"  {version.format}"))
    said = [short(version.digest) if version.digest else "no digest"]
    if version.created_at:
        age = now - version.created_at
        said.append("new" if age < timedelta(minutes=1) else f"{length(age)} old")
    if version.user:
        said.append(f"by {version.user}")
    if run is not None:
        said.append(f"run {run.name or run.id}")
    return [*parts, Text(f"  {'  '.join(said)}", "dim")], []


def parts_line(present: int, width: int) -> list[Text]:
    """The parts by number; the present one in brackets, the others without names if need be."""
    said = []
    room = width - len(PARTS) - 1
    for at, text in enumerate(part_names([part.title for part in PARTS], present, room)):
        gap = " " if at else ""
        chosen = at == present
        said.append(
            Text(f"{gap}[{text}]" if chosen else f"{gap}{text}", "strong" if chosen else "")
        )
    return said


def difference(view: Beside, now: datetime, directions: Directions) -> list[Line]:
    """All that differs from the other version, part by part: what it is there -> here."""
    mine, other = titles(view)
    there = view.other.detail if view.other else None
    lines = [
        line(Text(f"{view.model.name}: {other.removeprefix('AGAINST ')} -> {mine}", "strong")),
        line(),
    ]
    rows = fact_rows(view, now, directions)
    lines += _differing([row for row in rows if not row.key.startswith("alias")])
    words = lock_difference(view.detail.lock, there.lock if there else None)
    lines += [line(), line(Text("LOCK", "strong"), f"  {words or 'not known of both'}")]
    return lines + _differing(_lock_rows(view))


def _differing(rows: Sequence[Row]) -> list[Line]:
    lines: list[Line] = []
    heading: Line | None = None
    wide = min(max([14, *(len(_text(row, 0)) for row in rows)]), 30)
    for row in rows:
        name, here, there, diff = (_text(row, at) for at in range(4))
        if row.key.startswith("part:"):
            heading = line(Text(name, "strong"))
        elif diff not in ("", "same") or name == "UNSAFE":
            lines += [line(), heading] if heading else []
            heading = None
            more = "" if diff in ("differs", "changed", "") else f"  {diff}"
            change = f"{there or '-'} -> {here}" if diff else here
            lines.append(line(f"  {name:{wide}}  {change}{more}", hang=wide + 4))
    return lines


def described(view: Beside, now: datetime, directions: Directions) -> list[Line]:
    """Everything that is known of a version, part by part."""
    lines: list[Line] = [line(*title_line(view, now)[0])]
    for part in PARTS:
        body = (
            part.lines(view) if part.lines is not None else _table(part.rows(view, now, directions))
        )
        lines += [line(), line(Text(part.title.upper(), "strong"))]
        lines += body or [line(Text(f"  {part.empty}", "dim"))]
    return lines


def _table(rows: Sequence[Row]) -> list[Line]:
    first = min(max((len(_text(row, 0)) for row in rows), default=0), 30)
    lines = []
    for row in rows:
        if len(row.cells) == 1:
            lines.append(line(Text(f"  {_text(row, 0)}", "strong")))
            continue
        parts = [Text(f"  {_text(row, 0):{first}}")]
        for cell in row.cells[1:]:
            text, style = (cell, "") if isinstance(cell, str) else cell
            if text and text != REMOVES:
                parts.append(Text(f"  {text}", style))
        lines.append(line(*parts, hang=first + 4))
    return lines


def _text(row: Row, at: int) -> str:
    cell = row.cells[at] if at < len(row.cells) else ""
    return cell if isinstance(cell, str) else cell.text
