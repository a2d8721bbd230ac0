"""A chart of one series of 10,000,000 points, and a page of 12 charts of 50,000 points each."""

import asyncio
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from modeldeck.app.analysis.decimate import minmax
from modeldeck.app.config.actor import current_actor
from modeldeck.app.usecases.lines import decimated
from modeldeck.app.usecases.series import Histories
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.runs import Points
from modeldeck.backends.local.opening import create_registry
from modeldeck.widgets.chart import Chart, ChartGrid
from modeldeck.widgets.chart import Line as Series

from .apps import Drawing, Many
from .harness import cost, paired, repeated
from .place import Bench
from .report import SECONDS, AtMost, Line

POINTS = 10_000_000
SIZE = (120, 40)
_DECIMATE, _DRAW, _ZOOM = AtMost(0.030), AtMost(0.020), AtMost(0.010)
TILES, TILE_POINTS = 12, 50_000
_TILE = AtMost(0.020)
"""One of a page: keys are heard after each."""


def measure(bench: Bench) -> Iterator[Line]:
    """The parts, then what the console does with a series from the registry."""
    random = np.random.default_rng(1)
    steps = np.arange(POINTS)
    values = np.cumsum(random.normal(size=POINTS))
    columns = asyncio.run(_columns())
    rounds = bench.rounds(15)
    reference = lambda: cost(lambda: _reshaped(values, columns))  # noqa: E731
    beside = "numpy min, max of equal parts"
    for what, limit, ordered, lo, hi in (
        ("decimate 10,000,000", _DECIMATE, True, None, None),
        ("decimate, order of x checked too", _DECIMATE, False, None, None),
        ("zoom 2 x: decimate", _ZOOM, True, 0.25, 0.75),
        ("zoom 16 x: decimate", _ZOOM, True, 0.5, 0.5625),
    ):
        ends = [None if share is None else share * POINTS for share in (lo, hi)]
        ours = lambda ends=ends, ordered=ordered: cost(  # noqa: E731
            lambda: minmax(steps, values, columns, *ends, ordered=ordered)
        )
        mine, theirs = paired(ours, reference, rounds).cpu()
        yield Line(what, SECONDS, mine, limit, theirs, beside, note=f"CPU; {columns} columns")
    values[random.random(POINTS) < 0.02] = np.nan
    gaps = repeated(lambda: cost(lambda: minmax(steps, values, columns, ordered=True)), rounds)
    mine = [one.cpu for one in gaps]
    yield Line("decimate, 2 % of it NaN", SECONDS, mine, None, note="CPU")
    yield from asyncio.run(_drawing(rounds))
    yield from asyncio.run(_console(bench, steps, values, columns))
    yield from asyncio.run(_page(rounds))


async def _page(rounds: int) -> list[Line]:
    """A page of small charts: points at hand are decimated, smoothed, and drawn, one by one."""
    random = np.random.default_rng(3)
    steps = array("q", range(TILE_POINTS))
    series = {
        f"m{at}": Points(steps, steps, array("d", np.cumsum(random.normal(size=TILE_POINTS))))
        for at in range(TILES)
    }
    app = Many()
    async with app.run_test(size=SIZE) as pilot:
        grid = app.query_one(ChartGrid)
        grid.show(list(series))
        await pilot.pause()
        columns = grid.tiles[0].columns

        def tile(name: str, weight: float) -> None:
            x, y, _, smooth = decimated(series[name], columns, None, None, "step", weight)
            lines = [Series(name, x, y, total=TILE_POINTS, faint=smooth is not None)]
            if smooth is not None:
                lines.append(Series(name, *smooth, total=TILE_POINTS))
            chart = grid.tile(name)
            assert chart is not None
            chart.set_lines(lines, title=name)
            for line in range(chart.size.height):
                chart.render_line(line)

        found = []
        for what, weight in (("", 0.0), (", smoothed", 0.9)):

            def draw(weight: float = weight) -> None:
                for name in series:
                    tile(name, weight)

            page = repeated(lambda draw=draw: cost(draw), rounds)  # type: ignore[misc]
            mine = [one.cpu / TILES for one in page]
            note = f"CPU; {TILES} of {TILE_POINTS:,} points, a chart of the page"
            found.append(Line(f"page of {TILES}: one chart{what}", SECONDS, mine, _TILE, note=note))
        return found


def _reshaped(values: Any, columns: int) -> Any:
    whole = values[: len(values) // columns * columns].reshape(columns, -1)
    return whole.min(axis=1), whole.max(axis=1)


async def _columns() -> int:
    app = Drawing()
    async with app.run_test(size=SIZE):
        chart = app.query_one(Chart)
        chart.set_lines([Series("loss", [0, 1], [0.0, 1.0])])
        return chart.columns


async def _drawing(rounds: int) -> list[Line]:
    """All of what `set_lines` and a repaint of every line do, beside plotext's part of it."""
    import plotext
    from plotext import figure, terminal

    app = Drawing()
    async with app.run_test(size=SIZE):
        chart = app.query_one(Chart)
        columns = chart.columns
        random = np.random.default_rng(2)
        x = np.linspace(0, POINTS, columns * 2)
        y = np.cumsum(random.normal(size=columns * 2))

        def ours() -> None:
            chart.set_lines([Series("loss", x, y, total=POINTS)], title="loss")
            for line in range(SIZE[1]):
                chart.render_line(line)

        def theirs() -> None:
            terminal.limit(False, False)
            figure.clear()
            figure.plot_size(*SIZE)
            signal = figure.signal(x.tolist(), y.tolist(), marker=plotext.marker("braille")).lines()
            figure.draw(signal)
            figure.build()
            figure.clear()

        mine, others = paired(lambda: cost(ours), lambda: cost(theirs), rounds).cpu()
        note = f"CPU; {columns * 2} points, 120x40, braille, colours included"
        return [Line("draw", SECONDS, mine, _DRAW, others, "plotext alone", note=note)]


@asynccontextmanager
async def _stored(steps: Any, values: Any) -> AsyncIterator[Session]:
    times = array("q", (steps * 1_000_000).tobytes())
    points = Points(array("q", steps.tobytes()), times, array("d", values.tobytes()))
    with tempfile.TemporaryDirectory(prefix="bench-chart-") as folder:
        backend = create_registry(Path(folder))
        try:
            await backend.take_histories({"run": {"loss": points}})
            yield Session(context="bench", registry=backend, actor=current_actor())
        finally:
            await backend.close()


async def _console(bench: Bench, steps: Any, values: Any, columns: int) -> list[Line]:
    """What the console asks for: points from the registry's chunks, decimated."""
    found = []
    async with _stored(steps, values) as session:
        histories = Histories(session)
        await histories.series("run")
        shares = {"all": (None, None), "2 x": (0.25, 0.75), "16 x": (0.5, 0.5625),
                  "256 x": (0.5, 0.5 + 1 / 256)}  # fmt: skip
        for what, ends in shares.items():
            low, high = (None if share is None else share * POINTS for share in ends)
            costs = []
            for _ in range(bench.rounds(15)):
                loop = asyncio.get_running_loop()
                begin = loop.time()
                await histories.drawn("run", "loss", columns, low, high)
                costs.append(loop.time() - begin)
            note = "wall; chunks read and decoded in the registry, then decimated"
            found.append(Line(f"from the registry: {what}", SECONDS, costs,
                              _DECIMATE if what == "all" else _ZOOM, note=note))  # fmt: skip
    return found
