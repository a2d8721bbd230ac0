"""Parents before children, problems kept short, and nothing heavy imported."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.ingest import Problem
from modeldeck.backends.sources.family import parents_first
from modeldeck.backends.sources.problems import ProblemLog

names = st.sampled_from("abcdefgh")


@given(st.lists(names, unique=True), st.dictionaries(names, names))
def test_all_are_there_once_and_parents_come_first(ids, parents):
    order, cut = parents_first(ids, parents)
    assert sorted(order) == sorted(ids)
    for child, parent in parents.items():
        if child in order and parent in order and child not in cut:
            assert order.index(parent) < order.index(child)


@given(st.lists(names, unique=True), st.dictionaries(names, names))
def test_only_circles_are_cut_and_each_once(ids, parents):
    _, cut = parents_first(ids, parents)
    for child, parent in cut.items():
        assert parents[child] == parent
        seen = [parent]
        while seen[-1] != child:
            seen.append(parents[seen[-1]])
            assert len(seen) <= len(ids)


def test_order_is_kept_where_there_are_no_parents():
    assert parents_first(["c", "a", "b"], {"a": "x"}) == (["c", "a", "b"], {})


def test_a_long_line_of_parents():
    ids = [str(i) for i in range(5000)]
    order, cut = parents_first(ids, {str(i): str(i + 1) for i in range(5000)})
    assert order == ids[::-1]
    assert not cut


def test_problems_are_kept_once_and_counted_past_the_limit():
    log = ProblemLog(2)
    for place in "aabcd":
        log.add(place, "x")
    assert list(log) == [
        Problem("a", "x"),
        Problem("b", "x"),
        Problem("", "2 more problems, not listed"),
    ]


def test_nothing_of_mlflow_and_nothing_heavy_is_needed():
    code = (
        "import sys; import modeldeck.backends.sources.detect;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"mlflow", "yaml", "numpy", "pandas", "sqlite_utils", "sqlalchemy", "textual", "httpx"}
    assert not heavy & set(done.stdout.split())
