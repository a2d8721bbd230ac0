"""Runs and their series as they leave: a page at a time, whatever their length."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from msgspec import Struct

from modeldeck.backends.api.runs import Run, SeriesInfo
from modeldeck.backends.api.times import from_micros

from .runs import find_runs
from .session import Session

PIECE = 500_000
"""About as many points are in memory at once."""


class Point(Struct, frozen=True):
    """One point of one series of one run."""

    run: str
    key: str
    step: int
    time: datetime
    value: float


async def export_runs(session: Session, refs: Sequence[str]) -> Sequence[Run]:
    """The runs with all of their latest values."""
    return await find_runs(session, refs)


async def export_points(
    session: Session, refs: Sequence[str], keys: Sequence[str] = ()
) -> AsyncIterator[Point]:
    """All points of the runs (of these keys only, if any), by run, key, step, time."""
    for run in await find_runs(session, refs):
        for info in await session.registry.series(run.id):
            if keys and info.key not in keys:
                continue
            for low, high in _intervals(info):
                points = await session.registry.points(run.id, info.key, low=low, high=high)
                columns = zip(points.steps, points.times, points.values, strict=True)
                for step, time, value in columns:
                    yield Point(run.id, info.key, step, from_micros(time), value)


def _intervals(info: SeriesInfo) -> Sequence[tuple[int | None, int | None]]:
    if info.count is None or info.first_step is None:
        return [(None, None)]
    pieces = max(-(-info.count // PIECE), 1)
    span = info.last_step - info.first_step + 1
    width = -(-span // pieces)
    starts = range(info.first_step, info.last_step + 1, width)
    return [(start, min(start + width - 1, info.last_step)) for start in starts]
