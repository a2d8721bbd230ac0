"""The series of runs for charts: grouped by prefix, decimated to what a chart can show."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modeldeck.backends.api.protocols import Outlines
from modeldeck.backends.api.runs import SYSTEM, Points, SeriesInfo

from .lines import decimated
from .runs import natural
from .samples import By, Samples, widened
from .session import Session

XKind = Literal["step", "time", "relative"]
"""What x is: steps, Unix seconds, or seconds since the first point of the run."""
KEPT_POINTS = 1_000_000
"""Points that stay in memory together, 8 to 24 bytes each, so that a zoom reads nothing again."""
OUTLINED = 200_000
"""A series of more points is drawn from its outline where the registry has one."""
A_COLUMN = 4
"""Points of an outline for each column of a chart, at least."""
BEGUN = 50
"""Series whose beginning is kept while they grow."""
SPARK_POINTS = 5000
"""A series of more points is not read only for its small picture."""
_MICRO = 1_000_000


class Group(Struct, frozen=True):
    """The series whose keys begin with `prefix/`; those without one have an empty prefix."""

    prefix: str
    series: Sequence[SeriesInfo]


class Drawn(Struct, frozen=True, kw_only=True):
    """What of a series is to be drawn: arrays of x (see `XKind`) and y.

    `shown` of its `total` points are among them; y may hold NaN and infinities besides. `total` is
    None where nobody knows it; `sampled` says that a server chose what it gave. `smooth` is the
    smoothed line, as x and y, where one was asked for; `in_full` says that all points are in it.
    """

    run_id: str
    key: str
    x: Any
    y: Any
    shown: int
    total: int | None
    sampled: bool = False
    smooth: tuple[Any, Any] | None = None
    in_full: bool = True


def is_curve(series: SeriesInfo) -> bool:
    """Whether it has more than one point, as far as that is known."""
    return series.last_step != 0 if series.count is None else series.count > 1


def grouped(series: Sequence[SeriesInfo]) -> Sequence[Group]:
    """Series by the part of their key before the first slash.

    Those without one come first, those of the machine last.
    """
    groups: dict[str, list[SeriesInfo]] = {}
    for one in sorted(series, key=lambda one: natural(one.key)):
        head, slash, _ = one.key.partition("/")
        groups.setdefault(head if slash else "", []).append(one)
    order = sorted(groups, key=lambda prefix: (f"{prefix}/" == SYSTEM, natural(prefix)))
    return [Group(prefix, groups[prefix]) for prefix in order]


class Histories:
    """The points of a few series, read once. One for each screen that draws."""

    def __init__(self, session: Session, most: int = KEPT_POINTS) -> None:
        self._session = session
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Points] = OrderedDict()
        self._known: dict[tuple[str, str], SeriesInfo] = {}
        self._reading = asyncio.Lock()
        self._begun: dict[tuple[str, str], tuple[Points, int]] = {}
        self._samples = Samples(session)

    async def series(self, run_id: str) -> Sequence[SeriesInfo]:
        """The figures of a run's series; points that have become old are forgotten."""
        found = await self._session.registry.series(run_id)
        self.note(run_id, found)
        return found

    def note(self, run_id: str, series: Sequence[SeriesInfo]) -> None:
        """Forget the points of what is not as these figures say."""
        now = {(run_id, one.key): one for one in series}
        for key in [key for key in self._known if key[0] == run_id]:
            if self._known[key] != now.get(key):
                self._outdate(key, now.get(key))
                self._samples.forget(*key)
                del self._known[key]
        self._known.update(now)

    def _outdate(self, key: tuple[str, str], now: SeriesInfo | None) -> None:
        """Points at hand are old; they are kept as the beginning of a series that only grew."""
        known, points = self._known[key], self._kept.pop(key, None)
        if points is not None and now is not None and now.last_step > known.last_step:
            self._begun[key] = points, known.last_step
            while len(self._begun) > BEGUN:
                self._begun.pop(next(iter(self._begun)))

    async def _grown(self, run_id: str, key: str) -> Points | None:
        """The points of a series of which the beginning is at hand: only what is new is read."""
        points, last = self._begun.pop((run_id, key), (None, 0))
        if points is None:
            return None
        more = await self._session.registry.points(run_id, key, low=last + 1)
        # Something may have been logged among what is known, at an earlier step.
        if len(points) + len(more) != self._count(run_id, key):
            return None
        return Points(
            points.steps + more.steps, points.times + more.times, points.values + more.values
        )

    async def drawn(
        self,
        run_id: str,
        key: str,
        columns: int,
        low: float | None = None,
        high: float | None = None,
        by: XKind = "step",
        smooth: float = 0,
    ) -> Drawn:
        """A series, or its interval from `low` to `high`, for a chart of so many columns.

        Bounds are in the unit of x. The lowest and the highest point of each column are there.
        `smooth` is the weight of what came before (see `analysis.smooth`).
        """
        found = await self.drawn_together([run_id], key, columns, low, high, by, smooth)
        return found[0]

    async def drawn_together(
        self,
        run_ids: Sequence[str],
        key: str,
        columns: int,
        low: float | None = None,
        high: float | None = None,
        by: XKind = "step",
        smooth: float = 0,
    ) -> Sequence[Drawn]:
        """One series of several runs, see `drawn`; with a relative x each has its own start."""
        if by == "relative":
            return [
                await self._since_start(run, key, columns, low, high, smooth) for run in run_ids
            ]
        some = [run for run in run_ids if self._is_sampled(run, key)]
        samples = await self._samples.of(some, key, low, high, by) if some else {}
        found = []
        for run in run_ids:
            if run in samples:
                points, total, sampled = samples[run]
            else:
                points, total = await self._exact(run, key, columns, low, high, by)
                sampled = False
            x, y, shown, line = await asyncio.to_thread(
                decimated, points, columns, low, high, by, smooth
            )
            found.append(
                Drawn(
                    run_id=run, key=key, x=x, y=y, shown=shown, total=total, sampled=sampled,
                    smooth=line, in_full=not sampled and len(points) == total,
                )
            )  # fmt: skip
        return found

    async def _since_start(
        self,
        run_id: str,
        key: str,
        columns: int,
        low: float | None,
        high: float | None,
        smooth: float,
    ) -> Drawn:
        start = await self._start(run_id, key)
        low, high = (None if bound is None else bound + start for bound in (low, high))
        found = (await self.drawn_together([run_id], key, columns, low, high, "time", smooth))[0]
        smoothed = found.smooth
        return msgspec.structs.replace(
            found,
            x=[float(x) - start for x in found.x],
            smooth=smoothed and ([float(x) - start for x in smoothed[0]], smoothed[1]),
        )

    async def _start(self, run_id: str, key: str) -> float:
        """When the first point of a run was logged, in Unix seconds; as far as that is known."""
        infos = [info for (run, _), info in self._known.items() if run == run_id]
        times = [info.first_time.timestamp() for info in infos if info.first_time is not None]
        if times:
            return min(times)
        if self._is_sampled(run_id, key):
            points = (await self._samples.of([run_id], key, None, None, "time"))[run_id].points
        else:
            points = (await self._exact(run_id, key, 1, None, None, "time"))[0]
        return min(points.times) / _MICRO if len(points) else 0.0

    def _is_sampled(self, run_id: str, key: str) -> bool:
        """Whether nobody knows how long it is: a registry knows that of all its runs, or none."""
        info = self._known.get((run_id, key))
        if info is None:
            return any(one.count is None for one in self._known.values())
        return info.count is None

    async def _exact(
        self,
        run_id: str,
        key: str,
        columns: int,
        low: float | None,
        high: float | None,
        by: By,
    ) -> tuple[Points, int]:
        points = self._kept.get((run_id, key))
        count = self._count(run_id, key)
        if points is not None:
            self._kept.move_to_end((run_id, key))
        elif count > OUTLINED and isinstance(self._session.registry, Outlines):
            return await self._outline(run_id, key, columns, low, high, by), count
        elif low is not None and high is not None and count > self._most:
            # Too much to keep: only the interval is read, with a little beside it for the edges.
            return await self._interval(run_id, key, low, high, by), count
        else:
            points = await self._whole(run_id, key)
        return points, len(points)

    async def _whole(self, run_id: str, key: str) -> Points:
        """All points; whoever wants those that are being read waits for them."""
        async with self._reading:
            points = self._kept.get((run_id, key))
            if points is None:
                points = await self._grown(run_id, key)
            if points is None:
                points = await self._session.registry.points(run_id, key)
            self._keep(run_id, key, points)
        return points

    async def small(self, run_id: str, series: Sequence[SeriesInfo]) -> Mapping[str, list[float]]:
        """The values, in order of step, of those series that are short enough for a small look."""
        values = {}
        for one in series:
            if one.count is not None and one.count <= SPARK_POINTS:
                values[one.key] = _in_order(await self._whole(run_id, one.key))
        return values

    def _count(self, run_id: str, key: str) -> int:
        found = self._known.get((run_id, key))
        return 0 if found is None else found.count or 0

    async def _outline(
        self,
        run_id: str,
        key: str,
        columns: int,
        low: float | None,
        high: float | None,
        by: By,
    ) -> Points:
        registry = self._session.registry
        assert isinstance(registry, Outlines)
        first, last = (None, None) if low is None or high is None else widened(low, high, by)
        most = A_COLUMN * columns
        return await registry.outline(run_id, key, most, low=first, high=last, by=by)

    async def _interval(self, run_id: str, key: str, low: float, high: float, by: By) -> Points:
        first, last = widened(low, high, by)
        return await self._session.registry.points(run_id, key, low=first, high=last, by=by)

    def _keep(self, run_id: str, key: str, points: Points) -> None:
        if len(points) > self._most:
            return
        self._kept[run_id, key] = self._shared(run_id, points)
        while sum(map(len, self._kept.values())) > self._most:
            self._kept.popitem(last=False)

    def _shared(self, run_id: str, points: Points) -> Points:
        """The points, with the steps and times of another series of the run where they are alike.

        What is logged together is: held once, that is a third of the memory.
        """
        for (run, _), other in reversed(self._kept.items()):
            if run == run_id and points.steps == other.steps and points.times == other.times:
                return Points(other.steps, other.times, points.values)
        return points


async def drawn(
    session: Session,
    run_id: str,
    key: str,
    columns: int,
    low: float | None = None,
    high: float | None = None,
    by: By = "step",
) -> Drawn:
    """One series for one chart, see `Histories.drawn`."""
    return await Histories(session).drawn(run_id, key, columns, low, high, by)


def _in_order(points: Points) -> list[float]:
    steps = points.steps
    if all(steps[at] <= steps[at + 1] for at in range(len(steps) - 1)):
        return points.values.tolist()
    order = sorted(range(len(steps)), key=steps.__getitem__)
    return [points.values[at] for at in order]
