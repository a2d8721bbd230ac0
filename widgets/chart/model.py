"""What a chart shows and where its cursor stands; no drawing, no toolkit."""

import itertools
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .scale import Axis, around

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers: TypeAlias = "Sequence[float] | NDArray[Any]"

XKind: TypeAlias = Literal["step", "time", "relative"]
"""What x is: steps, Unix seconds (shown in local time), or seconds since a start."""
YScale: TypeAlias = Literal["linear", "log"]

KINDS: tuple[XKind, ...] = ("step", "time", "relative")
STYLES = 8
"""How many colours, and how many markers, tell lines apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One series to draw, decimated by its owner as far as it should be.

    `x` (see `XKind`) and `y` (any unit) are of one length; y may hold NaN (a gap) and infinities
    (marks at the edge). `style` fixes the colour and the marker (0, 1, 2 ...); without it they
    follow from the name, so that a line keeps them from chart to chart. `total` is how many points
    the whole series has, if that is more than are handed over; `sampled` says that it has more, and
    nobody knows how many. A `faint` line lies behind the others and is not in the legend: what was
    measured, which comes before a smoothed line of the same name.
    """

    name: str
    x: "Numbers"
    y: "Numbers"
    style: int | None = None
    total: int | None = None
    sampled: bool = False
    faint: bool = False


def marker(style: int, markers: Sequence[str]) -> str:
    """Return the marker of a style."""
    return markers[(style + style // STYLES) % STYLES]


def styles(lines: Iterable[Line]) -> list[int]:
    """Return the style of each line: its own, else one from its name, moved on if it is taken.

    A style is a colour (`style % STYLES`) and a marker, paired otherwise in every further round.
    """
    lines = list(lines)
    taken = {line.style for line in lines if line.style is not None and not line.faint}
    found = []
    for line in lines:
        style = 0 if line.faint else line.style
        if style is None:
            first = zlib.crc32(line.name.encode("utf-8", "surrogatepass")) % STYLES
            style = next(
                candidate
                for turn in itertools.count()
                for k in range(STYLES)
                if (candidate := turn * STYLES + (first + k) % STYLES) not in taken
            )
            taken.add(style)
        found.append(style)
    return found


@dataclass(slots=True)
class View:
    """The part of x that is shown, and the cursor; x is in the unit of the lines."""

    whole: Axis = field(default_factory=lambda: Axis(0, 1))
    """All that the lines have."""
    shown: Axis = field(default_factory=lambda: Axis(0, 1))
    cursor: float | None = None
    least: float = 0.0
    """The narrowest interval that is shown: nothing happens between two steps."""

    @property
    def zoomed(self) -> bool:
        """Whether less than everything is shown."""
        return self.shown != self.whole

    def reach(self, lo: float, hi: float, keep: bool = False) -> None:
        """Take new lines that run from `lo` to `hi`; `keep` what is shown, if it was zoomed."""
        if not keep:
            self.whole = self.shown = around(lo, hi)
            self.cursor = None
            return
        zoomed, at_end = self.zoomed, self.shown.hi == self.whole.hi
        # An owner that answered a zoom hands over that interval only.
        self.whole = around(min(lo, self.whole.lo), max(hi, self.whole.hi))
        if not zoomed:
            self.shown = self.whole
        elif at_end and self.whole.hi > self.shown.hi:
            # Whoever looks at the end of what goes on, sees it go on.
            by = self.whole.hi - self.shown.hi
            self.shown = Axis(min(self.shown.lo + by, self.shown.hi), self.whole.hi)

    def look(self, lo: float, hi: float) -> bool:
        """Show from `lo` to `hi`, as far as there is anything; return whether that is new."""
        return self._show(lo, hi)

    def reset(self) -> bool:
        """Show everything; return whether that changed anything."""
        return self._show(self.whole.lo, self.whole.hi)

    def zoom(self, times: float) -> bool:
        """Magnify `times` (below 1: shrink) around the cursor, which stays where it is."""
        lo, hi = self.shown.lo, self.shown.hi
        held = 0.5 if self.cursor is None else min(max(self.shown.share(self.cursor), 0), 1)
        pin = self.shown.value(held)
        half = (hi / 2 - lo / 2) / times
        return self._show(*self._within(pin - 2 * half * held, pin + 2 * half * (1 - held)))

    def pan(self, share: float) -> bool:
        """Move what is shown by `share` of its width; stops at the ends."""
        lo, hi = self.shown.lo, self.shown.hi
        by = (hi / 2 - lo / 2) * 2 * share
        by = min(max(by, self.whole.lo - lo), self.whole.hi - hi)
        return self._show(lo + by, hi + by)

    def column(self, width: int) -> int | None:
        """Return the column of `width` in which the cursor stands, if it is in sight."""
        if self.cursor is None or not self.shown.lo <= self.cursor <= self.shown.hi:
            return None
        return min(int(self.shown.share(self.cursor) * width), width - 1)

    def span(self, column: int, width: int) -> tuple[float, float]:
        """Return the x at which `column` of `width` begins and ends."""
        return self.shown.value(column / width), self.shown.value((column + 1) / width)

    def move(self, by: int, width: int) -> None:
        """Move the cursor `by` columns of `width`; out of sight it enters from the other side."""
        at = self.column(width)
        if at is None:
            self.put(0 if by > 0 else width - 1, width)
        else:
            self.put(at + by, width)

    def put(self, column: int, width: int) -> None:
        """Put the cursor into `column` of `width`."""
        column = min(max(column, 0), width - 1)
        self.cursor = self.shown.value((column + 0.5) / width)

    def _within(self, lo: float, hi: float) -> tuple[float, float]:
        whole = self.whole
        if hi - lo >= whole.hi - whole.lo:
            return whole.lo, whole.hi
        if lo < whole.lo:
            return whole.lo, min(hi + (whole.lo - lo), whole.hi)
        if hi > whole.hi:
            return max(lo - (hi - whole.hi), whole.lo), whole.hi
        return lo, hi

    def _show(self, lo: float, hi: float) -> bool:
        # A difference that was rounded may lead out of the data by a hair.
        lo, hi = max(lo, self.whole.lo), min(hi, self.whole.hi)
        # Closer than this, neighbouring columns would be the same float.
        least = max(abs(lo) * 1e-12, abs(hi) * 1e-12)
        narrow = not hi - lo > least or hi - lo < min(self.least, self.whole.hi - self.whole.lo)
        if Axis(lo, hi) == self.shown or narrow or not (isfinite(lo) and isfinite(hi)):
            return False
        self.shown = Axis(lo, hi)
        return True
