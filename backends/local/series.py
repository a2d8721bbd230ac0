"""What telemetry.db knows of series without opening a chunk: figures, positions, what is loaded."""

import struct
from collections.abc import Mapping, Sequence

from ..api.runs import Metric, SeriesInfo
from ..api.times import from_micros
from .database import Connection

_FLOAT = struct.Struct("<d")
_INTEGER = struct.Struct("<q")


def bits_of(value: float) -> int:
    """The bits of a float as a signed 64-bit integer."""
    return int(_INTEGER.unpack(_FLOAT.pack(value))[0])


def float_of(bits: int) -> float:
    """The float of such bits."""
    return float(_FLOAT.unpack(_INTEGER.pack(bits))[0])


def infos(connection: Connection, run: str) -> Sequence[SeriesInfo]:
    """The figures of each series of a run, by key."""
    rows = connection.execute(
        "SELECT key, count, first_step, last_step, first_time, last_time, low, high, total, finite"
        " FROM series WHERE run = ? ORDER BY key",
        (run,),
    )
    return [
        SeriesInfo(
            key=row[0],
            count=row[1],
            first_step=row[2],
            last_step=row[3],
            first_time=from_micros(row[4]),
            last_time=from_micros(row[5]),
            low=row[6],
            high=row[7],
            total=row[8],
            finite=row[9],
        )
        for row in rows
    ]


def latest(connection: Connection, run: str) -> Mapping[str, Metric]:
    """The latest point of each series of a run."""
    rows = connection.execute(
        "SELECT key, latest_bits, latest_step, latest_time FROM series WHERE run = ?", (run,)
    )
    return {row[0]: Metric(float_of(row[1]), row[2], from_micros(row[3])) for row in rows}


def positions(connection: Connection, run: str) -> Mapping[str, int]:
    """Up to which byte each file of a run's directory has been read."""
    rows = connection.execute("SELECT file, offset FROM position WHERE run = ?", (run,))
    return dict(rows.fetchall())


def loaded(connection: Connection) -> Mapping[str, str]:
    """The runs whose series were copied from a source, with the stamp they had then."""
    return dict(connection.execute("SELECT run, stamp FROM loaded").fetchall())


def forget(connection: Connection, run: str) -> None:
    """Drop all points of a run."""
    connection.execute(
        "DELETE FROM chunk WHERE series_id IN (SELECT id FROM series WHERE run = ?)", (run,)
    )
    for table in ("hot", "series", "position", "loaded"):
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
