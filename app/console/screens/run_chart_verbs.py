"""The verbs of a run's screen that are for its charts."""

from .run_grid import GridPart
from .run_part import RunPart
from .run_verbs import RunVerbs


class RunChartVerbs(RunVerbs):
    """Many small charts, smoothing, figures of the machine, the end of a chart."""

    @property
    def part(self) -> RunPart:
        """The part in sight."""
        raise NotImplementedError

    def _charts(self) -> GridPart | None:
        if self.detail is None:
            return None
        part = self.part
        return part if isinstance(part, GridPart) and part.is_mounted else None

    def _why_no_charts(self) -> str:
        part = self._charts()
        if part is None:
            return "only among the charts: 1 shows them"
        return "" if self.detail and self.detail.series else "this run has no series"

    why_not_grid = why_not_smooth = _why_no_charts

    def do_grid(self) -> None:
        """Many small charts, or a large one."""
        part = self._charts()
        if part is not None:
            part.toggle_grid()

    def do_smooth(self) -> None:
        """Smooth lines more, from the most on not at all."""
        part = self._charts()
        if part is not None:
            self.say(part.smooth())

    def why_not_system(self) -> str:
        """There have to be figures of the machine."""
        part = self._charts()
        return self._why_no_charts() if part is None else part.why_not_system()

    def do_system(self) -> None:
        """The figures of the machine below the chart, or not."""
        part = self._charts()
        if part is not None:
            part.toggle_system()

    def why_not_follow(self) -> str:
        """Lines have an end, and so have charts."""
        return "" if self._charts() is not None else super().why_not_follow()

    def do_follow(self) -> None:
        """Go to the end of what is zoomed; what is looked at up to its end is followed."""
        part = self._charts()
        if part is None:
            super().do_follow()
        else:
            part.chart.action_end()
