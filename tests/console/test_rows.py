"""The insertion layer: any rows open in any order, and every index maps to the row it should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.console.rows import PAGE, TreeRows, WindowRows
from modeldeck.backends.api.lists import ListWindow
from modeldeck.widgets.table import Row


def rows(name, count, *, first=100, asked=None):
    keys = [f"{name}{at}" for at in range(count)]
    log = [] if asked is None else asked
    return WindowRows(
        ListWindow(keys, keys, first=first),
        lambda key: Row(key, [key], twisty="closed"),
        lambda source, start, limit: log.append((source, start, limit)),
    )


def shown(tree):
    return [(tree.row(at).level, tree.row(at).key) for at in range(tree.count)]


def test_branches_stand_below_their_rows_on_several_levels():
    tree = TreeRows(rows("a", 3))
    tree.open("a1", rows("b", 2))
    tree.open("b0", rows("c", 1))
    tree.open("a0", rows("d", 1))
    assert shown(tree) == [
        (0, "a0"), (1, "d0"), (0, "a1"), (1, "b0"), (2, "c0"), (1, "b1"), (0, "a2"),
    ]  # fmt: skip
    assert [tree.index_of(key) for key in ("d0", "b0", "c0", "b1", "a2")] == [1, 3, 4, 5, 6]
    assert [tree.row(at).twisty for at in (0, 2, 3)] == ["open", "open", "open"]
    assert tree.row(6).twisty == "closed"
    assert tree.opened() == ["a1", "a0", "b0"]
    before = tree.generation
    tree.close(2)
    assert shown(tree) == [(0, "a0"), (1, "d0"), (0, "a1"), (0, "a2")]
    assert tree.generation > before
    assert not tree.is_open(2)
    assert tree.is_open(0)


def test_an_unknown_parent_opens_nothing():
    tree = TreeRows(rows("a", 3))
    tree.open("z", rows("b", 2))
    assert tree.count == 3
    assert tree.index_of("z") is None


def test_what_is_wanted_is_asked_of_each_list_for_its_own_rows():
    asked = []
    outer, inner = rows("a", 300, asked=asked), rows("b", 300, first=10, asked=asked)
    tree = TreeRows(outer)
    tree.open("a1", inner)
    tree.want(0, 20)
    assert asked == [(inner, 0, PAGE)]
    tree.want(0, 20)
    assert len(asked) == 1
    tree.want(303, 308)
    assert asked[1:] == [(inner, 2 * PAGE, PAGE)], "one screen above is asked for too"
    tree.want(370, 380)
    assert asked[2:] == []
    tree.want(390, 394)
    assert asked[2:] == [], "the screen ahead is loaded"
    tree.want(393, 398)
    assert asked[2:] == [(outer, 0, PAGE)]
    outer.lost(0)
    tree.want(400, 408)
    assert len(asked) == 4
    assert tree.row(405) is None
    outer.take(0, [f"a{at}" for at in range(PAGE)])
    assert tree.row(405).key == "a105"


def test_pages_that_were_left_long_ago_are_let_go():
    asked = []
    list_ = rows("a", 5000, first=10, asked=asked)
    for start in range(0, 20 * PAGE, PAGE):
        list_.take(start, [f"a{at}" for at in range(start, start + PAGE)])
    assert list_.row(19 * PAGE).key == f"a{19 * PAGE}"
    assert list_.row(PAGE) is None
    list_.want(PAGE, PAGE + 3)
    assert asked == [(list_, PAGE, PAGE)]


class Counting(ListWindow):
    count = None
    at_least = 7


def test_a_list_that_does_not_know_its_length_says_so():
    keys = [f"a{at}" for at in range(5)]
    window = Counting(keys, keys)
    window.count, window.at_least = None, 7
    tree = TreeRows(WindowRows(window, lambda key: Row(key, [key]), lambda *_: None))
    assert tree.count is None
    assert tree.at_least == 7


def test_an_open_end_is_asked_for_once_and_again_when_more_is_known():
    asked = []
    list_ = rows("a", 5, asked=asked)
    list_.window.count, list_.window.at_least = None, 5
    tree = TreeRows(list_)
    tree.want(0, 5)
    assert asked == [(list_, 0, PAGE)]
    list_.take(0, [f"a{at}" for at in range(5)])
    tree.want(0, 5)
    assert len(asked) == 1, "it brought nothing new"
    list_.window.at_least = 7
    tree.want(0, 6)
    assert len(asked) == 2
    list_.take(0, [f"a{at}" for at in range(7)])
    tree.want(0, 7)
    assert len(asked) == 3


@given(st.data())
def test_every_index_is_one_row_and_finds_itself(data):
    tree = TreeRows(rows("r", data.draw(st.integers(0, 6))))
    names = iter("abcdefghij")
    for name in names:
        if not tree.count or not data.draw(st.booleans()):
            break
        at = data.draw(st.integers(0, tree.count - 1))
        if tree.is_open(at):
            tree.close(at)
        else:
            tree.open(tree.row(at).key, rows(name, data.draw(st.integers(0, 3))))
    found = shown(tree)
    assert len({key for _, key in found}) == len(found) == tree.count
    assert [tree.index_of(key) for _, key in found] == list(range(len(found)))
    for (level, _), (above, _) in zip(found[1:], found, strict=False):
        assert level <= above + 1
    assert sorted(item for item in tree.items()) == sorted(key for _, key in found)


@pytest.mark.parametrize("index", [-1, 3, 10])
def test_outside_of_the_list_there_is_nothing(index):
    tree = TreeRows(rows("a", 3))
    assert tree.row(index) is None
    assert tree.item(index) is None


async def test_a_range_is_of_all_rows_between_loaded_or_not_and_of_open_branches():
    def rows_of(names):
        window = ListWindow(names, names, first=2)
        return WindowRows(window, lambda name: Row(name, [name]), lambda *_: None)

    tree = TreeRows(rows_of([f"r{n}" for n in range(500)]))
    tree.open("r1", rows_of(["a", "b", "c"]))
    assert await tree.keys_between("r2", "r0") == ["r0", "r1", "a", "b", "c", "r2"]
    assert len(await tree.keys_between("r0", "r499")) == 503
    assert await tree.keys_between("b", "r3") == ["b", "c", "r2", "r3"]
    assert await tree.keys_between("gone", "r3") == ()
