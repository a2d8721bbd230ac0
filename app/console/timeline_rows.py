"""A time line as rows and lines. Pure: moves and spans in, rows out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from modeldeck.app.usecases.moves import Move
from modeldeck.app.usecases.spans import Lane, Span, span_at
from modeldeck.app.usecases.timeline import Timeline, gone_at
from modeldeck.app.usecases.timeline_words import (
    OUTSIDE,
    clock,
    gate_words,
    outcome_words,
    span_words,
    step_words,
    version_words,
    who_words,
    why_words,
)
from modeldeck.backends.api.plan import Verdict
from modeldeck.widgets.bar import Part
from modeldeck.widgets.lines import Line, line
from modeldeck.widgets.table import Cell, Column, Row
from modeldeck.widgets.table import Span as Wide
from modeldeck.widgets.text import cells, show

GAP = "~~~ "
_DAY = timedelta(days=1)
_MICRO = timedelta(microseconds=1)


class Item(NamedTuple):
    """A row and the instant that it stands for; `move` is None of a day's head or of a gap."""

    row: Row
    instant: datetime
    move: Move | None = None


def columns(model: str) -> Sequence[Column]:
    """When, what, by whom, why; of which model, where there are several."""
    named = [Column("model", "MODEL", min_width=8, max_width=24, priority=9)]
    return [
        Column("time", "TIME", "time", pinned=True, min_width=5, priority=10),
        *([] if model else named),
        Column("alias", "ALIAS", min_width=5, max_width=20, priority=9),
        Column("what", "FROM -> TO", min_width=10, max_width=20, priority=9),
        Column("who", "WHO", min_width=7, max_width=18, priority=8),
        Column("why", "WHY", min_width=10, max_width=0, priority=7, grow=1),
        Column("ticket", "TICKET", max_width=12, priority=6),
        Column("gate", "GATE", max_width=10, priority=5),
    ]


def items_of(
    found: Timeline, spans: Mapping[Lane, Sequence[Span]], now: datetime
) -> Sequence[Item]:
    """The rows, newest first: under the head of each day its moves, and between them the gaps."""
    told: list[tuple[float, Item]] = [
        (move.seq, Item(_move_row(found, move, now), move.event.time, move)) for move in found.moves
    ]
    told += _gaps(found, spans, now)
    items: list[Item] = []
    day = None
    for _, item in sorted(told, key=lambda one: one[0], reverse=True):
        date = item.instant.astimezone(now.tzinfo).date()
        if item.move is not None and date != day:
            day = date
            items.append(_day_head(item.instant, now))
        items.append(item)
    return items


def _day_head(instant: datetime, now: datetime) -> Item:
    """The head of a day stands for its end."""
    local = instant.astimezone(now.tzinfo)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    text = f"-- {local:%a} {local.day} {local:%b %Y} {'-' * 56}"
    row = Row(f"day:{instant.timestamp()}", (), span=Wide("time", text, "dim"))
    return Item(row, min(midnight - _MICRO, now))


def _move_row(found: Timeline, move: Move, now: datetime) -> Row:
    local = move.event.time.astimezone(now.tzinfo)
    outside = move.outside or not move.certain
    cells: list[Cell | str] = [
        f"{local:%H:%M}",
        *([] if found.model else [Cell(move.model, "strong")]),
        Cell(move.alias or "-", "accent" if move.alias else "dim"),
        Cell(step_words(move), "strong" if move.kind == "alias" else ""),
        Cell(who_words(move), "warn" if outside else ""),
        Cell(why_words(move, local), "warn" if outside or move.glass else ""),
        Cell(move.event.ticket, "dim"),
        Cell(gate_words(move), "bad" if move.glass else ""),
    ]
    style = "dim" if move.undone_by is not None else ""
    return Row(f"move:{move.seq}", cells, style=style)


def _gaps(
    found: Timeline, spans: Mapping[Lane, Sequence[Span]], now: datetime
) -> Iterator[tuple[float, Item]]:
    """What nobody knows, each where it lies between the moves."""
    same: dict[tuple[float, str], tuple[list[str], datetime]] = {}
    for (model, alias), lane in spans.items():
        for span in lane:
            place = _place(span, found)
            if place is None:
                continue
            instant = span.start or (span.end - _MICRO if span.end else now)
            name = alias if found.model else f"{model}@{alias}"
            key = (place, span_words(span, instant, now))
            same.setdefault(key, ([], instant))[0].append(name)
    for at, ((place, words), (names, instant)) in enumerate(same.items()):
        text = f"{GAP}{', '.join(names)}: {words}"
        yield place, Item(Row(f"gap:{at}", (), span=Wide("time", text, "warn")), instant)


def _place(span: Span, found: Timeline) -> float | None:
    """Where a gap lies among the numbers of moves; None where there is none to be told."""
    match span.how:
        case "before" if found.whole:
            return -1.0 if span.end is not None or span.to is not None else None
        case "unlooked":
            return float("inf")
        case "broken":
            return span.to.seq - 0.5 if span.to is not None else float("inf")
        case "clock" if span.by is not None:
            return span.by.seq - 0.5
        case _:
            return None


def move_lines(move: Move, now: datetime, *, short: bool = False) -> list[Line]:
    """All that a move says, what is wrong of it first; `short`: what has room in a few lines."""
    event, actor, who = move.event, move.event.actor, who_words(move)
    place = "" if who == OUTSIDE else f"@{actor.host}"
    told = clock(event.time, now, seconds=True)
    head = [
        Part(f"{move.alias or move.model} {step_words(move)}", "strong"),
        Part(f"  {told}  by "),
        Part(f"{who}{place}", "strong"),
        Part(f"  event {event.seq} {event.phase}", "dim"),
    ]
    if event.plan and not short:
        head.append(Part(f"  plan {event.plan.removeprefix('sha256:')[:8]}", "dim"))
    lines = [line(*head, hang=2)]
    if said := outcome_words(move, event.time.astimezone(now.tzinfo)):
        lines.append(line(Part(f"  {said}", "warn"), hang=2))
    if why := "  ".join(filter(None, (event.ticket, event.reason))):
        lines.append(line(f"  why  {why}", hang=7))
    lines += _gate_lines(move, short=short)
    if move.approvals and not short:
        lines.append(line(f"  approved by {', '.join(one[:12] for one in move.approvals)}", hang=2))
    if actor.key and not short:
        lines.append(line(Part(f"  key  {actor.key}", "dim"), hang=7))
    return [*lines, *([] if short else [line()])]


def _gate_lines(move: Move, *, short: bool) -> list[Line]:
    """What the rules said, what did not hold first; in short only what did not pass."""
    gates = sorted(move.gates, key=lambda gate: (gate.holds, gate.verdict == "pass"))
    if not gates:
        return []
    policy = move.policy
    commit = f"  policy {policy.commit[:8]}" if policy is not None and policy.commit else ""
    count = len(move.approvals)
    approved = f"  {count} approval{'s' * (count != 1)}" if count and short else ""
    odd = [f"{gate.rule} {gate.verdict}" for gate in gates if gate.verdict != "pass"]
    said = f": {', '.join(odd)}" if odd and short else ""
    lines = [line(f"  gate {gate_words(move)} hold{said}{commit}{approved}", hang=7)]
    if short:
        return lines
    return [*lines, *(_rule_line(gate) for gate in gates)]


def _rule_line(gate: Verdict) -> Line:
    style = "" if gate.verdict == "pass" else "warn" if gate.holds else "bad"
    return line(
        Part(f"       {gate.verdict:7} {gate.rule}", style), Part(f"  {gate.shows}", "dim"), hang=15
    )


def state_lines(
    found: Timeline,
    spans: Mapping[Lane, Sequence[Span]],
    model: str,
    instant: datetime,
    now: datetime,
) -> list[Line]:
    """Where each alias of a model was at an instant, beside where it is now."""
    lanes = [lane for lane in spans if lane[0] == model]
    local = instant.astimezone(now.tzinfo)
    head = f"AT {local:%Y-%m-%d %H:%M:%S}  {model}"
    if gone := gone_at(found.moves, model, None, instant):
        head += f"  DELETED by event {gone.seq}"
    lines = [line(Part(head, "strong"))]
    wide = max((cells(show(alias)) for _, alias in lanes), default=0)
    return [*lines, *(_state_line(found, lane, spans[lane], wide, instant, now) for lane in lanes)]


def _state_line(
    found: Timeline, lane: Lane, spans: Sequence[Span], wide: int, instant: datetime, now: datetime
) -> Line:
    span, (model, alias) = span_at(spans, instant), lane
    then = span_words(span, instant, instant.astimezone(now.tzinfo))
    known = span.known and span.version is not None
    if known and gone_at(found.moves, model, span.version, instant):
        then += " DELETED"
    at = None if found.now is None else found.now.get(lane)
    if found.now is None:
        present = Part("  NOW not known", "warn")
    elif span.known and at == span.version:
        present = Part("  now the same", "dim")
    else:
        present = Part(f"  NOW {version_words(at)}", "strong")
    return line(
        f"  {alias}{' ' * (wide - cells(show(alias)))}  ",
        Part(then, "" if span.known else "warn"),
        Part(_since(span, now), "dim"),
        present,
        hang=wide + 4,
    )


def _since(span: Span, now: datetime) -> str:
    if not span.known or span.start is None:
        return ""
    by = f" by {who_words(span.by)}" if span.by is not None else ""
    return f"  since {clock(span.start, now)}{by}"


def title_parts(found: Timeline, now: datetime) -> list[Part]:
    """What it is of, in one line; what is not known stands out."""
    name = f"{found.model}@{found.alias}" if found.alias else found.model or "all models"
    count = sum(move.kind == "alias" for move in found.moves)
    parts = [Part(name, "strong"), Part(f"  {count:,} move{'s' * (count != 1)} of aliases", "dim")]
    outside = sum(move.outside for move in found.moves)
    if outside:
        parts.append(Part(f"  {outside} {OUTSIDE}", "warn"))
    if found.erased:
        parts.append(Part(f"  {found.erased} erased from the trail", "warn"))
    if not found.whole:
        parts.append(Part("  older ones are not shown", "warn"))
    if found.begun is not None:
        parts.append(Part(f"  trail begins {clock(found.begun, now)}", "dim"))
    return parts
