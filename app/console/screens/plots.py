"""A metric over runs: against a parameter, as bars, as a histogram."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from textual.widget import Widget

from modeldeck.app.actions import Action
from modeldeck.app.analysis.spread import bins, box
from modeldeck.app.config.redaction import masked_value
from modeldeck.app.usecases.plots import (
    MOST,
    Field,
    against,
    numeric_first,
    read_field,
    values_of,
)
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.chart import Plot
from modeldeck.widgets.chart.plots import Bars, Boxes, Histogram, Scatter
from modeldeck.widgets.chart.rows import Nothing, Picture
from modeldeck.widgets.text import one_line

from ..exports import export_rows
from .base import DeckScreen

KINDS = ("scatter", "bars", "histogram")
BINS = 24


class PlotScreen(DeckScreen):
    """Runs of a list or of a comparison, one value of each."""

    watches = True
    reads = "field"
    offers = ("next_part", "metric", "next", "export", "refresh", "back")
    crumb = "plot"
    DEFAULT_CSS = """
    PlotScreen {
        & #about { height: 1; }
        & Plot { height: 1fr; }
    }
    """

    def __init__(
        self,
        *,
        run_ids: Sequence[str] = (),
        experiment: str = "",
        where: str = "",
        metric: str = "",
    ) -> None:
        super().__init__()
        self.run_ids, self.experiment, self.where = list(run_ids), experiment, where
        self.metric, self.param = metric, ""
        self.kind = KINDS[1] if run_ids else KINDS[0]
        self.field: Field | None = None
        self.metrics: list[str] = []
        self.params: list[str] = []

    def body(self) -> Iterator[Widget]:
        """What is drawn, in words, and drawn."""
        yield Bar(id="about")
        yield Plot(ascii=self.console.ascii_only)

    # Asking.

    def ask(self) -> None:
        """The runs with their metrics and parameters."""

        async def work() -> Field:
            return await read_field(
                self.session, run_ids=self.run_ids, experiment=self.experiment, where=self.where
            )

        self.bridge.ask(self, "field", "runs with metrics and parameters", work, old=True)

    def got_field(self, field: Field) -> None:
        """Draw it, where it is not what is drawn already."""
        if field == self.field:
            return
        self.field = field
        declared = [key for key in self.session.directions if key in field.keys.metrics]
        self.metrics = list(dict.fromkeys([*declared, *field.keys.metrics]))
        self.params = numeric_first(field.runs, field.keys.params)
        if self.metric not in self.metrics:
            self.metric = self.metrics[0] if self.metrics else ""
        if self.param not in self.params:
            self.param = self.params[0] if self.params else ""
        self.draw()

    def failed_field(self, error: ModeldeckError) -> None:
        """Say why there is nothing."""
        if self.field is None:
            self.query_one(Plot).show(Nothing(one_line(str(error))))
        self.fail(error)

    # Drawing.

    def draw(self) -> None:
        """Draw what is chosen."""
        self.query_one(Plot).show(self.picture())
        chosen = [Part(f"{self.metric or '(no metric)'}", "strong")]
        if self.kind == "scatter":
            chosen += [Part(" against ", "dim"), Part(self.param or "(no parameter)", "strong")]
        kinds = [
            Part(f"[{kind}]" if kind == self.kind else f" {kind} ",
                 "strong" if kind == self.kind else "")
            for kind in KINDS
        ]  # fmt: skip
        self.query_one("#about", Bar).say(chosen, kinds)
        self.draw_frame()

    def picture(self) -> Picture:
        """What is drawn, as a picture."""
        field, metric = self.field, self.metric
        if field is None or not metric:
            return Nothing("none of these runs has a metric")
        if self.kind == "scatter":
            return self._scatter(field)
        found = values_of(field.runs, metric)
        if self.kind == "histogram":
            return Histogram(metric, bins(found.values, BINS), found.odd)
        sign = {"higher": -1, "lower": 1}.get(self.session.directions.get(metric, ""), 0)
        order = sorted(range(len(found.values)), key=lambda at: sign * found.values[at])
        names = [found.names[at] for at in order]
        values = [found.values[at] for at in order]
        odd = f"  {found.odd:,} without a number, left out" if found.odd else ""
        best = 0 if sign and names else None
        return Bars(f"{metric}, last value{odd}", names, values, best)

    def _scatter(self, field: Field) -> Picture:
        if not self.param:
            return Nothing("none of these runs has a parameter; ] shows bars")
        found = against(field.runs, self.metric, self.param)
        title = f"{self.metric} against {self.param}"
        if not found.groups:
            return Scatter(title, self.param, found.xs, found.ys, found.left_out)
        return Boxes(
            f"{title}: lowest, quartiles, highest",
            [masked_value(self.param, name) or "(empty)" for name, _ in found.groups],
            [box(values) for _, values in found.groups],
            [len(values) for _, values in found.groups],
        )

    # The frame.

    def words(self, action: Action) -> str:
        """What keys do here."""
        own = {"next_part": "scatter, bars, histogram", "next": "next parameter"}
        return own.get(action.id, super().words(action))

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """How many runs there are."""
        if self.notice or self.field is None:
            return super().state_line()
        count = len(self.field.runs)
        said = f"the first {MOST:,} runs" if self.field.more else f"{count:,} runs"
        if self.where:
            said += f"  / {self.where}"
        return [Part(said, "dim")], [Part(self.age(), "dim")]

    # Verbs.

    def do_next_part(self, by: int = 1) -> None:
        """Another kind of picture."""
        self.kind = KINDS[(KINDS.index(self.kind) + by) % len(KINDS)]
        self.draw()

    def do_previous_part(self) -> None:
        """The kind before."""
        self.do_next_part(-1)

    def do_metric(self) -> None:
        """The next metric."""
        self.metric = _after(self.metrics, self.metric, 1)
        self.draw()

    def why_not_metric(self) -> str:
        """There has to be another one."""
        return "" if len(self.metrics) > 1 else "there is no other metric"

    def do_next(self, by: int = 1) -> None:
        """The next parameter."""
        self.param = _after(self.params, self.param, by)
        self.draw()

    def do_previous(self) -> None:
        """The parameter before."""
        self.do_next(-1)

    def why_not_next(self) -> str:
        """Only a scatter has one."""
        if self.kind != "scatter":
            return "only a scatter has a parameter"
        return "" if len(self.params) > 1 else "there is no other parameter"

    why_not_previous = why_not_next

    def why_not_export(self) -> str:
        """There has to be something."""
        return "" if self.field and self.field.runs else "there is nothing to export"

    def do_export(self) -> None:
        """Write run, parameter and value, a row each."""
        field, metric, param = self.field, self.metric, self.param
        if field is None:
            return

        async def pages() -> AsyncIterator[Sequence[Any]]:
            yield [
                {
                    "run": run.id,
                    "name": run.name,
                    "param": param,
                    "at": masked_value(param, run.params.get(param, "")),
                    "metric": metric,
                    "value": run.metrics.get(metric),
                }
                for run in field.runs
            ]

        export_rows(self, f"{metric.replace('/', '-')}.csv", pages, "rows")


def _after(names: Sequence[str], name: str, by: int) -> str:
    if not names:
        return ""
    return names[(names.index(name) + by) % len(names)] if name in names else names[0]
