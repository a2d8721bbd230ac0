"""The filter language over values in memory, for lists that no database filters.

The local registry compiles the same terms to SQL; a test holds the two together.
"""

import math
import re
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from .query import And, Compare, Expression, Field, Has, In, Not, Or, Value

_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_ESCAPED = re.compile(r"\\([^0-9A-Za-z])", re.DOTALL)
Getter = Callable[[Field], "Value | Sequence[str] | None"]


def matches(expression: Expression, get: Getter) -> bool:
    """Whether the thing whose fields `get` reads fits. `get` returns None for what is missing.

    A sequence (aliases, say) fits when any of its items does.
    """
    match expression:
        case And(terms):
            return all(matches(term, get) for term in terms)
        case Or(terms):
            return any(matches(term, get) for term in terms)
        case Not(term):
            return not matches(term, get)
        case Has(field):
            found = get(field)
            return found is not None and (not isinstance(found, str | Sequence) or bool(found))
        case In(field, values):
            return any(_compare(get(field), "=", value) for value in values)
        case Compare(field, "!=", value):
            return not _compare(get(field), "=", value)
        case Compare(field, "!~", value):
            return not _compare(get(field), "~", value)
        case Compare(field, operator, value):
            return _compare(get(field), operator, value)


@lru_cache(64)
def pattern(text: str) -> "re.Pattern[str]":
    """A `~` value, compiled. Plain ASCII text folds ASCII letters only, as SQLite does.

    Raises ValueError with the reason when it is no regular expression.
    """
    found = literal(text)
    plain = found is not None and found.isascii()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(text, re.IGNORECASE | (re.ASCII if plain else re.NOFLAG))
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error


def literal(text: str) -> str | None:
    """What `text` stands for if as a regular expression it means itself; else None."""
    if not _SPECIAL.search(text):
        return text
    plain = _ESCAPED.sub(r"\1", text)
    return plain if re.escape(plain) == text else None


def number_of(text: str) -> float | None:
    """A parameter or tag as a number; None when it is none."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _compare(found: "Value | Sequence[str] | None", operator: str, wanted: Value) -> bool:
    if found is None:
        return False
    if not isinstance(found, str | float | int | datetime):
        return any(_compare(item, operator, wanted) for item in found)
    if operator == "~":
        return pattern(str(wanted)).search(str(found)) is not None
    if isinstance(wanted, float) and isinstance(found, str):
        number = number_of(found)
        if number is None:
            return False
        found = number
    if isinstance(wanted, float) and math.isnan(wanted):
        return operator == "=" and isinstance(found, float) and math.isnan(found)
    if isinstance(found, str) != isinstance(wanted, str):
        return False
    return _ORDER[operator](found, wanted)


_ORDER: dict[str, Callable[[object, object], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}
