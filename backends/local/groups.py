"""Runs grouped by values: whole columns are read along their indexes, and put together here."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import repeat
from operator import neg
from typing import Any

from ..api.errors import UsageError
from ..api.groups import ATTRIBUTES, MOST, Group, Groups, Spread
from ..api.lists import RunQuery
from ..api.query import Field
from .database import Connection
from .filters import RUN_COLUMNS, TABLES, Sql, key_id
from .selections import IDS, TEXTS, Selection, ids_of, on_shelf
from .windows import RunListing

_TIMES = frozenset({"started", "ended"})
_LARGEST = "1.7976931348623157e308"


def groups_of(
    connection: Connection, query: RunQuery, now: int, by: Sequence[Field], metrics: Sequence[str]
) -> Groups:
    """The groups of the runs of `query`, as `api.groups` says. UsageError for other fields.

    A mean that is beyond what a float holds is infinite.
    """
    selection = RunListing(query, now).selected(connection)
    spreads: Mapping[str, Mapping[int, Spread]] = {}
    # Of one column no tuples are made: there may be as many values as runs.
    whole = (lambda value: (value,)) if len(by) == 1 else tuple
    if selection.but and len(by) == 1 and not metrics:
        counts, counted = _of_nearly_all(connection, selection, by[0])
        largest = _largest(counts)
    else:
        ids = _ids(connection, query, selection)
        columns = [list(map(_values(connection, one).get, ids, repeat(""))) for one in by]
        values = columns[0] if len(by) == 1 else list(zip(*columns, strict=True))
        counts, counted = Counter(values), len(ids)
        largest = _largest(counts)
        places = {value: at for at, value in enumerate(largest)}
        spreads = _spreads(connection, metrics, ids, map(places.get, values, repeat(-1)))
    groups = [
        Group(
            # An empty text is none.
            values=tuple(text or None for text in whole(value)),
            count=counts[value],
            metrics={name: found[at] for name, found in spreads.items() if at in found},
        )
        for at, value in enumerate(largest)
    ]
    return Groups(groups=groups, distinct=len(counts), counted=counted)


def _of_nearly_all(
    connection: Connection, selection: Selection, by: Field
) -> tuple[Counter[Any], int]:
    """How many runs have each value, of all but a few: told without looking at each."""
    values = _values(connection, by)
    for run in selection.ids:
        values.pop(run, None)
    counted = connection.execute("SELECT count(*) FROM run").fetchone()[0] - len(selection.ids)
    counts = Counter(values.values())
    if counted > len(values):
        counts[""] += counted - len(values)
    return counts, counted


def _ids(connection: Connection, query: RunQuery, selection: Selection) -> Sequence[int]:
    if not selection.but:
        return list(selection.ids)
    shelf = on_shelf(query.shelf).text or "1"
    return selection.of(ids_of(connection, Sql(f"SELECT id FROM run WHERE {shelf}")))


def _largest(counts: Counter[Any]) -> Sequence[Any]:
    """The values that most runs have; of as many runs, as texts are ordered, the missing first."""
    found = nsmallest(MOST, zip(map(neg, counts.values()), counts, strict=True))
    return [value for _, value in found]


def _spreads(
    connection: Connection, metrics: Sequence[str], ids: Sequence[int], places_of: Iterable[int]
) -> Mapping[str, Mapping[int, Spread]]:
    """What the runs at each place reached of each metric; those at -1 are at none."""
    if not metrics:
        return {}
    # Late: it is no quick import, and to count alone nothing needs it.
    import numpy as np

    at = list(places_of)
    places = np.full(max(ids, default=0) + 2, -1)
    places[list(ids)] = at
    groups = max(at, default=0) + 1
    found = {}
    for name in metrics:
        where = f"value BETWEEN -{_LARGEST} AND {_LARGEST}"
        runs, values = map(np.array, _numbers(connection, name, where))
        place = places[np.minimum(runs.astype(int), len(places) - 1)]
        place, values = place[place >= 0], values[place >= 0]
        low, high = np.zeros(groups), np.zeros(groups)
        # They come from low to high, and the last one that is put at a place stays there.
        low[place[::-1]], high[place] = values[::-1], values
        counts, sums = np.bincount(place, minlength=groups), np.bincount(place, values, groups)
        found[name] = {
            one: Spread(float(low[one]), float(high[one]), float(sums[one] / counts[one]))
            for one in np.flatnonzero(counts).tolist()
        }
    return found


def _values(connection: Connection, by: Field) -> dict[int, str]:
    """The value of each run that has one, as text."""
    if by.of == "metrics":
        # As Python writes it: SQLite gives fewer digits than a filter needs.
        ids, numbers = _numbers(connection, by.name, "value NOTNULL")
        missing = "SELECT run_id AS id FROM metric WHERE key_id = ? AND value ISNULL"
        nans = ids_of(connection, Sql(missing, [key_id(connection, "metrics", by.name)]))
        return dict(zip(ids, map(repr, numbers), strict=True)) | dict.fromkeys(nans, "nan")
    if by.of:
        return _texts(
            connection,
            f"SELECT run_id AS id, value AS text FROM {TABLES[by.of]} WHERE key_id = ?",
            key_id(connection, by.of, by.name),
        )
    if by.name not in ATTRIBUTES:
        raise UsageError(f"runs are not grouped by {by}", way_out="Choose another column")
    if by.name == "experiment":
        names = dict(connection.execute("SELECT id, name FROM experiment"))
        found = _texts(connection, "SELECT id, experiment_id AS text FROM run")
        return {run: names[int(experiment)] for run, experiment in found.items()}
    column = RUN_COLUMNS[by.name]
    if by.name in _TIMES:
        column = f"date({column} / 1000000, 'unixepoch')"
    return _texts(connection, f"SELECT id, {column} AS text FROM run WHERE {column} NOTNULL")


def _texts(connection: Connection, select: str, *bound: object) -> dict[int, str]:
    ids, texts = connection.execute(
        f"SELECT json_group_array(id), json_group_array(CAST(text AS TEXT)) FROM ({select})", bound
    ).fetchone()
    return dict(zip(IDS.decode(ids), TEXTS.decode(texts), strict=True))


class _Kept:
    """An aggregate that keeps what it is given: half the time that it takes to fetch rows."""

    def __init__(self, values: "array[float]") -> None:
        self.step: Callable[[float], object] = values.append

    def finalize(self) -> int:
        """SQLite is told nothing of them."""
        return 0


def _numbers(connection: Connection, metric: str, where: str) -> tuple[list[int], "array[float]"]:
    """Runs and their values of a metric, from low to high."""
    values = array("d")
    connection.create_aggregate("kept", 1, lambda: _Kept(values))
    ids, _ = connection.execute(
        "SELECT json_group_array(run_id), kept(value) FROM ("
        f"SELECT run_id, value FROM metric WHERE key_id = ? AND {where} ORDER BY value)",
        (key_id(connection, "metrics", metric),),
    ).fetchone()
    return IDS.decode(ids), values
