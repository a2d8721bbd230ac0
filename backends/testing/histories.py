"""What holds for series."""

import contextlib
import math
from datetime import timedelta

import pytest

from ..api.errors import NotFoundError
from ..api.protocols import Registry
from ..api.times import to_micros
from .maker import START, Given, Maker, unique
from .suite import NEVER, Suite

VALUES = [(step, math.sin(step) if step % 7 else float("nan")) for step in range(0, 60, 2)]


@pytest.mark.asyncio
class HistoriesContract(Suite):
    """Every point, in order, to the bit; the part that is asked for."""

    async def run_of(self, maker: Maker) -> str:
        """A run with a series of each kind."""
        experiment = await maker.experiment(unique("series"), tags={}, note="")
        series = {"m": VALUES, "one": [(3, 1.5)], "back": [(5, 1.0), (2, 2.0), (5, 3.0)]}
        return await maker.run(experiment, Given(name="r", series=series))

    async def test_points_are_exact(self, registry: Registry, maker: Maker) -> None:
        run = await self.run_of(maker)
        found = await registry.points(run, "m")
        assert list(found.steps) == [step for step, _ in VALUES]
        assert [math.isnan(value) for value in found.values] == [math.isnan(v) for _, v in VALUES]
        assert [v for v in found.values if v == v] == [v for _, v in VALUES if v == v]
        times = [to_micros(START + timedelta(seconds=n)) for n in range(len(VALUES))]
        assert list(found.times) == times
        back = await registry.points(run, "back")
        assert sorted(zip(back.steps, back.values, strict=True)) == [(2, 2.0), (5, 1.0), (5, 3.0)]

    async def test_the_part_between_two_steps_or_times(
        self, registry: Registry, maker: Maker
    ) -> None:
        run = await self.run_of(maker)
        found = await registry.points(run, "m", low=10, high=16)
        assert list(found.steps) == [10, 12, 14, 16]
        bounds = [to_micros(START + timedelta(seconds=n)) for n in (3, 5)]
        found = await registry.points(run, "m", low=bounds[0], high=bounds[1], by="time")
        assert list(found.steps) == [6, 8, 10]
        assert len(await registry.points(run, "m", low=1000)) == 0

    async def test_the_figures_of_each_series(self, registry: Registry, maker: Maker) -> None:
        run = await self.run_of(maker)
        found = {one.key: one for one in await registry.series(run)}
        assert found.keys() == {"m", "one", "back"}
        assert found["one"].last_step == 3

    async def test_a_sample_has_the_ends(self, registry: Registry, maker: Maker) -> None:
        run = await self.run_of(maker)
        whole = await registry.sampled([run], "m", 1000)
        assert list(whole[run].steps) == [step for step, _ in VALUES]
        some = (await registry.sampled([run], "m", 10))[run]
        assert (some.steps[0], some.steps[-1]) == (VALUES[0][0], VALUES[-1][0])
        assert set(some.steps) <= {step for step, _ in VALUES}
        part = (await registry.sampled([run], "m", 1000, 10, 16))[run]
        assert list(part.steps) == [10, 12, 14, 16]

    async def test_series_that_are_not_there(self, registry: Registry, maker: Maker) -> None:
        run = await self.run_of(maker)
        assert len(await registry.points(run, "none")) == 0
        with contextlib.suppress(NotFoundError):
            assert len(await registry.points(NEVER, "m")) == 0
