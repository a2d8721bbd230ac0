"""The series of a run as charts: a list of them, grouped by prefix, and what is chosen of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from modeldeck.app.usecases.confusion import is_matrix
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.export import export_points
from modeldeck.app.usecases.finding import find
from modeldeck.app.usecases.series import Drawn, Histories, grouped, is_curve
from modeldeck.app.usecases.views import point
from modeldeck.backends.api.runs import SeriesInfo
from modeldeck.widgets.chart import Chart
from modeldeck.widgets.sparkline import spark
from modeldeck.widgets.table import Cell, Column, Row

from ..charting import KEYS
from ..exports import export_rows
from ..words import figure
from .run_grid import GridPart

PAUSE = 0.06
"""Seconds for which the cursor must stand on a series before it is drawn."""
MOST_LINES = 20
POINT = ("run", "key", "step", "time", "value")
"""The columns of an exported point."""
SPARKS = 60
SPARK = 10
WIDE, MIDDLE = 110, 72


class ChartsPart(GridPart):
    """Series at the left, the chart at the right; below each other where it is narrow."""

    word = "Charts"
    nothing = 'no series: a script writes {"step": 1, "loss": 0.5} lines to metrics.jsonl'
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS)
    DEFAULT_CSS = """
    ChartsPart {
        layout: vertical;
        & > Table { height: auto; max-height: 40%; }
        & > #drawn { height: 1fr; }
        & > #drawn.machine > #large { height: 2fr; min-height: 7; }
        & > #drawn > .system { height: 1fr; min-height: 5; }
        &.middle, &.wide { layout: horizontal; }
        &.middle > Table { width: 24; height: 1fr; max-height: 100%; }
        &.wide > Table { width: 44; height: 1fr; max-height: 100%; }
        &.middle > #drawn, &.wide > #drawn { width: 1fr; margin-left: 1; }
    }
    """
    columns: ClassVar[Sequence[Column]] = [
        Column("name", "SERIES", pinned=True, min_width=10, max_width=40, priority=9, grow=1),
        Column("last", "LAST", "number", priority=8),
        Column("spark", "", max_width=SPARK, min_width=SPARK, priority=7),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.shown: tuple[str, ...] = ()
        self.said = ""
        self._figures: Mapping[str, SeriesInfo] = {}
        self._sparks: Mapping[str, list[float]] = {}
        self._wanted = ""
        self._late = False
        self._width = 0

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has series, or a picture of another kind."""
        return bool(detail.series) or any(is_matrix(one.path) for one in detail.artifacts)

    def body(self) -> Iterator[Widget]:
        """The list and the chart."""
        yield from super().body()
        console = self.run_screen.console
        chart = Chart(
            ascii=console.ascii_only, zone=self.run_screen.session.clock().tzinfo, id="large"
        )
        chart.can_focus = False
        yield Vertical(chart, id="drawn")

    def on_mount(self) -> None:
        """Arrange by the width."""
        self.fit(self.app.size.width)

    def on_resize(self) -> None:
        """Arrange by the width; a chart of another width needs other points."""
        self.fit(self.app.size.width)
        self.call_after_refresh(self.appear)

    def appear(self) -> None:
        """Draw what could not be drawn while there was no room, or another room."""
        resized = self.shown and self.chart.size.width != self._width
        if self._late or resized or self.units_fit != self.fitting_units():
            self.draw(keep=bool(self.shown))

    def fit(self, width: int) -> None:
        """Beside or below each other."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(MIDDLE <= width < WIDE, "middle")

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self.query_one("#large", Chart)

    @property
    def position(self) -> str:
        """What is drawn of what is chosen."""
        return self.grid_position or self.wrong or self.said or super().position

    # The list.

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """A row for each group and below it one for each of its series; then other pictures."""
        groups = grouped(detail.series)
        rows = []
        for group in groups:
            below = bool(group.prefix) and not self.text
            if below:
                rows.append(
                    Row(f"g:{group.prefix}", [f"{group.prefix}/ {len(group.series)}"], "strong")
                )
            for one in group.series:
                name = one.key[len(group.prefix) + 1 :] if below else one.key
                rows.append(self._row(one.key, name, detail, level=int(below)))
        paths = [one.path for one in detail.artifacts if is_matrix(one.path)]
        return [*rows, *(Row(f"c:{path}", [path, Cell("matrix", "dim")]) for path in paths)]

    def _row(self, key: str, name: str, detail: RunDetail, level: int) -> Row:
        ascii_only = self.run_screen.console.ascii_only
        small = self._sparks.get(key)
        picture = spark(small, SPARK, ascii_only).rstrip() if small else ""
        last = figure(detail.run.metrics.get(key))
        return Row(f"s:{key}", [name, last, Cell(picture, "dim")], level=level)

    def fitting(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows of names that fit: a part of one, a glob, a regular expression."""
        found = find((row.key[2:] for row in rows), self.text)
        self.wrong = found.wrong
        names = set(found.names)
        return [row for row in rows if row.key[2:] in names and row.key[0] != "g"]

    def take(self, detail: RunDetail) -> None:
        """Show these series; draw again what has changed."""
        if self.histories is None:
            self.histories = Histories(self.run_screen.session)
        self.histories.note(detail.run.id, detail.series)
        figures = {one.key: one for one in detail.series}
        known = self._figures.keys() | figures.keys()
        different = {key for key in known if figures.get(key) != self._figures.get(key)}
        changed = different & {*self.shown, *self.system_keys()}
        old, self._figures = self._figures, figures
        self.query_one("#drawn").display = self.holds(detail) and not self.gridded
        super().take(detail)
        self.take_grid(detail, different)
        if not self.shown and not self._wanted:
            self._wanted = self._first(detail)
        if self._wanted:
            place = self.table.source.index_of(f"s:{self._wanted}")
            self.table.goto(place or 0)
            self._wanted = ""
        if changed or not self.shown:
            self.draw(keep=bool(self.shown))
        small = [one for one in detail.series[:SPARKS] if one != old.get(one.key)]
        if small:
            run_id, histories = detail.run.id, self.histories
            self.ask("sparks", "", lambda: histories.small(run_id, small))

    def _first(self, detail: RunDetail) -> str:
        """What to draw first: a curve, and one whose direction is declared if there is any."""
        every = [one for group in grouped(detail.series) for one in group.series]
        curves = [one.key for one in every if is_curve(one)]
        declared = [key for key in self.run_screen.session.directions if key in curves]
        return next(iter([*declared, *curves]), "")

    def got_sparks(self, found: Mapping[str, list[float]]) -> None:
        """Put small pictures beside the names."""
        self._sparks = {**self._sparks, **found}
        if self.run_screen.detail is not None:
            super().take(self.run_screen.detail)

    def choose(self, key: str) -> None:
        """Put the cursor on a series, and draw it large."""
        self.leave_grid()
        self.table.clear_marks()
        self._wanted = key
        if self.run_screen.detail is not None:
            self.take(self.run_screen.detail)

    # What is chosen.

    def chosen(self) -> tuple[str, ...]:
        """The keys of the marked series, else of those under the cursor."""
        rows = sorted(self.table.marks) or [self.current]
        keys: dict[str, None] = {}
        for row in rows:
            kind, _, name = row.partition(":")
            found = [key for key in self._figures if key.startswith(f"{name}/")]
            keys |= dict.fromkeys([name] if kind == "s" else found)
        return tuple(key for key in keys if key in self._figures)

    def on_table_row_highlighted(self) -> None:
        """Draw what the cursor is on, when it stays there."""
        if not self.table.marks:
            self.draw(pause=PAUSE)

    def on_table_marks_changed(self) -> None:
        """Draw what is marked."""
        self.draw()

    def back(self) -> bool:
        """Leave the many charts, take marks off, then the narrowing."""
        if self.leave_grid():
            return True
        if self.table.marks:
            self.table.clear_marks()
            return True
        return super().back()

    def why_not_open(self) -> str:
        """There has to be one."""
        some = self.chosen() or self.current.startswith("c:")
        return "" if some else "there is nothing to draw"

    def open_current(self) -> None:
        """Draw it at once."""
        self.draw()

    # Drawing.

    def redraw(self) -> None:
        """Draw it, and the small ones, by another x or smoothed otherwise."""
        if self.has_system and self.by == "step":
            self.by = "time"
        self.draw()
        self.renew_grid()

    def draw(self, *, keep: bool = False, pause: float = 0) -> None:
        """Draw what is chosen; `keep` what is zoomed to."""
        keys = self.chosen()
        detail, histories = self.run_screen.detail, self.histories
        if self.current.startswith("c:") and not keys:
            self.draw_matrix(self.current[2:])
            return
        if not keys or detail is None or histories is None:
            return
        self.hide_matrix()
        if keys == self.shown and not keep and pause:
            return
        self._width = self.chart.size.width
        self._late = not (self.display and self._width)
        if self._late:
            return
        run_id, by, columns, weight = detail.run.id, self.by, self.chart.columns, self.weight
        view = self.chart.view
        zoomed = keep and view.zoomed
        low, high = (view.shown.lo, view.shown.hi) if zoomed else (None, None)
        if zoomed and view.shown.hi == view.whole.hi:
            # It may have grown: what is new at the end is wanted too.
            high = self.end_of(keys, view.shown.hi)
        beside = self.system_keys()

        async def work() -> tuple[tuple[str, ...], bool, list[Drawn], list[Drawn]]:
            if pause:
                await asyncio.sleep(pause)
            found = [
                await histories.drawn(run_id, key, columns, low, high, by, weight)
                for key in keys[:MOST_LINES]
            ]
            below = [await histories.drawn(run_id, key, columns, low, high, by) for key in beside]
            return keys, keep, found, below

        self.ask("drawn", f"series {', '.join(keys[:3])}", work)

    def end_of(self, keys: Sequence[str], end: float) -> float:
        """Where series end now, in the unit of x; at least `end`."""
        infos = [self._figures[key] for key in keys]
        if self.by == "step":
            return max([end, *(float(info.last_step) for info in infos)])
        times = [info.last_time.timestamp() for info in infos if info.last_time]
        starts = [info.first_time.timestamp() for info in self._figures.values() if info.first_time]
        zero = min(starts, default=0.0) if self.by == "relative" else 0.0
        return max([end, *(time - zero for time in times)])

    def got_drawn(self, answer: tuple[tuple[str, ...], bool, list[Drawn], list[Drawn]]) -> None:
        """Draw lines that have come."""
        keys, keep, found, below = answer
        self.shown = keys
        self.show_lines(found, below, self._title(keys), keep=keep)
        left = len(keys) - len(found)
        self.said = f"{len(found)} of {len(keys)} series drawn" if left else ""

    def _title(self, keys: Sequence[str]) -> str:
        if len(keys) == 1:
            return keys[0]
        prefixes = {key.partition("/")[0] for key in keys if "/" in key}
        whole = len(prefixes) == 1 and all("/" in key for key in keys)
        return f"{prefixes.pop()}/ {len(keys)} series" if whole else f"{len(keys)} series"

    def on_chart_zoomed(self, message: Chart.Zoomed) -> None:
        """Fetch the interval."""
        message.stop()
        self.draw(keep=True)

    def why_not_export(self) -> str:
        """There has to be something."""
        return "" if self.chosen() else "there is nothing to export"

    def export(self) -> None:
        """Write all points of what is drawn."""
        screen, keys = self.run_screen, self.chosen()
        session, run_id = screen.session, screen.run_id

        async def pages() -> AsyncIterator[Sequence[object]]:
            page: list[object] = []
            async for one in export_points(session, [run_id], keys):
                page.append(point(one))
                if len(page) >= 5000:
                    yield page
                    page = []
            yield page

        name = keys[0].replace("/", "-") if len(keys) == 1 else "series"
        export_rows(screen, f"{name}.csv", pages, "points", names=POINT)
