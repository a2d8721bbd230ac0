"""An instant as a person writes it; what could mean two, none or one to come is refused.

2026-11-17T14:05:00Z      RFC 3339            14:05           today
2026-11-17 14:05          of this machine     yesterday 14:05
2026-11-17                as it began         tuesday 14:05, last tuesday 14:05
-3d  -90m                 before now          today  yesterday  now
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.parse import parse_duration
from modeldeck.backends.api.times import rfc3339

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FORMS = "Give 2026-11-17T14:05:00Z, 2026-11-17 14:05, tuesday 14:05, 14:05, yesterday or -3d"
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def parse_instant(text: str, now: datetime) -> datetime:
    """The instant that `text` names, in UTC; days and clocks are those of the zone of `now`.

    UsageError where it names none, where the clocks went over it or came by it twice, or where it
    is still to come.
    """
    words = text.split()
    instant = _relative(words, now) or _exact(text.strip(), now) or _spoken(words, now)
    if instant is None:
        raise UsageError(f"{text!r} is no time", way_out=FORMS)
    if instant > now:
        later = rfc3339(instant.astimezone(UTC))
        raise UsageError(
            f"{text!r} is still to come ({later})", way_out="Give a time that has been"
        )
    return instant.astimezone(UTC)


def _relative(words: list[str], now: datetime) -> datetime | None:
    if words == ["now"]:
        return now
    if len(words) != 1 or words[0][0] not in "-+":
        return None
    seconds = parse_duration(words[0][1:])
    if seconds is None:
        return None
    try:
        return now + timedelta(seconds=-seconds if words[0][0] == "-" else seconds)
    except OverflowError:
        return None


def _exact(text: str, now: datetime) -> datetime | None:
    """A date with or without a clock and a zone."""
    if not _DATE.match(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else _local(found, now, text)


def _spoken(words: list[str], now: datetime) -> datetime | None:
    """A day by its name and a clock, either of which may be left out."""
    words = [word.casefold() for word in words]
    clock = None
    if words and (found := _CLOCK.fullmatch(words[-1])):
        clock = found
        words = words[:-1]
    day = _day(words, now.date())
    if day is None or (clock is None and not words):
        return None
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    naive = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001
    return _local(naive, now, naive.isoformat(" "))


def _day(words: list[str], today: date) -> date | None:
    """The day of these words; today without any. A weekday is the last one before today."""
    last = words[:1] == ["last"]
    names = words[1:] if last else words
    if not names:
        return None if last else today
    if len(names) != 1:
        return None
    if not last and names[0] in ("today", "yesterday"):
        return today - timedelta(days=names[0] == "yesterday")
    days = [at for at, day in enumerate(DAYS) if names[0] in (day, day[:3])]
    if not days:
        return None
    back = (today.weekday() - days[0]) % 7
    if back == 0 and not last:
        raise UsageError(
            f"today is {DAYS[days[0]]}: it could be today or a week ago",
            way_out=f"Say `today` or `last {DAYS[days[0]]}`",
        )
    return today - timedelta(days=back or 7)


def _local(naive: datetime, now: datetime, said: str) -> datetime:
    """A clock of the reader's zone as an instant."""
    first, second = _both(naive, now)
    if first.astimezone(UTC) == second.astimezone(UTC):
        return first
    if _back(first, now) != naive:
        raise UsageError(
            f"{said} never was: the clocks were put forward over it",
            way_out="Give a time before or after",
        )
    way_out = f"Give it with its offset: {first.isoformat()} or {second.isoformat()}"
    raise UsageError(f"{said} was twice: the clocks were put back", way_out=way_out)


def _both(naive: datetime, now: datetime) -> tuple[datetime, datetime]:
    """What a clock says before a change of the clocks and after it: mostly the same."""
    folds = naive.replace(fold=0), naive.replace(fold=1)
    if _is_machine(now):
        return folds[0].astimezone(), folds[1].astimezone()
    return folds[0].replace(tzinfo=now.tzinfo), folds[1].replace(tzinfo=now.tzinfo)


def _back(instant: datetime, now: datetime) -> datetime:
    """What the reader's clock said at an instant."""
    utc = instant.astimezone(UTC)
    local = utc.astimezone() if _is_machine(now) else utc.astimezone(now.tzinfo)
    return local.replace(tzinfo=None, fold=0)


def _is_machine(now: datetime) -> bool:
    """Whether `now` is told in the zone of this machine: an offset that is good for now alone."""
    zone = now.tzinfo
    fixed = isinstance(zone, timezone) and zone is not UTC
    return fixed and now.astimezone().utcoffset() == now.utcoffset()
