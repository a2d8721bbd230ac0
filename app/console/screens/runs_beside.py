"""Runs of the list beside each other: compared, or drawn as scatter, bars, histogram."""

from modeldeck.backends.api.runs import Run

from .shelved import ShelvedScreen


class RunsBeside(ShelvedScreen):
    """The verbs that take several runs of the list to another screen."""

    experiment: str
    baseline: Run | None

    def do_compare(self) -> None:
        """The marked runs, with the baseline first."""
        from .compare import CompareScreen

        ids = [key for key in self.chosen() if not self.baseline or key != self.baseline.id]
        base = self.baseline.id if self.baseline else None
        self.console.push_screen(CompareScreen([*([base] if base else []), *ids]))

    def do_plot(self) -> None:
        """Scatter, bars, histogram of the marked runs, else of those that the filter leaves."""
        from .plots import PlotScreen

        marked = self.chosen() if self.table.marks else []
        self.console.push_screen(
            PlotScreen(run_ids=marked, experiment=self.experiment, where=self.where)
        )

    def why_not_compare(self) -> str:
        """Two to twenty runs compare."""
        count = len({*self.chosen(), *([self.baseline.id] if self.baseline else [])})
        if 2 <= count <= 20:
            return ""
        return f"mark 2 to 20 runs with Space to compare them; {count} now"
