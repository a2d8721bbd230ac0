"""What telemetry.db knows of series without opening a chunk: figures, positions, what is loaded."""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence

from ..api.runs import SeriesInfo
from ..api.times import from_micros
from .database import Connection

_FLOAT = struct.Struct("<d")
_INTEGER = struct.Struct("<q")
_MINUS_ZERO = -(1 << 63)


def bits_of(value: float) -> int:
    """The bits of a float as a signed 64-bit integer."""
    return int(_INTEGER.unpack(_FLOAT.pack(value))[0])


def float_of(bits: int) -> float:
    """The float of such bits."""
    return float(_FLOAT.unpack(_INTEGER.pack(bits))[0])


def stored(value: float) -> tuple[float | None, int | None]:
    """A float as `value` and `nan_bits`: SQLite holds neither NaN nor the sign of -0.0."""
    if value != value:
        return None, bits_of(value)
    return value, _MINUS_ZERO if value == 0 and math.copysign(1, value) < 0 else None


def restored(value: float | None, bits: int | None) -> float:
    """The float of `value` and `nan_bits`."""
    if bits is not None:
        return float_of(bits)
    assert value is not None
    return value


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


def positions(connection: Connection, run: str) -> Mapping[str, int]:
    """Up to which byte each file of a run's directory has been read."""
    rows = connection.execute("SELECT file, offset FROM position WHERE run = ?", (run,))
    return dict(rows.fetchall())


def loaded(connection: Connection) -> Mapping[str, str]:
    """The runs whose series were copied from a source, with the stamp they had then."""
    return dict(connection.execute("SELECT run, stamp FROM loaded").fetchall())


def forget(connection: Connection, runs: Iterable[str]) -> None:
    """Drop all points of some runs."""
    for run in runs:
        for table in ("chunk", "summary"):
            connection.execute(
                f"DELETE FROM {table} WHERE series_id IN (SELECT id FROM series WHERE run = ?)",
                (run,),
            )
        for table in ("hot", "series", "position", "loaded"):
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
