"""Runs beside one another: one column each, one row a key, one chart of a metric of all."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from modeldeck.app.actions import Action
from modeldeck.app.usecases import views
from modeldeck.app.usecases.compare import Comparison, compare_runs
from modeldeck.app.usecases.series import Histories, is_curve
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.chart import Chart, ChartGrid
from modeldeck.widgets.table import ListSource, Table
from modeldeck.widgets.text import one_line

from ..charting import KEYS
from ..compare_rows import columns, counted, rows
from ..exports import export_rows
from .compare_charts import CompareCharts

LOW = 30
"""Rows of the terminal from which on the chart has half of the screen."""


class ChartBox(Container):
    """Where the chart stands. How many points it needs is known when it has a size."""

    def on_resize(self) -> None:
        """Say that it has one."""
        if isinstance(self.screen, CompareScreen):
            self.call_after_refresh(self.screen.chart_fits)


class CompareScreen(CompareCharts):
    """2 to 20 runs; the first is the baseline until another one is chosen."""

    watches = True
    reads = "comparison"
    offers = (
        "metric", "baseline", "follow", "grid", "smooth", "plot", "open", "raw", "export", "back",
    )  # fmt: skip
    crumb = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [
        *[Binding(str(at), f"base({at})", "Another baseline", show=False) for at in range(10)],
        # `0` is a run here.
        *[one for one in KEYS if one.key != "0"],
    ]
    DEFAULT_CSS = """
    CompareScreen {
        & #about { height: 1; }
        & #table { height: 1fr; }
        & #beware { height: auto; max-height: 2; color: $text-warning; }
        & #box { height: 9; }
        &.tall #beware { max-height: 4; }
        &.tall #box { height: 40%; }
        &.gridded #table { display: none; }
        & #many { display: none; }
        &.gridded #many { display: block; }
    }
    """

    def __init__(self, run_ids: Sequence[str]) -> None:
        super().__init__()
        self.run_ids = list(run_ids)
        self.command = f"modeldeck runs compare {' '.join(run_ids)}"
        self.everything = False
        self._baseline: str | None = None
        self._source = ListSource()

    def body(self) -> Iterator[Widget]:
        """What is compared, the table, what to beware of, a chart."""
        yield Bar(id="about")
        empty = "reading ..."
        yield Table((), self._source, empty=empty, ascii_only=self.console.ascii_only, id="table")
        yield Static(id="beware", markup=False)
        chart = Chart(ascii=self.console.ascii_only, zone=self.session.clock().tzinfo, id="chart")
        chart.can_focus = False
        yield ChartBox(chart, id="box")
        zone = self.session.clock().tzinfo
        yield ChartGrid(ascii=self.console.ascii_only, zone=zone, id="many")

    def on_mount(self) -> None:
        """Have the keys go to the table."""
        self.histories = Histories(self.session)
        self.query_one("#beware").display = False
        self.query_one("#box").display = False
        self.table.focus()

    def on_resize(self) -> None:
        """A low terminal leaves the table more room."""
        self.set_class(self.app.size.height >= LOW, "tall")

    # Asking.

    def ask(self) -> None:
        """The comparison."""
        ids, baseline = self.run_ids, self._baseline

        async def work() -> Comparison:
            return await compare_runs(self.session, ids, baseline=baseline)

        self.bridge.ask(self, "comparison", f"compare {len(ids)} runs", work, old=True)

    def got_comparison(self, item: Comparison) -> None:
        """Show it."""
        if item == self.item:
            return
        first, self.item = self.item is None, item
        self.run_ids = [run.id for run in item.runs]
        self.crumb = f"compare {len(item.runs)}"
        self._show()
        warned = "\n".join(f"! {one_line(text)}" for text in item.warnings)
        beware = self.query_one("#beware", Static)
        beware.update(Content(warned))
        self.lay_out()
        if first:
            self._pick(item)
        elif self.metric:
            self.draw(self.metric)

    def _pick(self, item: Comparison) -> None:
        """Choose what to draw first: a curve, one whose direction is declared if there is any."""
        histories, base = self.histories, item.runs[item.baseline]
        if histories is None:
            return

        async def work() -> str:
            curved = {one.key for one in await histories.series(base.id) if is_curve(one)}
            every = self._metrics()
            curves = [key for key in every if key in curved]
            return next(iter([*curves, *every]), "")

        self.bridge.ask(self, "picked", f"series of {base.name}", work)

    def got_picked(self, key: str) -> None:
        """Draw it."""
        self.draw(key)

    def failed_comparison(self, error: ModeldeckError) -> None:
        """Keep what is shown."""
        if self.item is None:
            self.table.empty = one_line(str(error))
        self.fail(error)

    def _show(self) -> None:
        item = self.item
        if item is None:
            return
        found = rows(item, everything=self.everything)
        self.table.empty = "nothing differs; f shows all"
        self._source.replace(found)
        self.table.set_columns(columns(item))
        self.table.refresh_rows()
        if not self.table.cursor and len(found) > 1:
            self.table.goto(1)
        differ, every = counted(item)
        base = item.runs[item.baseline]
        shown = (
            f"all {every:,}" if self.everything else f"only differences, {differ:,} of {every:,}"
        )
        last = min(len(item.runs) - 1, 9)
        self.query_one("#about", Bar).say(
            [Part("base = "), Part(base.name or base.id[:12], "strong"), Part(f"  {shown}")],
            [Part(f"0-{last} base  b best", "dim")],
        )
        self.draw_frame()

    # The frame.

    def words(self, action: Action) -> str:
        """What keys do here."""
        own = {"follow": "all or differences", "metric": "chart it", "open": "the run"}
        return own.get(action.id, super().words(action))

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is in sight."""
        if self.notice or self.item is None:
            return super().state_line()
        if self.gridded:
            return [Part(self.grid.position, "dim")], [Part(self.age(), "dim")]
        return [Part(self.table.position, "dim")], [Part(self.age(), "dim")]

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_row_highlighted(self) -> None:
        """What was said is over."""
        if self.notice:
            self.say("")

    # Verbs.

    def do_follow(self) -> None:
        """All rows, or those that differ."""
        self.everything = not self.everything
        self._show()

    def action_base(self, place: int) -> None:
        """Make the run of that number the baseline."""
        if self.item is None or place >= len(self.item.runs):
            self.say(f"there is no run {place}", "warn")
            return
        self._baseline = self.run_ids[place]
        self.ask()

    def do_baseline(self) -> None:
        """Make the run of the chosen column the baseline."""
        self.action_base(self._chosen())

    def why_not_baseline(self) -> str:
        """A column has to be chosen."""
        return "" if self._chosen() >= 0 else "choose a run with shift+Left and shift+Right"

    def _chosen(self) -> int:
        key = self.table.selected_column or ""
        return int(key) if key.isdigit() else -1

    def do_open(self) -> None:
        """The run of the chosen column, else the baseline."""
        if self.item is not None:
            place = self._chosen()
            self.console.open_run(self.run_ids[place if place >= 0 else self.item.baseline])

    def on_table_row_chosen(self) -> None:
        """Enter."""
        self.do_open()

    def on_table_sort_asked(self) -> None:
        """Rows have an order of their own."""
        self.say("the order of keys says what belongs together; it stays", "warn")

    def do_raw(self) -> None:
        """The comparison as JSON."""
        if self.item is not None:
            self.console.show_json(self, views.comparison(self.item), "JSON")

    def do_export(self) -> None:
        """Write it to a file, one row for each key of each run."""
        item = self.item
        if item is None:
            return

        async def pages() -> AsyncIterator[Sequence[Any]]:
            yield list(views.comparison_rows(item))

        day = f"{self.session.clock():%Y%m%d}"
        export_rows(self, f"compare-{day}.csv", pages, "rows")
