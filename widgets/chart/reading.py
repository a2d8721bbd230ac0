"""The values under the cursor, in one line."""

import math

from ..text import cells, clip
from . import clock, scale
from .geometry import column_values
from .layout import Picture, Run
from .model import View, XKind

_X_NAMES: dict[XKind, str] = {"step": "step ", "time": "", "relative": "after "}


def reading(picture: Picture, view: View, columns: int, width: int) -> list[Run]:
    """Return x and the value of every line in the cursor's column, at most `width` cells.

    A column that holds several points gives their lowest and highest, `0.21..0.25`; one without
    any gives the nearest point, or `-` beyond the ends of the line. Without a cursor in sight it
    is the last point of each line.
    """
    column = view.column(columns)
    if column is None:
        return _line(*_last(picture, view), width, picture)
    lo, hi = view.span(column, columns)
    if column == columns - 1:
        hi = math.nextafter(hi, math.inf)
    held = [column_values(picture.series[place], lo, hi) for place in picture.named()]
    xs = [float(x) for found in held if found is not None for x in (found[0][0], found[0][-1])]
    near = [x for x in xs if lo <= x < hi] or sorted(xs, key=lambda x: abs(x - lo))[:1]
    values = ["-" if found is None else _values(found[1].tolist()) for found in held]
    return _line(_x(picture, view, near), values, width, picture)


def _last(picture: Picture, view: View) -> tuple[str, list[str]]:
    """Return the last x in sight, and the last value of each line."""
    ends: list[float] = []
    values: list[str] = []
    for one in (picture.series[place] for place in picture.named()):
        end = int(one.x.searchsorted(view.shown.hi, "right"))
        values.append(scale.number(float(one.y[end - 1])) if end else "-")
        if end:
            ends.append(float(one.x[end - 1]))
    return ("last " + _x(picture, view, [max(ends)]) if ends else ""), values


def _line(x: str, values: list[str], width: int, picture: Picture) -> list[Run]:
    """Write x and values, with the names of the lines if they fit: the legend has them."""
    every, named = picture.tags(), picture.named()
    tags = [every[place] for place in named]
    cut = picture.glyphs.dots_for_cut
    bare = len(tags) == 1 and picture.lines[named[0]].name in ("", picture.title)
    runs: list[Run] = []
    for names in ([] if bare else [24, 12, 0]) or [0]:
        runs = [(x, "label")] if x else []
        for (symbol, name, style), value in zip(tags, values, strict=True):
            shown = clip(name, names, cut) + " " if names else ""
            runs.append((f"{symbol} {shown}{value}", style))
        if sum(cells(text) + 2 for text, _ in runs) - 2 <= width:
            break
    return _fit(runs, width, picture)


def _values(values: list[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    odd = sorted({scale.number(value) for value in values if not math.isfinite(value)})
    words = []
    if finite:
        low, high = scale.number(min(finite)), scale.number(max(finite))
        words.append(low if low == high else f"{low}..{high}")
    return " ".join(words + odd)


def _x(picture: Picture, view: View, near: list[float]) -> str:
    if not near:
        return "-"
    span = view.shown.hi - view.shown.lo
    low, high = (_at(picture, value, span) for value in (min(near), max(near)))
    if low == high:
        return _X_NAMES[picture.x_kind] + low
    if picture.x_kind == "time" and low[:11] == high[:11]:
        high = high[11:]
    return f"{_X_NAMES[picture.x_kind]}{low}..{high}"


def _at(picture: Picture, value: float, span: float) -> str:
    if picture.x_kind == "time":
        return clock.moment(value, span, picture.zone)
    if picture.x_kind == "relative":
        return clock.duration(value, 0.001 if span < 60 else 1)
    return scale.step(value)


def _fit(words: list[Run], width: int, picture: Picture) -> list[Run]:
    runs: list[Run] = []
    used = 0
    for at, (text, style) in enumerate(words):
        left = len(words) - at
        more = f"+{left} more"
        room = width - used - (len(more) + 2 if left > 1 else 0)
        if cells(text) > room:
            cut = picture.glyphs.dots_for_cut
            runs.append(
                (clip(text if at == 0 else more, width - used, cut), style if at == 0 else "label")
            )
            used += cells(runs[-1][0])
            break
        runs.append((text, style))
        used += cells(text)
        if left > 1:
            gap = min(2, width - used)
            runs.append((" " * gap, ""))
            used += gap
    return [*runs, (" " * (width - used), "")]
