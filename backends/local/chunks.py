"""Sealed points of one series: chunks, and above them levels of extremes.

A chunk of level n+1 holds, of every `BLOCK` points of `GROUP` chunks of level n, the lowest, the
highest, and the first NaN, +inf and -inf where there are some, besides the first and the last point
of all: no spike and no gap is lost on the way up, and a chart of ten million points reads some ten
thousand. Each level is a thirty-second of the one below, which makes a series 3 % larger.
`summary.upto` is the last chunk of a level that stands in the level above; what came later is read
from the level itself, and so is a series that was sealed before there were levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..api.errors import DamagedError
from ..api.runs import Points
from .codec import decode, encode
from .columns import at, columns, figures
from .database import Connection
from .errors import RESTORE
from .series import bits_of

CHUNK = 1024
BLOCK = 64
GROUP = 32


def seal(connection: Connection, series: int, points: Points, *, ended: bool = False) -> None:
    """Seal points as chunks, with the levels that are due above them.

    Of a series that has `ended` all of the rest is due, too.
    """
    fresh: dict[int, Points] = {}
    for start in range(0, len(points), CHUNK):
        piece = points.cut(start, min(start + CHUNK, len(points)))
        fresh[_store(connection, series, piece)] = piece
        if len(fresh) == GROUP:
            _build(connection, series, fresh, GROUP)
            fresh = {}
    _build(connection, series, fresh, 2 if ended else GROUP)


def _store(connection: Connection, series: int, points: Points, level: int = 0) -> int:
    """Keep at least one point as a chunk; gives its id."""
    return (
        connection.execute(
            "INSERT INTO chunk(series_id, count, first_step, last_step, first_time, last_time, low,"
            " high, total, finite, last_bits, points, level)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (series, *figures(points), bits_of(points.values[-1]), encode(points), level),
        ).lastrowid
        or 0
    )


def _build(connection: Connection, series: int, fresh: Mapping[int, Points], least: int) -> None:
    """Make the chunks of all levels that are due; those of `fresh` are not read again."""
    level = 0
    while made := _raise(connection, series, level, fresh, least):
        level, fresh = level + 1, made


def sealed(
    connection: Connection, series: int, axis: str, low: int | None, high: int | None, most: int = 0
) -> Points:
    """The sealed points of a series whose chunks meet low <= x <= high, as they came.

    With `most` the interval may be read from the highest level that still has as many points of it.
    DamagedError, which says of which series, when a chunk does not decode.
    """
    where, inside, bounds = "series_id = ?", "series_id = ?", [series]
    if low is not None:
        where += f" AND last_{axis} >= ?"
        inside += f" AND first_{axis} >= ?"
        bounds.append(low)
    if high is not None:
        where += f" AND first_{axis} <= ?"
        inside += f" AND last_{axis} <= ?"
        bounds.append(high)
    top = _level(connection, series, inside, bounds, most) if most else 0
    found = Points()
    for chunk in _chosen(connection, series, top, where, bounds):
        try:
            found.extend(decode(chunk))
        except DamagedError as error:
            raise _damaged(connection, series, error) from error
    return found


def _level(
    connection: Connection, series: int, inside: str, bounds: Sequence[int], most: int
) -> int:
    """The highest level that has `most` points of an interval, told from the level below it.

    Chunks that only meet the interval do not count: a few points of them may be all that is in it.
    From the top, where the chunks are few.
    """
    row = connection.execute(
        "SELECT max(level) FROM summary WHERE series_id = ?", (series,)
    ).fetchone()
    counted = f"SELECT total(count) FROM chunk WHERE {inside} AND level = ?"
    for below in range(-1 if row[0] is None else row[0], -1, -1):
        count = connection.execute(counted, (*bounds, below)).fetchone()[0]
        if count / (BLOCK // 2) >= most:
            return below + 1
    return 0


def _chosen(
    connection: Connection, series: int, top: int, where: str, bounds: Sequence[int]
) -> Iterator[bytes]:
    upto = dict(
        connection.execute("SELECT level, upto FROM summary WHERE series_id = ?", (series,))
    )
    for level in range(top + 1):
        # Of the level that is read everything counts; of those below what is not in it yet.
        after = 0 if level == top else upto.get(level, 0)
        rows = connection.execute(
            f"SELECT points FROM chunk WHERE {where} AND level = ? AND id > ? ORDER BY id",
            (*bounds, level, after),
        )
        for (chunk,) in rows:
            yield chunk


def _raise(
    connection: Connection, series: int, level: int, fresh: Mapping[int, Points], least: int
) -> Mapping[int, Points]:
    """Sum up what is due of a level, groups of at least so many chunks; gives what that made."""
    row = connection.execute(
        "SELECT upto FROM summary WHERE series_id = ? AND level = ?", (series, level)
    ).fetchone()
    upto = row[0] if row else 0
    ids = connection.execute(
        "SELECT id FROM chunk WHERE series_id = ? AND level = ? AND id > ? ORDER BY id",
        (series, level, upto),
    ).fetchall()
    due = len(ids) - (len(ids) % GROUP if len(ids) % GROUP < least else 0)
    made = {}
    for start in range(0, due, GROUP):
        group = [one for (one,) in ids[start : start + GROUP]]
        found = Points()
        try:
            for one in group:
                found.extend(fresh[one] if one in fresh else _read(connection, one))
        except DamagedError:
            # Whoever reads it is told; what comes in now is taken all the same.
            break
        points = extremes(found)
        made[_store(connection, series, points, level + 1)] = points
        upto = group[-1]
    if made:
        connection.execute(
            "INSERT INTO summary VALUES(?, ?, ?)"
            " ON CONFLICT(series_id, level) DO UPDATE SET upto = excluded.upto",
            (series, level, upto),
        )
    return made


def _read(connection: Connection, chunk: int) -> Points:
    row = connection.execute("SELECT points FROM chunk WHERE id = ?", (chunk,)).fetchone()
    return decode(row[0])


def extremes(points: Points) -> Points:
    """Those of at least one point that a level above keeps, as they came."""
    values = columns(points)[2]
    blocks = -(-len(values) // BLOCK)
    grid = np.full((blocks, BLOCK), np.nan)
    grid.reshape(-1)[: len(values)] = values
    finite = np.isfinite(grid)
    nan = np.isnan(grid)
    nan.reshape(-1)[len(values) :] = False
    start = np.arange(blocks) * BLOCK
    some = finite.any(axis=1)
    kept: list[npt.NDArray[Any]] = [
        np.array([0, len(values) - 1]),
        (start + np.where(finite, grid, np.inf).argmin(axis=1))[some],
        (start + np.where(finite, grid, -np.inf).argmax(axis=1))[some],
    ]
    for odd in (nan, grid == np.inf, grid == -np.inf):
        there = odd.any(axis=1)
        kept.append((start + odd.argmax(axis=1))[there])
    return at(points, np.unique(np.concatenate(kept)))


def _damaged(connection: Connection, series: int, error: DamagedError) -> DamagedError:
    run, key = connection.execute("SELECT run, key FROM series WHERE id = ?", (series,)).fetchone()
    return DamagedError(error.what, where=f"{run}, series {key}", way_out=RESTORE)
