"""Many small charts, smoothing, the machine, a matrix, plots: on the screens that have them."""

import io
import json
import math
import shutil

import pytest

from modeldeck.app.console.screens.compare import CompareScreen
from modeldeck.app.console.screens.plots import PlotScreen
from modeldeck.app.console.screens.run import RunScreen
from modeldeck.backends.api.ingest import Batch, RunRecord
from modeldeck.backends.api.runs import Run, Status
from modeldeck.backends.local.opening import create_registry, open_registry
from modeldeck.widgets.chart import Chart, ChartGrid, Plot, layout
from tests.console.dump import (
    ACTOR,
    NOW,
    check,
    clock,
    dump,
    open_console,
    press,
    session_of,
    settled,
    typed,
)
from tests.console.run_samples import DIRECTIONS, ident, points, recorded

LAYERS = 14
MATRIX = {"labels": ["cat", "dog"], "matrix": [[50, 3], [2, 45]]}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
async def session(written, tmp_path):
    folder = shutil.copytree(written, tmp_path / ".modeldeck")
    writer = open_registry(folder, clock=clock)
    waves = {
        f"train/layer{at}": points([math.sin(step / 20 + at) for step in range(90)])
        for at in range(LAYERS)
    }
    system = {
        "system/cpu_percent": points([50 + step % 9 for step in range(80)]),
        "system/memory_bytes": points([1e9 + step * 1e6 for step in range(80)]),
    }
    await writer.log(ident(3), Batch(points={**waves, **system}))
    await writer.close()
    found = session_of(folder, directions=DIRECTIONS, folder=folder)
    yield found
    await found.registry.close()


def bottom(app) -> str:
    return dump(app).rstrip("\n").split("\n")[-2]


async def opened(pilot, at=3) -> RunScreen:
    screen = RunScreen(ident(at))
    pilot.app.push_screen(screen)
    await settled(pilot)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80", "120", "200"])
async def test_many_small_charts_as_they_look(session, size):
    async with open_console(session, size=size) as pilot:
        await opened(pilot)
        await press(pilot, "number_sign")
        await press(pilot, "home")
        check(f"charts-grid-{size[0]}", dump(pilot.app))


async def test_only_what_is_in_sight_is_asked_for_and_drawn(session, monkeypatch):
    asked, drawings = [], []
    read = session.registry.points

    async def counted(run_id, key, **bounds):
        asked.append(key)
        return await read(run_id, key, **bounds)

    draw = layout.figure.draw
    async with open_console(session) as pilot:
        screen = await opened(pilot)
        monkeypatch.setattr(session.registry, "points", counted)
        monkeypatch.setattr(layout.figure, "draw", lambda *a: drawings.append(1) or draw(*a))
        await press(pilot, "number_sign")
        grid = screen.query_one(ChartGrid)
        await press(pilot, "home")
        drawings.clear()
        await press(pilot, "pagedown")
        assert grid.in_sight == grid.names[4:8]
        # Two for each: its empty frame, its lines.
        assert 4 <= len(drawings) <= 8
        assert len(grid.tiles) == 4
        # The list had read them all for its small pictures: nothing is read twice.
        assert asked == []


async def test_a_chart_is_chosen_and_becomes_large(session):
    async with open_console(session) as pilot:
        screen = await opened(pilot)
        await press(pilot, "number_sign", "home")
        grid = screen.query_one(ChartGrid)
        assert pilot.app.focused is grid
        await press(pilot, "right", "down")
        name = grid.name_now
        assert grid.at == 3
        await press(pilot, "enter")
        assert not grid.display
        assert screen.query_one("#large", Chart).text.startswith(name)
        await press(pilot, "number_sign")
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert not screen.part.gridded


async def test_names_are_found_by_a_regular_expression(session):
    async with open_console(session) as pilot:
        screen = await opened(pilot)
        await press(pilot, "number_sign", "slash")
        await typed(pilot, "layer(1|3)$")
        await press(pilot, "enter")
        assert screen.query_one(ChartGrid).names == ("train/layer1", "train/layer3")
        assert "charts 1-2 of 2" in bottom(pilot.app)
        await press(pilot, "slash", "ctrl+l")
        await typed(pilot, "(a+)+$")
        await press(pilot, "enter")
        assert "could take for ever" in bottom(pilot.app)


async def test_smoothing_shows_what_was_measured_behind(session):
    async with open_console(session, size=(120, 40)) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#large", Chart)
        for said in ("smoothed 0.6", "smoothed 0.9", "smoothed 0.99"):
            await press(pilot, "S")
            assert said in chart.text.splitlines()[1]
            assert [line.faint for line in chart.picture.lines] == [True, False]
        assert "over what is drawn" not in chart.text
        await press(pilot, "S")
        assert [line.faint for line in chart.picture.lines] == [False]


async def test_x_is_step_time_or_time_since_the_start(session):
    async with open_console(session) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#large", Chart)
        await press(pilot, "X")
        assert chart.view.whole.lo == NOW.timestamp()
        await press(pilot, "X")
        assert (chart.view.whole.lo, chart.view.whole.hi) == (0, 399)
        assert chart.x_kind == "relative"
        await press(pilot, "plus")
        assert chart.view.shown.hi - chart.view.shown.lo == pytest.approx(399 / 2)
        await press(pilot, "X")
        assert chart.x_kind == "step"


async def test_figures_of_the_machine_stand_below_on_one_axis(session):
    async with open_console(session, size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "K")
        check("charts-system-120", dump(pilot.app))
        charts = list(screen.query_one("#drawn").query(Chart))
        assert [chart.id for chart in charts] == ["large", "system-percent", "system-memory"]
        assert len({(c.view.whole.lo, c.view.whole.hi) for c in charts}) == 1
        await press(pilot, "plus")
        assert len({(c.view.shown.lo, c.view.shown.hi) for c in charts}) == 1
        await press(pilot, "K")
        assert len(list(screen.query_one("#drawn").query(Chart))) == 1
        pilot.app.push_screen(RunScreen(ident(1)))
        await settled(pilot)
        await press(pilot, "K")
        assert "no figures of the machine" in bottom(pilot.app)


async def test_the_end_is_followed_and_only_what_is_new_is_read(session, monkeypatch):
    async with open_console(session) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#large", Chart)
        await press(pilot, "plus", "f")
        shown = chart.view.shown
        assert shown.hi == chart.view.whole.hi == 399
        reads = []
        read = session.registry.points

        async def counted(run_id, key, **bounds):
            reads.append((key, bounds.get("low")))
            return await read(run_id, key, **bounds)

        monkeypatch.setattr(session.registry, "points", counted)
        more = points([0.9] * 10)
        for at in range(10):
            more.steps[at] += 400
        writer = open_registry(session.folder, clock=clock)
        await writer.log(ident(3), Batch(points={"val/auc": more}))
        await writer.close()
        screen.look()
        await settled(pilot)
        assert chart.view.shown.hi == 409
        assert chart.view.shown.hi - chart.view.shown.lo == pytest.approx(shown.hi - shown.lo)
        assert reads == [("val/auc", 400)]
        await press(pilot, "left_curly_bracket", "left_curly_bracket")
        looked_at = chart.view.shown
        assert looked_at.hi < 409
        more.steps[0] = 500
        writer = open_registry(session.folder, clock=clock)
        await writer.log(ident(3), Batch(points={"val/auc": more}))
        await writer.close()
        screen.look()
        await settled(pilot)
        assert chart.view.shown == looked_at


async def test_a_comparison_has_many_small_charts_with_all_runs(session):
    async with open_console(session, size=(120, 40)) as pilot:
        screen = CompareScreen([ident(0), ident(1)])
        pilot.app.push_screen(screen)
        await settled(pilot)
        await press(pilot, "number_sign")
        check("compare-grid-120", dump(pilot.app))
        grid = screen.query_one(ChartGrid)
        assert [line.name for line in grid.tiles[0].picture.lines] == ["0 run-0", "1 run-1"]
        await press(pilot, "right", "enter")
        assert screen.metric == grid.names[1]
        assert not screen.gridded


async def test_a_confusion_matrix_is_drawn_in_place_of_the_chart(tmp_path):
    registry = create_registry(tmp_path, clock=clock)
    run = Run(id=ident(5), name="m", experiment="e", status=Status.RUNNING, started_at=NOW)
    await registry.begin_run(RunRecord(run=run, experiment_id="e"), ACTOR, "lab")
    await registry.log(run.id, Batch(points={"loss": points([1.0, 0.5])}), last=True)
    files = {"confusion_matrix.json": json.dumps(MATRIX), "b_confusion_matrix.csv": "no"}
    kept = [registry.keep(io.BytesIO(text.encode()), path) for path, text in files.items()]
    record = RunRecord(run=run, experiment_id="e", artifacts=kept)
    await registry.end_run(record, ACTOR, "lab")
    folder = registry.layout.folder
    await registry.close()
    async with open_console(folder) as pilot:
        screen = await opened(pilot, 5)
        await press(pilot, "G")
        check("charts-matrix-80", dump(pilot.app))
        assert screen.query_one(Plot).display
        await press(pilot, "k")
        assert "no confusion matrix" in bottom(pilot.app)
        await press(pilot, "g")
        assert not screen.query_one(Plot).display
        assert screen.query_one("#large", Chart).text.startswith("loss")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_a_metric_over_the_runs_of_a_list(session, size):
    async with open_console(session, size=size) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "H")
        for kind in ("scatter", "bars", "histogram"):
            check(f"plot-{kind}-{size[0]}", dump(pilot.app))
            await press(pilot, "right_square_bracket")
        screen = pilot.app.screen
        assert isinstance(screen, PlotScreen)
        await press(pilot, "n")
        assert "against eta" in dump(pilot.app)
        await press(pilot, "m")
        assert screen.metric == "val/loss"
        await press(pilot, "escape", "space", "j", "space", "H")
        assert "[bars]" in dump(pilot.app)
        assert "2 runs" in bottom(pilot.app)
