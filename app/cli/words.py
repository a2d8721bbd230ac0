"""Numbers, times and states as words for columns. Plain text: whoever prints makes it safe."""

from collections.abc import Iterable
from datetime import datetime

from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.runs import Run, Status

NONE = "-"


def short_time(time: datetime | None, now: datetime) -> str:
    """A time for a column: the clock today, else day and month, else the date."""
    if time is None:
        return NONE
    local = time.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%d %b %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d}"


def long_time(time: datetime | None, now: datetime) -> str:
    """A time in full, in the zone of the reader."""
    return NONE if time is None else f"{time.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S %z}"


def figure(value: float | None) -> str:
    """A metric for a column: six significant digits; `-` when missing."""
    return NONE if value is None else _named(f"{value:.6g}")


def exact(value: float | None) -> str:
    """A metric as it is: the fewest digits that give the same float."""
    return NONE if value is None else _named(repr(value))


def _named(text: str) -> str:
    return "NaN" if text == "nan" else text


def duration(seconds: float | None) -> str:
    """`0.4s`, `42s`, `39m`, `2h05m`, `3d04h`."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes}m{int(seconds % 60):02}s" if minutes < 10 else f"{minutes}m"
    hours = minutes // 60
    return f"{hours}h{minutes % 60:02}m" if hours < 48 else f"{hours // 24}d{hours % 24:02}h"


def lasted(run: Run, now: datetime) -> float | None:
    """How many seconds a run took, or has taken by now."""
    if run.started_at is None:
        return None
    end = run.ended_at or (now if run.status == Status.RUNNING else None)
    return None if end is None else (end - run.started_at).total_seconds()


def size(count: int | None) -> str:
    """Bytes: `512 B`, `1.2 MiB`."""
    if count is None:
        return NONE
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def short_digest(digest: str | None) -> str:
    """The beginning of a digest, enough to tell two apart."""
    if not digest:
        return NONE
    kind, colon, rest = digest.partition(":")
    return f"{kind}:{rest[:12]}" if colon else digest[:12]


def joined(words: Iterable[str]) -> str:
    """Words with commas; `-` when there are none."""
    return ", ".join(words) or NONE


def pairs_of(words: Iterable[str]) -> dict[str, str]:
    """KEY=VALUE words as a mapping; UsageError for one that is none."""
    found = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UsageError(f"{word!r} is no KEY=VALUE", way_out="Give it as KEY=VALUE")
        found[key] = value
    return found
