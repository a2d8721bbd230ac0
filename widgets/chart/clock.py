"""Times on an axis: Unix seconds in a zone, and seconds since a start."""

import math
from datetime import datetime, timedelta, tzinfo

from .scale import Axis, number, ticks

_DAY = 86_400.0
_UNITS = (
    *(base * unit for unit in (0.001, 0.01, 0.1) for base in (1, 2, 5)),
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0),
)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def time_ticks(axis: Axis, most: int, zone: tzinfo | None = None) -> list[tuple[float, str]]:
    """Return at most `most` ticks (Unix seconds) with labels, on round times of a clock.

    The clock is that of `zone`, None is the local one. Labels are as short as the distance of
    the ticks allows: `08:12:03`, `08:12`, `23 Nov` (also where a day begins), `Nov 2026`, `2026`.
    """
    span = axis.hi - axis.lo
    first = _moment(axis.lo, zone)
    if first is None or _moment(axis.hi, zone) is None:
        return [(value, number(value)) for value in ticks(axis, most)]
    for unit in _UNITS:
        if span / unit <= most:
            ahead = (first.utcoffset() or timedelta(0)).total_seconds()
            marks = _multiples(axis.lo + ahead, axis.hi + ahead, unit)
            return [(at - ahead, _clock(at - ahead, unit, zone)) for at in marks][:most]
    for days in _DAYS:
        if span / (_DAY * days) <= most:
            return _days(axis, first, days, zone)[:most]
    for months in _MONTHS:
        if span / (_DAY * 30.5 * months) <= most:
            return _months(axis, first, months, zone)[:most]
    return [(value, number(value)) for value in ticks(axis, most)]


def relative_ticks(axis: Axis, most: int) -> list[tuple[float, str]]:
    """Return at most `most` ticks with labels, in seconds since a start: `1:30`, `3d`."""
    span = axis.hi - axis.lo
    for unit in (*_UNITS, *(_DAY * days for days in _DAYS)):
        if span / unit <= most:
            return [(at, duration(at, unit)) for at in _multiples(axis.lo, axis.hi, unit)][:most]
    scaled = ticks(Axis(axis.lo / _DAY, axis.hi / _DAY), most)
    return [(at * _DAY, f"{number(at)}d") for at in scaled if math.isfinite(at * _DAY)]


def moment(value: float, span: float, zone: tzinfo | None = None) -> str:
    """Write a time in full, with milliseconds when the picture covers `span` < 60 seconds."""
    at = _moment(value, zone)
    if at is None:
        return number(value)
    part = f".{at.microsecond // 1000:03d}" if span < 60 else ""
    return f"{at:%Y-%m-%d %H:%M:%S}{part}"


def duration(value: float, unit: float) -> str:
    """Write seconds as a duration, exact to `unit` seconds: `0:05`, `1:30:00`, `2d 06:00`."""
    if not math.isfinite(value) or abs(value) >= 1e11:
        return number(value)
    sign, value = ("-", -value) if value < 0 else ("", value)
    digits = max(0, -math.floor(math.log10(unit) + 1e-9)) if unit < 1 else 0
    ticks_in = 10**digits
    whole, part = divmod(round(value * ticks_in), ticks_in)
    tail = f".{part:0{digits}d}" if digits else ""
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        rest = f" {hours:02d}:{minutes:02d}" if hours or minutes or seconds or tail else ""
        return f"{sign}{days}d{rest}" + (f":{seconds:02d}{tail}" if seconds or tail else "")
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{seconds:02d}{tail}"
    return f"{sign}{minutes}:{seconds:02d}{tail}"


def _multiples(lo: float, hi: float, unit: float) -> list[float]:
    first, last = math.ceil(lo / unit - 1e-9), math.floor(hi / unit + 1e-9)
    if last - first > 10_000:
        return []
    found = [k * unit for k in range(first, last + 1)]
    return [at for at in found if lo <= at <= hi]


def _moment(value: float, zone: tzinfo | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, zone).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def _clock(value: float, unit: float, zone: tzinfo | None) -> str:
    # Half a unit of the last digit, so that 11.9999 is not written as 11.
    at = _moment(value + min(unit, 1.0) * 1e-3, zone)
    if at is None:
        return number(value)
    if unit < 1:
        digits = max(1, -math.floor(math.log10(unit) + 1e-9))
        return f"{at:%H:%M:%S}.{at.microsecond // 10 ** (6 - digits):0{digits}d}"
    if unit < 60:
        return f"{at:%H:%M:%S}"
    return _day(at) if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.day} {_NAMES[at.month - 1]}"


def _days(axis: Axis, first: datetime, days: int, zone: tzinfo | None) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    day = first.date().toordinal()
    day += -day % days
    while True:
        try:
            at = _midnight(datetime.fromordinal(day), zone)
        except (OverflowError, ValueError, OSError):
            return found
        if at.timestamp() > axis.hi:
            return found
        if at.timestamp() >= axis.lo:
            found.append((at.timestamp(), _day(at)))
        day += days


def _months(
    axis: Axis, first: datetime, months: int, zone: tzinfo | None
) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    month = first.year * 12 + first.month - 1
    month += -month % months
    while True:
        try:
            at = _midnight(datetime(month // 12, month % 12 + 1, 1), zone)  # noqa: DTZ001
            stamp = at.timestamp()
        except (OverflowError, ValueError, OSError):
            return found
        if stamp > axis.hi:
            return found
        if stamp >= axis.lo:
            label = f"{at.year}" if months >= 12 else f"{_NAMES[at.month - 1]} {at.year}"
            found.append((stamp, label))
        month += months


def _midnight(naive: datetime, zone: tzinfo | None) -> datetime:
    # Without a zone, astimezone() asks the machine, summer time on that day included.
    return naive.replace(tzinfo=zone) if zone else naive.astimezone()
