"""Series of which nobody knows how long they are: drawn from samples, said to be ones."""

from datetime import timedelta

import pytest

from modeldeck.app.usecases.samples import SAMPLE
from modeldeck.app.usecases.series import Histories, is_curve
from modeldeck.backends.api.runs import Points, SeriesInfo
from modeldeck.backends.api.times import EPOCH


class Sampling:
    """A registry that samples: every n-th point of what lies between two steps."""

    def __init__(self, lengths):
        self.lengths = lengths
        self.asked = []

    async def sampled(self, run_ids, key, most, low=None, high=None):
        self.asked.append((tuple(run_ids), low, high))
        found = {}
        for run in run_ids:
            steps = range(self.lengths[run])
            steps = [s for s in steps if (low is None or low <= s) and (high is None or s <= high)]
            every = -(-len(steps) // most) or 1
            points = Points()
            for step in steps[::every]:
                points.append(step, step * 2_000_000, float(step))
            found[run] = points
        return found

    async def points(self, *_, **__):
        raise AssertionError("all points are only for who asks for all")

    async def series(self, run_id):
        return [info("loss", self.lengths[run_id] - 1)]


def info(key, last):
    return SeriesInfo(
        key=key,
        count=None,
        first_step=None,
        last_step=last,
        first_time=None,
        last_time=EPOCH + timedelta(seconds=last),
        low=None,
        high=None,
        total=None,
        finite=None,
    )


class Session:
    def __init__(self, registry):
        self.registry = registry


@pytest.fixture
def registry():
    return Sampling({"short": 100, "long": 100_000, "longer": 200_000})


@pytest.fixture
async def histories(registry):
    found = Histories(Session(registry))
    for run in registry.lengths:
        await found.series(run)
    return found


async def test_a_short_series_is_all_of_it(histories, registry):
    found = await histories.drawn("short", "loss", 1000)
    assert (len(found.x), found.total, found.sampled) == (100, 100, False)
    # Zoomed, nothing has to be asked for.
    await histories.drawn("short", "loss", 1000, 10.0, 20.0)
    assert len(registry.asked) == 1


async def test_a_long_one_is_a_sample_of_unknown_length(histories):
    found = await histories.drawn("long", "loss", 10_000)
    assert (found.total, found.sampled) == (None, True)
    assert SAMPLE * 0.9 < len(found.x) <= SAMPLE


@pytest.mark.parametrize(("by", "scale"), [("step", 1), ("time", 2)])
async def test_zooming_fetches_the_interval(histories, registry, by, scale):
    await histories.drawn("long", "loss", 10_000, by=by)
    found = await histories.drawn("long", "loss", 10_000, 500.0 * scale, 600.0 * scale, by=by)
    runs, low, high = registry.asked[-1]
    assert runs == ("long",)
    assert 300 <= low <= 500
    assert 600 <= high <= 800
    assert {x for x in found.x if 500 * scale <= x <= 600 * scale} == {
        step * scale for step in range(500, 601)
    }
    assert (found.total is not None, found.sampled) == (True, False), (
        "every point of the interval is there"
    )
    before = len(registry.asked)
    await histories.drawn("long", "loss", 10_000, 500.0 * scale, 600.0 * scale, by=by)
    assert len(registry.asked) == before


async def test_several_runs_are_one_question(histories, registry):
    found = await histories.drawn_together(["short", "long", "longer"], "loss", 500)
    assert [(one.run_id, one.sampled) for one in found] == [
        ("short", False),
        ("long", True),
        ("longer", True),
    ]
    assert registry.asked == [(("short", "long", "longer"), None, None)]
    await histories.drawn_together(["short", "long", "longer"], "loss", 500, 10.0, 50_000.0)
    assert registry.asked[1][0] == ("long", "longer")


async def test_a_series_that_has_grown_is_asked_for_anew(histories, registry):
    await histories.drawn("short", "loss", 500)
    registry.lengths["short"] = 120
    await histories.series("short")
    assert (await histories.drawn("short", "loss", 500)).total == 120


async def test_small_pictures_are_not_worth_a_question_each(histories, registry):
    series = await histories.series("short")
    assert await histories.small("short", series) == {}
    assert registry.asked == []


def test_a_curve_is_what_ends_after_its_first_step():
    assert is_curve(info("loss", 99))
    assert not is_curve(info("auc", 0))
