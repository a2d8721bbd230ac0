"""Time inside: aware UTC datetimes in nouns, whole microseconds since 1970 in files."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOWEST = -30_610_224_000_000_000
_HIGHEST = 221_845_391_999_999_999


def to_micros(time: datetime) -> int:
    """Microseconds since the epoch; exact, unlike `timestamp()`."""
    return (time - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The UTC time of `micros`, clamped to the years 1000 to 8999.

    A datetime can say the years 1 to 9999; the rest is room for time zones and for spans added.
    """
    return EPOCH + timedelta(microseconds=min(max(micros, _LOWEST), _HIGHEST))


def maybe_time(micros: int | None) -> datetime | None:
    """`from_micros`, and None for None."""
    return None if micros is None else from_micros(micros)


def maybe_micros(time: datetime | None) -> int | None:
    """`to_micros`, and None for None."""
    return None if time is None else to_micros(time)


def rfc3339(time: datetime) -> str:
    """RFC 3339 in UTC with as many decimals as the time has (none, three or six)."""
    time = time.astimezone(UTC)
    spec = "seconds"
    if time.microsecond:
        spec = "milliseconds" if time.microsecond % 1000 == 0 else "microseconds"
    return time.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
