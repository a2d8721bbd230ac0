"""Series of which a server gives a sample: all of it at first, an interval when one zooms."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from modeldeck.backends.api.runs import Points

from .session import Session

By = Literal["step", "time"]
SAMPLE = 2500
"""Points of a sample: more than a chart has columns."""
KEPT = 200
"""Samples that stay in memory, so that a chart drawn anew asks nothing again."""
_BESIDE = 0.05
_MICRO = 1_000_000
_Bounds = tuple[int, int] | None


class Sample(NamedTuple):
    """Points, how many there are where that is known, and whether there are more."""

    points: Points
    total: int | None
    sampled: bool


class Samples:
    """The samples of one screen."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[tuple[str, str, _Bounds], Points] = OrderedDict()

    def forget(self, run_id: str, key: str) -> None:
        """The series has become another one."""
        for known in [known for known in self._kept if known[:2] == (run_id, key)]:
            del self._kept[known]

    async def of(
        self, run_ids: Sequence[str], key: str, low: float | None, high: float | None, by: By
    ) -> Mapping[str, Sample]:
        """A series of some runs, or its interval; one question for all runs."""
        whole = await self._fetched(run_ids, key, None)
        found = {
            run: Sample(points, len(points), sampled=False)
            if len(points) < SAMPLE
            else Sample(points, None, sampled=True)
            for run, points in whole.items()
        }
        more = [run for run, sample in found.items() if sample.sampled]
        if low is not None and high is not None and more:
            first, last = widened(low, high, by)
            if by == "time":
                first, last = _steps(list(map(whole.__getitem__, more)), first, last)
            for run, points in (await self._fetched(more, key, (first, last))).items():
                # Of an interval that came whole it is known how many points it has.
                full = len(points) >= SAMPLE
                found[run] = Sample(points, None if full else len(points), sampled=full)
        return found

    async def _fetched(
        self, run_ids: Sequence[str], key: str, bounds: _Bounds
    ) -> Mapping[str, Points]:
        missing = [run for run in run_ids if (run, key, bounds) not in self._kept]
        fresh: Mapping[str, Points] = {}
        if missing:
            low, high = bounds or (None, None)
            fresh = await self._session.registry.sampled(missing, key, SAMPLE, low, high)
        found = {}
        for run in run_ids:
            found[run] = fresh[run] if run in fresh else self._kept[run, key, bounds]
            self._kept[run, key, bounds] = found[run]
            self._kept.move_to_end((run, key, bounds))
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def widened(low: float, high: float, by: By) -> tuple[int, int]:
    """An interval in steps or microseconds, with a little beside it for the edges of a chart."""
    beside = (high - low) * _BESIDE + 1
    scale = 1 if by == "step" else _MICRO
    return int((low - beside) * scale), int((high + beside) * scale) + 1


def _steps(series: Sequence[Points], first: int, last: int) -> tuple[int, int]:
    """The steps between which points of these times lie, told from samples in order of step."""
    low, high = [], []
    for points in series:
        inside = [at for at, time in enumerate(points.times) if first <= time <= last]
        if inside:
            low.append(points.steps[max(inside[0] - 1, 0)])
            high.append(points.steps[min(inside[-1] + 1, len(points) - 1)])
            continue
        # Between two points of the sample, if anywhere.
        after = next((at for at, time in enumerate(points.times) if time > last), len(points) - 1)
        low.append(points.steps[max(after - 1, 0)])
        high.append(points.steps[after])
    return min(low), max(high)
