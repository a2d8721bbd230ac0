"""Points in telemetry.db: hot flushes as they come, then sealed chunks of one series each.

A flush is one row with the points of all series of a run, as columns: series id (u4), step, time
and float bits (i8 each). Sealing sorts them apart. Reading joins chunks and hot rows.
"""

from array import array
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..api.errors import DamagedError
from ..api.runs import Metric, Points
from ..api.text import exact
from ..api.times import from_micros
from .codec import decode, encode
from .database import Connection
from .errors import RESTORE
from .series import bits_of, float_of

CHUNK = 1024
SEAL_FROM = 512
HOT_POINTS = 16_384
_HOT = np.dtype([("series", "<u4"), ("step", "<i8"), ("time", "<i8"), ("bits", "<i8")])
_MERGE = """
INSERT INTO series(run, key, count, first_step, last_step, first_time, last_time, low, high, total,
    finite, latest_step, latest_time, latest_bits)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(run, key) DO UPDATE SET count = count + excluded.count,
    first_step = min(first_step, excluded.first_step),
    last_step = max(last_step, excluded.last_step),
    first_time = min(first_time, excluded.first_time),
    last_time = max(last_time, excluded.last_time),
    low = min(coalesce(low, excluded.low), coalesce(excluded.low, low)),
    high = max(coalesce(high, excluded.high), coalesce(excluded.high, high)),
    total = total + excluded.total, finite = finite + excluded.finite
RETURNING id, latest_step, latest_time, latest_bits
"""


class Figures(NamedTuple):
    """What is known of some points without reading them again."""

    points: int
    first_step: int
    last_step: int
    first_time: int
    last_time: int
    low: float | None
    high: float | None
    total: float
    finite: int


class Latest(NamedTuple):
    """The greatest point by step, time, value; NaN is greater than any number."""

    step: int
    time: int
    value: float

    def beats(self, other: "Latest") -> bool:
        """Whether this one is later."""
        if self[:2] != other[:2]:
            return self[:2] > other[:2]
        nan, other_nan = self.value != self.value, other.value != other.value
        return nan > other_nan if nan or other_nan else self.value > other.value


def append(
    connection: Connection, run: str, series: Mapping[str, Points], *, seal: bool = False
) -> None:
    """Add points of a run; `seal` leaves none hot."""
    hot: list[npt.NDArray[np.void]] = []
    ids: dict[int, int] = {}
    for key, points in series.items():
        if not len(points):
            continue
        latest = latest_of(points)
        row = connection.execute(
            _MERGE,
            (run, exact(key), *figures(points), latest.step, latest.time, bits_of(latest.value)),
        ).fetchone()
        known = Latest(row[1], row[2], float_of(row[3]))
        if latest.beats(known):
            connection.execute(
                "UPDATE series SET latest_step = ?, latest_time = ?, latest_bits = ? WHERE id = ?",
                (latest.step, latest.time, bits_of(latest.value), row[0]),
            )
        ids[row[0]] = len(points)
        hot.append(_flushed(row[0], points))
    if not hot:
        if seal:
            _seal(connection, run, [], everything=True)
        return
    waiting = connection.execute("SELECT total(count) FROM hot WHERE run = ?", (run,)).fetchone()[0]
    flushed = np.concatenate(hot)
    if seal or waiting + len(flushed) > max(HOT_POINTS, 16 * len(ids)):
        _seal(connection, run, [flushed], everything=seal)
    else:
        _keep(connection, run, flushed)


def latest(series: Mapping[str, Points]) -> Mapping[str, Metric]:
    """The latest of each series that has points."""
    found = {key: latest_of(points) for key, points in series.items() if len(points)}
    return {key: Metric(one.value, one.step, from_micros(one.time)) for key, one in found.items()}


def read(
    connection: Connection, run: str, key: str, low: int | None, high: int | None, by: str
) -> Points:
    """Points of one series with low <= x <= high by step or time, in order of step, time, value."""
    row = connection.execute(
        "SELECT id, count FROM series WHERE run = ? AND key = ?", (run, key)
    ).fetchone()
    if row is None:
        return Points()
    axis = "time" if by == "time" else "step"
    where, bounds = "series_id = ?", [row[0]]
    if low is not None:
        where += f" AND last_{axis} >= ?"
        bounds.append(low)
    if high is not None:
        where += f" AND first_{axis} <= ?"
        bounds.append(high)
    found = Points()
    chunks = connection.execute(f"SELECT points FROM chunk WHERE {where} ORDER BY id", bounds)
    for (chunk,) in chunks:
        try:
            found.extend(decode(chunk))
        except DamagedError as error:
            raise DamagedError(error.what, where=f"{run}, series {key}", way_out=RESTORE) from error
    for (blob,) in connection.execute("SELECT points FROM hot WHERE run = ? ORDER BY id", (run,)):
        rows = np.frombuffer(blob, _HOT)
        found.extend(_points(rows[rows["series"] == row[0]]))
    return in_order(between(found, low, high, axis))


def figures(points: Points) -> Figures:
    """The figures of at least one point."""
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    values = np.frombuffer(points.values, np.float64)
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(finite.sum())
    return Figures(
        len(points),
        int(steps.min()),
        int(steps.max()),
        int(times.min()),
        int(times.max()),
        float(finite.min()) if len(finite) else None,
        float(finite.max()) if len(finite) else None,
        total if np.isfinite(total) else float(np.copysign(np.finfo(np.float64).max, total)),
        len(finite),
    )


def latest_of(points: Points) -> Latest:
    """The latest of at least one point."""
    steps = np.frombuffer(points.steps, np.int64)
    best: Latest | None = None
    for at in np.flatnonzero(steps == steps.max()):
        one = Latest(points.steps[at], points.times[at], points.values[at])
        if best is None or one.beats(best):
            best = one
    assert best is not None
    return best


def in_order(points: Points) -> Points:
    """`points` by step, time, value (NaN last); the same object when they are in order already."""
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    if np.all(steps[1:] > steps[:-1]):
        return points
    values = np.frombuffer(points.values, np.float64)
    order = np.lexsort((values, times, steps))
    return _from_columns(steps[order], times[order], values[order].view(np.int64))


def between(points: Points, low: int | None, high: int | None, axis: str) -> Points:
    """The points with low <= x <= high, x being step or time."""
    if low is None and high is None:
        return points
    x = np.frombuffer(points.times if axis == "time" else points.steps, np.int64)
    keep = np.ones(len(x), bool)
    if low is not None:
        keep &= x >= low
    if high is not None:
        keep &= x <= high
    if keep.all():
        return points
    steps, times = np.frombuffer(points.steps, np.int64), np.frombuffer(points.times, np.int64)
    return _from_columns(steps[keep], times[keep], np.frombuffer(points.values, np.int64)[keep])


def _from_columns(
    steps: npt.NDArray[np.int64], times: npt.NDArray[np.int64], bits: npt.NDArray[np.int64]
) -> Points:
    # Columns of hot rows are little-endian everywhere; arrays are as the machine is.
    whole = [np.ascontiguousarray(one, np.int64).tobytes() for one in (steps, times, bits)]
    return Points(array("q", whole[0]), array("q", whole[1]), array("d", whole[2]))


def _flushed(series: int, points: Points) -> npt.NDArray[np.void]:
    rows = np.empty(len(points), _HOT)
    rows["series"] = series
    rows["step"] = np.frombuffer(points.steps, np.int64)
    rows["time"] = np.frombuffer(points.times, np.int64)
    rows["bits"] = np.frombuffer(points.values, np.int64)
    return rows


def _points(rows: npt.NDArray[np.void]) -> Points:
    return _from_columns(rows["step"], rows["time"], rows["bits"])


def _keep(connection: Connection, run: str, rows: npt.NDArray[np.void]) -> None:
    connection.execute(
        "INSERT INTO hot(run, count, points) VALUES(?, ?, ?)", (run, len(rows), rows.tobytes())
    )


def _seal(
    connection: Connection, run: str, flushed: list[npt.NDArray[np.void]], *, everything: bool
) -> None:
    stored = connection.execute("SELECT points FROM hot WHERE run = ? ORDER BY id", (run,))
    parts = [np.frombuffer(blob, _HOT) for (blob,) in stored] + flushed
    if not parts:
        return
    connection.execute("DELETE FROM hot WHERE run = ?", (run,))
    rows = np.concatenate(parts)
    if len(parts) > 1:
        rows = rows[np.argsort(rows["series"], kind="stable")]
    edges = np.flatnonzero(np.diff(rows["series"])) + 1
    bounds = [0, *edges.tolist(), len(rows)]
    kept = []
    for start, stop in pairwise(bounds):
        one = rows[start:stop]
        points = _points(one)
        whole = len(points) if everything else len(points) // SEAL_FROM * SEAL_FROM
        for at in range(0, whole, CHUNK):
            _store(connection, int(one["series"][0]), points.cut(at, min(at + CHUNK, whole)))
        if whole < len(points):
            kept.append(one[whole:])
    if kept:
        _keep(connection, run, np.concatenate(kept))


def _store(connection: Connection, series: int, points: Points) -> None:
    connection.execute(
        "INSERT INTO chunk(series_id, count, first_step, last_step, first_time, last_time, low,"
        " high, total, finite, last_bits, points) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (series, *figures(points), bits_of(points.values[-1]), encode(points)),
    )
