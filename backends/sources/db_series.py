"""The series of an mlflow.db, read by ranges of rows so that no read is long."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from ..api.errors import BusyError
from ..api.runs import Points, SeriesInfo
from ..api.times import maybe_time
from ..mlflow_words import whole
from .series import NAN, ordered
from .sqlite import Database, Row

PAGE = 50_000
_FIRST = -(1 << 63)
# Without the plus SQLite takes the primary key, which begins with `key` and spans all runs.
_KEY = '+"key"'
_ORDER = f"{_KEY}, step, timestamp, is_nan, value"
_GREATEST = 1.7976931348623157e308
# Pages are ranges of row numbers, which an index on `run_uuid` holds in order.
_RANGE = "run_uuid = ? AND rowid BETWEEN ? AND ?"
_NEXT = """
SELECT min(rowid), max(rowid), count(*) FROM
    (SELECT rowid FROM metrics WHERE run_uuid = ? AND rowid > ? ORDER BY rowid LIMIT ?)
"""
_FIGURES = f"""
SELECT {_KEY}, count(*), min(step), max(step), min(timestamp), max(timestamp),
    min(fine), max(fine), total(fine), count(fine)
FROM (SELECT "key", step, timestamp, CASE WHEN NOT coalesce(is_nan, 0)
    AND value BETWEEN -{_GREATEST!r} AND {_GREATEST!r} THEN value END AS fine
    FROM metrics WHERE {_RANGE})
WHERE typeof(step) = 'integer' AND typeof(timestamp) = 'integer' GROUP BY 1 ORDER BY 1
"""


class DbSeries:
    """Points and figures of one database."""

    def __init__(self, database: Database, page: int = PAGE) -> None:
        self._database = database
        self._page = page
        self._fits = database.has("metrics", "key", "value", "timestamp", "step", "run_uuid")
        self._is_nan = "is_nan" if database.has("metrics", "is_nan") else "0 AS is_nan"
        self._index = database.index("metrics", "run_uuid", "key", "step")
        # Keys come in the order of their bytes: of one series after the other only in UTF-8.
        utf8 = database.rows("PRAGMA encoding")[0][0] == "UTF-8"
        self._split = _split if utf8 else _split_slowly

    def history(self, run_id: str) -> Mapping[str, Points]:
        """All series of a run, each in order."""
        sql = (
            f'SELECT "key", step, timestamp, {self._is_nan}, value FROM metrics'
            f" WHERE {_RANGE} ORDER BY {_ORDER}"
        )
        found: dict[str, Points] = {}
        pages = 0
        for rows in self._pages(run_id, sql, ()):
            pages += 1
            for key, points in self._split(rows, lambda row: self._spoiled(run_id, row)):
                if key in found:
                    found[key].extend(points)
                else:
                    found[key] = points
        if pages > 1:
            found = {key: ordered(points) for key, points in found.items()}
        return found

    def points(self, run_id: str, key: str) -> Points:
        """One series in order; empty when there is none of that key."""
        columns = f'"key", step, timestamp, {self._is_nan}, value'
        found = Points()
        if self._index is not None:
            pages = self._pages_by_step(run_id, key, columns)
        else:
            sql = f"SELECT {columns} FROM metrics WHERE {_RANGE} AND {_KEY} = ? ORDER BY {_ORDER}"
            pages = self._pages(run_id, sql, (key,))
        for rows in pages:
            for _, points in self._split(rows, lambda row: self._spoiled(run_id, row)):
                found.extend(points)
        return ordered(found)

    def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of a run's series, by key."""
        found: dict[str, SeriesInfo] = {}
        sql = _FIGURES if self._is_nan == "is_nan" else _FIGURES.replace("is_nan", "0")
        for rows in self._pages(run_id, sql, ()):
            for row in rows:
                if isinstance(row[0], str):
                    info = _info(row)
                    before = found.get(info.key)
                    found[info.key] = _sum(before, info) if before else info
        return sorted(found.values(), key=lambda info: info.key)

    def _pages(self, run_id: str, sql: str, more: Sequence[object]) -> Iterator[list[Row]]:
        if not self._fits:
            return
        last = _FIRST
        built = None
        while True:
            with self._database.page():
                built = self._still(built)
                first, last, count = self._database.rows(_NEXT, (run_id, last, self._page))[0]
                rows = self._database.rows(sql, (run_id, first, last, *more)) if count else []
            yield rows
            if count < self._page:
                return

    def _still(self, built: Row | None) -> Row:
        """The version of the schema; BusyError when it is another than `built`."""
        now = self._database.rows("PRAGMA schema_version")[0]
        if built not in (None, now):
            # A VACUUM may give rows other numbers, by which the pages are told apart.
            raise BusyError(
                "was rebuilt while it was read",
                where=str(self._database.path),
                way_out="Try again when the program that writes it is done",
            )
        return now

    def _pages_by_step(self, run_id: str, key: str, columns: str) -> Iterator[list[Row]]:
        if not self._fits:
            return
        step: object = None
        last = _FIRST
        while True:
            # The index holds (run_uuid, key, step) and, as any index, the rowid after them.
            after = "" if step is None else "AND (step, rowid) > (?, ?)"
            values = () if step is None else (step, last)
            rows = self._database.rows(
                f'SELECT {columns}, rowid FROM metrics INDEXED BY "{self._index}" WHERE'
                f' run_uuid = ? AND "key" = ? {after} ORDER BY step, rowid LIMIT ?',
                (run_id, key, *values, self._page),
            )
            yield [row[:5] for row in rows]
            if len(rows) < self._page:
                return
            step, last = rows[-1][1], rows[-1][5]

    def _spoiled(self, run_id: str, row: Row) -> None:
        self._database.log.add(
            self._database.where("metrics", f"run {run_id}, key {row[0]!r}"[:200]),
            "a point is left out: its step, time or value is no number",
        )


def _split(rows: list[Row], spoiled: Callable[[Row], None]) -> Iterator[tuple[str, Points]]:
    """The rows (key, step, millisecond, is NaN, value), in order of key, as points by key."""
    if not rows:
        return
    keys, steps, times, nans, values = zip(*rows, strict=True)
    try:
        if not (isinstance(keys[0], str) and isinstance(keys[-1], str)):
            raise TypeError(keys[0])
        all_steps = array("q", steps)
        all_times = array("q", [time * 1000 for time in times])
        all_values = array("d", values)
        flags = bytes(nans)
        borders = [0]
        while borders[-1] < len(keys):
            borders.append(bisect_right(keys, keys[borders[-1]], borders[-1]))
    except (TypeError, ValueError, OverflowError):
        yield from _split_slowly(rows, spoiled)
        return
    for flag in set(flags) - {0}:
        place = flags.find(flag)
        while place >= 0:
            all_values[place] = NAN
            place = flags.find(flag, place + 1)
    for start, stop in pairwise(borders):
        yield (
            keys[start],
            Points(all_steps[start:stop], all_times[start:stop], all_values[start:stop]),
        )


def _split_slowly(rows: list[Row], spoiled: Callable[[Row], None]) -> Iterator[tuple[str, Points]]:
    found: dict[str, Points] = {}
    for row in rows:
        key, step, time, is_nan, value = row
        number = NAN if is_nan or value is None else value
        step, time = whole(step), whole(time)
        if (
            not isinstance(key, str)
            or step is None
            or time is None
            or not -(1 << 53) < time < 1 << 53
            or not isinstance(number, int | float)
        ):
            spoiled(row)
            continue
        found.setdefault(key, Points()).append(step, time * 1000, float(number))
    for key, points in found.items():
        yield key, ordered(points)


def _info(row: Row) -> SeriesInfo:
    return SeriesInfo(
        key=row[0],
        count=row[1],
        first_step=row[2],
        last_step=row[3],
        first_time=maybe_time(row[4] * 1000),
        last_time=maybe_time(row[5] * 1000),
        low=row[6],
        high=row[7],
        total=row[8] or 0.0,
        finite=row[9],
    )


def _sum(one: SeriesInfo, other: SeriesInfo) -> SeriesInfo:
    firsts = [s for s in (one.first_step, other.first_step) if s is not None]
    times = [t for t in (one.first_time, other.first_time) if t is not None]
    ends = [t for t in (one.last_time, other.last_time) if t is not None]
    lows = [v for v in (one.low, other.low) if v is not None]
    highs = [v for v in (one.high, other.high) if v is not None]
    return SeriesInfo(
        key=one.key,
        count=(one.count or 0) + (other.count or 0),
        first_step=min(firsts, default=None),
        last_step=max(one.last_step, other.last_step),
        first_time=min(times, default=None),
        last_time=max(ends, default=None),
        low=min(lows, default=None),
        high=max(highs, default=None),
        total=(one.total or 0.0) + (other.total or 0.0),
        finite=(one.finite or 0) + (other.finite or 0),
    )
