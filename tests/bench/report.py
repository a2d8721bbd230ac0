"""Lines of the report: a budget, what was measured, what it is held against; as table and JSON."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .harness import ratio

SECONDS, BYTES, RATE, PER_POINT = "s", "B", "points/s", "B/point"


@dataclass(frozen=True)
class AtMost:
    """No more than this."""

    value: float

    def holds(self, ours: float, _: float) -> bool:
        return ours <= self.value

    def words(self, unit: str) -> str:
        return amount(self.value, unit)


@dataclass(frozen=True)
class AtLeast:
    """No less than this."""

    value: float

    def holds(self, ours: float, _: float) -> bool:
        return ours >= self.value

    def words(self, unit: str) -> str:
        return f">= {amount(self.value, unit)}"


@dataclass(frozen=True)
class Times:
    """No more than so many times the reference, `plus` what is allowed on top.

    `worth` such as 1/100 says that it is to be a hundred times less.
    """

    worth: float
    plus: float = 0

    def holds(self, _: float, times: float) -> bool:
        return times <= self.worth

    def words(self, unit: str) -> str:
        return factor(self.worth) + (f" + {amount(self.plus, unit)}" if self.plus else "")


@dataclass(frozen=True)
class Line:
    """One budget. `ours` and `reference` are what each round gave, in `unit`.

    `beside` says what the reference is. With `worst` the limit holds for the greatest of `ours`,
    which are then medians of several things. Without a limit it is for information; one that is
    `wanted` is where we want to be, and no budget. `pace` is how many times a limit in seconds may
    be taken here.
    """

    what: str
    unit: str
    ours: Sequence[float]
    limit: AtMost | AtLeast | Times | None = None
    reference: Sequence[float] = ()
    beside: str = ""
    worst: bool = False
    note: str = ""
    pace: float = 1.0
    wanted: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.ours)

    @property
    def judged(self) -> float:
        """What the limit is held against."""
        found = max(self.ours) if self.worst else self.median
        if not self.paced:
            return found
        return found * self.pace if self.unit == RATE else found / self.pace

    @property
    def paced(self) -> bool:
        """Whether the limit is a time of its own, no ratio and no size."""
        return isinstance(self.limit, AtMost | AtLeast) and self.unit in (SECONDS, RATE)

    @property
    def allowed(self) -> str:
        """The limit as people read it."""
        if self.limit is None:
            return "-"
        words = f"{'wanted ' * self.wanted}{self.limit.words(self.unit)}"
        if not self.paced or self.pace == 1:
            return words
        return f"{words} {'/' if self.unit == RATE else 'x'} {self.pace:.2f}"

    @property
    def times(self) -> float:
        """How many times the reference; NaN without one."""
        if self.worst and self.reference:
            return max(self.ours) / statistics.median(self.reference)
        return ratio(self.ours, self.reference)

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        if self.limit.holds(self.judged, self._without_plus()):
            return "ok"
        return "not yet" if self.wanted else "OVER"

    def _without_plus(self) -> float:
        # Round by round, as the ratio: both sides of a round are of one moment of the machine.
        plus = self.limit.plus if isinstance(self.limit, Times) else 0
        return ratio([one - plus for one in self.ours], self.reference) if plus else self.times


@dataclass(frozen=True)
class Missing:
    """A budget that could not be measured, and why."""

    what: str
    why: str
    verdict: str = "not measured"


Entry = Line | Missing


def paced(line: Entry, pace: float) -> Entry:
    """A line as it is judged on a machine of that pace."""
    return replace(line, pace=pace) if isinstance(line, Line) else line


HEAD = ("budget", "ours: median (min - max) of n", "reference", "ratio", "limit", "")


def amount(value: float, unit: str) -> str:
    """A figure as people read it; thousands of bytes are KB and MB."""
    if unit == SECONDS:
        if value >= 9.995:
            return f"{value:.1f} s"
        if value >= 0.9995:
            return f"{value:.2f} s"
        return f"{value * 1e3:.{0 if value >= 0.1 else 1 if value >= 0.01 else 2}f} ms"
    if unit == BYTES:
        if value >= 999_500:
            return f"{value / 1e6:.{0 if value >= 99.5e6 else 1}f} MB"
        return f"{value / 1e3:.1f} KB" if value >= 1000 else f"{value:.0f} B"
    if unit == PER_POINT:
        return f"{value:.2f} B"
    return f"{value:,.0f}/s" if unit == RATE else f"{value:g} {unit}"


def factor(times: float) -> str:
    """A ratio as people read it."""
    if math.isnan(times):
        return ""
    if 0 < times < 0.095:
        return f"1/{1 / times:,.0f}"
    return f"{times:.{2 if times < 9.995 else 0}f} x".replace(".00 x", " x")


def cells(line: Entry) -> tuple[str, ...]:
    """One row of the table."""
    if isinstance(line, Missing):
        return line.what, line.why, "", "", "", line.verdict
    unit, count = line.unit, len(line.ours)
    ours = amount(line.median, unit)
    if count > 1:
        ours += f" ({amount(min(line.ours), unit)} - {amount(max(line.ours), unit)}) of {count}"
    beside = ""
    if line.reference:
        beside = f"{amount(statistics.median(line.reference), unit)} {line.beside}"
    return line.what, ours, beside, factor(line.times), line.allowed, line.verdict


def table(lines: Sequence[Entry]) -> str:
    """All lines under one head, and under them the notes."""
    rows = [HEAD, *map(cells, lines)]
    # A reason why something could not be measured runs into the columns that it leaves empty.
    lined = [row for row, line in zip(rows, (None, *lines), strict=True)
             if not isinstance(line, Missing)]  # fmt: skip
    widths = [max(len(row[at]) for row in lined) for at in range(len(HEAD))]
    widths[0] = max(len(row[0]) for row in rows)
    text = []
    for row, line in zip(rows, (None, *lines), strict=True):
        if isinstance(line, Missing):
            text.append(f"{row[0]:{widths[0]}}  {line.verdict}: {line.why}")
            continue
        padded = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        text.append("  ".join(padded).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths).rstrip())
    notes: dict[str, list[str]] = {}
    for line in lines:
        if isinstance(line, Line) and line.note:
            notes.setdefault(line.note, []).append(line.what)
    said = [f"  {'; '.join(names)}: {note}" for note, names in notes.items()]
    return "\n".join([*text, *(["", *said] if said else [])])


def plain(group: str, line: Entry) -> dict[str, Any]:
    """A line as JSON."""
    if isinstance(line, Missing):
        return {"group": group, "what": line.what, "verdict": line.verdict, "why": line.why}
    return {
        "group": group,
        "what": line.what,
        "unit": line.unit,
        "ours": list(line.ours),
        "median": line.median,
        "reference": list(line.reference),
        "beside": line.beside,
        "ratio": None if math.isnan(line.times) else line.times,
        "limit": line.allowed if line.limit else None,
        "pace": line.pace,
        "verdict": line.verdict or None,
        "note": line.note,
    }
