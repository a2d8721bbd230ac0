"""`freeze`: times at which nothing moves."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from modeldeck.backends.api.times import rfc3339

from .facts import Facts
from .rule import PASS, PROMOTE, ROLLBACK, WAIT, Finding, Problem, Rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKLY = re.compile(r"([a-z]{3}) (\d\d:\d\d)-([a-z]{3}) (\d\d:\d\d)")
_FORMS = 'Write "fri 16:00-mon 08:00", or {from = "2026-12-20", to = "2027-01-04", why = "..."}'
_WEEK = timedelta(days=7)


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From an instant until before another. A date alone is that whole day, as `to` as well."""

    start: str = field(name="from")
    end: str = field(name="to")
    why: str = ""


class Span(NamedTuple):
    """A freeze: from its first instant until before the other."""

    start: datetime
    end: datetime
    why: str


class Freeze(Rule, frozen=True, kw_only=True):
    """Nothing moves inside of `windows`, nor each week inside of `weekly`, by the clock of `zone`.

    The first instant is inside, the last is not. Numbers: until, or next.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)
    windows: tuple[Window, ...] = ()
    weekly: tuple[str, ...] = ()
    zone: str = "UTC"

    def problems(self) -> Iterator[Problem]:
        try:
            zone = ZoneInfo(self.zone)
        except (OSError, ValueError, KeyError):
            way_out = "Write an IANA name, such as Europe/Berlin"
            yield ("zone",), f"{self.zone!r} is no time zone of this machine", way_out
            return
        if not self.windows and not self.weekly:
            yield (), "it freezes nothing", _FORMS
        for number, window in enumerate(self.windows):
            for key, text in (("from", window.start), ("to", window.end)):
                try:
                    _instant(text, zone, end=key == "to")
                except ValueError:
                    yield ("windows", number, key), f"{text!r} is no date or time", _FORMS
                    break
            else:
                span = _span(window, zone)
                if span.start >= span.end:
                    yield ("windows", number), "the window ends before it begins", ""
        for number, text in enumerate(self.weekly):
            try:
                week = _week(text)
            except ValueError:
                yield ("weekly", number), f"{text!r} is no window of a week", _FORMS
                continue
            if week[0] == week[1]:
                yield ("weekly", number), "the window ends where it begins", ""

    async def judge(self, facts: Facts) -> Finding:
        now = facts.session.clock()
        spans = list(self._spans(now))
        inside = [span for span in spans if span.start <= now < span.end]
        if inside:
            until = self._thawed(inside, spans)
            why = next((span.why for span in inside if span.why), "")
            words = f"frozen until {self._words(until)}{f': {why}' if why else ''}"
            return Finding(WAIT, "freeze window", words, {"until": rfc3339(until)})
        coming = min((span for span in spans if span.start > now), default=None)
        if coming is None:
            return Finding(PASS, "freeze window", "none ahead", {"next": None})
        words = f"none until {self._words(coming.start)}"
        return Finding(PASS, "freeze window", words, {"next": rfc3339(coming.start)})

    def _spans(self, now: datetime) -> Iterator[Span]:
        """All windows, and those of the weeks around now."""
        zone = ZoneInfo(self.zone)
        yield from (_span(window, zone) for window in self.windows)
        today = now.astimezone(zone).date()
        monday = today - timedelta(days=today.weekday())
        for text in self.weekly:
            start, end = _week(text)
            for week in (-1, 0, 1):
                first = monday + week * _WEEK
                last = first if start < end else first + _WEEK
                yield Span(_on(first, start, zone), _on(last, end, zone), "")

    @staticmethod
    def _thawed(inside: Sequence[Span], spans: Sequence[Span]) -> datetime:
        """When the last of the windows that follow each other without a gap ends."""
        until = max(span.end for span in inside)
        for span in sorted(spans):
            if span.start <= until < span.end:
                until = span.end
        return until

    def _words(self, instant: datetime) -> str:
        return f"{instant.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M} {self.zone}"


def _span(window: Window, zone: ZoneInfo) -> Span:
    start = _instant(window.start, zone, end=False)
    return Span(start, _instant(window.end, zone, end=True), window.why)


def _instant(text: str, zone: ZoneInfo, *, end: bool) -> datetime:
    """The instant of a date or time; ValueError. A date that ends something includes its day."""
    if len(text) == 10:
        day = date.fromisoformat(text)
        return _in_utc(datetime.combine(day + timedelta(days=1) if end else day, time()), zone)
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC) if instant.tzinfo else _in_utc(instant, zone)


def _week(text: str) -> tuple[timedelta, timedelta]:
    """Begin and end of `fri 16:00-mon 08:00` as time since Monday; ValueError."""
    match = _WEEKLY.fullmatch(text.lower())
    if match is None:
        raise ValueError(text)
    ends = []
    for day, clock in ((match[1], match[2]), (match[3], match[4])):
        hours, minutes = map(int, clock.split(":"))
        if hours * 60 + minutes > 1440 or minutes > 59:
            raise ValueError(text)
        ends.append(timedelta(days=_DAYS.index(day), hours=hours, minutes=minutes))
    return ends[0], ends[1]


def _on(monday: date, since: timedelta, zone: ZoneInfo) -> datetime:
    """A time of a week by the clock on the wall, whatever the offset is then."""
    return _in_utc(datetime.combine(monday, time()) + since, zone)


def _in_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    # Times of one zone are compared by their clocks, which run twice through one hour a year.
    return wall.replace(tzinfo=zone).astimezone(UTC)
