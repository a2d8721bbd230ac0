import math

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.chart.model import STYLES, Line, View, marker, styles
from modeldeck.widgets.chart.scale import Axis

finite = st.floats(allow_nan=False, allow_infinity=False)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("zoom"), st.sampled_from([2.0, 0.5])),
        st.tuples(st.just("pan"), st.sampled_from([0.25, -0.25])),
        st.tuples(st.just("move"), st.integers(-12, 12).filter(bool)),
        st.tuples(st.just("reset"), st.none()),
    ),
    max_size=25,
)


@given(finite, finite, moves, st.integers(1, 200))
def test_whatever_is_pressed_the_view_stays_within_the_data(one, other, keys, width):
    view = View()
    view.reach(min(one, other), max(one, other))
    whole = view.whole
    for key, value in keys:
        if key == "move":
            view.move(value, width)
            assert 0 <= view.column(width) < width
        elif key == "reset":
            view.reset()
            assert view.shown == whole
        else:
            getattr(view, key)(value)
        assert view.shown.lo < view.shown.hi
        assert math.isfinite(view.shown.lo)
        assert math.isfinite(view.shown.hi)
        assert whole.lo <= view.shown.lo
        assert view.shown.hi <= whole.hi


@given(st.integers(0, 99), st.integers(1, 5))
def test_zooming_holds_the_cursor_where_it_is(column, times):
    view = View()
    view.reach(0, 1000)
    view.put(column, 100)
    for _ in range(times):
        assert view.zoom(2)
        assert abs(view.column(100) - column) <= 1
        assert view.shown.lo <= view.cursor <= view.shown.hi


@given(st.floats(-1e6, 1e6), st.floats(1, 1e6), st.integers(1, 100))
def test_the_cursor_stands_in_the_column_it_was_put_into(lo, width, columns):
    view = View()
    view.reach(lo, lo + width)
    for column in range(columns):
        view.put(column, columns)
        assert view.column(columns) == column
        start, stop = view.span(column, columns)
        assert start <= view.cursor < stop


def test_the_first_move_enters_from_the_side_that_it_comes_from():
    view = View()
    view.reach(0, 10)
    view.move(-1, 50)
    assert view.column(50) == 49
    view.cursor = None
    view.move(10, 50)
    assert view.column(50) == 0


def test_steps_are_not_zoomed_into():
    view = View(least=1)
    view.reach(0, 8)
    while view.zoom(2):
        pass
    assert view.shown.hi - view.shown.lo == 1


def test_an_answer_to_a_zoom_does_not_shrink_the_whole():
    view = View()
    view.reach(0, 100)
    view.zoom(4)
    shown = view.shown
    view.reach(shown.lo, shown.hi, keep=True)
    assert view.shown == shown
    assert view.whole == Axis(0, 100)
    view.reach(90, 120, keep=True)  # the run went on
    assert view.whole == Axis(0, 120)
    view.reset()
    view.reach(0, 130, keep=True)
    assert view.shown == Axis(0, 130)  # not zoomed: it follows


def test_a_style_follows_the_name_not_the_place():
    a, b = Line("a", [], []), Line("b", [], [])
    assert dict(zip("ab", styles([a, b]), strict=True)) == dict(
        zip("ba", styles([b, a]), strict=True)
    )
    assert styles([Line("a", [], [], style=5), Line("zzz", [], [], style=5)]) == [5, 5]


@given(st.lists(st.text(max_size=3), max_size=STYLES * STYLES))
def test_no_two_lines_have_the_same_colour_and_marker(names):
    found = styles([Line(name, [], []) for name in names])
    looks = {(style % STYLES, marker(style, "01234567")) for style in found}
    assert len(looks) == len(names)
