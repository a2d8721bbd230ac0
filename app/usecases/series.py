"""The series of runs for charts: grouped by prefix, decimated to what a chart can show."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modeldeck.backends.api.protocols import Outlines
from modeldeck.backends.api.runs import Points, SeriesInfo

from .samples import By, Samples, widened
from .session import Session

if TYPE_CHECKING:
    from modeldeck.app.analysis.decimate import Decimated

KEPT_POINTS = 1_000_000
"""Points that stay in memory together, 24 bytes each, so that a zoom reads nothing again."""
OUTLINED = 200_000
"""A series of more points is drawn from its outline where the registry has one."""
A_COLUMN = 4
"""Points of an outline for each column of a chart, at least."""
SPARK_POINTS = 5000
"""A series of more points is not read only for its small picture."""
_MICRO = 1_000_000


class Group(Struct, frozen=True):
    """The series whose keys begin with `prefix/`; those without one have an empty prefix."""

    prefix: str
    series: Sequence[SeriesInfo]


class Drawn(Struct, frozen=True, kw_only=True):
    """What of a series is to be drawn: arrays of x (steps, or Unix seconds) and y.

    `shown` of its `total` points are among them; y may hold NaN and infinities besides. `total` is
    None where nobody knows it; `sampled` says that a server chose what it gave.
    """

    run_id: str
    key: str
    x: Any
    y: Any
    shown: int
    total: int | None
    sampled: bool = False


def is_curve(series: SeriesInfo) -> bool:
    """Whether it has more than one point, as far as that is known."""
    return series.last_step != 0 if series.count is None else series.count > 1


def grouped(series: Sequence[SeriesInfo]) -> Sequence[Group]:
    """Series by the part of their key before the first slash; those without one come first."""
    groups: dict[str, list[SeriesInfo]] = {}
    for one in sorted(series, key=lambda one: one.key):
        head, slash, _ = one.key.partition("/")
        groups.setdefault(head if slash else "", []).append(one)
    return [Group(prefix, groups[prefix]) for prefix in sorted(groups)]


class Histories:
    """The points of a few series, read once. One for each screen that draws."""

    def __init__(self, session: Session, most: int = KEPT_POINTS) -> None:
        self._session = session
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Points] = OrderedDict()
        self._known: dict[tuple[str, str], SeriesInfo] = {}
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
                self._kept.pop(key, None)
                self._samples.forget(*key)
                del self._known[key]
        self._known.update(now)

    async def drawn(
        self,
        run_id: str,
        key: str,
        columns: int,
        low: float | None = None,
        high: float | None = None,
        by: By = "step",
    ) -> Drawn:
        """A series, or its interval from `low` to `high`, for a chart of so many columns.

        Bounds are in the unit of x. The lowest and the highest point of each column are there.
        """
        found = await self.drawn_together([run_id], key, columns, low, high, by)
        return found[0]

    async def drawn_together(
        self,
        run_ids: Sequence[str],
        key: str,
        columns: int,
        low: float | None = None,
        high: float | None = None,
        by: By = "step",
    ) -> Sequence[Drawn]:
        """One series of several runs, see `drawn`."""
        some = [run for run in run_ids if self._is_sampled(run, key)]
        samples = await self._samples.of(some, key, low, high, by) if some else {}
        found = []
        for run in run_ids:
            if run in samples:
                points, total, sampled = samples[run]
            else:
                points, total = await self._exact(run, key, columns, low, high, by)
                sampled = False
            x, y, shown = await asyncio.to_thread(_decimate, points, columns, low, high, by)
            found.append(
                Drawn(run_id=run, key=key, x=x, y=y, shown=shown, total=total, sampled=sampled)
            )
        return found

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
            points = await self._session.registry.points(run_id, key)
            self._keep(run_id, key, points)
        return points, len(points)

    async def small(self, run_id: str, series: Sequence[SeriesInfo]) -> Mapping[str, list[float]]:
        """The values, in order of step, of those series that are short enough for a small look."""
        values = {}
        for one in series:
            if one.count is not None and one.count <= SPARK_POINTS:
                points = self._kept.get((run_id, one.key))
                if points is None:
                    points = await self._session.registry.points(run_id, one.key)
                    self._keep(run_id, one.key, points)
                values[one.key] = _in_order(points)
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
        self._kept[run_id, key] = points
        while sum(map(len, self._kept.values())) > self._most:
            self._kept.popitem(last=False)


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


def _decimate(
    points: Points, columns: int, low: float | None, high: float | None, by: By
) -> tuple[Any, Any, int]:
    if not len(points):
        return [], [], 0
    # numpy is loaded here, by the first chart that is drawn.
    import numpy as np

    from modeldeck.app.analysis.decimate import minmax

    x = np.frombuffer(points.steps if by == "step" else points.times, dtype=np.int64)
    y = np.frombuffer(points.values, dtype=np.float64)
    scale = 1 if by == "step" else _MICRO
    bounds = [None if bound is None else bound * scale for bound in (low, high)]
    found: Decimated = minmax(x, y, columns, *bounds)
    chosen = x[found.index]
    return chosen if by == "step" else chosen / _MICRO, y[found.index], found.shown
