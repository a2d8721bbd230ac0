"""Where a value stands on an axis, which values are marked on it, and how numbers are written."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values, `lo` < `hi`, both finite; on a log axis both positive.

    `share` is 0 at `lo` and 1 at `hi`. Nothing in between overflows, whatever the range.
    """

    lo: float
    hi: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where `value` stands; outside of 0 to 1 if it lies outside of the range."""
        lo, hi = self.lo, self.hi
        if self.log:
            lo, hi, value = math.log10(lo), math.log10(hi), math.log10(value)
        span = hi - lo
        if math.isinf(span):
            return (value / 2 - lo / 2) / (hi / 2 - lo / 2)
        return (value - lo) / span

    def value(self, share: float) -> float:
        """Return the value that stands at `share`, never an infinity."""
        if share in (0, 1):
            return self.hi if share else self.lo
        if self.log:
            lo, hi = math.log10(self.lo), math.log10(self.hi)
            # The powers of the smallest and the largest float.
            return math.pow(10, min(max(lo + share * (hi - lo), -323.3), 308.25))
        span = self.hi - self.lo
        if math.isinf(span):
            half = self.lo / 2 * (1 - share) + self.hi / 2 * share
            return min(max(half, -LARGEST / 2), LARGEST / 2) * 2
        return min(max(self.lo + span * share, -LARGEST), LARGEST)


def around(lo: float, hi: float, log: bool = False) -> Axis:
    """Return an axis from `lo` to `hi`; one around a single value if they are the same."""
    if lo < hi:
        return Axis(lo, hi, log)
    if log:
        return Axis(max(lo / 3, 5e-324), min(hi * 3, LARGEST), log)
    room = max(abs(lo) * 0.05, 1e-300) if lo else 1.0
    return Axis(max(lo - room, -LARGEST), min(hi + room, LARGEST))


def ticks(axis: Axis, most: int) -> list[float]:
    """Return at most `most` (at least two) round values within `axis`, ascending."""
    most = max(2, most)
    if axis.log:
        found = _powers(axis, most)
        if len(found) >= 2:
            return found
    found = [v for v in _round(axis.lo, axis.hi, most) if not axis.log or v >= axis.lo]
    return found if len(found) >= 2 else [axis.lo, axis.hi]


def steps(axis: Axis, most: int) -> list[float]:
    """Return at most `most` whole values within `axis`: steps have no half."""
    lo, hi = math.ceil(axis.lo), math.floor(axis.hi)
    if hi - lo < 1 or hi - lo > 2**53:
        return [float(lo)] if lo == hi else ticks(axis, most)
    return [v for v in _round(float(lo), float(hi), max(2, most)) if v == int(v)]


def labels(values: Sequence[float], log: bool = False) -> list[str]:
    """Write the ticks of one axis: alike, and just long enough to tell them apart."""
    gaps = [abs(b / 2 - a / 2) * 2 for a, b in itertools.pairwise(values)]
    if log or not gaps or not all(gaps) or math.isinf(max(gaps)):
        return [number(value) for value in values]
    top = math.floor(math.log10(max(abs(value) for value in values)))
    unit = math.floor(math.log10(min(gaps)) + 1e-9)
    texts: list[str] = []
    # Ticks that are not round (the ends of a short axis) need more digits than their distance.
    for finer in range(4):
        if top < 7 and unit > -7:
            digits = max(0, finer - unit)
            texts = [_unsigned(f"{value:,.{digits}f}") for value in values]
        else:
            digits = min(max(0, top - unit) + finer, 16)
            texts = [_short(f"{value:.{digits}e}") if value else "0" for value in values]
        read = [float(text.replace(",", "")) for text in texts]
        if all(abs(a - b) <= min(gaps) / 100 for a, b in zip(read, values, strict=True)):
            break
    return texts


def number(value: float) -> str:
    """Write one value with four significant digits: `0.912`, `12,345`, `1.5e-7`, `NaN`, `+inf`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    size = abs(value)
    if size == 0 or 1e-4 <= size < 1000:
        return f"{value:.4g}"
    return f"{value:,.0f}" if 1000 <= size < 1e7 else _short(f"{value:.3e}")


def step(value: float) -> str:
    """Write a step: whole, with thousands separated: `12,000`."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return number(value)


def _round(lo: float, hi: float, most: int) -> list[float]:
    half = hi / 2 - lo / 2
    size = half / (most - 1) * 2 if most > 2 else half
    if size <= 0 or math.isinf(size):
        return [lo, hi]
    power = 10.0 ** math.floor(math.log10(size))
    if power == 0:
        return [lo, hi]
    for times in (1, 2, 5, 10, 20, 50):
        unit = times * power
        if math.isinf(unit):
            break
        first, last = math.ceil(lo / unit - 1e-9), math.floor(hi / unit + 1e-9)
        if last - first + 1 <= most:
            found = [k * unit for k in range(first, last + 1)]
            found = [v for v in found if math.isfinite(v)]
            return found if len(set(found)) >= 2 else [lo, hi]
    return [lo, hi]


def _powers(axis: Axis, most: int) -> list[float]:
    """Return powers of ten, or 1-2-5 of them, within a log axis."""
    first, last = math.ceil(math.log10(axis.lo) - 1e-9), math.floor(math.log10(axis.hi) + 1e-9)
    for times in ((1, 2, 5), (1, 3), (1,)):
        found = [
            t * 10.0**power
            for power in range(first - 1, last + 1)
            for t in times
            if power >= -323 and power + (t > 1) <= 308
        ]
        found = [v for v in found if axis.lo * (1 - 1e-9) <= v <= axis.hi * (1 + 1e-9)]
        if 2 <= len(found) <= most:
            return found
    every = -(-(last - first + 1) // most)
    return [10.0**power for power in range(first, last + 1) if every and power % every == 0]


def _short(text: str) -> str:
    mantissa, _, power = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(power)}"


def _unsigned(text: str) -> str:
    """Drop the sign of a tick that rounds to zero."""
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text
