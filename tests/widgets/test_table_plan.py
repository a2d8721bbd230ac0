from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.table.model import Column
from modeldeck.widgets.table.plan import GUTTER, SETTLE, beyond, fit, natural, scrolled

COLUMNS = st.lists(
    st.builds(
        Column,
        key=st.uuids().map(str),
        title=st.text("abc", max_size=6),
        kind=st.sampled_from(["text", "number", "time"]),
        min_width=st.integers(0, 10),
        max_width=st.integers(0, 30),
        priority=st.integers(0, 3),
        grow=st.integers(0, 2),
        pinned=st.booleans(),
    ),
    max_size=12,
)


def keys(columns, plan):
    return [columns[place.column].key for place in plan.places]


def simple(*names, pinned=("a",), **options):
    return [Column(name, name, "number", pinned=name in pinned, **options) for name in names]


@given(COLUMNS, st.integers(0, 120), st.data())
def test_a_plan_never_exceeds_the_width_and_places_do_not_touch(columns, width, data):
    widths = [data.draw(st.integers(1, 30)) for _ in columns]
    selected = data.draw(st.none() | st.integers(-1, len(columns)))
    start = data.draw(st.none() | st.integers(-1, len(columns)))
    plan = fit(columns, widths, width, selected, start)
    edge = GUTTER - 1
    for place in plan.places:
        assert place.width > 0
        assert place.x > edge
        edge = place.x + place.width
    assert edge <= max(width, GUTTER)
    assert len({place.column for place in plan.places}) == len(plan.places)
    assert plan.total == len(columns)


@given(COLUMNS, st.integers(GUTTER + 1, 120), st.data())
def test_a_selected_column_is_shown(columns, width, data):
    widths = [data.draw(st.integers(1, 30)) for _ in columns]
    loose = [at for at, column in enumerate(columns) if not column.pinned]
    if not loose:
        return
    selected = data.draw(st.sampled_from(loose))
    start = data.draw(st.none() | st.integers(0, len(columns) - 1))
    assert fit(columns, widths, width, selected, start).shows(selected)


def test_low_priority_is_dropped_first_and_the_order_stays():
    columns = [
        Column("name", "name", pinned=True),
        Column("low", "low", "number", priority=1),
        Column("high", "high", "number", priority=9),
        Column("mid", "mid", "number", priority=5),
    ]
    widths = [6, 6, 6, 6]
    assert keys(columns, fit(columns, widths, GUTTER + 27)) == ["name", "low", "high", "mid"]
    assert keys(columns, fit(columns, widths, GUTTER + 26)) == ["name", "high", "mid"]
    assert keys(columns, fit(columns, widths, GUTTER + 19)) == ["name", "high"]
    assert keys(columns, fit(columns, widths, GUTTER + 6)) == ["name"]


def test_the_window_moves_only_as_far_as_the_selected_column():
    columns = simple("a", "b", "c", "d", "e", "f")
    widths = [3] * 6
    width = GUTTER + 3 * 3 + 2
    home = fit(columns, widths, width, 2)
    assert (keys(columns, home), home.start) == (["a", "b", "c"], None)
    right = fit(columns, widths, width, 3)
    assert keys(columns, right) == ["a", "c", "d"]
    stays = fit(columns, widths, width, 2, right.start)
    assert keys(columns, stays) == ["a", "c", "d"]
    further = fit(columns, widths, width, 5, right.start)
    assert keys(columns, further) == ["a", "e", "f"]
    back = fit(columns, widths, width, 3, further.start)
    assert keys(columns, back) == ["a", "d", "e"]
    assert fit(columns, widths, width, 1, back.start).start is None


def test_a_number_is_not_narrowed_but_a_text_is():
    columns = [Column("name", "name", priority=9), Column("n", "n", "number")]
    plan = fit(columns, [30, 10], GUTTER + 33)
    assert [place.width for place in plan.places] == [22, 10]
    plan = fit(columns, [30, 10], GUTTER + 30)
    assert [place.width for place in plan.places] == [30]


def test_growing_stops_at_the_greatest_width():
    columns = [Column("name", "name", grow=1, max_width=40), Column("rest", "rest", max_width=0)]
    assert [place.width for place in fit(columns, [10, 4], 100).places] == [40, 4]
    columns[1] = Column("rest", "rest", grow=1, max_width=0)
    assert sum(place.width for place in fit(columns, [10, 4], 100).places) == 100 - GUTTER - 2


def test_widths_settle():
    column = Column("c", "title", max_width=20)
    assert natural(column, 0, ["x" * 9]) == 9
    assert natural(column, 1, []) == 6
    assert natural(column, 0, ["日本語日本語"]) == 12
    assert natural(column, 0, ["x" * 99]) == 20
    assert natural(column, 0, ["x" * 9], old=9 + SETTLE) == 9 + SETTLE
    assert natural(column, 0, ["x" * 9], old=10 + SETTLE) == 9


@given(COLUMNS, st.integers(GUTTER + 1, 120), st.data())
def test_scrolling_comes_past_every_column_and_back_home(columns, width, data):
    widths = [data.draw(st.integers(1, 30)) for _ in columns]
    plan = fit(columns, widths, width)
    seen, starts = {place.column for place in plan.places}, [plan.start]
    while (start := scrolled(columns, widths, width, plan, 1)) != plan.start:
        hidden = beyond(columns, plan)
        plan = fit(columns, widths, width, start=start)
        assert plan.shows(hidden[0])
        seen |= {place.column for place in plan.places}
        starts.append(start)
        assert len(starts) <= len(columns) + 1
    assert seen >= {at for at, column in enumerate(columns) if not column.pinned}
    assert beyond(columns, plan) == []
    for _ in range(len(columns) + 1):
        plan = fit(columns, widths, width, start=scrolled(columns, widths, width, plan, -1))
    assert plan == fit(columns, widths, width)


def test_pinned_columns_stay_while_others_scroll():
    columns = simple("a", "b", "c", "d", "e", "f")
    widths, width = [3] * 6, GUTTER + 3 * 3 + 2
    plan = fit(columns, widths, width)
    assert [columns[at].key for at in beyond(columns, plan)] == ["d", "e", "f"]
    plan = fit(columns, widths, width, start=scrolled(columns, widths, width, plan, 1))
    assert keys(columns, plan) == ["a", "d", "e"]
    assert [columns[at].key for at in beyond(columns, plan)] == ["f"]
    plan = fit(columns, widths, width, start=scrolled(columns, widths, width, plan, 1))
    assert keys(columns, plan) == ["a", "f"]
    plan = fit(columns, widths, width, start=scrolled(columns, widths, width, plan, -1))
    assert keys(columns, plan) == ["a", "d", "e"]


def test_an_id_is_whole_or_not_there():
    columns = [
        Column("name", "NAME", pinned=True, priority=99, max_width=36),
        Column("id", "ID", min_width=32, max_width=64, priority=1),
    ]
    for width in range(GUTTER + 4, 90):
        shown = {place.column: place.width for place in fit(columns, [20, 32], width).places}
        assert shown.get(1, 32) == 32
