"""A comparison in words."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from modeldeck.app.usecases import views
from modeldeck.app.usecases.compare import Comparison, MetricRow, TextRow
from modeldeck.widgets.text import show

from . import output, streams, words
from .tables import table_lines

BEST = "*"
_WAYS = {"higher": "higher is better", "lower": "lower is better"}


def print_comparison(item: Comparison, form: str, *, everything: bool = False) -> None:
    """A comparison in one of the formats."""
    if form == "json":
        output.write_document(views.comparison(item), form)
        return
    if form != "table":
        output.write_list(list(views.comparison_rows(item)), {}, form)
        return
    for line in table_lines(["", "ID", "NAME", "STATUS", "EXPERIMENT"], _heads(item)):
        print(line)
    output.write_part("METRICS", _metrics(item))
    params = [row for row in item.params if everything or row.differs]
    output.write_part("PARAMS", _texts(item, params))
    same = len(item.params) - len(params)
    if same:
        streams.say(f"{output.counted(same, 'parameter')} without a difference: --all shows them")
    output.write_part("DATASETS", _texts(item, item.datasets))
    output.write_part("GIT", _texts(item, item.git))
    output.write_part("LOCK, where it differs", _texts(item, item.lock))
    output.write_part("BEWARE", [show(text) for text in item.warnings])


def _heads(item: Comparison) -> list[list[str]]:
    return [
        [_mark(item, place), run.id[:8], run.name, run.status.value, run.experiment]
        for place, run in enumerate(item.runs)
    ]


def _mark(item: Comparison, place: int) -> str:
    return "=" if place == item.baseline else str(place + 1)


def _columns(item: Comparison) -> list[str]:
    return [_mark(item, place) for place in range(len(item.runs))]


def _metrics(item: Comparison) -> Iterator[str]:
    rows = [
        [row.key, _WAYS.get(row.direction or "", ""), *_values(row, item.baseline)]
        for row in item.metrics
    ]
    if rows:
        declared = any(row.direction for row in item.metrics)
        heads = ["METRIC", "", *_columns(item)]
        if not declared:
            heads.pop(1)
            rows = [[row[0], *row[2:]] for row in rows]
        yield from table_lines(heads, rows)


def _values(row: MetricRow, baseline: int) -> Iterator[str]:
    """The cells of a metric: the exact value, its difference, a star where it is best."""
    for place, value in enumerate(row.values):
        delta = row.deltas[place]
        parts = [words.exact(value)]
        if place != baseline and delta is not None:
            parts.append(f"({_signed(delta)})")
        if place in row.best:
            parts.append(BEST)
        yield " ".join(parts)


def _signed(delta: Decimal) -> str:
    return f"{delta.normalize():+g}" if delta else "same"


def _texts(item: Comparison, rows: Sequence[TextRow]) -> Iterator[str]:
    if rows:
        cells = [[row.key, *(value or words.NONE for value in row.values)] for row in rows]
        yield from table_lines(["", *_columns(item)], cells)
