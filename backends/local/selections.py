"""Which runs fit, as sets of row ids: read from the index of each term, put together here."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ..api.evaluate import literal, pattern
from ..api.query import And, Compare, Expression, Has, In, Not, Or
from ..api.runs import Shelf
from .database import Connection
from .filters import TABLES, Sql, both, condition, joined, on_key, on_run, prepare, run_columns

SMALL = 2000
IDS = msgspec.json.Decoder(list[int])
TEXTS = msgspec.json.Decoder(list[str])
_ORDERED = ("=", "<", "<=", ">", ">=")
_FINDING = (*_ORDERED, "~")
_INDEXED = frozenset({"started", "ended", "status", "experiment", "parent", "id", "name"})
Term = Expression | Sql
"""An expression, or a condition on `run` that a query brings along."""


class Selection(NamedTuple):
    """A set of row ids: these, or with `but` all except these. `shelf`: it is all of a shelf."""

    ids: set[int]
    but: bool = False
    shelf: bool = False

    def of(self, ids: Iterable[int]) -> list[int]:
        """Those of `ids` that are in it, in their order."""
        mine = self.ids
        if not self.but:
            return [i for i in ids if i in mine]
        if not mine:
            return list(ids)
        found = dict.fromkeys(ids)
        for i in mine if len(mine) < len(found) else mine.intersection(found):
            found.pop(i, None)
        return list(found)

    def inverted(self) -> "Selection":
        """All that is not in it."""
        return Selection(self.ids, not self.but)

    def within(self, other: "Selection") -> "Selection":
        """What is in both."""
        match self.but, other.but:
            case False, False:
                return Selection(self.ids & other.ids)
            case False, True:
                return Selection(self.ids - other.ids)
            case True, False:
                return Selection(other.ids - self.ids)
            case _:
                return Selection(self.ids | other.ids, but=True)


ALL = Selection(set(), but=True)


def ids_of(connection: Connection, select: Sql) -> list[int]:
    """The one column of `select`, in its order; as one JSON text, which is twice as fast."""
    text = connection.execute(
        f"SELECT json_group_array(id) FROM ({select.text})", select.values
    ).fetchone()[0]
    return IDS.decode(text)


def on_shelf(shelf: Shelf) -> Sql:
    """The condition that a run stands on that shelf."""
    return Sql(
        {
            Shelf.ACTIVE: "run.deleted_at IS NULL",
            Shelf.DELETED: "run.deleted_at IS NOT NULL",
            Shelf.ALL: "",
        }[shelf]
    )


class Selector:
    """Finds the runs on a shelf for which all of `terms` hold."""

    def __init__(
        self, connection: Connection, terms: Sequence[Term], shelf: Shelf, now: int
    ) -> None:
        prepare(connection)
        self._connection = connection
        self._terms = terms
        self._shelf = on_shelf(shelf)
        self._stands = shelf
        self._columns = run_columns(now)
        self._counted: dict[tuple[str, tuple[object, ...]], int] = {}
        self._all = joined("AND", [self._condition(term) for term in terms]) if terms else Sql("")

    def few(self) -> bool:
        """Whether an index already says that there cannot be many."""
        return any(self._bound(term) <= SMALL for term in self._terms)

    def selected(self) -> Selection:
        """All of them."""
        if not self._terms:
            return self._on_shelf()._replace(shelf=True)
        return self._conjunction(self._terms).within(self._on_shelf())

    def fitting(self, ids: Sequence[int]) -> list[int]:
        """Those of `ids` that are among them, in their order."""
        return self._fitting(ids, self._all)

    def _fitting(self, ids: Iterable[int], test: Sql) -> list[int]:
        where = both(_aside(self._shelf), test)
        return ids_of(
            self._connection,
            Sql(
                "SELECT run.id AS id FROM json_each(?) c CROSS JOIN run ON run.id = c.value"
                + (f" WHERE {where.text}" if where.text else ""),
                [msgspec.json.encode(list(ids)).decode(), *where.values],
            ),
        )

    def _on_shelf(self) -> Selection:
        if self._stands == Shelf.ALL:
            return ALL
        gone = "SELECT id FROM run WHERE deleted_at IS NOT NULL"
        ids = set(ids_of(self._connection, Sql(gone)))
        return Selection(ids, but=self._stands == Shelf.ACTIVE)

    def _selected(self, term: Term) -> Selection:
        # What speaks of the run's own row alone is one walk, unless indexes have it in fewer steps.
        if not isinstance(term, Sql) and (not _plain(term) or self._bound(term) <= SMALL):
            match term:
                case And(terms):
                    return self._conjunction(terms)
                case Or(terms):
                    found = ALL
                    for one in terms:
                        found = found.within(self._selected(one).inverted())
                    return found.inverted()
                case Not(inner):
                    return self._selected(inner).inverted()
                case Compare(field, "!=", value):
                    return self._selected(Compare(field, "=", value)).inverted()
                case Compare(field, "!~", value):
                    return self._selected(Compare(field, "~", value)).inverted()
        if isinstance(term, Compare) and term.operator == "~" and literal(str(term.value)) is None:
            return Selection(set(self._searched(term)))
        return Selection(set(ids_of(self._connection, self._leaf(term))))

    def _searched(self, term: Compare) -> Iterable[int]:
        """What a regular expression finds: in Python over all texts, not called from SQLite."""
        field, wanted = term.field, pattern(str(term.value))
        has = self._leaf(Has(field))
        column = "value" if field.of else self._columns.get(field.name)
        if column is None:
            return ids_of(self._connection, self._leaf(term))
        texts = has.text.replace(" AS id FROM", f" AS id, CAST({column} AS TEXT) AS text FROM", 1)
        ids, found = self._connection.execute(
            f"SELECT json_group_array(id), json_group_array(text) FROM ({texts})", has.values
        ).fetchone()
        pairs = zip(IDS.decode(ids), TEXTS.decode(found), strict=True)
        return (i for i, text in pairs if wanted.search(text))

    def _conjunction(self, terms: Sequence[Term]) -> Selection:
        ranked = sorted(terms, key=self._bound)
        found = ALL
        for place, term in enumerate(ranked):
            found = found.within(self._selected(term))
            rest = ranked[place + 1 :]
            if rest and not found.but and len(found.ids) <= SMALL:
                test = joined("AND", [self._condition(one) for one in rest])
                return Selection(set(self._fitting(found.ids, test)))
        return found

    def _bound(self, term: Term) -> int:
        """How many there can be at most, as far as an index tells quickly."""
        match term:
            case And(terms):
                return min(map(self._bound, terms))
            case Or(terms):
                return sum(map(self._bound, terms))
            case Sql():
                return self._count(term)
            case Has(field) | In(field) if field.of or field.name in _INDEXED:
                return self._count(term)
            case Compare(field, operator) if field.of or field.name in _INDEXED:
                return self._count(term) if operator in _ORDERED else _MANY
        return _MANY

    def _count(self, term: Term) -> int:
        leaf = self._leaf(term)
        key = leaf.text, tuple(leaf.values)
        if key not in self._counted:
            found = self._connection.execute(
                f"SELECT count(*) FROM ({leaf.text} LIMIT {SMALL + 1})", leaf.values
            ).fetchone()[0]
            self._counted[key] = int(found) if found <= SMALL else _MANY
        return self._counted[key]

    def _leaf(self, term: Term) -> Sql:
        if isinstance(term, Has | In | Compare) and term.field.of:
            inner = on_key(self._connection, term)
            table = TABLES[term.field.of]
            return Sql(f"SELECT run_id AS id FROM {table} WHERE {inner.text}", inner.values)
        shelf = self._shelf
        if isinstance(term, Has | In) or (isinstance(term, Compare) and term.operator in _FINDING):
            test = on_run(term, self._columns)
            if term.field.name not in _INDEXED:
                shelf = _aside(shelf)
        else:
            test = self._condition(term)
        where = both(shelf, test)
        return Sql(f"SELECT run.id AS id FROM run WHERE {where.text}", where.values)

    def _condition(self, term: Term) -> Sql:
        return term if isinstance(term, Sql) else condition(self._connection, term, self._columns)


_MANY = 1 << 40


def _aside(shelf: Sql) -> Sql:
    """The same condition, kept from choosing an index: rows are found by something better."""
    return Sql(f"+{shelf.text}") if shelf.text else shelf


def _plain(expression: Expression) -> bool:
    """Whether it speaks of nothing but the run's own row."""
    match expression:
        case And(terms) | Or(terms):
            return all(map(_plain, terms))
        case Not(term):
            return _plain(term)
        case Has(field) | In(field) | Compare(field):
            return not field.of
