"""Whatever a metric holds: nothing crashes, and only finite numbers reach plotext."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modeldeck.widgets.chart import layout
from modeldeck.widgets.chart.geometry import prepare, reach
from modeldeck.widgets.chart.layout import Picture, compose
from modeldeck.widgets.chart.model import Line, View
from modeldeck.widgets.chart.plots import Bars, Boxes, Histogram, Scatter
from modeldeck.widgets.chart.rows import fitted
from modeldeck.widgets.text import cells

ODD = [math.nan, math.inf, -math.inf, 1e308, -1.79e308, 5e-324, -5e-324, -0.0, 0.0, 1.0, -1.0]
number = st.one_of(st.floats(), st.sampled_from(ODD))
points = st.lists(st.tuples(st.one_of(number, st.integers(0, 3).map(float)), number), max_size=12)
finite = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([x for x in ODD if math.isfinite(x)]),
)


@pytest.fixture(scope="module")
def checked():
    """What reaches the figure is looked at; gives how often something did."""
    seen = []
    draw = layout.figure.draw

    def careful(lines, width, height):
        for strokes, symbol in lines:
            assert symbol == "braille" or len(symbol) == 1
            for xs, ys in strokes:
                assert len(xs) == len(ys) > 0
                assert np.isfinite(xs).all()
                assert np.isfinite(ys).all()
                assert all(0 <= x <= width for x in xs)
                assert all(0 <= y <= height for y in ys)
        seen.append(1)
        return draw(lines, width, height)

    layout.figure.draw = careful
    yield seen
    layout.figure.draw = draw


@settings(max_examples=200)
@given(
    st.lists(points, min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["step", "time", "relative"]),
    st.integers(20, 90),
    st.integers(5, 20),
)
@example([[(0.0, math.nan)]], False, False, False, "step", 40, 8)
@example([[(0.0, 1e308), (1.0, -1e308)]], True, False, True, "step", 40, 8)
@example([[(1.0, 2.0), (1.0, 3.0)]], False, True, False, "time", 40, 8)
@example([[(5e-324, 5e-324), (1.7e308, 1.7e308)]], True, False, False, "relative", 40, 8)
@example([[(-1.0, -1.0), (2.0, -2.0)]], True, True, True, "step", 20, 5)
@example([[(float(at), 0.5) for at in range(9)]], True, False, False, "step", 40, 8)
def test_only_finite_numbers_reach_the_figure(
    checked, series, log, ascii_only, small, kind, width, height
):
    lines = [
        Line(f"l{at}", [x for x, _ in one], [y for _, y in one], faint=at == 0 and len(series) > 1)
        for at, one in enumerate(series)
    ]
    picture = Picture(
        lines, [prepare(one) for one in lines], "t", kind, log, ascii_only, small=small
    )
    view = View()
    ends = reach(list(picture.series))
    if ends:
        view.reach(*ends)
    before = len(checked)
    rows = compose(picture, view, width, height).rows
    assert len(checked) == before + 1
    assert all(sum(cells(text) for text, _ in row) == width for row in rows)


@given(
    st.lists(st.tuples(st.text(max_size=4), number, finite), max_size=20),
    st.integers(1, 100),
    st.integers(1, 20),
    st.booleans(),
)
def test_pictures_of_other_kinds_fill_exactly_the_size(found, width, height, ascii_only):
    names = [name for name, _, _ in found]
    values = [value for _, value, _ in found]
    whole = [value for _, _, value in found]
    ordered = [
        sorted([a, b, c, a, b]) for a, b, c in zip(whole, whole[1:], whole[2:], strict=False)
    ]
    boxes = Boxes("t", names[: len(ordered)], [tuple(one) for one in ordered], [1] * len(ordered))
    edges = sorted(set(whole))
    binned = [(a, b, 3) for a, b in itertools.pairwise(edges)]
    for picture in (
        Bars("t", names, values, 0 if names else None),
        Histogram("t", binned, 2),
        boxes,
        Scatter("t", "x", whole, list(reversed(whole)), 1),
    ):
        rows = fitted(picture, width, height, ascii_only=ascii_only)
        assert len(rows) == height
        assert all(sum(cells(text) for text, _ in row) == width for row in rows)
        text = "".join(text for row in rows for text, _ in row)
        if ascii_only and all(name.isascii() for name in names):
            assert text.isascii()


def shown(picture, width, height):
    rows = fitted(picture, width, height, ascii_only=True)
    return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)


def test_bars_as_they_look():
    assert shown(Bars("auc", ["a", "bb"], [1.0, 0.5], 0), 30, 4) == (
        "auc\na    1* #####################\nbb 0.5  ##########\n"
    )
    assert "+3 more" in shown(Bars("auc", list("abcde"), [1, 2, 3, 4, 5]), 30, 4)


def test_a_histogram_as_it_looks():
    assert shown(Histogram("auc", [(0, 1, 3), (1, 2, 1)]), 40, 4) == (
        "auc  4 values\n0 .. 1 3  75.0% ########################\n1 .. 2 1  25.0% ########\n"
    )


def test_boxes_as_they_look():
    assert shown(Boxes("auc", ["sgd"], [(0.0, 1.0, 2.0, 3.0, 4.0)], [9]), 40, 4).splitlines()[
        1
    ] == ("sgd  n 9 2 |------=======#=======------|")


def test_a_scatter_counts_points_that_share_a_cell():
    text = shown(Scatter("t", "lr", [0, 0, 1], [0, 0, 1]), 24, 8)
    assert "2" in text.splitlines()[5]
    assert text.splitlines()[1].rstrip().endswith("*")
    assert "lr" in text.splitlines()[-1]
