"""Numbers, times and states as short words for columns. Plain text; widgets make it safe."""

import math
from datetime import datetime, timedelta
from decimal import Decimal

from modeldeck.backends.api.runs import Run, Status

STATES = {
    Status.SCHEDULED: ("wait", "dim"),
    Status.RUNNING: ("run", "ok"),
    Status.FINISHED: ("ok", ""),
    Status.FAILED: ("FAIL", "bad"),
    Status.KILLED: ("KILL", "warn"),
}


_DIGITS = 4
"""Of a difference, after the point."""


def figure(value: float | None, digits: int = 4) -> str:
    """A metric in few characters: `0.9312`, `1.2e-05`, `NaN`; empty when missing."""
    if value is None:
        return ""
    if value != value:
        return "NaN"
    size = abs(value)
    if size in (float("inf"), 0.0) or (size >= 1e6 and value == int(value) and size < 1e12):
        return f"{value:.0f}"
    if size >= 1e6 or size < 10 ** -(digits - 1):
        return f"{value:.{digits - 2}e}"
    if value == int(value) and size < 1e6:
        return f"{value:.0f}"
    whole = len(str(int(size)))
    return f"{value:.{max(digits - (whole - 1 if whole > 1 else 0), 1)}f}"


def delta(value: float | None, base: float | None) -> str:
    """What `value` differs from `base` by, signed: `+.0043`."""
    if value is None or base is None or math.isnan(value - base):
        return ""
    return signed(value - base)


def signed(difference: float | Decimal) -> str:
    """A difference in few characters: `+.0043`, `same`."""
    if not difference:
        return "same"
    size = abs(float(difference))
    if 10**6 <= size < 10**9 and size == int(size):
        return f"{float(difference):+.0f}"
    if size >= 10**6 or size < 10**-_DIGITS:
        return f"{float(difference):+.2e}"
    text = f"{float(difference):+.{_DIGITS}f}"
    return text.replace("0.", ".", 1) if size < 1 else text.rstrip("0").rstrip(".")


def when(time: datetime | None, now: datetime) -> str:
    """`14:05` today, `21Nov` this year, `2025-11` before."""
    if time is None:
        return "-"
    local = time.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M}"
    return f"{local:%d%b}" if local.year == now.year else f"{local:%Y-%m}"


def length(span: timedelta | None) -> str:
    """`42s`, `39m`, `9h`, `3d`; tenths of seconds below ten."""
    if span is None or span.total_seconds() < 0:
        return "-"
    seconds = span.total_seconds()
    for size, unit in ((172_800, "d"), (7200, "h"), (120, "m")):
        if seconds >= size:
            return f"{seconds / {'d': 86400, 'h': 3600, 'm': 60}[unit]:.0f}{unit}"
    return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"


def lasted(run: Run, now: datetime) -> timedelta | None:
    """How long a run has taken, until now when it still runs."""
    if run.started_at is None:
        return None
    end = run.ended_at or (now if run.status == Status.RUNNING else None)
    return end - run.started_at if end else None


def size(count: int | None) -> str:
    """Bytes: `512 B`, `14 KB`, `1.2 GB`; `?` when not known."""
    if count is None:
        return "?"
    value, units = float(count), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return (
        f"{value:.0f} {units[0]}" if value >= 10 or units[0] == "B" else f"{value:.1f} {units[0]}"
    )


def short(digest: str | None) -> str:
    """The first digits of a digest or commit."""
    if not digest:
        return "-"
    return digest.partition(":")[2][:8] if ":" in digest else digest[:7]
