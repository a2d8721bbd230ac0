"""The columns of a run: steps that series share are shared only while nothing is added."""

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
