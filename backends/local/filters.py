"""Terms of the filter language -> SQL conditions over `run` or `audit_index`, all values bound.

Every condition is 0 or 1, never NULL, so that NOT means what the language says it means.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ..api.evaluate import literal, number_of, pattern
from ..api.query import And, Compare, Expression, Has, In, Not, Or, Value
from ..api.times import to_micros
from .database import Connection

KINDS = {"metrics": 1, "params": 2, "tags": 3}
TABLES = {"metrics": "metric", "params": "param", "tags": "tag"}
NUMBERS = {"metrics": "value", "params": "number", "tags": "number"}
RUN_COLUMNS = {
    "name": "run.name",
    "id": "run.uid",
    "status": "run.status",
    "started": "run.started_at",
    "ended": "run.ended_at",
    "user": "nullif(run.user, '')",
    "parent": "run.parent_uid",
    "reason": "nullif(run.reason, '')",
    "exit": "run.exit_code",
    "git": "nullif(run.git, '')",
    "note": "nullif(run.note, '')",
}
EVENT_COLUMNS = {
    "seq": "seq",
    "time": "time",
    "actor": "actor",
    "host": "host",
    "action": "action",
    "phase": "phase",
    "subject": "subject",
    "reason": "nullif(reason, '')",
    "ticket": "nullif(ticket, '')",
}
_NEVER_NULL = frozenset(("seq", "time", "actor", "host", "action", "phase", "subject"))
_SETS = {
    "experiment": (
        "run.experiment_id IN (SELECT id FROM experiment WHERE {})",
        ("experiment.name",),
    ),
    "dataset": (
        "run.id IN (SELECT run_id FROM run_dataset JOIN dataset ON id = dataset_id WHERE {})",
        ("dataset.name", "dataset.digest"),
    ),
}


class Sql(NamedTuple):
    """A piece of SQL and the values bound in it, in order."""

    text: str
    values: Sequence[object] = ()


def run_columns(now: int) -> Mapping[str, str]:
    """The columns of runs; a running one has lasted until `now` (in microseconds)."""
    until = f"coalesce(run.ended_at, CASE WHEN run.status = 'running' THEN {int(now)} END)"
    return RUN_COLUMNS | {"duration": f"({until} - run.started_at) / 1000000.0"}


def key_id(connection: Connection, of: str, name: str) -> int:
    """The id of a key; -1, which nothing has, for one that no run has."""
    row = connection.execute(
        "SELECT id FROM key WHERE kind = ? AND name = ?", (KINDS[of], name)
    ).fetchone()
    return -1 if row is None else int(row[0])


def prepare(connection: Connection) -> None:
    """Give `connection` the functions that conditions call."""
    connection.create_function("found_in", 2, _found_in, deterministic=True)
    connection.create_function("says_nan", 1, _says_nan, deterministic=True)


def condition(connection: Connection, expression: Expression, columns: Mapping[str, str]) -> Sql:
    """The condition of `expression` on a row of `run` or `audit_index`."""
    match expression:
        case And(terms):
            return joined("AND", [condition(connection, term, columns) for term in terms])
        case Or(terms):
            return joined("OR", [condition(connection, term, columns) for term in terms])
        case Not(term):
            return negated(condition(connection, term, columns))
        case Compare(field, "!=", value):
            return negated(condition(connection, Compare(field, "=", value), columns))
        case Compare(field, "!~", value):
            return negated(condition(connection, Compare(field, "~", value), columns))
    field = expression.field
    if field.of:
        inner = on_key(connection, expression)
        return Sql(
            f"EXISTS (SELECT 1 FROM {TABLES[field.of]} WHERE run_id = run.id AND {inner.text})",
            inner.values,
        )
    test = on_run(expression, columns)
    if columns.get(field.name) in _NEVER_NULL:
        # Bare, so that an index can find it.
        return test
    return Sql(f"coalesce({test.text}, 0)", test.values)


def on_run(expression: Has | In | Compare, columns: Mapping[str, str]) -> Sql:
    """The condition of a term about an attribute; NULL where it is missing."""
    name = expression.field.name
    if name in _SETS and name not in columns:
        frame, inside = _SETS[name]
        test = joined("OR", [_test(expression, column, column) for column in inside])
        return Sql(frame.format(test.text), test.values)
    return _test(expression, columns[name], columns[name])


def on_key(connection: Connection, expression: Has | In | Compare) -> Sql:
    """The condition of a term about a metric, parameter or tag on a row of its table."""
    field = expression.field
    test = _test(expression, "value", NUMBERS[field.of])
    key = key_id(connection, field.of, field.name)
    return Sql(f"key_id = ? AND {test.text}", [key, *test.values])


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """`parts` with AND or OR between; as a tree, since SQLite limits the depth of expressions."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    left, right = joined(word, parts[:half]), joined(word, parts[half:])
    return Sql(f"({left.text} {word} {right.text})", [*left.values, *right.values])


def negated(part: Sql) -> Sql:
    """What `part` does not say."""
    return Sql(f"(NOT {part.text})", part.values)


def both(left: Sql, right: Sql) -> Sql:
    """Both conditions; an empty one says nothing."""
    return joined("AND", [part for part in (left, right) if part.text]) if left.text else right


def _test(expression: Has | In | Compare, column: str, number: str) -> Sql:
    match expression:
        case Has():
            # The value of a NaN is NULL; that its row is there is what `has` asks.
            return Sql("1") if column == number == "value" else Sql(f"{column} <> ''")
        case In(_, values):
            return joined("OR", [_compare(column, number, "=", value) for value in values])
        case Compare(_, operator, value):
            return _compare(column, number, operator, value)


def _compare(column: str, number: str, operator: str, value: Value) -> Sql:
    if operator == "~":
        text = literal(str(value))
        if text is not None and text.isascii():
            return Sql(f"instr(lower({column}), ?) > 0", [text.lower()])
        return Sql(f"found_in(?, {column})", [str(value)])
    if isinstance(value, datetime):
        return Sql(f"{column} {operator} ?", [to_micros(value)])
    if isinstance(value, str):
        if operator == "=" and column in ("value", "run.name"):
            # The first half finds it in the index, which knows no case.
            return Sql(f"({column} = ? COLLATE NOCASE AND {column} = ?)", [value, value])
        return Sql(f"{column} {operator} ?", [value])
    if not math.isnan(value):
        return Sql(f"{number} {operator} ?", [value])
    if operator != "=":
        return Sql("0")
    if column != number:
        return Sql(f"({number} IS NULL AND says_nan({column}))")
    return Sql("value IS NULL" if column == "value" else "0")


def _found_in(wanted: str, text: object) -> bool:
    return text is not None and pattern(wanted).search(str(text)) is not None


def _says_nan(text: str) -> bool:
    number = number_of(text)
    return number is not None and math.isnan(number)
