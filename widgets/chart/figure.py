"""The drawing of strokes, by plotext, as cells.

plotext has one figure for the whole process, aborts it on a NaN and refuses infinities. So there
is one lock, and nothing but coordinates on the canvas (see `geometry`) gets here.
"""

import re
import threading
from collections.abc import Sequence
from typing import TypeAlias

Cell: TypeAlias = tuple[str, int]
"""A character, and the number of the line it belongs to (-1: blank)."""
Stroke: TypeAlias = tuple[list[float], list[float]]
"""x and y in cells from the lower left corner."""

_LOCK = threading.Lock()
_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
_EDGE = 1e-3
"""Cells. plotext leaves out what stands exactly on the upper edge."""
_MOST = 255
"""Lines are told apart by colour numbers, of which 0 would be black."""


def draw(
    lines: Sequence[tuple[Sequence[Stroke], str]], width: int, height: int
) -> list[list[Cell]]:
    """Draw lines (strokes and a marker: one character, or `braille`) on a canvas of cells.

    Returns `height` rows of `width` cells, the upper one first. Where lines meet the last one wins.
    """
    if not any(strokes for strokes, _ in lines):
        return [[(" ", -1)] * width for _ in range(height)]
    with _LOCK:
        text = _draw(lines, width, height)
    return [_cells(row, width) for row in text.split("\n")[:height]]


def _draw(lines: Sequence[tuple[Sequence[Stroke], str]], width: int, height: int) -> str:
    import plotext
    from plotext import figure, terminal

    # Else it would be cut to the size of the terminal, or to 80x22 where there is none.
    terminal.limit(False, False)
    figure.clear()
    try:
        figure.plot_size(width, height)
        figure.axes(False)
        figure.canvas("default")
        for axis, cells in (("x", width), ("y", height)):
            figure.ruler(axis, 0).lim(0, cells).alignment(lim="edge").frequency(0)
        for number, (strokes, symbol) in enumerate(lines):
            xs, ys, breaks = _joined(strokes, width, height)
            if not xs:
                continue
            colour = plotext.pixel(foreground=number % _MOST + 1)
            signal = figure.signal(xs, ys, marker=plotext.marker(symbol, colour)).lines()
            for at in breaks:
                signal.line(at, False)
            figure.draw(signal)
        return str(figure.build().string())
    finally:
        figure.clear()


def _joined(
    strokes: Sequence[Stroke], width: int, height: int
) -> tuple[list[float], list[float], list[int]]:
    """Return all strokes as one, and where it is to be broken: one signal is much the cheapest."""
    xs: list[float] = []
    ys: list[float] = []
    breaks: list[int] = []
    for across, up in strokes:
        if xs:
            breaks.append(len(xs))
        xs += [min(max(x, _EDGE), width - _EDGE) for x in across]
        ys += [min(max(y, _EDGE), height - _EDGE) for y in up]
    return xs, ys, breaks


def _cells(row: str, width: int) -> list[Cell]:
    cells: list[Cell] = []
    number = -1
    for at, part in enumerate(_COLOUR.split(row)):
        if at % 2:
            codes = part.split(";")
            number = int(codes[2]) - 1 if codes[:2] == ["38", "5"] else -1
        else:
            cells += [(char, -1 if char in " \u2800" else number) for char in part]
    cells = [(" ", -1) if number < 0 else (char, number) for char, number in cells[:width]]
    return cells + [(" ", -1)] * (width - len(cells))
