"""Series of runs: exact, page by page, or sampled by the server for drawing."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from ..api.errors import DamagedError
from ..api.runs import Points
from . import mapping, wire
from .client import Client, grouped

PAGE = 25_000
SAMPLE = 2500
MOST_RUNS = 100
_MOST_PAGES = 4000
_PATIENCE = 12
_LARGE = 1 << 30
# Steps of a sampled interval are 32 bits wide on the wire.
_LOW, _HIGH = -(1 << 31), (1 << 31) - 1
_NEVER = -(1 << 63)
# Before this one the server reads all points anyway, and of an interval that does not begin a
# series it gives too few: it takes places in the interval for places in the series.
SAMPLES_WELL = (3, 17)

Version = Callable[[], Awaitable[tuple[int, int] | None]]


class Histories:
    """The series of one server."""

    def __init__(self, client: Client, version: Version) -> None:
        self._client = client
        self._version = version

    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        """The points of a series from `low` to `high`; by time these are microseconds."""
        points = await self._all(run_id, key)
        if low is None and high is None:
            return points
        if by == "step":
            return _between(
                points, _NEVER if low is None else low, -_NEVER if high is None else high
            )
        found = Points()
        for step, time, value in zip(points.steps, points.times, points.values, strict=True):
            if (low is None or low <= time) and (high is None or time <= high):
                found.append(step, time, value)
        return found

    async def _all(self, run_id: str, key: str) -> Points:
        """Page by page; 2.x gives all at once, whatever page was asked for."""
        limits = self._client.limits
        patient = structs.replace(
            limits,
            deadline=limits.deadline * _PATIENCE,
            total=limits.total * _PATIENCE,
            most=max(limits.most, _LARGE),
        )
        found: list[wire.Point] = []
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._client.get(
                "metrics/get-history",
                wire.PointsPage,
                limits=patient,
                run_id=run_id,
                metric_key=key,
                max_results=PAGE,
                page_token=token,
            )
            found.extend(page.metrics)
            if not page.next_page_token:
                return mapping.points_of(found)
            if page.next_page_token == token:
                break
            token = page.next_page_token
        raise DamagedError("its pages do not end", where=f"series {key!r} of run {run_id}")

    async def sampled(
        self, run_ids: Sequence[str], key: str, most: int, low: int | None, high: int | None
    ) -> Mapping[str, Points]:
        """About `most` points a run, spread over the steps that it has from `low` to `high`."""
        low, high = _LOW if low is None else low, _HIGH if high is None else high
        most = min(max(most, 1), SAMPLE)
        version = await self._version() or SAMPLES_WELL
        if version < SAMPLES_WELL and low > _LOW and high - low >= most:
            return {run: _between(await self._all(run, key), low, high) for run in run_ids}
        bounds: dict[str, Any] = {}
        if (low, high) != (_LOW, _HIGH) or version < SAMPLES_WELL:
            # Without bounds, 2.x leaves out steps below 0.
            bounds = {"start_step": max(low, _LOW), "end_step": min(high, _HIGH)}
        found: defaultdict[str, list[wire.Point]] = defaultdict(list)
        for some in grouped(run_ids, MOST_RUNS):
            page = await self._client.get(
                "metrics/get-history-bulk-interval",
                wire.PointsPage,
                run_ids=list(some),
                metric_key=key,
                max_results=most,
                **bounds,
            )
            for point in page.metrics:
                found[point.run_id].append(point)
        return {run: mapping.points_of(found.get(run, ())) for run in run_ids}


def _between(points: Points, low: int, high: int) -> Points:
    """The points whose steps are in the interval; they are in the order of their steps."""
    from bisect import bisect_left, bisect_right

    return points.cut(bisect_left(points.steps, low), bisect_right(points.steps, high))
