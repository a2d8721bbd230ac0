"""Times as scripts write them."""

from datetime import UTC, datetime
from typing import Any

from modeldeck.backends.api.times import to_micros

_FIRST = -62_135_596_800
_LAST = 253_402_300_800


class MomentError(ValueError):
    """No time that can be told; the text goes on after "the time is"."""


def micros(value: Any) -> int:
    """Microseconds since 1970 of seconds since 1970 or of RFC 3339 text."""
    match value:
        case bool() | None:
            raise MomentError("no number and no text")
        case int() | float() if _FIRST <= value < _LAST:
            seconds: float = value
            return round(seconds * 1_000_000)
        case int() | float():
            raise MomentError("no second of the years 1 to 9999")
        case str():
            return _rfc3339(value)
    raise MomentError("no number and no text")


def _rfc3339(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MomentError("no RFC 3339") from None
    if found.tzinfo is None:
        raise MomentError("without its offset from UTC")
    try:
        return to_micros(found.astimezone(UTC))
    except OverflowError:
        raise MomentError("no second of the years 1 to 9999") from None
