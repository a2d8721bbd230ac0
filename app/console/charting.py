"""What screens with charts share: keys of the chart, smoothing, x, lines made of series."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding

from modeldeck.app.usecases.series import Drawn, XKind
from modeldeck.widgets.chart import Chart, Line

WEIGHTS = (0.0, 0.6, 0.9, 0.99)
"""Of what came before, in a smoothed line."""
# The chart has no focus of its own: its keys work while one moves in a list beside it.
KEYS: Sequence[Binding] = [one for one in Chart.BINDINGS if isinstance(one, Binding)]


class Charting:
    """The keys of a chart that has no focus of its own; `redraw` fetches what they ask for."""

    by: XKind = "step"
    weight: float = 0.0
    no_step: ClassVar[str] = ""

    @property
    def chart(self) -> Chart:
        """The chart that the keys are for."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Fetch and draw what is shown, by another x or smoothed otherwise."""
        raise NotImplementedError

    def action_move(self, by: int) -> None:
        """Move the cursor of the chart."""
        self.chart.action_move(by)

    def action_zoom(self, times: float) -> None:
        """Magnify."""
        self.chart.action_zoom(times)

    def action_pan(self, share: float) -> None:
        """Move sideways."""
        self.chart.action_pan(share)

    def action_reset(self) -> None:
        """Show everything."""
        self.chart.action_reset()

    def action_log(self) -> None:
        """A logarithmic y, or not."""
        self.chart.action_log()

    def action_axis(self) -> None:
        """Step, time, or time since the start."""
        self.chart.action_axis()

    def on_chart_axis_toggled(self, message: Chart.AxisToggled) -> None:
        """Another kind of x."""
        message.stop()
        self.by = message.x_kind
        self.redraw()

    def smooth(self) -> str:
        """Smooth more, from the most on not at all; gives what to say of it."""
        self.weight = WEIGHTS[(WEIGHTS.index(self.weight) + 1) % len(WEIGHTS)]
        self.redraw()
        return f"smoothed {self.weight:g}" if self.weight else "not smoothed"


def lines_of(
    found: Iterable[Drawn],
    weight: float,
    names: Sequence[str] = (),
    styles: Sequence[int] = (),
) -> tuple[list[Line], str]:
    """Lines as a chart takes them, and what is to be said of them.

    What was measured lies behind a smoothed line. Without `names` a line has that of its series.
    """
    found = list(found)
    lines = []
    for place, one in enumerate(found):
        name = names[place] if names else one.key
        style = styles[place] if styles else None
        smooth = one.smooth
        lines.append(
            Line(
                name, one.x, one.y, style=style, total=one.total, sampled=one.sampled,
                faint=smooth is not None,
            )
        )  # fmt: skip
        if smooth is not None:
            lines.append(Line(name, *smooth, style=style, total=one.total, sampled=one.sampled))
    # The background of one line hides no other line.
    lines.sort(key=lambda line: not line.faint)
    if not weight:
        return lines, ""
    partly = any(one.smooth is not None and not one.in_full for one in found)
    return lines, f"smoothed {weight:g}" + (" over what is drawn" if partly else "")
