"""Around the chart of a run: many small ones, figures of the machine below it, a matrix."""

from collections.abc import Collection, Sequence

from textual.widget import Widget

from modeldeck.app.usecases.confusion import Matrix, read_matrix
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.finding import find
from modeldeck.app.usecases.series import Drawn, Histories, grouped, is_curve
from modeldeck.app.usecases.series import XKind as By
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.runs import SYSTEM
from modeldeck.widgets.chart import Chart, ChartGrid, Plot
from modeldeck.widgets.chart.layout import LEAST
from modeldeck.widgets.chart.model import XKind
from modeldeck.widgets.text import one_line

from ..charting import Charting, lines_of
from .run_part import TablePart

GUTTER = 11
"""Cells for the numbers of y where charts stand below each other on one axis."""
UNITS = {
    "percent": ("percent", "utilization"),
    "memory": ("bytes",),
    "other figures": ("",),
}
MOST_BELOW = 20
LARGE = 7
"""Rows that the large chart keeps above those of the machine."""


class GridPart(Charting, TablePart):
    """What stands where the chart of a run stands."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.histories: Histories | None = None
        self.gridded = False
        self.has_system = False
        self.units_fit = 0
        self.wrong = ""
        self._drawn_matrix = ""

    # Many small charts.

    @property
    def grid(self) -> ChartGrid | None:
        """The small charts, once they were looked at."""
        return next(iter(self.query(ChartGrid)), None)

    @property
    def grid_position(self) -> str:
        """Which of them are in sight."""
        if not self.gridded or self.grid is None:
            return ""
        said = f"{self.grid.position}  / {self.text}" if self.text else self.grid.position
        return self.wrong or said

    def toggle_grid(self) -> None:
        """Many small charts, or a large one."""
        if self.leave_grid():
            return
        self.gridded = True
        if self.grid is None:
            zone = self.run_screen.session.clock().tzinfo
            self.mount(ChartGrid(ascii=self.run_screen.console.ascii_only, zone=zone))
        self._arrange()
        if self.run_screen.detail is not None:
            self.take_grid(self.run_screen.detail, ())

    def leave_grid(self) -> bool:
        """Show a large one; gives whether there were many."""
        if not self.gridded:
            return False
        self.gridded = False
        self._arrange()
        return True

    def _arrange(self) -> None:
        grid = self.grid
        self.table.display = self.query_one("#drawn").display = not self.gridded
        if grid is not None:
            grid.display = self.gridded
        self.call_after_refresh(self.run_screen.settle)

    def focus_on(self) -> Widget:
        """The small charts, or the list."""
        return self.grid if self.gridded and self.grid is not None else super().focus_on()

    def take_grid(self, detail: RunDetail, changed: Collection[str]) -> None:
        """Show curves of these names, grouped by prefix; fetch those again that have changed."""
        grid = self.grid
        if grid is None or not self.gridded:
            return
        every = [one for group in grouped(detail.series) for one in group.series]
        names = [one.key for one in every if is_curve(one)] or [one.key for one in every]
        if self.text:
            found = find(names, self.text)
            names, self.wrong = list(found.names), found.wrong
        if list(grid.names) != names:
            at = self.current[2:] if not grid.names else ""
            grid.show(names, at if at in names else "")
        if changed:
            grid.renew(set(changed) & set(grid.in_sight))

    def renew_grid(self) -> None:
        """Draw the small ones anew."""
        if self.grid is not None:
            self.grid.renew()

    def on_chart_grid_wanted(self, message: ChartGrid.Wanted) -> None:
        """Fetch the lines of one small chart."""
        message.stop()
        detail, histories = self.run_screen.detail, self.histories
        if detail is None or histories is None:
            return
        run_id, key, by, weight = detail.run.id, message.name, self.by, self.weight

        async def work() -> tuple[str, By, float, Drawn]:
            found = await histories.drawn(run_id, key, message.columns, by=by, smooth=weight)
            return key, by, weight, found

        self.ask("tile", f"series {key}", work)

    def got_tile(self, answer: tuple[str, By, float, Drawn]) -> None:
        """Draw it, and be asked for the next one."""
        key, by, weight, found = answer
        if self.grid is not None:
            lines, note = lines_of([found], weight)
            self.grid.fill(key, lines, by, note=note)

    def on_chart_grid_chosen(self, message: ChartGrid.Chosen) -> None:
        """Make one large."""
        message.stop()
        self.choose(message.name)

    def choose(self, key: str) -> None:
        """Put the cursor on a series, and draw it large."""
        raise NotImplementedError

    def on_chart_grid_turned(self, message: ChartGrid.Turned) -> None:
        """Say which are in sight."""
        message.stop()
        self.run_screen.draw_frame()

    def action_log(self) -> None:
        """A logarithmic y, or not; of the small ones where they are in sight."""
        grid = self.grid
        for chart in grid.tiles if self.gridded and grid is not None else [self.chart]:
            chart.action_log()

    # The machine.

    def system_keys(self) -> list[str]:
        """The series of the machine that are drawn below the chart."""
        detail = self.run_screen.detail
        if not self.has_system or detail is None:
            return []
        return [one.key for one in detail.series if one.key.startswith(SYSTEM)][:MOST_BELOW]

    def why_not_system(self) -> str:
        """There have to be figures of the machine."""
        detail = self.run_screen.detail
        some = detail and any(one.key.startswith(SYSTEM) for one in detail.series)
        known = self.has_system or self.gridded
        if some and not known and self._drawn_rows() < LARGE + LEAST[1]:
            return "no room below the chart for figures of the machine"
        return "" if some else "no figures of the machine: a short run, or one of elsewhere"

    def toggle_system(self) -> None:
        """The figures of the machine below the chart, on one axis of time; or not."""
        self.has_system = not self.has_system
        self.query_one("#drawn").set_class(self.has_system, "machine")
        if self.has_system and self.by == "step":
            self.by = "relative"
        for chart in self.query(".system"):
            chart.remove()
        self.leave_grid()
        self.chart.set_gutter(GUTTER if self.has_system else 0)
        self.redraw()

    def show_lines(
        self, found: Sequence[Drawn], below: Sequence[Drawn], title: str, *, keep: bool
    ) -> None:
        """Draw lines, and those of the machine below on the same axis."""
        ends = [float(x) for one in [*found, *below] if len(one.x) for x in (one.x[0], one.x[-1])]
        span = (min(ends), max(ends)) if below and ends else None
        lines, note = lines_of(found, self.weight)
        by: XKind = self.by
        self.chart.set_lines(lines, by, title, keep_view=keep, note=note, span=span)
        shown = self.chart.view.shown
        groups = _by_unit(below)
        fit = self.units_fit = self.fitting_units()
        for place, (unit, group) in enumerate(groups.items()):
            chart = self._below(unit)
            chart.display = place < fit
            names = [one.key.removeprefix(SYSTEM) for one in group]
            lines, _ = lines_of(group, 0, names)
            out = list(groups)[fit:] if place == fit - 1 else []
            more = f", no room for {' and '.join(out)}" if out else ""
            chart.set_lines(lines, by, f"system: {unit}{more}", keep_view=keep, span=span)
            if self.chart.view.zoomed:
                chart.look_at(shown.lo, shown.hi)

    def _drawn_rows(self) -> int:
        return self.query_one("#drawn").size.height

    def fitting_units(self) -> int:
        """How many charts of the machine have room below the large one."""
        rows = self._drawn_rows()
        return max((rows - LARGE) // LEAST[1], 0) if self.has_system else 0

    def _below(self, unit: str) -> Chart:
        name = f"system-{unit.partition(' ')[0]}"
        found = next(iter(self.query(f"#{name}").results(Chart)), None)
        if found is not None:
            return found
        zone = self.run_screen.session.clock().tzinfo
        chart = Chart(
            ascii=self.run_screen.console.ascii_only, zone=zone, gutter=GUTTER, id=name,
            classes="system",
        )  # fmt: skip
        chart.can_focus = False
        self.query_one("#drawn").mount(chart)
        return chart

    # A matrix.

    def draw_matrix(self, path: str) -> None:
        """Show a confusion matrix that the run left."""
        if path == self._drawn_matrix:
            return
        session, owner = self.run_screen.session, address(self.run_screen.run_id)

        async def work() -> tuple[str, Matrix]:
            return path, await read_matrix(session, owner, path)

        self.ask("matrix", f"confusion matrix {path}", work)

    def got_matrix(self, answer: tuple[str, Matrix]) -> None:
        """Show it in place of the chart."""
        from modeldeck.widgets.chart.matrix import Squares

        path, matrix = answer
        self._drawn_matrix = path
        picture = Squares(matrix.labels, matrix.counts, path)
        self._plot().show(picture)
        self._swap(matrix=True)

    def failed_matrix(self, error: ModeldeckError) -> None:
        """Say why it cannot be read."""
        self.run_screen.say(one_line(str(error)), "warn")

    def hide_matrix(self) -> None:
        """Show the chart again."""
        if self._drawn_matrix:
            self._drawn_matrix = ""
            self._swap(matrix=False)

    def _plot(self) -> Plot:
        found = next(iter(self.query(Plot)), None)
        if found is None:
            found = Plot(ascii=self.run_screen.console.ascii_only)
            self.query_one("#drawn").mount(found)
        return found

    def _swap(self, *, matrix: bool) -> None:
        for child in self.query_one("#drawn").children:
            child.display = isinstance(child, Plot) == matrix


def _by_unit(found: Sequence[Drawn]) -> dict[str, list[Drawn]]:
    """Series of the machine by what they count: those of one unit share a chart."""
    groups: dict[str, list[Drawn]] = {}
    for one in found:
        unit = next(unit for unit, words in UNITS.items() if any(word in one.key for word in words))
        groups.setdefault(unit, []).append(one)
    return {unit: groups[unit] for unit in UNITS if unit in groups}
