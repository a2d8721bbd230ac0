"""Bars, histograms, boxes and points of one value per name. No toolkit, no plotext."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..text import cells, show_name
from . import scale
from .glyphs import ASCII, UNICODE
from .model import marker
from .rows import Nothing, Run, bar, padded

_MANY = "#"
"""In place of a marker where more than nine points share a cell."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar a name. From 0, or where some are below it from the lowest; `best` is marked."""

    title: str
    names: Sequence[str]
    values: Sequence[float]
    best: int | None = None

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return a row a bar; what does not fit is counted."""
        finite = [value for value in self.values if math.isfinite(value)]
        if not self.names:
            return Nothing(f"{self.title}: no values").rows(width, height, ascii_only=ascii_only)
        low, high = min([*finite, 0.0]), max([*finite, 0.0])
        axis = scale.around(low, high)
        texts = [scale.number(value) for value in self.values]
        wide = max(map(len, texts))
        name = min(max(cells(show_name(one)) for one in self.names), max(width // 3, 6))
        room = max(width - name - wide - 4, 1)
        found: list[list[Run]] = [[(padded(self.title, width, ascii_only=ascii_only), "title")]]
        fit = len(self.names) if len(self.names) < height else height - 2
        for place in range(fit):
            value, mark = self.values[place], "* " if place == self.best else "  "
            share = axis.share(value) if math.isfinite(value) else 0.0
            found.append([
                (padded(self.names[place], name, ascii_only=ascii_only) + " ", ""),
                (texts[place].rjust(wide), "title" if place == self.best else ""),
                (mark, "title"),
                (bar(share, room, ascii_only=ascii_only), "line-0"),
            ])  # fmt: skip
        if fit < len(self.names):
            found.append([(f"+{len(self.names) - fit:,} more", "label")])
        return found


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie in each bin: (from, to, how many). `odd` are no finite numbers."""

    title: str
    bins: Sequence[tuple[float, float, int]]
    odd: int = 0

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return a row a bin, the lowest first."""
        said = f"  {self.odd:,} not finite, left out" if self.odd else ""
        if not self.bins:
            text = f"{self.title}: no values{said}"
            return Nothing(text).rows(width, height, ascii_only=ascii_only)
        edges = scale.labels([self.bins[0][0], *(one[1] for one in self.bins)])
        total, most = sum(one[2] for one in self.bins), max(one[2] for one in self.bins)
        wide, counts = max(map(len, edges)), [f"{one[2]:,}" for one in self.bins]
        count = max(map(len, counts))
        room = max(width - 2 * wide - count - 13, 1)
        head = f"{self.title}  {total:,} values{said}"
        found: list[list[Run]] = [[(padded(head, width, ascii_only=ascii_only), "title")]]
        for place, (_, _, number) in enumerate(self.bins):
            ends = f"{edges[place].rjust(wide)} .. {edges[place + 1].rjust(wide)} "
            share = f"{number / total:6.1%} "
            found.append([
                (ends, "axis"), (f"{counts[place].rjust(count)} ", ""), (share, "label"),
                (bar(number / most, room, ascii_only=ascii_only), "line-0"),
            ])  # fmt: skip
        return found


@dataclass(frozen=True, slots=True)
class Boxes:
    """For each name lowest, quartiles and highest of its values, all finite, on one axis."""

    title: str
    names: Sequence[str]
    boxes: Sequence[tuple[float, float, float, float, float]]
    counts: Sequence[int]

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return a row a name: `|---[==|==]---|`."""
        if not self.names:
            return Nothing(f"{self.title}: no values").rows(width, height, ascii_only=ascii_only)
        axis = scale.around(min(one[0] for one in self.boxes), max(one[4] for one in self.boxes))
        name = min(max(cells(show_name(one)) for one in self.names), max(width // 4, 6))
        labels = [f"{count:,}" for count in self.counts]
        wide = max(map(len, labels))
        medians = [scale.number(one[2]) for one in self.boxes]
        middle = max(map(len, medians))
        room = max(width - name - wide - middle - 6, 3)
        found: list[list[Run]] = [[(padded(self.title, width, ascii_only=ascii_only), "title")]]
        fit = len(self.names) if len(self.names) < height - 1 else height - 3
        found += [
            [
                (padded(self.names[place], name, ascii_only=ascii_only), ""),
                (f"  n {labels[place].rjust(wide)} ", "label"),
                (f"{medians[place].rjust(middle)} ", ""),
                (_box(self.boxes[place], axis, room, ascii_only=ascii_only), "line-0"),
            ]
            for place in range(fit)
        ]
        if fit < len(self.names):
            found.append([(f"+{len(self.names) - fit:,} more", "label")])
        low, high = scale.number(axis.lo), scale.number(axis.hi)
        left = " " * (name + wide + middle + 5)
        found.append([(left + low + high.rjust(max(room - len(low), len(high) + 1)), "axis")])
        return found


def _box(values: Sequence[float], axis: scale.Axis, room: int, *, ascii_only: bool) -> str:
    at = [min(max(int(axis.share(value) * (room - 1)), 0), room - 1) for value in values]
    line, thick, end, middle = ("-", "=", "|", "#") if ascii_only else ("─", "━", "│", "┃")
    row = [" "] * room
    for cell in range(at[0], at[4] + 1):
        row[cell] = line
    for cell in range(at[1], at[3] + 1):
        row[cell] = thick
    row[at[0]] = row[at[4]] = end
    row[at[2]] = middle
    return "".join(row)


@dataclass(frozen=True, slots=True)
class Scatter:
    """A point for each name: x, y, both finite. Points in one cell are counted: 2 to 9, then #."""

    title: str
    x_name: str
    xs: Sequence[float]
    ys: Sequence[float]
    left_out: int = 0

    def rows(self, width: int, height: int, *, ascii_only: bool) -> list[list[Run]]:
        """Return title, canvas, axis."""
        said = f"  {self.left_out:,} left out" if self.left_out else ""
        if not self.xs:
            text = f"{self.title}: no run has both{said}"
            return Nothing(text).rows(width, height, ascii_only=ascii_only)
        x, y = (scale.around(min(values), max(values)) for values in (self.xs, self.ys))
        down = height - 3
        glyphs = ASCII if ascii_only else UNICODE
        ticks = scale.ticks(y, max(2, down // 3))
        labels = dict(zip(ticks, scale.labels(ticks), strict=True))
        gutter = min(max(map(len, labels.values())), width // 2)
        across = width - gutter - 1
        counts: dict[tuple[int, int], int] = {}
        for a, b in zip(self.xs, self.ys, strict=True):
            cell = _cell(y, b, down), _cell(x, a, across)
            counts[cell] = counts.get(cell, 0) + 1
        at_rows = {_cell(y, value, down): text for value, text in labels.items()}
        symbol = marker(0, glyphs.markers)
        head = f"{self.title}  {len(self.xs):,} runs{said}"
        found: list[list[Run]] = [[(padded(head, width, ascii_only=ascii_only), "title")]]
        for row in reversed(range(down)):
            text = at_rows.get(row, "")
            edge = glyphs.side_tick if text else glyphs.side
            shown = "".join(
                _symbol(counts.get((row, column), 0), symbol) for column in range(across)
            )
            found.append([(text.rjust(gutter)[:gutter] + edge, "axis"), (shown, "line-0")])
        found.append([(" " * gutter + glyphs.corner + glyphs.base * across, "axis")])
        low, high = scale.labels([x.lo, x.hi])
        middle = padded(self.x_name, max(across - len(low) - len(high) - 2, 0),
                        ascii_only=ascii_only)  # fmt: skip
        found.append([(" " * (gutter + 1) + low, "axis"), (f" {middle} ", "label"), (high, "axis")])
        return found


def _cell(axis: scale.Axis, value: float, count: int) -> int:
    return min(max(int(axis.share(value) * count), 0), count - 1)


def _symbol(count: int, symbol: str) -> str:
    if count < 2:
        return symbol if count else " "
    return str(count) if count < 10 else _MANY
