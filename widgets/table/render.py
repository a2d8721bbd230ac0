"""Rows and heads as runs of text and style names, as few a line as can be."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from ..text import cells, clip, show_name
from .model import Column, Kind, Row
from .plan import Plan


class Glyphs(NamedTuple):
    """The signs that a table draws of itself."""

    ellipsis: str
    open: str
    closed: str
    ascending: str
    descending: str


UNICODE = Glyphs("…", "▾ ", "▸ ", "▲", "▼")
ASCII = Glyphs("..", "v ", "> ", "^", "v")

Run = tuple[str, str]
"""Text and the name of its style."""


class Line:
    """A line under construction: texts at their places, blanks between them.

    A blank looks the same in every style of a cell, so it joins the text before it; the style of
    the selected head underlines, so there it does not.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._at = 0

    def put(self, x: int, text: str, style: str, width: int) -> None:
        """Draw `text` (of `width` cells, without blanks at the edges) from cell `x` on."""
        blank = " " * (x - self._at)
        if self.runs and self.runs[-1][1] == style:
            self.runs[-1] = (self.runs[-1][0] + blank + text, style)
        elif self.runs and self.runs[-1][1] != "selected":
            self.runs[-1] = (self.runs[-1][0] + blank, self.runs[-1][1])
            self.runs.append((text, style))
        elif style == "selected" and blank:
            self.runs += [(blank, "head"), (text, style)]
        else:
            self.runs.append((blank + text, style))
        self._at = x + width

    def end(self, width: int, style: str = "") -> list[Run]:
        """Fill up to `width` and return the runs."""
        blank = " " * (width - self._at)
        if blank and self.runs and self.runs[-1][1] != "selected":
            self.runs[-1] = (self.runs[-1][0] + blank, self.runs[-1][1])
        elif blank:
            self.runs.append((blank, style))
        return self.runs


def head_runs(
    plan: Plan,
    columns: Sequence[Column],
    width: int,
    glyphs: Glyphs,
    selected: int | None = None,
    sorts: Sequence[tuple[str, bool]] = (),
) -> list[Run]:
    """Return the head: titles, `>` before the selected one, an arrow after the sorted ones."""
    line = Line()
    for place in plan.places:
        column = columns[place.column]
        suffix = sort_sign(column, glyphs, sorts)
        title = clip(show_name(column.title), place.width - cells(suffix), glyphs.ellipsis)
        text = clip(title + suffix, place.width, "")
        wide = cells(text)
        x = place.x + place.width - wide if column.right else place.x
        if place.column == selected:
            line.put(x - 1, ">" + text, "selected", wide + 1)
        elif text:
            line.put(x, text, "head", wide)
    return line.end(width, "head")


def sort_sign(column: Column, glyphs: Glyphs, sorts: Sequence[tuple[str, bool]]) -> str:
    """Return what stands after the title of a sorted column: an arrow, its turn among several."""
    for turn, (key, descending) in enumerate(sorts, 1):
        if key == column.key:
            number = str(turn) if len(sorts) > 1 else ""
            return number + (glyphs.descending if descending else glyphs.ascending)
    return ""


def row_runs(
    row: Row | None,
    plan: Plan,
    columns: Sequence[Column],
    width: int,
    glyphs: Glyphs,
    *,
    cursor: bool = False,
    marked: bool = False,
    baseline: bool = False,
) -> list[Run]:
    """Return one row: gutter, cells or span. A row that is not loaded is an ellipsis."""
    if width <= 0:
        return []
    line = Line()
    base = row.style if row is not None else "dim"
    gutter = gutter_text(cursor=cursor, marked=marked, baseline=baseline)[:width]
    if gutter:
        line.put(0, gutter, base, len(gutter))
    if row is None:
        if plan.places:
            dots = clip(glyphs.ellipsis, plan.places[0].width)
            line.put(plan.places[0].x, dots, base, cells(dots))
        return line.end(width)
    span_from = _span_place(row, plan, columns)
    for at, place in enumerate(plan.places):
        if at == span_from and row.span is not None:
            room = width - place.x
            text = clip(show_name(row.span.text), room, glyphs.ellipsis)
            line.put(place.x, text, row.span.style or base, cells(text))
            break
        text, style = cell_text(row, place.column, glyphs)
        if not text:
            continue
        column = columns[place.column]
        text = fit_text(text, place.width, column.kind, glyphs.ellipsis)
        wide = cells(text)
        x = place.x + place.width - wide if column.right else place.x
        line.put(x, text, style or base, wide)
    return line.end(width)


def gutter_text(*, cursor: bool, marked: bool, baseline: bool) -> str:
    """Return `>` for the cursor, `*` for a mark, `=` for the baseline, so far as they hold."""
    first = ">" if cursor else " "
    if marked and baseline:
        return first + "*="
    if marked or baseline:
        return first + ("*" if marked else "=")
    return first if cursor else ""


def cell_text(row: Row, index: int, glyphs: Glyphs) -> Run:
    """Return what a cell shows, made safe, with the tree's indent before the first column."""
    cell = row.cells[index] if index < len(row.cells) else ""
    text, style = (cell, "") if isinstance(cell, str) else cell
    text = show_name(text)
    if index == 0 and (row.level or row.twisty):
        twisty = {"open": glyphs.open, "closed": glyphs.closed}.get(row.twisty, "")
        text = "  " * row.level + twisty + text
    return text, style


def fit_text(text: str, width: int, kind: Kind, ellipsis: str) -> str:
    """Return `text` in at most `width` cells.

    A number that would lose more than decimals becomes `#`: a part of it would be another number.
    """
    if len(text) <= width and text.isascii():
        return text
    if kind != "number" or cells(text) <= width:
        return clip(text, width, ellipsis)
    kept = width - cells(ellipsis)
    point = text.find(".")
    decimals_only = 0 <= point < kept and text[point + 1 :].rstrip("%~").isdigit()
    return clip(text, width, ellipsis) if decimals_only else "#" * width


def segments(runs: Sequence[Run], palette: Mapping[str, Style]) -> list[Segment]:
    """Give the runs their colours; neighbours that look the same become one.

    An unknown style name is drawn plainly.
    """
    default = palette[""]
    drawn: list[Segment] = []
    for text, name in runs:
        style = palette.get(name, default)
        if drawn and drawn[-1].style == style:
            drawn[-1] = Segment(drawn[-1].text + text, style)
        else:
            drawn.append(Segment(text, style))
    return drawn


def plain(runs: Sequence[Run]) -> str:
    """Return the text of a line alone."""
    return "".join(text for text, _ in runs)


def _span_place(row: Row, plan: Plan, columns: Sequence[Column]) -> int | None:
    """Return the place at which the span of a row begins: its column, else the next one shown."""
    if row.span is None or not plan.places:
        return None
    wanted = next(
        (at for at, column in enumerate(columns) if column.key == row.span.column), len(columns)
    )
    for at, place in enumerate(plan.places):
        if place.column >= wanted:
            return at
    return len(plan.places) - 1
