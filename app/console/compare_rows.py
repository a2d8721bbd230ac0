"""A comparison of runs as the rows and columns of a table. Plain data."""

from collections.abc import Sequence

from modeldeck.app.usecases.compare import Comparison, MetricRow, TextRow
from modeldeck.app.usecases.runs import metric_title
from modeldeck.backends.api.runs import Run
from modeldeck.widgets.table import Cell, Column, Row

from .words import figure, signed

NARROWEST, WIDEST = 16, 28
MISSING = "-"
COMMIT = 12
"""Digits of a commit that tell it from every other one."""


def columns(item: Comparison) -> list[Column]:
    """One for what is compared, one for each run; the baseline stays in sight with it."""
    found = [Column("key", "", pinned=True, min_width=12, max_width=34, priority=99)]
    for place, run in enumerate(item.runs):
        base = place == item.baseline
        found.append(
            Column(
                str(place),
                f"{'=' if base else place} {run.name or run.id[:12]}",
                min_width=NARROWEST,
                max_width=WIDEST,
                priority=98 - place,
                pinned=base,
            )
        )
    return found


def rows(item: Comparison, *, everything: bool) -> list[Row]:
    """All rows, or those that differ, under headings that say how many those are."""
    texts = (("PARAMS", item.params), ("DATA", item.datasets), ("CODE", item.git))
    found = _section("METRICS", [(one, metric_row(one, item.baseline)) for one in item.metrics],
                     everything=everything, warns=False)  # fmt: skip
    for name, of in (*texts, ("LOCK", item.lock)):
        drawn = [(one, text_row(name, one, item.baseline)) for one in of]
        found += _section(name, drawn, everything=everything, warns=name != "PARAMS")
    return found


def _section(
    name: str,
    drawn: Sequence[tuple[MetricRow | TextRow, Row]],
    *,
    everything: bool,
    warns: bool,
) -> list[Row]:
    if not drawn:
        return []
    differ = [row for one, row in drawn if differs(one)]
    words = f"{len(differ):,} of {len(drawn):,} differ" if differ else "all the same"
    if name == "LOCK":
        words = f"{len(drawn):,} differ"
    sign = " !" if warns and differ else ""
    head = Row(
        f"# {name}",
        [Cell(f"{name}{sign}", "warn" if sign else "strong"), Cell(words, "dim")],
        style="strong",
    )
    return [head, *([row for _, row in drawn] if everything else differ)]


def differs(one: MetricRow | TextRow) -> bool:
    """Whether not all values are the same; NaN is the same as NaN."""
    return len({repr(value) for value in one.values}) > 1


def metric_row(one: MetricRow, baseline: int) -> Row:
    """Values, differences to the baseline, `b` where it is best."""
    cells: list[Cell | str] = [metric_title(one.key, one.direction)]
    for place, value in enumerate(one.values):
        words = figure(value) or MISSING
        delta = one.deltas[place]
        if place != baseline and delta is not None:
            words += f" {signed(delta)}"
        best = place in one.best
        cells.append(Cell(f"{words}{' b' if best else ''}", "best" if best else ""))
    return Row(f"METRICS {one.key}", cells, level=1)


def text_row(section: str, one: TextRow, baseline: int) -> Row:
    """Words; those that are not the baseline's stand out."""
    base = one.values[baseline]
    cells: list[Cell | str] = [one.key]
    for value in one.values:
        style = "dim" if value is None else "" if value == base else "accent"
        words = MISSING if value is None else value.replace("\n", " ")
        cells.append(Cell(words[:COMMIT] if section == "CODE" else words, style))
    return Row(f"{section} {one.key}", cells, level=1)


def counted(item: Comparison) -> tuple[int, int]:
    """How many rows differ, and how many there are."""
    every: list[MetricRow | TextRow] = [
        *item.metrics, *item.params, *item.datasets, *item.git, *item.lock,
    ]  # fmt: skip
    return sum(map(differs, every)), len(every)


def name_of(run: Run, place: int) -> str:
    """A run in a legend; its number tells runs of one name apart."""
    return f"{place} {run.name or run.id[:12]}"
