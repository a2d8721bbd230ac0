"""Runs grouped by a value, counted and averaged in SQL over the ids that a query finds."""

from collections.abc import Sequence

import msgspec

from ..api.errors import UsageError
from ..api.groups import ATTRIBUTES, MOST, Group, Groups, Spread
from ..api.lists import RunQuery
from ..api.query import Field
from .database import Connection
from .filters import RUN_COLUMNS, TABLES, Sql, key_id
from .windows import RunListing

_TIMES = frozenset({"started", "ended"})
_FINITE = "CASE WHEN abs({0}.value) < 9e999 THEN {0}.value END"


def groups_of(
    connection: Connection, query: RunQuery, now: int, by: Field, metrics: Sequence[str]
) -> Groups:
    """The groups of the runs of `query`, as `api.groups` says. UsageError for other fields.

    A mean that is beyond what a float holds is infinite.
    """
    ids = RunListing(query, now).whole(connection)
    value = _value(connection, by)
    joins = [value]
    columns = []
    for at, name in enumerate(metrics):
        key = key_id(connection, "metrics", name)
        table = f"m{at}"
        joins.append(
            Sql(
                f" LEFT JOIN metric {table} ON {table}.run_id = run.id AND {table}.key_id = ?",
                [key],
            )
        )
        finite = _FINITE.format(table)
        columns += [f"{word}({finite})" for word in ("min", "max", "avg")]
    rows = connection.execute(
        f"SELECT {_EXPRESSION[_kind(by)].format(_column(by))} AS grouped, count(*),"
        f" count(*) OVER () {''.join(f', {column}' for column in columns)}"
        " FROM json_each(?) c CROSS JOIN run ON run.id = c.value"
        f"{''.join(join.text for join in joins)}"
        " GROUP BY grouped ORDER BY count(*) DESC, grouped LIMIT ?",
        [
            msgspec.json.encode(list(ids)).decode(),
            *(one for join in joins for one in join.values),
            MOST,
        ],
    ).fetchall()
    groups = [
        Group(
            value=None if row[0] is None else str(row[0]),
            count=row[1],
            metrics={
                name: Spread(*row[at : at + 3])
                for at, name in zip(range(3, len(row), 3), metrics, strict=True)
                if row[at] is not None
            },
        )
        for row in rows
    ]
    return Groups(groups=groups, distinct=rows[0][2] if rows else 0, counted=len(ids))


_EXPRESSION = {
    # A float as text is given by Python: SQLite writes fewer digits than a filter needs.
    "metrics": "CASE WHEN g.run_id IS NULL THEN NULL WHEN g.value IS NULL THEN 'nan' ELSE {} END",
    "text": "nullif({}, '')",
    "time": "date({} / 1000000, 'unixepoch')",
}


def _kind(by: Field) -> str:
    if by.of == "metrics":
        return "metrics"
    return "time" if not by.of and by.name in _TIMES else "text"


def _column(by: Field) -> str:
    if by.of:
        return "g.value"
    return "experiment.name" if by.name == "experiment" else RUN_COLUMNS[by.name]


def _value(connection: Connection, by: Field) -> Sql:
    if by.of:
        key = key_id(connection, by.of, by.name)
        table = TABLES[by.of]
        return Sql(f" LEFT JOIN {table} g ON g.run_id = run.id AND g.key_id = ?", [key])
    if by.name not in ATTRIBUTES:
        raise UsageError(f"runs are not grouped by {by}", way_out="Choose another column")
    if by.name == "experiment":
        return Sql(" JOIN experiment ON experiment.id = run.experiment_id")
    return Sql("")
