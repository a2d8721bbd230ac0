"""What of a series is drawn, what is kept, what is read again: on a real small registry."""

import asyncio
import math
from array import array

import pytest

from modeldeck.app.usecases.series import Histories, drawn, grouped
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.runs import Points, SeriesInfo, Status
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local.opening import create_registry
from tests.console.dump import NOW, clock, session_of
from tests.console.run_samples import STEPS, ident, points, write


@pytest.fixture
async def registry(tmp_path):
    found = create_registry(tmp_path, clock=clock)
    await write(found, 0, Status.RUNNING)
    yield found
    await found.close()


@pytest.fixture
async def session(registry):
    found = session_of(registry.layout.folder)
    yield found
    await found.registry.close()


@pytest.fixture
def reads(session, monkeypatch):
    """The reads of points that reach the registry."""
    seen = []
    read = session.registry.points

    async def counted(run_id, key, **bounds):
        seen.append((key, bounds))
        return await read(run_id, key, **bounds)

    monkeypatch.setattr(session.registry, "points", counted)
    return seen


def info(key, count=1):
    return SeriesInfo(
        key=key, count=count, first_step=0, last_step=0, first_time=NOW, last_time=NOW,
        low=0, high=0, total=0, finite=count,
    )  # fmt: skip


def test_groups_are_prefixes_and_those_without_one_come_first_the_machine_last():
    keys = ["val/loss", "lr", "val/auc", "system/gpu/0", "auc", "/odd", "train/m10", "train/m9"]
    found = [
        (group.prefix, [one.key for one in group.series]) for group in grouped(map(info, keys))
    ]
    assert found == [
        ("", ["auc", "lr", "/odd"]),
        ("train", ["train/m9", "train/m10"]),
        ("val", ["val/auc", "val/loss"]),
        ("system", ["system/gpu/0"]),
    ]
    assert grouped([]) == []


async def test_a_series_is_decimated_and_says_of_how_much(session):
    found = await drawn(session, ident(0), "train/loss", 20)
    assert found.total == STEPS
    assert found.shown == len(found.x) <= 2 * 20 + 2
    assert (found.x[0], found.x[-1]) == (0, STEPS - 1)
    assert found.y[0] == 1.2


async def test_gaps_and_infinities_are_drawn_as_such(session):
    found = await drawn(session, ident(0), "val/loss", 40)
    assert any(math.isnan(value) for value in found.y)
    assert any(math.isinf(value) for value in found.y)
    assert found.shown < len(found.x)


async def test_times_are_unix_seconds(session):
    found = await drawn(session, ident(0), "train/loss", 10, by="time")
    start = to_micros(NOW) / 1e6
    assert (found.x[0], found.x[-1]) == (start, start + STEPS - 1)
    part = await drawn(session, ident(0), "train/loss", 500, start + 100, start + 110, by="time")
    assert list(part.x) == [start + second for second in range(99, 112)]


async def test_a_zoom_reads_nothing_again(session, reads):
    histories = Histories(session)
    whole = await histories.drawn(ident(0), "train/loss", 10)
    part = await histories.drawn(ident(0), "train/loss", 500, 100, 110)
    assert list(part.x) == list(range(99, 112))
    assert part.total == whole.total == STEPS
    assert len(reads) == 1


async def test_points_are_forgotten_when_there_are_more(session, registry, reads):
    histories = Histories(session)
    await histories.series(ident(0))
    await histories.drawn(ident(0), "lr", 10)
    await histories.drawn(ident(0), "train/loss", 10)
    more = Points(array("q", [3]), array("q", [to_micros(NOW)]), array("d", [0.5]))
    await registry.log(ident(0), Batch(points={"lr": more}))
    await histories.series(ident(0))
    assert (await histories.drawn(ident(0), "lr", 10)).total == 4
    await histories.drawn(ident(0), "train/loss", 10)
    assert [key for key, _ in reads] == ["lr", "train/loss", "lr"]


async def test_no_more_is_kept_than_was_allowed(session, reads):
    histories = Histories(session, most=STEPS + 10)
    for key in ("train/loss", "lr", "val/auc", "lr", "train/loss"):
        await histories.drawn(ident(0), key, 10)
    assert [key for key, _ in reads] == ["train/loss", "lr", "val/auc", "train/loss"]


async def test_of_a_series_too_long_to_keep_a_zoom_reads_the_interval(session, reads):
    histories = Histories(session, most=100)
    await histories.series(ident(0))
    whole = await histories.drawn(ident(0), "train/loss", 10)
    part = await histories.drawn(ident(0), "train/loss", 500, 100, 140)
    assert whole.total == part.total == STEPS
    assert list(part.x) == list(range(99, 142))
    assert reads[-1][1] == {"low": 97, "high": 144, "by": "step"}


async def test_a_series_that_is_not_there_is_empty(session):
    found = await drawn(session, ident(0), "nothing", 10)
    assert (len(found.x), found.shown, found.total) == (0, 0, 0)


async def test_small_pictures_are_in_order_of_step_and_only_of_short_series(session, registry):
    back = Points(array("q", [5, 1, 3]), array("q", [0, 1, 2]), array("d", [5.0, 1.0, 3.0]))
    await registry.log(ident(0), Batch(points={"back": back, "long": points([0.0] * 5001)}))
    histories = Histories(session)
    infos = [one for one in await histories.series(ident(0)) if one.key in ("back", "long")]
    assert await histories.small(ident(0), infos) == {"back": [1.0, 3.0, 5.0]}


async def test_several_at_once(session):
    histories = Histories(session)
    keys = ["train/loss", "val/auc", "lr"]
    found = await asyncio.gather(*(histories.drawn(ident(0), key, 10) for key in keys))
    assert [one.key for one in found] == keys


async def test_a_relative_x_begins_with_the_first_point_of_the_run(session):
    histories = Histories(session)
    await histories.series(ident(0))
    found = await histories.drawn(ident(0), "train/loss", 10, by="relative")
    assert (found.x[0], found.x[-1]) == (0, STEPS - 1)
    part = await histories.drawn(ident(0), "train/loss", 500, 100, 110, by="relative")
    assert list(part.x) == list(range(99, 112))


async def test_a_smoothed_line_is_made_of_all_points_and_says_where_it_is_not(session):
    histories = Histories(session)
    whole = await histories.drawn(ident(0), "train/loss", 400, smooth=0.9)
    few = await histories.drawn(ident(0), "train/loss", 10, smooth=0.9)
    exact = dict(zip(*(list(side) for side in whole.smooth), strict=True))
    assert all(exact[x] == y for x, y in zip(*few.smooth, strict=True) if x in exact)
    assert few.in_full
    assert whole.smooth[1][0] == pytest.approx(1.2)
    short = Histories(session, most=100)
    await short.series(ident(0))
    part = await short.drawn(ident(0), "train/loss", 500, 100, 140, smooth=0.9)
    assert not part.in_full
