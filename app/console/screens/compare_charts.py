"""The charts of a comparison: one metric of all runs, or many small ones."""

from collections.abc import Awaitable, Callable, Sequence

from modeldeck.app.usecases.compare import Comparison
from modeldeck.app.usecases.series import Drawn, Histories
from modeldeck.app.usecases.series import XKind as By
from modeldeck.widgets.chart import Chart, ChartGrid, Line
from modeldeck.widgets.table import Table

from ..charting import Charting, lines_of
from ..compare_rows import name_of
from .base import DeckScreen


class CompareCharts(Charting, DeckScreen):
    """What draws the series of the runs that are compared."""

    item: Comparison | None = None
    run_ids: list[str]
    metric = ""
    histories: Histories | None = None
    _width = 0

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#table", Table)

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self.query_one("#chart", Chart)

    def _metrics(self) -> list[str]:
        if self.item is None:
            return []
        declared = [row.key for row in self.item.metrics if row.direction]
        return [*declared, *(row.key for row in self.item.metrics if not row.direction)]

    def do_metric(self) -> None:
        """The chart of the metric under the cursor; if that is drawn, of the next."""
        section, _, key = (self.table.cursor_key or "").partition(" ")
        if section == "METRICS" and key != self.metric:
            self.draw(key)
        else:
            self.do_next_part()

    def why_not_metric(self) -> str:
        """There has to be one."""
        return "" if self._metrics() else "none of the runs has a metric"

    def do_next_part(self, by: int = 1) -> None:
        """The chart of the next metric."""
        every = self._metrics()
        if every:
            at = every.index(self.metric) if self.metric in every else -1
            self.draw(every[(at + by) % len(every)])

    def do_previous_part(self) -> None:
        """The chart of the metric before."""
        self.do_next_part(-1)

    why_not_next_part = why_not_previous_part = why_not_metric

    def draw(self, key: str, *, keep: bool = False) -> None:
        """Draw the series of a metric of all runs."""
        item, histories = self.item, self.histories
        if item is None or histories is None or not key:
            return
        self.metric = key
        self.lay_out()
        self._width = self.chart.size.width
        if not self._width:
            return
        columns_, by, view = self.chart.columns, self.by, self.chart.view
        low, high = (view.shown.lo, view.shown.hi) if keep and view.zoomed else (None, None)
        fetch = self._fetch(item, histories, key, columns_, low, high)

        weight = self.weight

        async def work() -> tuple[str, By, float, bool, Sequence[Drawn]]:
            return key, by, weight, keep, await fetch()

        self.bridge.ask(self, "drawn", f"series {key} of {len(item.runs)} runs", work)

    def _fetch(
        self,
        item: Comparison,
        histories: Histories,
        key: str,
        columns_: int,
        low: float | None = None,
        high: float | None = None,
    ) -> Callable[[], Awaitable[Sequence[Drawn]]]:
        ids = [run.id for run in item.runs]
        by, weight = self.by, self.weight
        return lambda: histories.drawn_together(ids, key, columns_, low, high, by, weight)

    def chart_fits(self) -> None:
        """Draw what was waiting for room, or has another room now."""
        if self.is_attached and self.metric and self.chart.size.width != self._width:
            self.draw(self.metric, keep=bool(self._width))

    def got_drawn(self, answer: tuple[str, By, float, bool, Sequence[Drawn]]) -> None:
        """Draw lines that have come; a run keeps its marker whatever is drawn."""
        key, by, weight, keep, found = answer
        if self.item is None:
            return
        lines, note = self._lines(found, weight)
        self.chart.set_lines(lines, by, key, keep_view=keep, note=note)
        if not lines:
            self.say(f"{key} has no series, only a last value", "dim")

    def _lines(self, found: Sequence[Drawn], weight: float) -> tuple[list[Line], str]:
        assert self.item is not None
        some = [(place, one) for place, one in enumerate(found) if one.total != 0]
        names = [name_of(self.item.runs[place], place) for place, _ in some]
        return lines_of([one for _, one in some], weight, names, [place for place, _ in some])

    def redraw(self) -> None:
        """Draw it by another x, or smoothed otherwise; the small ones too."""
        self.draw(self.metric)
        self.grid.renew()

    def do_smooth(self) -> None:
        """Smooth lines more, from the most on not at all."""
        self.say(self.smooth())

    # Many small charts.

    @property
    def grid(self) -> ChartGrid:
        """The small charts."""
        return self.query_one("#many", ChartGrid)

    @property
    def gridded(self) -> bool:
        """Whether they are in sight."""
        return self.has_class("gridded")

    def do_grid(self) -> None:
        """A small chart for each metric, with all runs in it; or a large one."""
        self.toggle_class("gridded")
        self.lay_out()
        if self.gridded:
            self.grid.show(self._metrics(), self.metric)
            self.grid.focus()
        else:
            self.table.focus()
        self.draw_frame()

    def lay_out(self) -> None:
        """Show what belongs to the small charts, or to the table."""
        item, many = self.item, self.gridded
        self.query_one("#beware").display = not many and bool(item and item.warnings)
        self.query_one("#box").display = not many and bool(self.metric)

    def on_chart_grid_wanted(self, message: ChartGrid.Wanted) -> None:
        """Fetch the lines of one small chart."""
        message.stop()
        item, histories = self.item, self.histories
        if item is None or histories is None:
            return
        key, by, weight = message.name, self.by, self.weight
        fetch = self._fetch(item, histories, key, message.columns)

        async def work() -> tuple[str, By, float, Sequence[Drawn]]:
            return key, by, weight, await fetch()

        self.bridge.ask(self, "tile", f"series {key} of {len(item.runs)} runs", work)

    def got_tile(self, answer: tuple[str, By, float, Sequence[Drawn]]) -> None:
        """Draw it, and be asked for the next one."""
        key, by, weight, found = answer
        if self.item is not None:
            lines, note = self._lines(found, weight)
            self.grid.fill(key, lines, by, note=note)

    def on_chart_grid_chosen(self, message: ChartGrid.Chosen) -> None:
        """Make one large."""
        message.stop()
        self.do_grid()
        self.draw(message.name)

    def on_chart_grid_turned(self, message: ChartGrid.Turned) -> None:
        """Say which are in sight."""
        message.stop()
        self.draw_frame()

    def do_back(self) -> None:
        """Leave the small charts, then the screen."""
        if self.gridded:
            self.do_grid()
        else:
            super().do_back()

    def do_plot(self) -> None:
        """Bars, scatter, histogram of these runs."""
        from .plots import PlotScreen

        if self.item is not None:
            self.console.push_screen(PlotScreen(run_ids=self.run_ids, metric=self.metric))

    why_not_smooth = why_not_grid = why_not_plot = why_not_metric

    def on_chart_zoomed(self, message: Chart.Zoomed) -> None:
        """Fetch the interval."""
        message.stop()
        self.draw(self.metric, keep=True)
