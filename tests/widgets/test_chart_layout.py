"""Whole charts as text: laws over any data, and golden pictures."""

import math
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldeck.widgets.chart.geometry import prepare, project, reach, y_axis
from modeldeck.widgets.chart.layout import Picture, compose
from modeldeck.widgets.chart.model import Line, View
from modeldeck.widgets.chart.reading import reading
from modeldeck.widgets.text import cells

number = st.one_of(
    st.floats(),
    st.integers(-3, 3).map(float),
    st.sampled_from([1e308, -1.79e308, 5e-324, -0.0, math.nan, math.inf, -math.inf]),
)
point = st.tuples(number, number)
line = st.tuples(st.text(max_size=6), st.lists(point, max_size=12))


def chart(*lines, total=None, sampled=False, **options):
    made = [
        Line(name, [p[0] for p in ps], [p[1] for p in ps], total=total, sampled=sampled)
        for name, ps in lines
    ]
    picture = Picture(made, [prepare(one) for one in made], **options)
    view = View()
    ends = reach(list(picture.series))
    if ends:
        view.reach(*ends)
    return picture, view


def text(picture, view, width, height):
    frame = compose(picture, view, width, height)
    if frame.reading:
        frame.rows[-1] = reading(picture, view, frame.columns, width)
    assert len(frame.rows) == height
    for row in frame.rows:
        assert sum(cells(part) for part, _ in row) == width
    return frame.text()


@settings(max_examples=150)
@given(
    st.lists(line, max_size=4),
    st.integers(1, 130),
    st.integers(1, 24),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["step", "time", "relative"]),
    st.lists(st.sampled_from(["zoom", "pan", "move", "shrink"]), max_size=6),
)
def test_any_numbers_fill_exactly_the_size(lines, width, height, log, ascii_only, kind, keys):
    picture, view = chart(
        *lines, title="t\x1b]0;x\x07", log=log, ascii=ascii_only, x_kind=kind, zone=UTC
    )
    for key in keys:
        if key == "move":
            view.move(7, 40)
        elif key == "pan":
            view.pan(0.25)
        else:
            view.zoom(3 if key == "zoom" else 0.4)
    drawn = text(picture, view, width, height)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in drawn.replace("\n", ""))
    if ascii_only and all(name.isascii() for name, _ in lines):
        assert drawn.isascii()


@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=40),
    st.data(),
    st.booleans(),
)
def test_strokes_keep_gaps_and_stay_on_the_canvas(values, data, log):
    holes = data.draw(st.sets(st.integers(0, len(values) - 1), max_size=5))
    ys = [math.nan if at in holes else abs(v) + 0.1 for at, v in enumerate(values)]
    lo = data.draw(st.floats(0, len(values) - 2))
    hi = data.draw(st.floats(lo + 0.5, len(values)))
    picture, view = chart(("a", list(enumerate(ys))))
    view.shown = type(view.shown)(lo, hi)
    axis = y_axis(list(picture.series), view.shown, 10, log)
    drawn = project(picture.series[0], view.shown, axis, (50, 10), (2, 4), 100, log=log)
    inside = [at for at in range(len(ys)) if lo <= at <= hi]
    assert drawn.points == sum(math.isfinite(ys[at]) for at in inside)
    assert drawn.nan == sum(math.isnan(ys[at]) for at in inside)
    for us, vs in drawn.strokes:
        assert len(us) == len(vs) > 0
        assert all(0 <= u <= 50 for u in us)
        assert all(0 <= v <= 10 for v in vs)
        assert us == sorted(us)
        # No stroke passes over a hole.
        for hole in holes:
            at = view.shown.share(hole) * 50
            assert not us[0] < at < us[-1]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_spike_in_a_million_is_seen_at_every_zoom(ascii_only):
    x = np.arange(1_000_000)
    y = np.zeros(1_000_000)
    y[777_777] = 1
    line = Line("a", x, y)
    picture = Picture([line], [prepare(line)], ascii=ascii_only)
    view = View(least=1)
    view.reach(0, 999_999)
    view.cursor = 777_777
    seen = 0
    while True:
        frame = compose(picture, view, 70, 20)
        top = "".join(part for part, _ in frame.rows[frame.top])[frame.left :]
        assert top.strip()
        seen += 1
        if not view.zoom(3):
            break
    assert seen > 10


def test_many_points_are_thinned_without_losing_an_extreme():
    x = np.arange(100_000)
    y = np.sin(x / 3000)
    y[[4321, 87_654]] = [3, -3]
    picture, view = chart(("a", list(zip(x, y, strict=True))))
    axis = y_axis(list(picture.series), view.shown, 20, False)
    drawn = project(picture.series[0], view.shown, axis, (60, 20), (2, 4), 120)
    (us, vs) = drawn.strokes[0]
    assert len(us) <= 4 * 120
    assert min(vs) == pytest.approx(0.125)
    assert max(vs) == pytest.approx(19.875)
    assert drawn.points == 100_000


STEEP = ("loss", [(0, 4.0), (1, 2.0), (2, 1.0), (3, 0.5), (4, 0.25), (5, 0.125)])


GOLDEN_ASCII = """\
train/loss
6 points
+ loss
4+++
 |  ++
 |    +++
 |       ++
2+         +++++
 |              +++++
 |                   ++++++++++++
 |                               +++++++++++++++
 ++--------+--------+--------+--------+--------+
  0        1        2        3        4        5
last step 5  + loss 0.125"""

GOLDEN_BRAILLE = """\
loss
6 drawn of 60
4┤⠑⢄⡀
 │  ⠈⠢⡀
 │    ⠈⠢⢄
2┤       ⠑⠤⣀
 │          ⠉⠑⠢⠤⣀
 │               ⠉⠑⠒⠤⠤⢄⣀⣀
 │                       ⠉⠉⠉⠒⠒⠒⠒⠢⠤⠤⠤⠤⠤⠤⣀⣀⣀⣀⣀
 └┬───────┬───────┬────────┬───────┬───────┬
  0       1       2        3       4       5
step 2  ■ 1"""

GOLDEN_LOG = """\
4 drawn of 6  log y  2 not above 0, left out
x a
100+xx
   |  xxxx
 10+      xxx
   |         x                                xxxx
   |                                      xxxx
  1+                                    xx
   ++--------+--------+--------+--------+--------+
    0        1        2        3        4        5
last step 5  x a 10"""

GOLDEN_GAPS = """\
6 drawn of 10 in 2 lines  2 NaN  1 +inf  1 -inf
★ a  ■ b
   │                                              ▲
2.0┤■                 ★                                    ★
   │
1.5┤                                                       ■
   │
1.0┤★                                    ★
   │                            ▼
   └┬────────┬────────┬─────────┬────────┬────────┬────────┬
    0        1        2         3        4        5        6
last step 6  ★ a 2  ■ b 1.5"""


def test_golden_ascii():
    picture, view = chart(STEEP, title="train/loss", ascii=True)
    assert text(picture, view, 48, 14) == GOLDEN_ASCII


def test_golden_braille_with_cursor():
    picture, view = chart(STEEP, title="loss", total=60)
    view.cursor = 2.0
    assert text(picture, view, 44, 12) == GOLDEN_BRAILLE


def test_golden_log_leaves_out_what_has_no_logarithm():
    picture, view = chart(
        ("a", [(0, 100), (1, 10), (2, 0), (3, -1), (4, 1), (5, 10)]), log=True, ascii=True
    )
    assert text(picture, view, 50, 11) == GOLDEN_LOG


def test_golden_gaps_marks_and_lonely_points():
    picture, view = chart(
        ("a", [(0, 1), (1, math.nan), (2, 2), (3, math.nan), (4, 1), (5, math.inf), (6, 2)]),
        ("b", [(0, 2), (3, -math.inf), (6, 1.5)]),
    )
    assert text(picture, view, 60, 12) == GOLDEN_GAPS


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "no points"),
        ([(0, math.nan), (1, math.nan)], "no points: 2 NaN"),
        ([(math.nan, 1)], "no points"),
        ([(0, math.inf)], "no points: 1 +inf"),
    ],
)
def test_nothing_to_draw_is_said(points, said):
    picture, view = chart(("a", points))
    assert said in text(picture, view, 44, 10)


def test_nothing_above_zero_is_said():
    picture, view = chart(("a", [(0, 0), (1, -2)]), log=True)
    assert "no points: 2 not above 0, left out" in text(picture, view, 60, 10)


def test_a_constant_and_a_single_point_stand_in_the_middle():
    for points in ([(0, 0.5), (9, 0.5)], [(3, 0.5)]):
        picture, view = chart(("lr", points), ascii=True, title="lr")
        frame = compose(picture, view, 40, 12)
        rows = frame.text().split("\n")[frame.top : frame.top + frame.canvas_rows]
        inked = [at for at, row in enumerate(rows) if "*" in row[frame.left :]]
        if not inked:
            inked = [at for at, row in enumerate(rows) if row[frame.left :].strip()]
        assert len(inked) == 1
        assert abs(inked[0] - (len(rows) - 1) / 2) <= 1


def test_the_legend_never_covers_data():
    names = [f"run-{at}" for at in range(4)]
    lines = [(name, [(0, at), (9, at + 1)]) for at, name in enumerate(names)]
    for width in (60, 120):
        picture, view = chart(*lines)
        frame = compose(picture, view, width, 14)
        for row in frame.rows[frame.top : frame.top + frame.canvas_rows]:
            canvas = "".join(part for part, _ in row)[frame.left : frame.left + frame.columns]
            assert "run" not in canvas
        assert all(name in frame.text() for name in names)


def test_without_colour_and_dots_every_line_has_its_own_character():
    lines = [(name, [(0, at), (9, at + 0.5)]) for at, name in enumerate("abcd")]
    picture, view = chart(*lines, ascii=True)
    drawn = text(picture, view, 60, 20)
    for symbol, name, _ in picture.tags():
        assert f"{symbol} {name}" in drawn
        assert drawn.count(symbol) > 5


def test_the_label_counts_what_is_drawn_of_how_much():
    lines = [("a", [(0, 1), (1, 2)]), ("b", [(0, 1), (1, 3)])]
    assert "2 drawn of 500 a line" in text(*chart(*lines, total=500), 80, 12)
    assert "2 points a line" in text(*chart(*lines), 80, 12)
    lines[1][1].append((2, math.nan))
    lines[1][1].append((3, 4))
    assert "5 drawn of 6 in 2 lines  1 NaN" in text(*chart(*lines), 80, 12)
    picture, view = chart(("a", [(at, at) for at in range(101)]), total=2000)
    view.zoom(4)
    assert "25 drawn of 2,000  zoomed 4x" in text(picture, view, 80, 12)


def test_the_label_says_that_a_sample_is_drawn():
    lines = [("a", [(0, 1), (1, 2), (2, math.nan)]), ("b", [(0, 1), (1, 3)])]
    assert "2 points of a sample  some NaN" in text(*chart(lines[0], sampled=True), 80, 12)
    assert "4 points of a sample in 2 lines" in text(*chart(*lines, sampled=True), 80, 12)


def test_the_reading_says_what_stands_in_the_column():
    picture, view = chart(
        ("a", [(at, at * at) for at in range(100)]),
        ("b", [(0, 1), (30, 2), (60, math.nan)]),
    )

    def read(x):
        view.cursor = x
        return "".join(part for part, _ in reading(picture, view, 10, 70)).strip()

    a, b = (symbol for symbol, _, _ in picture.tags())
    assert read(5) == f"step 0..9  {a} a 0..81  {b} b 1"
    assert read(65) == f"step 60..69  {a} a 3,600..4,761  {b} b NaN"
    assert read(95) == f"step 90..99  {a} a 8,100..9,801  {b} b -"
    view.cursor = None
    last = "".join(part for part, _ in reading(picture, view, 10, 70)).strip()
    assert last == f"last step 99  {a} a 9,801  {b} b NaN"
    short = "".join(part for part, _ in reading(picture, view, 10, 20))
    assert len(short) == 20


def test_names_leave_as_they_may():
    picture, view = chart(("\x1b[31mred", [(0, 1), (1, 2)]), title="[bold]\x9b")
    drawn = text(picture, view, 60, 12)
    assert "[bold]\\u{9b}" in drawn
    assert "\\u{1b}[31mred" in drawn


def test_steps_that_go_back_are_drawn_in_order():
    picture, view = chart(("a", [(0, 0), (2, 2), (1, 1), (1, 1.5), (3, 3)]))
    assert picture.series[0].x.tolist() == [0, 1, 1, 2, 3]
    assert picture.series[0].y.tolist() == [0, 1, 1.5, 2, 3]
    text(picture, view, 60, 12)
