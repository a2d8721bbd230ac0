"""The parts of a run that are tables: figures, tags, data, evaluations, lock."""

from collections.abc import Sequence
from typing import ClassVar

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.runs import metric_title
from modeldeck.backends.api.runs import SeriesInfo
from modeldeck.widgets.reader import diff_style
from modeldeck.widgets.table import Cell, Column, Row, Span

from ..words import short
from .run_part import TablePart, heading
from .run_words import lock_facts, precise
from .text import TextScreen


class FiguresPart(TablePart):
    """Latest values with their extremes, then parameters."""

    word = "Metrics"
    nothing = "no metrics and no params: a script writes metrics.jsonl and params.json"
    columns: ClassVar[Sequence[Column]] = [
        Column("name", "NAME", pinned=True, min_width=14, max_width=44, priority=9),
        Column("last", "LAST", "number", priority=8),
        Column("low", "MIN", "number", priority=7),
        Column("high", "MAX", "number", priority=6),
        Column("points", "POINTS", "number", priority=5),
        Column("steps", "STEPS", align="right", priority=4),
    ]

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has figures."""
        return bool(detail.run.metrics or detail.run.params)

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """Metrics, then params, each under a heading."""
        run, series = detail.run, {one.key: one for one in detail.series}
        keys = sorted({*run.metrics, *series})
        rows = [heading("METRICS", len(keys))] if keys else []
        for key in keys:
            title = metric_title(key, self.run_screen.session.directions.get(key))
            cells = [title, precise(run.metrics.get(key)), *_extremes(series.get(key))]
            rows.append(Row(f"m:{key}", cells))
        rows += [heading("PARAMS", len(run.params))] if run.params else []
        for key, value in sorted(masked_map(run.params).items()):
            rows.append(Row(f"p:{key}", [key], span=Span("last", value.partition("\n")[0])))
        return rows

    def why_not_open(self) -> str:
        """Headings open nothing."""
        return "" if self.current[:2] in ("m:", "p:") else "there is nothing to open"

    def open_current(self) -> None:
        """A metric as a chart, a parameter in full."""
        kind, _, key = self.current.partition(":")
        screen = self.run_screen
        if kind == "m":
            screen.show_series(key)
        elif screen.detail is not None:
            text = screen.detail.run.params.get(key, "")
            screen.console.push_screen(TextScreen(key, text.split("\n"), wrap=True))


def _extremes(info: SeriesInfo | None) -> list[str]:
    if info is None:
        return ["", "", "", ""]
    first = "" if info.first_step is None else f"{info.first_step:,}"
    count = "" if info.count is None else f"{info.count:,}"
    return [precise(info.low), precise(info.high), count, f"{first}..{info.last_step:,}"]


class TagsPart(TablePart):
    """Tags."""

    word = "Tags"
    nothing = "no tags: T sets one, a script writes tags.json"
    columns: ClassVar[Sequence[Column]] = [
        Column("name", "TAG", pinned=True, min_width=14, max_width=44, priority=9),
        Column("value", "VALUE", max_width=0, priority=8, grow=1),
    ]

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has tags."""
        return bool(detail.run.tags)

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """One a tag."""
        tags = sorted(masked_map(detail.run.tags).items())
        return [Row(key, [key, value.replace("\n", " ")]) for key, value in tags]

    def why_not_open(self) -> str:
        """There has to be one."""
        return "" if self.current else "there is nothing to open"

    def open_current(self) -> None:
        """The value in full."""
        detail = self.run_screen.detail
        text = detail.run.tags.get(self.current, "") if detail else ""
        self.run_screen.console.push_screen(TextScreen(self.current, text.split("\n"), wrap=True))


class DataPart(TablePart):
    """Datasets."""

    word = "Data"
    nothing = "no datasets: a script names them in datasets.json"
    columns: ClassVar[Sequence[Column]] = [
        Column("name", "NAME", pinned=True, min_width=12, max_width=40, priority=9),
        Column("context", "FOR", max_width=16, priority=8),
        Column("digest", "DIGEST", max_width=24, priority=7),
        Column("labels", "LABELS", max_width=30, priority=5),
        Column("source", "SOURCE", max_width=0, priority=6, grow=1),
    ]

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has datasets."""
        return bool(detail.datasets)

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """One a dataset and context."""
        return [
            Row(
                str(at),
                [
                    one.name,
                    one.context or "",
                    Cell(one.digest, "dim"),
                    " ".join(f"{key}={value}" for key, value in one.labels.items()),
                    Cell(one.source, "dim"),
                ],
            )
            for at, one in enumerate(detail.datasets)
        ]

    def why_not_open(self) -> str:
        """There has to be one."""
        return "" if self.current else "there is nothing to open"

    def open_current(self) -> None:
        """All of it, as JSON."""
        screen = self.run_screen
        if screen.detail is not None:
            one = screen.detail.datasets[int(self.current)]
            screen.console.show_json(screen, one, one.name)


class EvaluationsPart(TablePart):
    """Evaluations."""

    word = "Evaluations"
    nothing = "no evaluations: a script writes evaluations.jsonl"
    columns: ClassVar[Sequence[Column]] = [
        Column("metric", "METRIC", pinned=True, min_width=10, max_width=36, priority=9),
        Column("value", "VALUE", "number", priority=8),
        Column("dataset", "DATASET", max_width=30, priority=7),
        Column("slice", "SLICE", max_width=30, priority=6),
        Column("n", "N", "number", priority=5),
        Column("of", "VERSION", max_width=24, priority=4),
        Column("digest", "DIGEST", max_width=12, priority=3),
        Column("artifact", "ROWS IN", max_width=40, priority=2),
    ]

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has evaluations."""
        return bool(detail.evaluations)

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """One an evaluation."""
        return [
            Row(
                str(at),
                [
                    one.metric,
                    precise(one.value),
                    one.dataset,
                    one.slice,
                    "" if one.n is None else f"{one.n:,}",
                    f"{one.model} {one.version or ''}" if one.model else "",
                    Cell(short(one.dataset_digest), "dim"),
                    Cell(one.artifact or "", "dim"),
                ],
            )
            for at, one in enumerate(detail.evaluations)
        ]

    def why_not_open(self) -> str:
        """There has to be one."""
        return "" if self.current else "there is nothing to open"

    def open_current(self) -> None:
        """All of it, as JSON."""
        screen = self.run_screen
        if screen.detail is not None:
            one = screen.detail.evaluations[int(self.current)]
            screen.console.show_json(screen, one, one.metric)


class LockPart(TablePart):
    """What the run really had: machine, code, packages."""

    word = "Lock"
    nothing = "no lock: modeldeck run -- CMD records what a run really has"
    columns: ClassVar[Sequence[Column]] = [
        Column("name", "NAME", pinned=True, min_width=12, max_width=40, priority=9),
        Column("version", "VERSION", max_width=24, priority=8),
        Column("record", "SHA-256 OF ITS RECORD", max_width=0, priority=7, grow=1),
    ]

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has a lock."""
        return detail.lock is not None

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """Facts, then packages."""
        lock = detail.lock
        if lock is None:
            return []
        rows = [
            Row(f"f:{name}", [name], span=Span("version", value))
            for name, value in lock_facts(lock)
            if name != "packages"
        ]
        rows += [heading("PACKAGES", len(lock.packages))] if lock.packages else []
        for one in lock.packages:
            record = Cell(one.record or "no record", "dim")
            rows.append(Row(f"k:{one.name} {one.version}", [one.name, one.version, record]))
        return rows

    def why_not_open(self) -> str:
        """Only changes that no commit holds open."""
        return "" if self.current == "f:changes" and self._diff() else "there is nothing to open"

    def _diff(self) -> str:
        detail = self.run_screen.detail
        git = detail.lock.git if detail and detail.lock else None
        paths = {one.path for one in detail.artifacts} if detail else set()
        return git.diff if git and git.diff in paths and git.diff else ""

    def open_current(self) -> None:
        """The changes that no commit holds."""
        self.run_screen.look_into(self._diff(), diff_style)
