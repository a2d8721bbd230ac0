"""A whole chart as rows of text: title, label, legend, axes, canvas. No toolkit."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TypeAlias

from ..text import cells, clip, show, show_name
from . import clock, figure, scale
from .geometry import Drawn, Series, project, y_axis
from .glyphs import ASCII, UNICODE, Glyphs
from .model import STYLES, Line, View, XKind, marker, styles

Run: TypeAlias = tuple[str, str]
"""A text that may leave, and the name of its style: `title`, `label`, `axis`, `line-0` ..., ''."""

LEAST = (20, 5)
"""Cells. Below this nothing can be read."""
_SIDE = 100
"""Columns from which on the legend has a column of its own."""
_CROWD = 4
"""Lines above which one point a cell must do, to keep drawing quick."""
_APART = 16
"""Columns between two markers of one line."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What to draw. `zone` None is the zone of this machine.

    `note` is said of the lines. A `small` one has its last value for a label, and no legend; the
    numbers of y have `gutter` cells at least, so that charts below each other stand in line.
    """

    lines: Sequence[Line] = ()
    series: Sequence[Series] = ()
    title: str = ""
    x_kind: XKind = "step"
    log: bool = False
    ascii: bool = False
    zone: tzinfo | None = None
    note: str = ""
    small: bool = False
    gutter: int = 0

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    def tags(self) -> list[tuple[str, str, str]]:
        """Return marker, safe name and style name of each line."""
        return [
            (".", "", "faint")
            if line.faint
            else (
                marker(style, self.glyphs.markers),
                show_name(line.name),
                f"line-{style % STYLES}",
            )
            for line, style in zip(self.lines, styles(self.lines), strict=True)
        ]

    def named(self) -> list[int]:
        """Return the places of the lines that are no mere background."""
        return [place for place, line in enumerate(self.lines) if not line.faint]


@dataclass(slots=True)
class Frame:
    """A drawn chart: `height` rows of runs, each exactly `width` cells wide.

    The canvas is the part where lines are: it begins at `left` and `top` and is `columns` x
    `canvas_rows` cells.
    """

    width: int
    height: int
    rows: list[list[Run]] = field(default_factory=list)
    left: int = 0
    top: int = 0
    columns: int = 0
    canvas_rows: int = 0
    reading: bool = False
    """Whether the last row is free for the values under the cursor."""

    def text(self) -> str:
        """Return the chart without colour."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which rows and columns a size has room for."""

    head: int  # 1: title and label share a row, 2: a row each
    legend: int  # rows
    side: int  # columns of a legend on the right
    reading: bool
    rows: int  # of the canvas


def compose(picture: Picture, view: View, width: int, height: int) -> Frame:
    """Draw a picture into a frame of `width` x `height` cells; the last row is for the reading."""
    frame = Frame(width, height)
    if width < LEAST[0] or height < LEAST[1]:
        said = clip(f"a chart needs {LEAST[0]}x{LEAST[1]}", width, "")
        frame.rows = [_row([(said if at == 0 else "", "label")], width) for at in range(height)]
        return frame
    tags = picture.tags()
    named = [tags[place] for place in picture.named()]
    plan = _plan(picture, named, width, height)
    series = list(picture.series)
    axis = y_axis(series, view.shown, plan.rows, picture.log)
    at_rows = _y_ticks(axis, plan.rows, picture.glyphs)
    # Half of the width is left to the lines, whatever the numbers look like.
    gutter = max((len(text) for text in at_rows.values()), default=0)
    gutter = min(max(gutter, picture.gutter), width // 2)
    frame.left, frame.top = gutter + 1, plan.head + plan.legend
    frame.columns, frame.rows = width - gutter - 1 - plan.side, []
    frame.canvas_rows = plan.rows
    size = (frame.columns, plan.rows)
    dots = picture.glyphs.dots
    fine = frame.columns * (dots[0] if len(series) <= _CROWD else 1)
    drawn = [project(one, view.shown, axis, size, dots, fine, log=picture.log) for one in series]

    frame.rows += _head(picture, view, drawn, plan, width)
    if plan.legend:
        frame.rows.append(_legend(named, width, picture.glyphs))
    canvas = _canvas(picture, tags, drawn, size)
    if axis is None:
        _write(canvas, _nothing(picture, view, drawn))
    side = _side_legend(named, plan)
    for at, cells_ in enumerate(canvas):
        text = at_rows.get(at, "")
        edge = picture.glyphs.side_tick if at in at_rows else picture.glyphs.side
        runs = [(clip(text, gutter, "").rjust(gutter) + edge, "axis"), *_runs(cells_, tags)]
        frame.rows.append(_row(runs + side.get(at, []), width))
    frame.rows += _x_rows(picture, view, frame)
    frame.reading = plan.reading
    if plan.reading:
        frame.rows.append(_row([], width))
    return frame


def pixel_columns(picture: Picture, frame: Frame) -> int:
    """Return how many columns of dots the canvas has: what an owner should decimate to."""
    return frame.columns * (picture.glyphs.dots[0] if len(picture.lines) <= _CROWD else 1)


def _plan(picture: Picture, tags: list[tuple[str, str, str]], width: int, height: int) -> _Plan:
    head = 2 if height >= 12 and picture.title else 1
    if picture.small:
        return _Plan(1, 0, 0, False, height - 3)
    named = len(tags) > 1 or any(line.name not in ("", picture.title) for line in picture.lines)
    side = 0
    if named and width >= _SIDE and len(tags) > 1:
        side = min(max(cells(name) for _, name, _ in tags) + 4, width // 4)
    legend = int(named and not side and height >= 9)
    reading = height >= 6
    return _Plan(head, legend, side, reading, height - head - legend - 2 - reading)


def _head(
    picture: Picture, view: View, drawn: list[Drawn], plan: _Plan, width: int
) -> list[list[Run]]:
    cut = picture.glyphs.dots_for_cut
    title = clip(show(picture.title), width, cut)
    label = _small_label(picture) if picture.small else _label(picture, view, drawn)
    if plan.head == 2:
        return [_row([(title, "title")], width), _row([(_fit(label, width), "label")], width)]
    if not title:
        return [_row([(_fit(label, width), "label")], width)]
    room = width - cells(title) - 2
    return [_row([(title, "title"), ("  " + _fit(label, room), "label")], width)]


def _label(picture: Picture, view: View, drawn: list[Drawn]) -> list[str]:
    """Say what is drawn of how much, the most important first."""
    named = picture.named()
    totals = [picture.series[place].total for place in named]
    points = [drawn[place].points for place in named]
    parts = []
    if totals:
        each = " a line" if len(totals) > 1 else ""
        if len(set(totals)) > 1 or len(set(points)) > 1:
            totals, points = [sum(totals)], [sum(points)]
            each = f" in {len(named)} lines"
        if any(one.sampled for one in picture.series):
            parts.append(f"{points[0]:,} points of a sample{each}")
        elif points[0] == totals[0]:
            parts.append(f"{points[0]:,} point{'s' * (points[0] != 1)}{each}")
        else:
            parts.append(f"{points[0]:,} drawn of {totals[0]:,}{each}")
    if picture.note:
        parts.append(picture.note)
    if picture.log:
        parts.append("log y")
    parts += _odd(picture, drawn)
    if view.zoomed:
        times = (view.whole.hi / 2 - view.whole.lo / 2) / (view.shown.hi / 2 - view.shown.lo / 2)
        parts.append(f"zoomed {times:,.0f}x" if times >= 10 else f"zoomed {times:.2g}x")
    return parts


def _small_label(picture: Picture) -> list[str]:
    """Say the last value of a single line, how many lines there are of several."""
    named = picture.named()
    note = [picture.note] if picture.note else []
    if len(named) != 1:
        return [f"{len(named)} lines", *note] if named else note
    values = picture.series[named[0]].y
    return [scale.number(float(values[-1])), *note] if len(values) else note


def _fit(parts: list[str], width: int) -> str:
    while len(parts) > 1 and len("  ".join(parts)) > width:
        parts = parts[:-1]
    return clip("  ".join(parts), max(width, 0), "")


def _nothing(picture: Picture, view: View, drawn: list[Drawn]) -> str:
    said = "no points here" if view.zoomed else "no points"
    odd = _odd(picture, drawn)
    return f"{said}: {', '.join(odd)}" if odd else said


def _odd(picture: Picture, drawn: list[Drawn]) -> list[str]:
    """Say what is not on the canvas as a line. Of a decimated series only some of it is at hand."""
    drawn = [drawn[place] for place in picture.named()]
    some = any(one.sampled or one.total > len(one.x) for one in picture.series)
    counts = (
        (sum(one.not_positive for one in drawn), "not above 0, left out"),
        (sum(one.nan for one in drawn), "NaN"),
        (sum(one.above for one in drawn), "+inf"),
        (sum(one.below for one in drawn), "-inf"),
    )
    return [f"some {word}" if some else f"{count:,} {word}" for count, word in counts if count]


def _legend(tags: list[tuple[str, str, str]], width: int, glyphs: Glyphs) -> list[Run]:
    runs: list[Run] = []
    used = 0
    for at, (symbol, name, style) in enumerate(tags):
        left = len(tags) - at
        more = f"+{left} more"
        gap = 2 if at else 0
        text = f"{symbol} {clip(name, max(12, width // 4), glyphs.dots_for_cut)}"
        if used + gap + cells(text) + (len(more) + 2 if left > 1 else 0) > width:
            runs.append((clip(" " * gap + more, width - used, ""), "label"))
            break
        runs += [(" " * gap, ""), (text, style)] if gap else [(text, style)]
        used += gap + cells(text)
    return _row(runs, width)


def _side_legend(tags: list[tuple[str, str, str]], plan: _Plan) -> dict[int, list[Run]]:
    if not plan.side:
        return {}
    found: dict[int, list[Run]] = {}
    for at, (symbol, name, style) in enumerate(tags):
        if at == plan.rows - 1 and len(tags) > plan.rows:
            found[at] = [("  ", ""), (f"+{len(tags) - at} more", "label")]
            break
        found[at] = [("  ", ""), (f"{symbol} {clip(name, plan.side - 4)}", style)]
    return found


def _y_ticks(axis: scale.Axis | None, rows: int, glyphs: Glyphs) -> dict[int, str]:
    """Return the labels of the rows (0 is the upper one) that have a tick."""
    if axis is None:
        return {}
    values = scale.ticks(axis, max(2, min(rows // 3 + 1, 12)))
    found: dict[int, str] = {}
    per = rows * glyphs.dots[1]
    for value, text in zip(values, scale.labels(values, axis.log), strict=True):
        share = min(max(axis.share(value), 0), 1)
        found.setdefault(rows - 1 - int((share * (per - 1) + 0.5) / glyphs.dots[1]), text)
    return found


def _x_rows(picture: Picture, view: View, frame: Frame) -> list[list[Run]]:
    glyphs = picture.glyphs
    base, text = [glyphs.base] * frame.columns, [" "] * frame.width
    free = 0
    for value, label in x_ticks(picture, view, frame.columns):
        share = view.shown.share(value)
        column = min(max(int(share * frame.columns), 0), frame.columns - 1)
        start = frame.left + column - len(label) // 2
        start = max(0, min(start, frame.left + frame.columns - len(label)))
        if start < free or start + len(label) > frame.width:
            continue
        base[column] = glyphs.base_tick
        text[start : start + len(label)] = label
        free = start + len(label) + 2
    line = " " * (frame.left - 1) + glyphs.corner + "".join(base)
    return [
        _row([(line, "axis")], frame.width),
        _row([("".join(text), "axis")], frame.width),
    ]


def x_ticks(picture: Picture, view: View, columns: int) -> list[tuple[float, str]]:
    """Return the ticks of the x axis with labels, as many as `columns` cells have room for."""
    if not any(len(one.x) for one in picture.series):
        return []
    most = max(2, min(columns // 12, 10))
    if picture.x_kind == "time":
        return clock.time_ticks(view.shown, most, picture.zone)
    if picture.x_kind == "relative":
        return clock.relative_ticks(view.shown, most)
    longest = max(len(scale.step(round(end))) for end in (view.shown.lo, view.shown.hi))
    values = scale.steps(view.shown, max(2, min(columns // (longest + 6), 12)))
    return [(value, scale.step(value)) for value in values]


def _canvas(
    picture: Picture,
    tags: list[tuple[str, str, str]],
    drawn: list[Drawn],
    size: tuple[int, int],
) -> list[list[figure.Cell]]:
    braille = picture.glyphs.braille
    inked = [
        (one.strokes, "braille" if braille else tag[0])
        for one, tag in zip(drawn, tags, strict=True)
    ]
    canvas = figure.draw(inked, *size)
    order = {place: at for at, place in enumerate(picture.named())}
    for number, (one, tag) in enumerate(zip(drawn, tags, strict=True)):
        if braille and number in order:
            # Dots have no shape of their own: without colour only these tell lines apart.
            for x, y in _spots(one, order[number], len(order) > 1, size[0]):
                row = min(max(size[1] - 1 - int(y), 0), size[1] - 1)
                canvas[row][min(int(x), size[0] - 1)] = (tag[0], number)
        for column, sign in one.marks:
            row, arrow = (0, picture.glyphs.up) if sign > 0 else (-1, picture.glyphs.down)
            canvas[row][column] = (arrow, number)
    return canvas


def _spots(drawn: Drawn, number: int, several: bool, width: int) -> list[tuple[float, float]]:
    """Return where the marker of a line is put: on lonely points, and now and then on the line."""
    lonely = [(xs[0], ys[0]) for xs, ys in drawn.strokes if len(xs) == 1]
    found = lonely if len(lonely) <= max(1, width // 3) else []
    if several:
        column = number * 5 % _APART + 0.5
        strokes = iter(drawn.strokes)
        xs, ys = next(strokes, ([], []))
        while xs and column < width:
            if xs[-1] < column:
                xs, ys = next(strokes, ([], []))
                continue
            after = bisect_left(xs, column)
            if after and xs[after] > xs[after - 1]:
                share = (column - xs[after - 1]) / (xs[after] - xs[after - 1])
                found.append((column, ys[after - 1] + share * (ys[after] - ys[after - 1])))
            column += _APART
    return found


def _write(canvas: list[list[figure.Cell]], text: str) -> None:
    row = canvas[len(canvas) // 2]
    text = text[: len(row)]
    start = (len(row) - len(text)) // 2
    row[start : start + len(text)] = [(char, -2) for char in text]


def _runs(row: list[figure.Cell], tags: list[tuple[str, str, str]]) -> list[Run]:
    """Join cells of one line; blanks go with what stands before them."""
    runs: list[Run] = []
    text, style = "", ""
    for char, number in row:
        own = style if char == " " else "label" if number < 0 else tags[number][2]
        if own != style:
            if text:
                runs.append((text, style))
            text, style = "", own
        text += char
    runs.append((text, style))
    return runs


def _row(runs: list[Run], width: int) -> list[Run]:
    used = sum(cells(text) for text, _ in runs)
    return [*runs, (" " * (width - used), "")] if used < width else runs
