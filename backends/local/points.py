"""Points in telemetry.db: hot flushes as they come, then sealed chunks of one series each.

A flush is one row with the points of all series of a run, as columns: series id (u4), step, time
and float bits (i8 each). Sealing sorts them apart. Reading joins chunks and hot rows.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..api.runs import Metric, Points
from ..api.text import exact
from ..api.times import from_micros
from .chunks import seal, sealed
from .columns import Latest, between, figures, from_columns, in_order, latest_of
from .database import Connection
from .series import bits_of, float_of

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


def append(
    connection: Connection, run: str, series: Mapping[str, Points], *, last: bool = False
) -> None:
    """Add points of a run; `last` leaves none hot."""
    waiting = connection.execute("SELECT total(count) FROM hot WHERE run = ?", (run,)).fetchone()[0]
    hot: list[npt.NDArray[np.void]] = []
    for key, points in series.items():
        if not len(points):
            continue
        row = _merge(connection, run, key, points)
        if last and not waiting:
            seal(connection, row, points, ended=True)
        else:
            hot.append(_flushed(row, points))
    if waiting + sum(map(len, hot)) > max(HOT_POINTS, 16 * len(hot)) or (last and waiting):
        _seal(connection, run, hot, everything=last)
    elif hot:
        _keep(connection, run, np.concatenate(hot))


def _merge(connection: Connection, run: str, key: str, points: Points) -> int:
    """Count points in what is known of their series; gives its id."""
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
    return int(row[0])


def latest(series: Mapping[str, Points]) -> Mapping[str, Metric]:
    """The latest of each series that has points."""
    found = {key: latest_of(points) for key, points in series.items() if len(points)}
    return {key: Metric(one.value, one.step, from_micros(one.time)) for key, one in found.items()}


def read(
    connection: Connection,
    run: str,
    key: str,
    low: int | None,
    high: int | None,
    by: str,
    most: int = 0,
) -> Points:
    """Points of one series with low <= x <= high by step or time, in order of step, time, value.

    With `most` not all of a longer series: between that many and some forty times as many, with
    every extreme of each stretch among them (see `chunks`).
    """
    row = connection.execute(
        "SELECT id FROM series WHERE run = ? AND key = ?", (run, key)
    ).fetchone()
    if row is None:
        return Points()
    axis = "time" if by == "time" else "step"
    found = sealed(connection, row[0], axis, low, high, most)
    for (blob,) in connection.execute("SELECT points FROM hot WHERE run = ? ORDER BY id", (run,)):
        rows = np.frombuffer(blob, _HOT)
        found.extend(_points(rows[rows["series"] == row[0]]))
    return in_order(between(found, low, high, axis))


def _flushed(series: int, points: Points) -> npt.NDArray[np.void]:
    rows = np.empty(len(points), _HOT)
    rows["series"] = series
    rows["step"] = np.frombuffer(points.steps, np.int64)
    rows["time"] = np.frombuffer(points.times, np.int64)
    rows["bits"] = np.frombuffer(points.values, np.int64)
    return rows


def _points(rows: npt.NDArray[np.void]) -> Points:
    return from_columns(rows["step"], rows["time"], rows["bits"])


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
        if whole:
            seal(connection, int(one["series"][0]), points.cut(0, whole), ended=everything)
        if whole < len(points):
            kept.append(one[whole:])
    if kept:
        _keep(connection, run, np.concatenate(kept))
