"""Sends only the pieces of lines that are not on the terminal already.

Textual sends all that was invalidated: a screen that opens is painted two or three times over. On
a slow line that is what one waits for. What was sent last is kept here piece by piece.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

Piece = tuple[int, int, Strip]


class Shadow:
    """What stands on the terminal: for each line, pieces by their first cell."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[int, tuple[int, str]]] = {}

    def forget(self) -> None:
        """Somebody else has written there."""
        self._lines.clear()

    def put(self, x: int, y: int, width: int, text: str) -> bool:
        """Note a piece of `width` cells; gives whether it must be sent."""
        line = self._lines.setdefault(y, {})
        if line.get(x) == (width, text):
            return False
        end = x + width
        for at in [at for at, (wide, _) in line.items() if at < end and at + wide > x]:
            del line[at]
        line[x] = (width, text)
        return True


class LeanUpdate(CompositorUpdate):
    """An update of Textual's without what is there already."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, shadow: Shadow) -> None:
        self._update = update
        self._shadow = shadow

    def render_segments(self, console: Console) -> str:
        """The control sequences of what has to be sent."""
        update = self._update
        pieces = _whole(update) if isinstance(update, LayoutUpdate) else _spans(update)
        sent = []
        for x, y, strip in pieces:
            text = strip.render(console)
            if self._shadow.put(x, y, strip.cell_length, text):
                sent.append(Control.move_to(x, y).segment.text + text)
        return "".join(sent)


def lean(renderable: Any, shadow: Shadow) -> Any:
    """The lean one of an update that is understood; anything else as it is."""
    if isinstance(renderable, LayoutUpdate | ChopsUpdate):
        return LeanUpdate(renderable, shadow)
    shadow.forget()
    return renderable


def _whole(update: LayoutUpdate) -> Iterator[Piece]:
    for y, line in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in line:
            yield x, y, strip
            x += strip.cell_length


def _spans(update: ChopsUpdate) -> Iterator[Piece]:
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > x2 or end <= x1:
                continue
            inside = x2 > x >= x1 and end <= x2
            yield x, y, strip if inside else strip.crop(0, min(end, x2) - x)
