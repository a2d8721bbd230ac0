"""Where the reason of a run that did not finish stands in its row."""

from collections.abc import Sequence

from modeldeck.backends.api.runs import Run
from modeldeck.widgets.table import Span


def reason_span(run: Run, shown: Sequence[str]) -> Span | None:
    """The reason, from the first column on after the last metric that the run has."""
    if not run.reason:
        return None
    metrics = [key for key in shown if key.startswith("metrics.")]
    last = max((i for i, key in enumerate(metrics) if key[8:] in run.metrics), default=-1)
    if last + 1 < len(metrics):
        return Span(metrics[last + 1], run.reason, "dim")
    rest = shown[shown.index(metrics[-1]) + 1 :] if metrics else shown
    return Span(rest[0], run.reason, "dim") if rest else None
