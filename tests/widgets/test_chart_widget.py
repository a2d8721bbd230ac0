"""The wiring: keys, messages, what is drawn anew and what is not."""

import math
import subprocess
import sys

import pytest
from textual.app import App

from modeldeck.widgets.chart import Chart, Line, layout
from modeldeck.widgets.chart.scale import Axis


class Host(App):
    def __init__(self, **options):
        super().__init__()
        self.chart = Chart(**options)
        self.heard = []

    def compose(self):
        yield self.chart

    def on_mount(self):
        self.chart.focus()

    def on_chart_zoomed(self, event):
        self.heard.append(event)

    def on_chart_axis_toggled(self, event):
        self.heard.append(event)


def line(count=1000, name="a"):
    return Line(name, list(range(count)), [at % 17 + 1.0 for at in range(count)])


@pytest.fixture
def drawings(monkeypatch):
    """Count the drawings that reach the figure."""
    seen = []
    draw = layout.figure.draw
    monkeypatch.setattr(layout.figure, "draw", lambda *args: seen.append(1) or draw(*args))
    return seen


def test_importing_it_loads_neither_plotext_nor_numpy():
    code = (
        "import sys, modeldeck.widgets.chart, modeldeck.widgets.sparkline\n"
        "print([m for m in ('plotext', 'numpy') if m in sys.modules])"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout == "[]\n"


async def test_an_empty_chart_loads_no_plotext_and_says_so():
    app = Host()
    async with app.run_test(size=(60, 12)):
        assert "no points" in app.chart.text


async def test_the_cursor_does_not_draw_anew(drawings):
    app = Host(ascii=True)
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([Line("a", list(range(1000)), [1.0] * 999 + [2.0])], title="a")
        await pilot.pause()
        before = app.chart.text
        drawn = len(drawings)
        assert drawn >= 1
        await pilot.press("comma")
        assert app.chart.text != before
        assert "982..999" in app.chart.text
        await pilot.press("less_than_sign", "full_stop")
        assert app.chart.text.count(":") >= 2
        await pilot.press("greater_than_sign")
        assert "982..999" in app.chart.text
        assert len(drawings) == drawn
        assert not app.heard


async def test_zoom_and_pan_ask_for_the_interval_and_take_the_answer():
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        chart = app.chart
        chart.set_lines([line()], title="a")
        await pilot.press("plus")
        (zoomed,) = app.heard
        assert zoomed.control is chart
        assert (zoomed.lo, zoomed.hi) == pytest.approx((249.75, 749.25))
        assert zoomed.columns == chart.columns == 2 * (60 - 3)
        part = Line("a", list(range(249, 751)), [1.0] * 502)
        chart.set_lines([part], title="a", keep_view=True)
        assert chart.view.shown == Axis(zoomed.lo, zoomed.hi)
        assert "zoomed 2x" in chart.text
        await pilot.press("right_curly_bracket")
        assert chart.view.shown.lo > zoomed.lo
        await pilot.press("left_curly_bracket", "minus")
        assert not chart.view.zoomed
        await pilot.press("plus", "plus", "0")
        assert not chart.view.zoomed
        assert (app.heard[-1].lo, app.heard[-1].hi) == (0, 999)
        count = len(app.heard)
        await pilot.press("0", "minus", "right_curly_bracket")
        assert len(app.heard) == count  # nothing changed, nothing to fetch


async def test_log_is_kept_when_lines_come_anew():
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([line()], title="a")
        await pilot.press("L")
        assert "log y" in app.chart.text
        app.chart.set_lines([line()], title="a", keep_view=True)
        assert "log y" in app.chart.text
        app.chart.set_lines([line()], title="a", y_scale="linear")
        assert "log y" not in app.chart.text


async def test_the_other_axis_is_asked_for():
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([line()])
        await pilot.press("X")
        assert app.heard[-1].x_kind == "time"
        await pilot.press("plus")
        app.chart.set_lines([Line("a", [1.7e9, 1.7e9 + 60], [1, 2])], "time", keep_view=True)
        assert app.chart.view.shown == Axis(1.7e9, 1.7e9 + 60)
        await pilot.press("X")
        assert app.heard[-1].x_kind == "relative"
        app.chart.set_lines([line()], "relative")
        await pilot.press("X")
        assert app.heard[-1].x_kind == "step"


async def test_a_click_puts_the_cursor():
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([line(57)], title="a")
        await pilot.pause()
        await pilot.click(app.chart, offset=(3 + 20, 6))
        assert app.chart.view.column(57) == 20


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (30, 6), (10, 3)])
async def test_every_row_is_as_wide_as_the_widget(size):
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.chart.set_lines([line(), line(30, "名前[b]\x1b")], title="[/b] \x9b")
        for key in ("comma", "plus", "L", "minus"):
            await pilot.press(key)
            strips = [app.chart.render_line(y) for y in range(size[1])]
            assert {strip.cell_length for strip in strips} == {size[0]}


async def test_it_follows_size_characters_and_theme():
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([line()], title="a")
        await pilot.pause()
        colour = app.chart.render_line(1).render(app.console)
        app.theme = "textual-light"
        await pilot.pause()
        assert app.chart.render_line(1).render(app.console) != colour
        app.chart.ascii = True
        assert app.chart.text.isascii()
        await pilot.resize_terminal(80, 20)
        await pilot.pause()
        assert len(app.chart.text.split("\n")) == 20


async def test_a_lean_cursor_touches_two_rows():
    app = Host(lean=True, ascii=True)
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([line()], title="a")
        await pilot.press("comma")
        before = app.chart.text.split("\n")
        await pilot.press("comma")
        after = app.chart.text.split("\n")
        assert [y for y in range(14) if before[y] != after[y]] == [12, 13]


async def test_numbers_that_end_other_programs_do_not_end_this_one():
    worst = [math.nan, 1e308, -1.79e308, math.inf, -math.inf, 5e-324, -0.0, math.nan]
    app = Host()
    async with app.run_test(size=(60, 14)) as pilot:
        app.chart.set_lines([Line("a", list(range(8)), worst), Line("b", worst, worst)])
        for key in ("comma", "plus", "plus", "L", "right_curly_bracket", "0", "L"):
            await pilot.press(key)
            assert len(app.chart.text.split("\n")) == 14
