"""Which columns are shown, where, and how wide."""

from collections.abc import Sequence
from typing import NamedTuple

from ..text import cells
from .model import Column

GUTTER = 3
"""Cells before the first column: cursor, mark, baseline."""

NARROWEST_TEXT = 12
COMFORTABLE_TEXT = 20
"""Room that a text keeps rather than give it to a column of lower priority."""

SETTLE = 3
"""Cells by which a column may be too wide before it is narrowed."""


class Place(NamedTuple):
    """A shown column: its place among all, its first cell, its width."""

    column: int
    x: int
    width: int


class Plan(NamedTuple):
    """The shown columns from left to right.

    `start` is None for the home view, which keeps the columns of highest priority, else the first
    column of a window that was moved sideways.
    """

    places: tuple[Place, ...] = ()
    start: int | None = None
    total: int = 0

    def shows(self, index: int) -> bool:
        """Whether the column with this index is shown."""
        return any(place.column == index for place in self.places)


def natural(column: Column, suffix: int, texts: Sequence[str], old: int = 0) -> int:
    """Return the width that `column` would like for its title and these shown texts.

    A width that was a little larger before is kept, so that a refresh moves nothing.
    """
    wanted = max([cells(column.title) + suffix, *map(cells, texts)])
    wanted = max(wanted, column.min_width, 1)
    if column.max_width:
        wanted = min(wanted, column.max_width)
    return old if 0 < old - wanted <= SETTLE else wanted


def fit(
    columns: Sequence[Column],
    widths: Sequence[int],
    width: int,
    selected: int | None = None,
    start: int | None = None,
) -> Plan:
    """Return the plan for `width` cells (gutter included) in which `selected` is shown.

    The present window stays as long as it shows the selected column; else home if that shows it;
    else the window moves as little as needed.
    """
    layout = _Layout(columns, widths, width)
    if start is not None and not 0 <= start < len(columns):
        start = None
    present = layout.plan(start)
    if selected is None or not 0 <= selected < len(columns) or present.shows(selected):
        return present
    home = layout.plan(None)
    if home.shows(selected):
        return home
    first = selected
    if start is None or selected > start:
        # Moving right: as many columns before the selected one as leave it in sight.
        for at in range(selected - 1, -1, -1):
            if columns[at].pinned:
                continue
            if not layout.plan(at).shows(selected):
                break
            first = at
    return layout.plan(first)


def beyond(columns: Sequence[Column], plan: Plan) -> Sequence[int]:
    """Return the columns that are out of sight and are reached by scrolling to the right.

    From home these are all that are not shown, from a window those behind it.
    """
    shown = {place.column for place in plan.places}
    moving = [at for at in shown if not columns[at].pinned]
    start = 0 if plan.start is None else max(moving, default=len(columns))
    return [at for at in range(start, len(columns)) if at not in shown and not columns[at].pinned]


def scrolled(
    columns: Sequence[Column], widths: Sequence[int], width: int, plan: Plan, by: int
) -> int | None:
    """Return the start of the window to the right (`by` > 0) or left of `plan`; its own at an end.

    To the right the first hidden column comes first; to the left as many come as fit before what
    is first now, and home is what lies left of all.
    """
    if by > 0:
        hidden = beyond(columns, plan)
        return hidden[0] if hidden else plan.start
    if plan.start is None:
        return None
    before = [at for at in range(plan.start) if not columns[at].pinned]
    layout = _Layout(columns, widths, width)
    found = None
    for at in reversed(before):
        if not layout.plan(at).shows(before[-1]):
            return found
        found = at
    return None


class _Layout:
    def __init__(self, columns: Sequence[Column], widths: Sequence[int], width: int) -> None:
        self.columns = columns
        self.widths = widths
        self.room = width - GUTTER
        self.pinned = [at for at, column in enumerate(columns) if column.pinned]

    def plan(self, start: int | None) -> Plan:
        """Return the home plan, or the one whose moving columns begin at `start`."""
        if self.room <= 0:
            return Plan(start=start, total=len(self.columns))
        chosen = self._home() if start is None else self._window(start)
        return Plan(self._places(chosen), start, len(self.columns))

    def _least(self, at: int) -> int:
        column, wide = self.columns[at], self.widths[at]
        if column.kind != "text":
            return wide
        return min(wide, max(column.min_width, NARROWEST_TEXT))

    def _fair(self, at: int) -> int:
        return min(self.widths[at], max(self._least(at), COMFORTABLE_TEXT))

    def _home(self) -> list[int]:
        loose = [at for at in range(len(self.columns)) if at not in self.pinned]
        loose.sort(key=lambda at: (-self.columns[at].priority, at))
        return self._take([*self.pinned, *loose], stop=False)

    def _window(self, start: int) -> list[int]:
        loose = [at for at in range(start, len(self.columns)) if at not in self.pinned]
        first = loose[:1]
        # The column that was asked for goes before the pinned ones when there is room for one.
        need = sum(self._least(at) + 1 for at in [*self.pinned, *first])
        if need <= self.room + 1:
            return self._take(loose, stop=True, sure=[*self.pinned, *first])
        return self._take([*first, *self.pinned], stop=True)

    def _take(self, order: list[int], *, stop: bool, sure: Sequence[int] = ()) -> list[int]:
        """Return the columns that fit, those in `sure` first; `stop` at the first that does not."""
        taken = list(sure)
        left = self.room + 1 - sum(self._least(at) + 1 for at in sure)
        left -= min(sum(self._fair(at) - self._least(at) for at in sure), left)
        for at in order:
            if at in sure:
                continue
            if self._least(at) + 1 <= left:
                taken.append(at)
                left -= min(self._fair(at) + 1, left)
            elif not taken:
                return [at]
            elif stop:
                break
        pinned = [at for at in taken if at in self.pinned]
        return [*pinned, *sorted(at for at in taken if at not in self.pinned)]

    def _places(self, chosen: list[int]) -> tuple[Place, ...]:
        if not chosen:
            return ()
        size = {at: min(self._least(at), self.room) for at in chosen}
        left = self.room - sum(size.values()) - (len(chosen) - 1)
        gap = 1
        for at in sorted(chosen, key=lambda at: (-self.columns[at].priority, at)):
            more = max(min(self.widths[at] - size[at], left), 0)
            size[at] += more
            left -= more
        if left >= len(chosen) - 1:
            gap, left = 2, left - (len(chosen) - 1)
        self._grow(chosen, size, left)
        places = []
        x = GUTTER
        for at in chosen:
            places.append(Place(at, x, size[at]))
            x += size[at] + gap
        return tuple(places)

    def _grow(self, chosen: list[int], size: dict[int, int], left: int) -> None:
        growing = [at for at in chosen if self.columns[at].grow > 0]
        while left > 0 and growing:
            shares = sum(self.columns[at].grow for at in growing)
            before = left
            for at in growing:
                column = self.columns[at]
                more = min(max(before * column.grow // shares, 1), left)
                if column.max_width:
                    more = min(more, max(column.max_width - size[at], 0))
                size[at] += more
                left -= more
            growing = [
                at
                for at in growing
                if not self.columns[at].max_width or size[at] < self.columns[at].max_width
            ]
