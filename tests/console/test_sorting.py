from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.console.sorting import sort_keys, sort_text, sorted_also_by, sorted_by
from modeldeck.backends.api.query import RUNS

KEYS = st.lists(
    st.tuples(
        st.sampled_from(["name", "started", "duration"])
        | st.text(min_size=1, max_size=8).map(lambda name: f"metrics.{name}")
        | st.text(min_size=1, max_size=8).map(lambda name: f"params.{name}"),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
).map(tuple)


@given(KEYS)
def test_a_sort_text_says_what_it_was_made_of(keys):
    assert sort_keys(sort_text(keys), RUNS) == keys


@given(KEYS, st.data())
def test_a_further_key_comes_last_and_turns_in_its_place(keys, data):
    name = data.draw(st.sampled_from(["user", *dict(keys)]))
    once = sorted_also_by(keys, name)
    twice = sorted_also_by(once, name)
    assert dict(twice)[name] is not dict(once)[name]
    assert [key for key, _ in once] == [key for key, _ in twice]
    assert [pair for pair in once if pair[0] != name] == [p for p in keys if p[0] != name]


def test_one_key_begins_downwards():
    once = sorted_by((("user", True), ("name", True)), "name")
    assert once == (("name", True),)
    assert sorted_by(once, "name") == (("name", False),)
    assert sorted_by((("name", False),), "name") == (("name", True),)


def test_a_text_that_does_not_parse_sorts_by_nothing():
    assert sort_keys("no such field,,", RUNS) == ()
