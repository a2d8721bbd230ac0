"""Terms of the filter language as text again, as a person would write them."""

import json
import re
from datetime import datetime

from .query import And, Compare, Expression, Field, Has, In, Not, Or, Value
from .times import rfc3339

_PLAIN = re.compile(r"[^\W\d][\w./:@+-]*")


def said(expression: Expression) -> str:
    """The text of `expression`."""
    match expression:
        case And(terms):
            return " and ".join(_inner(term) for term in terms)
        case Or(terms):
            return " or ".join(_inner(term) for term in terms)
        case Not(term):
            return f"not {_inner(term)}"
        case Has(field):
            return f"has {_field(field)}"
        case In(field, values):
            return f"{_field(field)} in ({', '.join(map(_value, values))})"
        case Compare(field, operator, value):
            return f"{_field(field)} {operator} {_value(value)}"


def _inner(term: Expression) -> str:
    return f"({said(term)})" if isinstance(term, And | Or) else said(term)


def _field(field: Field) -> str:
    name = field.name if re.fullmatch(r"[\w.-]+", field.name) else f"`{field.name}`"
    return f"{field.of}.{name}" if field.of else name


def _value(value: Value) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return f"{value:.15g}"
