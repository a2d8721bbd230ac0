"""Terms of the filter language -> SQL conditions over `run` or `audit_index`, all values bound.

Every condition is 0 or 1, never NULL, so that NOT means what the language says it means.
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from ..api.evaluate import pattern
from ..api.query import And, Compare, Expression, Field, Has, In, Not, Or, Value
from ..api.times import to_micros
from .database import Connection

KINDS = {"metrics": 1, "params": 2, "tags": 3}
TABLES = {"metrics": "metric", "params": "param", "tags": "tag"}
_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"
DURATION = (
    f"(coalesce(run.ended_at, CASE WHEN run.status = 'running' THEN {_NOW} END)"
    " - run.started_at) / 1000000.0"
)
RUN_COLUMNS = {
    "name": "run.name",
    "id": "run.uid",
    "status": "run.status",
    "started": "run.started_at",
    "ended": "run.ended_at",
    "duration": DURATION,
    "user": "nullif(run.user, '')",
    "parent": "run.parent_uid",
    "reason": "run.reason",
    "exit": "run.exit_code",
    "git": "run.git",
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
_NANS = {
    ("value", "value"): "nan_bits IS NOT NULL",
    ("value", "number"): "lower(trim(value)) IN ('nan', '+nan', '-nan')",
}


class Sql(NamedTuple):
    """A piece of SQL and the values bound in it, in order."""

    text: str
    values: Sequence[object] = ()


def key_id(connection: Connection, of: str, name: str) -> int:
    """The id of a key; -1, which nothing has, for one that no run has."""
    row = connection.execute(
        "SELECT id FROM key WHERE kind = ? AND name = ?", (KINDS[of], name)
    ).fetchone()
    return -1 if row is None else int(row[0])


def prepare(connection: Connection) -> None:
    """Give `connection` the function behind `~`."""
    connection.create_function("found_in", 2, _found_in, deterministic=True)


def condition(
    connection: Connection, expression: Expression, columns: dict[str, str] = RUN_COLUMNS
) -> Sql:
    """The condition of `expression`."""
    match expression:
        case And(terms):
            return _joined(connection, " AND ", terms, columns)
        case Or(terms):
            return _joined(connection, " OR ", terms, columns)
        case Not(term):
            inner = condition(connection, term, columns)
            return Sql(f"NOT ({inner.text})", inner.values)
        case Has(field):
            return _on(connection, field, columns, lambda column, _: Sql(f"{column} IS NOT NULL"))
        case In(field, values):
            terms = tuple(Compare(field, "=", value) for value in values)
            return condition(connection, Or(terms), columns)
        case Compare(field, "!=", value):
            return condition(connection, Not(Compare(field, "=", value)), columns)
        case Compare(field, "!~", value):
            return condition(connection, Not(Compare(field, "~", value)), columns)
        case Compare(field, operator, value):
            return _on(
                connection,
                field,
                columns,
                lambda column, number: _test(column, number, operator, value),
            )


def _joined(
    connection: Connection, word: str, terms: Sequence[Expression], columns: dict[str, str]
) -> Sql:
    parts = [condition(connection, term, columns) for term in terms]
    text = word.join(f"({part.text})" for part in parts)
    return Sql(text, [value for part in parts for value in part.values])


def _on(
    connection: Connection, field: Field, columns: dict[str, str], test: Callable[[str, str], Sql]
) -> Sql:
    if field.of:
        table = TABLES[field.of]
        # A NaN's value is NULL; that the row is there is what `has` asks.
        has = Sql("1") if field.of == "metrics" else Sql("value <> ''")
        inner = test("value", "value" if field.of == "metrics" else "number")
        inner = has if inner.text == "value IS NOT NULL" else inner
        return Sql(
            f"run.id IN (SELECT run_id FROM {table} WHERE key_id = ? AND {inner.text})",
            [key_id(connection, field.of, field.name), *inner.values],
        )
    if field.name in _SETS and columns is RUN_COLUMNS:
        frame, inside = _SETS[field.name]
        parts = [test(column, column) for column in inside]
        return Sql(
            frame.format(" OR ".join(f"({part.text})" for part in parts)),
            [value for part in parts for value in part.values],
        )
    inner = test(columns[field.name], columns[field.name])
    return Sql(f"coalesce({inner.text}, 0)", inner.values)


def _test(column: str, number: str, operator: str, value: Value) -> Sql:
    if operator == "~":
        text = str(value)
        if text.isascii() and re.escape(text) == text:
            return Sql(f"instr(lower({column}), ?) > 0", [text.lower()])
        return Sql(f"found_in(?, {column})", [text])
    if isinstance(value, datetime):
        return Sql(f"{column} {operator} ?", [to_micros(value)])
    if isinstance(value, float):
        if math.isnan(value):
            return Sql(_NANS.get((column, number), "0") if operator == "=" else "0")
        return Sql(f"{number} {operator} ?", [value])
    return Sql(f"{column} {operator} ?", [value])


def _found_in(wanted: str, text: object) -> bool:
    return text is not None and pattern(wanted).search(str(text)) is not None
