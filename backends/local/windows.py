"""Windows over SQL: the first page at once, then the ids of the whole list in the same order.

Ordered by its first field in up to three segments (numbers, NaN or text, missing), so that each is
a walk along an index; what follows decides within equal values, at last the id.
"""

import asyncio
import json
from array import array
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ..api.lists import RunQuery
from ..api.query import Field, Sort
from ..api.runs import Run, Shelf
from .database import Connection, Database
from .filters import DURATION, RUN_COLUMNS, TABLES, Sql, condition, key_id, prepare
from .runs import runs_by_id

T = TypeVar("T")
Select = Callable[[Connection], Sequence[Sql]]
NEWEST = (Sort(Field("started"), descending=True),)


class SqlWindow(Generic[T]):
    """A window whose rows `load` by id, in the order of the ids that `select` gives."""

    def __init__(
        self,
        database: Database,
        select: Select,
        load: Callable[[Connection, Sequence[int]], Sequence[T]],
        find: Callable[[Connection, str], int | None],
    ) -> None:
        self._database = database
        self._select = select
        self._load = load
        self._find = find
        self._ids: array[int] | None = None
        self._places: dict[int, int] | None = None
        self._reading = asyncio.Lock()
        self.first: Sequence[T] = ()
        self.at_least = 0

    @property
    def count(self) -> int | None:
        return None if self._ids is None else len(self._ids)

    async def open(self, size: int) -> None:
        """Load the first `size` rows."""

        def work(connection: Connection) -> tuple[int, Sequence[T]]:
            ids = _ids(connection, self._select(connection), size)
            return len(ids), self._load(connection, ids)

        self.at_least, self.first = await self._database.read(work)

    async def whole(self) -> None:
        """Learn all ids, and with them the count."""
        async with self._reading:
            if self._ids is None:
                self._ids = await self._database.read(
                    lambda connection: _ids(connection, self._select(connection), -1)
                )
                self.at_least = len(self._ids)

    async def page(self, start: int, limit: int) -> Sequence[T]:
        """The rows from `start`; fewer than `limit` at the end or when some were purged."""
        if start + limit <= len(self.first) and self._ids is None:
            return self.first[start : start + limit]
        await self.whole()
        assert self._ids is not None
        ids = self._ids[start : start + limit]
        return await self._database.read(lambda connection: self._load(connection, ids))

    async def index_of(self, key: str) -> int | None:
        """The place of the row of that key, None when it is not in the list."""
        await self.whole()
        found = await self._database.read(lambda connection: self._find(connection, key))
        if found is None or self._ids is None:
            return None
        if self._places is None:
            self._places = {row: place for place, row in enumerate(self._ids)}
        return self._places.get(found)


def run_window(database: Database, query: RunQuery) -> SqlWindow[Run]:
    """The runs of a query."""
    return SqlWindow(
        database,
        lambda connection: run_segments(connection, query),
        lambda connection, ids: runs_by_id(connection, ids, query.fields),
        _run_place,
    )


def _run_place(connection: Connection, key: str) -> int | None:
    row = connection.execute("SELECT id FROM run WHERE uid = ?", (key,)).fetchone()
    return int(row[0]) if row else None


def _ids(connection: Connection, segments: Sequence[Sql], size: int) -> "array[int]":
    ids = array("q")
    for segment in segments:
        left = -1 if size < 0 else size - len(ids)
        if left == 0:
            break
        rows = connection.execute(f"{segment.text} LIMIT ?", [*segment.values, left])
        ids.extend([row[0] for row in rows])
    return ids


def run_segments(connection: Connection, query: RunQuery) -> Sequence[Sql]:
    """Selects of run ids that make up the whole ordered list, one after the other."""
    prepare(connection)
    where = _where(connection, query)
    head, *rest = query.sort or NEWEST
    joins, order, values = _within(connection, rest)
    way = "DESC" if head.descending else "ASC"
    if head.field.of:
        table = TABLES[head.field.of]
        key = key_id(connection, head.field.of, head.field.name)
        number = "value" if head.field.of == "metrics" else "number"
        second = "" if head.field.of == "metrics" else f"x.value {way}, "
        base = f"FROM {table} x JOIN run ON run.id = x.run_id{joins} WHERE x.key_id = ?"
        bare = not where.text and not joins
        if bare:
            base = f"FROM {table} x WHERE x.key_id = ?"
            gone = "SELECT id FROM run WHERE deleted_at IS NOT NULL"
            and_where = Sql(f" AND x.run_id NOT IN ({gone})" if query.shelf == Shelf.ACTIVE else "")
        else:
            and_where = _and(_shelved(where, query.shelf))
        one = "x.run_id" if bare else "run.id"
        bound = [*values, key, *and_where.values]
        there = f"SELECT run_id FROM {table} WHERE key_id = ?"
        missing = _shelved(where, query.shelf)
        missing_where = Sql(f"run.id NOT IN ({there})", [key])
        lone = _both(missing, missing_where)
        return [
            Sql(
                f"SELECT {one} {base} AND x.{number} IS NOT NULL{and_where.text}"
                f" ORDER BY x.{number} {way}, {order}{one}",
                bound,
            ),
            Sql(
                f"SELECT {one} {base} AND x.{number} IS NULL{and_where.text}"
                f" ORDER BY {second}{order}{one}",
                bound,
            ),
            Sql(
                f"SELECT run.id FROM run{joins} WHERE {lone.text} ORDER BY {order}run.id",
                [*values, *lone.values],
            ),
        ]
    column = _column(head.field)
    shelved = _shelved(where, query.shelf)
    found = []
    for test, by in ((f"{column} IS NOT NULL", f"{column} {way}, "), (f"{column} IS NULL", "")):
        both = _both(shelved, Sql(test))
        found.append(
            Sql(
                f"SELECT run.id FROM run{joins} WHERE {both.text} ORDER BY {by}{order}run.id",
                [*values, *both.values],
            )
        )
    return found


def _column(field: Field) -> str:
    if field.name == "experiment":
        return "(SELECT name FROM experiment WHERE experiment.id = run.experiment_id)"
    if field.name == "name":
        return "run.name COLLATE NOCASE"
    if field.name == "dataset":
        return (
            "(SELECT min(d.name) FROM run_dataset rd JOIN dataset d ON d.id = rd.dataset_id"
            " WHERE rd.run_id = run.id)"
        )
    return DURATION if field.name == "duration" else RUN_COLUMNS[field.name]


def _within(connection: Connection, sorts: Sequence[Sort]) -> tuple[str, str, list[object]]:
    joins, order = "", ""
    values: list[object] = []
    for place, sort in enumerate(sorts):
        way = "DESC" if sort.descending else "ASC"
        if not sort.field.of:
            column = _column(sort.field)
            order += f"{column} IS NULL, {column} {way}, "
            continue
        name, table = f"s{place}", TABLES[sort.field.of]
        number = "value" if sort.field.of == "metrics" else "number"
        joins += f" LEFT JOIN {table} {name} ON {name}.run_id = run.id AND {name}.key_id = ?"
        values.append(key_id(connection, sort.field.of, sort.field.name))
        order += f"{name}.run_id IS NULL, {name}.{number} IS NULL, {name}.{number} {way}, "
        if number == "number":
            order += f"{name}.value {way}, "
    return joins, order, values


def _where(connection: Connection, query: RunQuery) -> Sql:
    parts = []
    if query.experiments is not None:
        named = json.dumps(list(query.experiments))
        parts.append(
            Sql(
                "run.experiment_id IN (SELECT id FROM experiment"
                " WHERE name IN (SELECT value FROM json_each(?)))",
                [named],
            )
        )
    if query.parent is not None:
        parts.append(Sql("run.parent_uid = ?", [query.parent]))
    elif query.top:
        parts.append(
            Sql(
                "(run.parent_uid IS NULL OR run.parent_uid NOT IN"
                " (SELECT uid FROM run WHERE deleted_at IS NULL))"
            )
        )
    if query.where is not None:
        parts.append(condition(connection, query.where))
    return Sql(
        " AND ".join(f"({part.text})" for part in parts),
        [value for part in parts for value in part.values],
    )


def _shelved(where: Sql, shelf: Shelf) -> Sql:
    test = {
        Shelf.ACTIVE: "run.deleted_at IS NULL",
        Shelf.DELETED: "run.deleted_at IS NOT NULL",
        Shelf.ALL: "1",
    }[shelf]
    return _both(Sql(test), where)


def _both(left: Sql, right: Sql) -> Sql:
    if not right.text:
        return left
    return Sql(f"{left.text} AND {right.text}", [*left.values, *right.values])


def _and(where: Sql) -> Sql:
    return Sql(f" AND {where.text}", where.values) if where.text else where
