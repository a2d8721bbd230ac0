"""Runs in the order of some sorts: numbers or texts, then NaN, then missing, in both directions.

What is equal is ordered by the next sort, at last by id in the direction of the last sort: so an
order by one key is a walk along its index, either way.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ..api.query import Field, Sort
from ..api.runs import Shelf
from .database import Connection
from .filters import NUMBERS, TABLES, Sql, both, key_id, run_columns
from .selections import IDS, SMALL, Selection, ids_of, on_shelf

NEWEST = (Sort(Field("started"), descending=True),)
_EXACT = frozenset({"id", "status", "started", "ended", "duration", "exit"})


class _Rest(NamedTuple):
    """Sorts as SQL: what is joined, and what it orders by, with a comma behind."""

    joins: Sql
    order: str


class Order:
    """The order of `sorts` over the runs of one shelf."""

    def __init__(
        self, connection: Connection, sorts: Sequence[Sort], shelf: Shelf, now: int
    ) -> None:
        self._connection = connection
        self._sorts = sorts
        self._head = sorts[0]
        self._shelf = shelf
        self._now = now
        self._columns = run_columns(now)
        self._way = _way(self._head)
        self._last = _way(sorts[-1])

    def walk(self) -> Iterator[int]:
        """All runs in order, read as far as they are wanted. Some may be of another shelf."""
        rest = self._rest(self._sorts[1:])
        for segment in [*self._segments(rest), *self._missing(rest)]:
            for row in self._connection.execute(segment.text, segment.values):
                yield row[0]

    def whole(self, selection: Selection) -> list[int]:
        """All runs of `selection`, which is within the shelf, in order."""
        if not selection.but and len(selection.ids) <= SMALL:
            return self._few(selection.ids)
        if len(self._sorts) > 1:
            return self._untied(selection)
        found, missing = self._split(selection)
        return found + missing

    def _split(self, selection: Selection) -> tuple[list[int], list[int]]:
        """Those that have a value of the first sort, and those that have none."""
        found: list[int] = []
        for segment in self._segments(_NOTHING):
            found += ids_of(self._connection, segment)
        if self._knows_shelf:
            missing = [ids_of(self._connection, one) for one in self._missing(_NOTHING)]
            if selection.shelf:
                return found, [row for part in missing for row in part]
            return selection.of(found), selection.of(row for part in missing for row in part)
        return selection.of(found), self._left_out(found, selection)

    @property
    def _knows_shelf(self) -> bool:
        """Whether the walk is along an index that knows which runs are deleted."""
        return not self._head.field.of and self._head.field.name != "id"

    def _left_out(self, found: list[int], selection: Selection) -> list[int]:
        """What is in `selection` and was not found along an index of values."""
        if not selection.but:
            missing = selection.ids.difference(found)
        else:
            # Row ids have few gaps: what was not found is quicker counted than read.
            last = self._connection.execute("SELECT max(id) FROM run").fetchone()[0] or 0
            missing = set(range(1, last + 1)).difference(found, selection.ids)
            where = on_shelf(self._shelf).text or "1"
            if len(missing) > last // 4:
                every = ids_of(self._connection, Sql(f"SELECT id FROM run WHERE {where}"))
                missing.intersection_update(every)
            else:
                wanted = msgspec.json.encode(list(missing)).decode()
                one = "SELECT run.id AS id FROM json_each(?) c CROSS JOIN run ON run.id = c.value"
                missing = set(ids_of(self._connection, Sql(f"{one} WHERE +{where}", [wanted])))
        return sorted(missing, reverse=self._last == "DESC")

    def _few(self, ids: set[int]) -> list[int]:
        keys = self._rest(self._sorts)
        return ids_of(
            self._connection,
            Sql(
                "SELECT run.id AS id FROM json_each(?) c CROSS JOIN run ON run.id = c.value"
                f"{keys.joins.text} ORDER BY {keys.order}run.id {self._last}",
                [msgspec.json.encode(list(ids)).decode(), *keys.joins.values],
            ),
        )

    def _untied(self, selection: Selection) -> list[int]:
        """By the first sort; what ties there, in the order of the others."""
        head = Order(self._connection, self._sorts[:1], self._shelf, self._now)
        found, missing = head._split(selection)
        select = self._ties()
        rows = self._connection.execute(select.text, select.values)
        groups = [selection.of(IDS.decode(row[0])) for row in rows]
        groups.append(missing)
        tied = {row: place for place, members in enumerate(groups) for row in members}
        inner = Order(self._connection, self._sorts[1:], self._shelf, self._now)
        queues: list[list[int]] = [[] for _ in groups]
        for row in reversed(inner.whole(Selection(set(tied)))):
            queues[tied[row]].append(row)
        return [queues[tied[row]].pop() if row in tied else row for row in found + missing]

    def _ties(self) -> Sql:
        """Those that have the same value of the first sort, as one JSON array a value."""
        field = self._head.field
        if field.of:
            text = "" if field.of == "metrics" else ", value COLLATE NOCASE"
            return Sql(
                f"SELECT json_group_array(run_id) FROM {TABLES[field.of]} WHERE key_id = ?"
                f" GROUP BY {NUMBERS[field.of]}{text} HAVING count(*) > 1",
                [key_id(self._connection, field.of, field.name)],
            )
        column = self._column(field)
        where = both(on_shelf(self._shelf), Sql(_there(column)))
        return Sql(
            f"SELECT json_group_array(run.id) FROM run WHERE {where.text}"
            f" GROUP BY {_folded(field, column)} HAVING count(*) > 1"
        )

    def _segments(self, rest: _Rest) -> list[Sql]:
        """The runs that have a value of the first sort: numbers or texts, then NaN or texts."""
        field = self._head.field
        if field.of:
            return self._of_key(field, rest)
        if field.name == "experiment" and not rest.order:
            return [self._by_experiment()]
        if field.name == "duration" and not rest.order and self._shelf == Shelf.ACTIVE:
            return [self._by_duration()]
        column = self._column(field)
        where = Sql(_there(column))
        if self._knows_shelf:
            where = both(on_shelf(self._shelf), where)
        column = _folded(field, column)
        return [
            Sql(
                f"SELECT run.id AS id FROM run{rest.joins.text} WHERE {where.text}"
                f" ORDER BY {column} {self._way}, {rest.order}run.id {self._last}",
                rest.joins.values,
            )
        ]

    def _of_key(self, field: Field, rest: _Rest) -> list[Sql]:
        table, number = TABLES[field.of], NUMBERS[field.of]
        key = key_id(self._connection, field.of, field.name)
        text = "" if number == "value" else f"x.value COLLATE NOCASE {self._way}, "
        source = f"FROM {table} x"
        if rest.joins.text or rest.order:
            source += f" CROSS JOIN run ON run.id = x.run_id{rest.joins.text}"
        head = f"SELECT x.run_id AS id {source} WHERE x.key_id = ? AND x.{number}"
        tail = f"{text}{rest.order}x.run_id {self._last}"
        values = [*rest.joins.values, key]
        return [
            Sql(f"{head} IS NOT NULL ORDER BY x.{number} {self._way}, {tail}", values),
            Sql(f"{head} IS NULL ORDER BY {tail}", values),
        ]

    def _by_experiment(self) -> Sql:
        where = on_shelf(self._shelf).text or "1"
        return Sql(
            f"SELECT run.id AS id FROM experiment CROSS JOIN run"
            f" ON run.experiment_id = experiment.id WHERE {where}"
            f" ORDER BY experiment.name COLLATE NOCASE {self._way}, run.id {self._last}"
        )

    def _by_duration(self) -> Sql:
        """Those that ended along their index, merged with the few that run."""
        return Sql(
            "SELECT id, lasted FROM run WHERE deleted_at IS NULL AND lasted IS NOT NULL UNION ALL"
            f" SELECT id, {self._now} - started_at FROM run WHERE deleted_at IS NULL"
            " AND status = 'running' AND +ended_at IS NULL AND +started_at IS NOT NULL"
            f" ORDER BY lasted {self._way}, id {self._last}"
        )

    def _missing(self, rest: _Rest) -> list[Sql]:
        field = self._head.field
        shelf = on_shelf(self._shelf)
        if field.of:
            key = key_id(self._connection, field.of, field.name)
            table = TABLES[field.of]
            none = Sql(
                f"NOT EXISTS (SELECT 1 FROM {table} WHERE run_id = run.id AND key_id = ?)", [key]
            )
        elif field.name in ("experiment", "id"):
            return []
        elif field.name == "duration":
            none = Sql(f"run.lasted IS NULL AND {_gone(self._column(field))}")
        else:
            none = Sql(_gone(self._column(field)))
        where = both(shelf, none)
        return [
            Sql(
                f"SELECT run.id FROM run{rest.joins.text} WHERE {where.text}"
                f" ORDER BY {rest.order}run.id {self._last}",
                [*rest.joins.values, *where.values],
            )
        ]

    def _rest(self, sorts: Sequence[Sort]) -> _Rest:
        joins, order = "", ""
        values: list[object] = []
        for place, sort in enumerate(sorts):
            way, field = _way(sort), sort.field
            if not field.of:
                column = self._column(field)
                order += f"{_gone(column)}, {_folded(field, column)} {way}, "
                continue
            name, number = f"s{place}", NUMBERS[field.of]
            joins += (
                f" LEFT JOIN {TABLES[field.of]} {name}"
                f" ON {name}.run_id = run.id AND {name}.key_id = ?"
            )
            values.append(key_id(self._connection, field.of, field.name))
            order += f"{name}.run_id IS NULL, {name}.{number} IS NULL, {name}.{number} {way}, "
            if number != "value":
                order += f"{name}.value COLLATE NOCASE {way}, "
        return _Rest(Sql(joins, values), order)

    def _column(self, field: Field) -> str:
        if field.name == "experiment":
            return "(SELECT name FROM experiment WHERE experiment.id = run.experiment_id)"
        if field.name == "dataset":
            return (
                "(SELECT min(d.name) FROM run_dataset rd JOIN dataset d ON d.id = rd.dataset_id"
                " WHERE rd.run_id = run.id)"
            )
        return self._columns[field.name]


_NOTHING = _Rest(Sql(""), "")


def _way(sort: Sort) -> str:
    return "DESC" if sort.descending else "ASC"


def _there(column: str) -> str:
    return "run.name <> ''" if column == "run.name" else f"{column} IS NOT NULL"


def _gone(column: str) -> str:
    return "run.name = ''" if column == "run.name" else f"{column} IS NULL"


def _folded(field: Field, column: str) -> str:
    return column if field.name in _EXACT else f"{column} COLLATE NOCASE"
