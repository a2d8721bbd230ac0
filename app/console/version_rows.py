"""A version beside another as the rows of tables. Pure: nouns in, rows out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from modeldeck.app.config.redaction import masked_map, masked_side
from modeldeck.app.usecases.beside import Beside
from modeldeck.app.usecases.locks import lock_words as held_words
from modeldeck.app.usecases.runs import metric_title
from modeldeck.app.usecases.versions import VersionDetail
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.runs import SYSTEM, Evaluation, Run
from modeldeck.widgets.table import Cell, Column, Row, Span

from .lineage_rows import git_words
from .lock_rows import lock_words
from .words import delta, figure, size, when

NOT_KNOWN = "not known"
REMOVES = "Del removes"
Side = tuple[str, str, str]
"""What is compared, what it is here, what it is there; empty where it is not there."""


def titles(view: Beside) -> tuple[str, str]:
    """What the two sides are called: `v13`, `AGAINST champion v12`."""
    other = view.other
    mine = f"v{view.detail.version.version}"
    return mine, f"AGAINST {other.name} v{other.detail.version.version}" if other else "(no other)"


def fact_columns(view: Beside, width: int) -> list[Column]:
    """The columns of all that is compared side by side; both sides have the same room."""
    mine, other = titles(view)
    side = min(max((width - 38) // 2, 12), 72)
    return [
        Column("fact", "FACT", pinned=True, min_width=12, max_width=30, priority=9),
        Column("mine", mine, min_width=side, max_width=side, priority=8),
        Column("other", other, min_width=side, max_width=side, priority=7),
        Column("diff", "DIFF", min_width=6, max_width=16, priority=6),
    ]


def fact_rows(view: Beside, now: datetime, directions: Mapping[str, str]) -> list[Row]:
    """Everything of a version that can be told in a line, beside the other."""
    detail = view.detail
    other = view.other.detail if view.other else None
    rows = list(_alias_rows(view))
    if words := held_words(detail.version):
        span = Span("mine", words, "warn")
        rows.insert(0, Row("locked", [Cell("LOCKED", "warn"), words], span=span))
    rows += _safety_rows(detail.version, other.version if other else None)
    rows += [_text_row(*side) for side in _identity(detail, other, now)]
    rows += [_text_row(*side) for side in _source(detail, other)]
    rows += _part("METRICS", metric_rows(detail.run, other.run if other else None, directions))
    rows += _part("PARAMS", _map_rows("params", detail.run, other.run if other else None))
    rows += _part("SIGNATURE", _signature_rows(detail.version, other.version if other else None))
    shown = masked_map(detail.version.tags)
    tags = [_text_row(f"tag {key}", value, "") for key, value in shown.items()]
    return rows + _part("TAGS", tags)


def _alias_rows(view: Beside) -> Iterator[Row]:
    version, model = view.detail.version, view.model
    for name in version.aliases:
        yield Row(f"alias:{name}", ["alias", Cell(name, "accent"), "", Cell(REMOVES, "dim")])
    for name, number in sorted(model.aliases.items()):
        if number != version.version:
            yield Row(
                f"elsewhere:{name}", [Cell("alias", "dim"), Cell("-", "dim"), f"{name} v{number}"]
            )
    if not model.aliases:
        yield Row("alias", ["alias", Cell("none: p points one at it", "dim")])


def _safety_rows(mine: Version, other: Version | None) -> list[Row]:
    there = _format_cell(other) if other else ""
    same = other is not None and other.format == mine.format
    rows = [Row("format", ["format", _format_cell(mine), there, _same(same, other is not None)])]
    if mine.unsafe is None:
        rows.append(Row("unsafe", ["safe to load", Cell("nobody looked", "warn")]))
    elif not mine.unsafe:
        rows.append(Row("unsafe", ["safe to load", Cell("nothing unsafe found", "ok")]))
    for place, finding in enumerate(mine.unsafe or ()):
        span = Span("mine", finding, "bad")
        rows.append(Row(f"unsafe{place}", [Cell("UNSAFE", "bad"), finding], span=span))
    return rows


def _format_cell(version: Version) -> Cell:
    return Cell(f"{version.format} UNSAFE", "bad") if version.unsafe else Cell(version.format)


def _identity(mine: VersionDetail, other: VersionDetail | None, now: datetime) -> Iterator[Side]:
    def each(name: str, of: Any) -> Side:
        return name, of(mine.version), of(other.version) if other else ""

    yield each("digest", lambda v: v.digest or f"{NOT_KNOWN}: its content was never read here")
    yield each("size", lambda v: size(v.size) if v.size is not None else NOT_KNOWN)
    yield each("created", lambda v: when(v.created_at, now))
    yield each("by", lambda v: v.user or NOT_KNOWN)
    yield each("status", lambda v: v.status)
    if mine.version.stage or (other and other.version.stage):
        yield each("stage", lambda v: v.stage or "none")
    if mine.version.source:
        yield each("source", lambda v: v.source or "")
    if mine.version.origin:
        yield each("origin", lambda v: v.origin or "")
    if mine.version.note:
        yield each("note", lambda v: v.note.partition("\n")[0])
    yield each("card", lambda v: _card_words(v.card))


def _card_words(card: str) -> str:
    lines = len(card.splitlines())
    return f"{lines} line{'s' * (lines != 1)}" if card.strip() else "none"


def _source(mine: VersionDetail, other: VersionDetail | None) -> Iterator[Side]:
    here, there = mine.run, other.run if other else None
    yield "run", _run_words(mine), _run_words(other) if other else ""
    if here or there:
        yield "experiment", here.experiment if here else "", there.experiment if there else ""
        yield "git", git_words(here), git_words(there) if there else ""
    yield "lock", lock_words(mine.lock), lock_words(other.lock) if other else ""


def _run_words(detail: VersionDetail) -> str:
    if detail.run is None:
        return f"{detail.version.run_id} (not here)" if detail.version.run_id else "none"
    return f"{detail.run.name or '(no name)'} {detail.run.id[:8]}"


def metric_rows(mine: Run | None, other: Run | None, directions: Mapping[str, str]) -> list[Row]:
    """The latest metrics of two runs: declared ones first, those of the machine last."""
    here = mine.metrics if mine else {}
    there = other.metrics if other else {}
    names = [name for name in directions if name in here or name in there]
    others = sorted({**here, **there}, key=lambda name: (name.startswith(SYSTEM), name))
    names += [name for name in others if name not in directions]
    return [
        measured_row(f"metric:{name}", name, here.get(name), there.get(name), directions.get(name))
        for name in names
    ]


def measured_row(
    key: str, name: str, here: float | None, there: float | None, direction: str | None
) -> Row:
    """A number beside another: by how much it differs, and whether that is better."""
    cells = [metric_title(name, direction), figure(here) or "-", figure(there) or "-"]
    return Row(key, [*cells, _delta_cell(here, there, direction)])


def _delta_cell(here: float | None, there: float | None, direction: str | None) -> Cell:
    if here is None or there is None or here != here or there != there:
        return Cell("")
    if here == there:
        return Cell("same", "dim")
    text = delta(here, there)
    if direction is None:
        return Cell(text)
    better = (here > there) == (direction == "higher")
    return Cell(f"{text} {'better' if better else 'worse'}", "ok" if better else "bad")


def evaluation_rows(view: Beside, directions: Mapping[str, str]) -> list[Row]:
    """Evaluations of the version beside those of the other, by dataset, slice and metric."""
    here = {_measured(e): e for e in view.detail.evaluations}
    there = {_measured(e): e for e in (view.other.detail.evaluations if view.other else ())}
    rows = []
    for place, key in enumerate([*here, *(key for key in there if key not in here)]):
        dataset, part, metric = key
        one, two = here.get(key), there.get(key)
        where = f"{dataset}, {part}" if part else dataset
        counted = one or two
        n = f" n={counted.n:,}" if counted and counted.n is not None else ""
        row = measured_row(
            f"evaluation:{place}",
            metric,
            one.value if one else None,
            two.value if two else None,
            directions.get(metric),
        )
        rows.append(Row(row.key, [*row.cells, Cell(f"on {where}{n}", "dim")]))
    return rows


def _measured(one: Evaluation) -> tuple[str, str, str]:
    return one.dataset, one.slice, one.metric


def _map_rows(of: str, mine: Run | None, other: Run | None) -> list[Row]:
    here: Mapping[str, str] = getattr(mine, of) if mine else {}
    there: Mapping[str, str] = getattr(other, of) if other else {}
    names = sorted({**here, **there}, key=lambda name: (here.get(name) == there.get(name), name))
    sides = {name: masked_side(name, [here.get(name), there.get(name)]) for name in names}
    return [
        _text_row(
            name, "-" if ours is None else ours, ("-" if its is None else its) if other else ""
        )
        for name, (ours, its) in sides.items()
    ]


def _signature_rows(mine: Version, other: Version | None) -> list[Row]:
    told = mine.signature or {}
    there = (other.signature if other else None) or {}
    return [
        _text_row(part, signature_words(told.get(part)), signature_words(there.get(part)))
        for part in dict.fromkeys([*told, *there])
    ]


def signature_words(value: Any) -> str:
    """Inputs or outputs: how many, then each with its type."""
    if not value:
        return ""
    if not isinstance(value, list | tuple):
        return str(value)
    words = []
    for item in value:
        if isinstance(item, dict):
            kind = item.get("type") or item.get("dtype") or item.get("tensor-spec", {})
            words.append(f"{item.get('name', '')}: {kind}".removeprefix(": "))
        else:
            words.append(str(item))
    return f"{len(words)}  {', '.join(words)}"


def _text_row(name: str, here: str, there: str) -> Row:
    different = bool(there) and there != here
    diff = _same(not different, bool(there) and here not in ("", NOT_KNOWN))
    return Row(f"fact:{name}", [name, here, Cell(there, "" if different else "dim"), diff])


def _same(same: bool, known: bool) -> Cell:
    if not known:
        return Cell("")
    return Cell("same", "dim") if same else Cell("differs", "warn")


def _part(title: str, rows: Sequence[Row]) -> list[Row]:
    if not rows:
        return []
    return [Row(f"part:{title}", [Cell(title, "strong")]), *rows]
