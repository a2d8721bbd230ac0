"""Windows over SQL: the first page at once, then the ids of the whole list in the same order."""

import asyncio
import json
from array import array
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

from ..api.lists import RunQuery
from ..api.runs import Run
from .database import Connection, Database
from .filters import Sql
from .orders import NEWEST, Order
from .runs import runs_by_id
from .selections import Selection, Selector, Term, ids_of

T = TypeVar("T")
WALK = 8000


class Page(NamedTuple):
    """The first ids of a list, or all of them."""

    ids: Sequence[int]
    complete: bool


class Listing(Protocol):
    """Gives the ids of a list in order."""

    def first(self, connection: Connection, size: int) -> Page: ...
    def whole(self, connection: Connection) -> Sequence[int]: ...


class SqlWindow(Generic[T]):
    """A window over the ids of a `listing`, whose rows `load` by id; `name` gives their keys.

    The first page is read before the rest. Should somebody write between the two, `whole` gives
    `first` anew, so that all of a window is of one moment.
    """

    notes: Sequence[str] = ()

    def __init__(
        self,
        database: Database,
        listing: Listing,
        load: Callable[[Connection, Sequence[int]], Sequence[T]],
        find: Callable[[Connection, str], int | None],
        name: Callable[[Connection, Sequence[int]], Sequence[str]],
    ) -> None:
        self._database = database
        self._listing = listing
        self._load = load
        self._find = find
        self._name = name
        self._head: Sequence[int] = ()
        self._ids: array[int] | None = None
        self._reading = asyncio.Lock()
        self.first: Sequence[T] = ()
        self.at_least = 0

    @property
    def count(self) -> int | None:
        return None if self._ids is None else len(self._ids)

    async def open(self, size: int) -> None:
        """Load the first `size` rows."""

        def work(connection: Connection) -> tuple[Page, Sequence[T]]:
            page = self._listing.first(connection, size)
            return page, self._load(connection, page.ids[:size])

        page, self.first = await self._database.read(work)
        self._head = page.ids[:size]
        self.at_least = len(page.ids)
        if page.complete:
            self._ids = array("q", page.ids)

    async def whole(self) -> None:
        """Learn all ids, and with them the count."""

        def work(connection: Connection) -> tuple[Sequence[int], Sequence[T]]:
            ids = self._listing.whole(connection)
            head = ids[: len(self._head)]
            return ids, self.first if head == self._head else self._load(connection, head)

        async with self._reading:
            if self._ids is None:
                ids, self.first = await self._database.read(work)
                self._ids = array("q", ids)
                self.at_least = len(ids)

    async def page(self, start: int, limit: int) -> Sequence[T]:
        """The rows from `start`; fewer than `limit` at the end or when some were purged."""
        if start + limit <= len(self.first):
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
        try:
            return self._ids.index(found)
        except ValueError:
            return None

    async def keys(self) -> Sequence[str]:
        """The keys of all rows, without loading these."""
        await self.whole()
        ids = self._ids or array("q")

        def work(connection: Connection) -> Sequence[str]:
            starts = range(0, len(ids), WALK)
            return [key for at in starts for key in self._name(connection, ids[at : at + WALK])]

        return await self._database.read(work)


class SqlListing:
    """The ids that one select gives."""

    def __init__(self, select: Callable[[Connection], Sql]) -> None:
        self._select = select

    def first(self, connection: Connection, size: int) -> Page:
        """The first `size`."""
        select = self._select(connection)
        ids = ids_of(connection, Sql(f"{select.text} LIMIT ?", [*select.values, size]))
        return Page(ids, complete=len(ids) < size)

    def whole(self, connection: Connection) -> Sequence[int]:
        """All of them."""
        return ids_of(connection, self._select(connection))


class RunListing:
    """The ids of the runs of a query; a running one has lasted until `now` (microseconds)."""

    def __init__(self, query: RunQuery, now: int) -> None:
        self._query = query
        self._now = now

    def first(self, connection: Connection, size: int) -> Page:
        """Along the order's index where enough of what comes first fits; else all of them."""
        selector, order = self._parts(connection)
        terms = _terms(self._query)
        if terms and (selector.few() or len(self._query.sort) > 1):
            return Page(_all(selector, order), complete=True)
        found: list[int] = []
        walked, step = 0, max(size * 4, 1) if terms else max(size, 1)
        walk = order.walk()
        while len(found) < size:
            ids = list(islice(walk, step))
            found += selector.fitting(ids)
            walked += len(ids)
            if len(ids) < step:
                return Page(found, complete=True)
            if terms and walked * size > WALK * len(found):
                # At this rate the walk would be longer than it takes to find all of them.
                return Page(_all(selector, order), complete=True)
        return Page(found, complete=False)

    def whole(self, connection: Connection) -> Sequence[int]:
        """All of them."""
        return _all(*self._parts(connection))

    def selected(self, connection: Connection) -> Selection:
        """All of them, in no order."""
        return self._parts(connection)[0].selected()

    def _parts(self, connection: Connection) -> tuple[Selector, Order]:
        query = self._query
        return (
            Selector(connection, _terms(query), query.shelf, self._now),
            Order(connection, query.sort or NEWEST, query.shelf, self._now),
        )


def run_window(database: Database, query: RunQuery, now: int) -> SqlWindow[Run]:
    """The runs of a query."""
    return SqlWindow(
        database,
        RunListing(query, now),
        lambda connection, ids: runs_by_id(connection, ids, query.fields),
        _run_place,
        _run_keys,
    )


def _all(selector: Selector, order: Order) -> list[int]:
    return order.whole(selector.selected())


def _run_place(connection: Connection, key: str) -> int | None:
    row = connection.execute("SELECT id FROM run WHERE uid = ?", (key,)).fetchone()
    return int(row[0]) if row else None


def _run_keys(connection: Connection, ids: Sequence[int]) -> Sequence[str]:
    rows = connection.execute(
        "SELECT id, uid FROM run WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    names = dict(rows.fetchall())
    return [names[i] for i in ids if i in names]


def _terms(query: RunQuery) -> Sequence[Term]:
    terms: list[Term] = []
    if query.experiments is not None:
        names = ", ".join("?" * len(query.experiments))
        terms.append(
            Sql(
                "run.experiment_id IN (SELECT id FROM experiment"
                f" WHERE name COLLATE NOCASE IN ({names}) AND name IN ({names}))",
                [*query.experiments, *query.experiments],
            )
        )
    if query.parent is not None:
        terms.append(Sql("coalesce(run.parent_uid = ?, 0)", [query.parent]))
    elif query.top:
        terms.append(
            Sql(
                "(run.parent_uid IS NULL OR NOT EXISTS (SELECT 1 FROM run above"
                " WHERE above.uid = run.parent_uid AND above.deleted_at IS NULL))"
            )
        )
    if query.where is not None:
        terms.append(query.where)
    return terms
