"""Values as JSON that everybody reads.

Times are RFC 3339 in UTC; NaN and infinities are the strings "NaN", "Infinity", "-Infinity".
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modeldeck.app.config.redaction import masked_value
from modeldeck.backends.api.times import rfc3339


def number(value: float | None) -> float | str | None:
    """A float as JSON can say it."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def time(value: datetime | None) -> str | None:
    """A time as text."""
    return None if value is None else rfc3339(value)


def plain(value: Any) -> Any:
    """Anything that came as JSON, as JSON that everybody reads: no bare NaN, no odd types."""
    match value:
        case bool() | None | int() | str():
            return value
        case float():
            return number(value)
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {str(key): named(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    return str(value)


def named(name: str, value: Any) -> Any:
    """A value as JSON; masked where its name says that it is a secret."""
    return masked_value(name, value) if isinstance(value, str) else plain(value)
