"""The columns of a run: steps that series share are shared only while nothing is added."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.sources.columns import Columns


def test_shared_steps_are_parted_again_before_more_is_added():
    columns = Columns()
    for step in range(3):
        columns.add("a", step, step, 1.0)
        columns.add("b", step, step, 2.0)
    columns.add("c", 2, 2, 3.0)
    columns.share()
    points = columns.points
    assert points["a"].steps is points["b"].steps
    assert points["c"].steps is not points["a"].steps
    columns.add("a", 3, 3, 1.0)
    assert [list(points[key].steps) for key in "abc"] == [[0, 1, 2, 3], [0, 1, 2], [2]]
    assert [len(points[key].times) for key in "abc"] == [4, 3, 1]


def test_a_purge_takes_back_the_steps_from_there_on():
    columns = Columns()
    for step in (0, 1, 5, 2):
        columns.add("a", step, step, float(step))
    columns.add("b", 9, 9, 9.0)
    columns.purge(2)
    assert {key: list(points.values) for key, points in columns.points.items()} == {"a": [0, 1]}
    assert columns.count == 2


KEYS = st.sampled_from("abc")
CHANGES = st.one_of(
    st.tuples(st.just("add"), KEYS),
    st.tuples(st.just("extend"), KEYS),
    st.tuples(st.just("together"), st.sets(KEYS)),
    st.tuples(st.just("share"), st.none()),
    st.tuples(st.just("purge"), st.integers(0, 30)),
)


@given(st.lists(CHANGES, max_size=20))
def test_series_that_share_their_steps_are_as_if_they_did_not(changes):
    columns, expected = Columns(), {}
    for step, (change, what) in enumerate(changes):
        axis, values = array("q", [step, step]), array("d", [0.5, 1.5])
        if change == "add":
            columns.add(what, step, step, 0.5)
            expected.setdefault(what, []).append((step, 0.5))
        elif change == "extend":
            columns.extend(what, axis, axis, values)
            expected.setdefault(what, []).extend(zip(axis, values, strict=True))
        elif change == "together":
            columns.extend_together(axis, axis, dict.fromkeys(sorted(what), values))
            for key in what:
                expected.setdefault(key, []).extend(zip(axis, values, strict=True))
        elif change == "share":
            columns.share()
        else:
            columns.purge(what)
            expected = {
                key: kept
                for key, points in expected.items()
                if (kept := [point for point in points if point[0] < what])
            }
        found = {
            key: list(zip(points.steps, points.times, points.values, strict=True))
            for key, points in columns.points.items()
        }
        assert found == {
            key: [(at, at, value) for at, value in points] for key, points in expected.items()
        }
        assert columns.count == sum(map(len, expected.values()))


def test_series_logged_together_hold_their_steps_once():
    columns, axis = Columns(), array("q", [1])
    for _ in range(3):
        columns.extend_together(axis, axis, {"a": array("d", [1]), "b": array("d", [2])})
    assert columns.points["a"].steps is columns.points["b"].steps
    columns.add("a", 2, 2, 3.0)
    assert [list(columns.points[key].steps) for key in "ab"] == [[1, 1, 1, 2], [1, 1, 1]]
