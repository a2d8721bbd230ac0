"""Confusion matrices of files: every convention gives the same, and what is none says why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.confusion import Matrix, is_matrix, parse_matrix
from modeldeck.backends.api.errors import UsageError
from modeldeck.widgets.chart.matrix import Squares
from modeldeck.widgets.chart.rows import fitted
from modeldeck.widgets.text import cells

WANTED = Matrix(["cat", "dog"], [[50.0, 3.0], [2.0, 45.0]])
ROWS = [["cat", "cat", 50], ["cat", "dog", 3], ["dog", "cat", 2], ["dog", "dog", 45]]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("confusion_matrix.json", '{"labels": ["cat", "dog"], "matrix": [[50, 3], [2, 45]]}'),
        ("a.json", '{"classes": ["cat", "dog"], "confusion_matrix": [[50, 3], [2, 45]]}'),
        ("a.json", json.dumps({"columns": ["Actual", "Predicted", "nPredictions"], "data": ROWS})),
        ("a.csv", ",cat,dog\ncat,50,3\ndog,2,45\n"),
        ("a.csv", "actual,predicted,count\ncat,cat,50\ncat,dog,3\ndog,cat,2\ndog,dog,45\n"),
    ],
)
def test_every_convention_gives_the_same(path, text):
    assert parse_matrix(text.encode(), path) == WANTED


def test_labels_may_be_left_out():
    assert parse_matrix(b'{"matrix": [[1]]}', "a.json").labels == ["0"]


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("a.json", "[]", "no JSON object"),
        ("a.json", "{", "Expecting"),
        ("a.json", '{"matrix": [[1, 2]]}', "1 rows of 1"),
        ("a.json", '{"matrix": [[-1]]}', "below 0"),
        ("a.json", '{"matrix": [[NaN]]}', "below 0 or no number"),
        ("a.json", '{"matrix": []}', "0 labels"),
        ("a.json", '{"matrix": 3}', "no matrix"),
        ("a.json", '{"matrix": [3]}', "no confusion matrix"),
        ("a.csv", "", "empty"),
        ("a.csv", ",a\nb,1\n", "not those of its columns"),
        ("a.csv", "\x00\xff", "no confusion matrix"),
    ],
)
def test_what_is_none_says_why(path, text, why):
    with pytest.raises(UsageError, match=why) as caught:
        parse_matrix(text.encode("latin-1"), path)
    assert caught.value.where == path


def test_files_are_known_by_their_name():
    assert is_matrix("eval/training_confusion_matrix.json")
    assert is_matrix("Confusion-Matrix.CSV")
    assert not is_matrix("confusion_matrix.png")
    assert not is_matrix("confusion_matrix.json/other.txt")


@given(
    st.lists(st.text(max_size=5), min_size=1, max_size=30),
    st.sampled_from([0.0, 1.0, 1e308, 5e-324]),
    st.integers(1, 130),
    st.integers(1, 30),
    st.booleans(),
)
def test_any_matrix_fills_exactly_the_size(labels, count, width, height, ascii_only):
    squares = Squares(labels, [[count] * len(labels)] * len(labels))
    rows = fitted(squares, width, height, ascii_only=ascii_only)
    assert len(rows) == height
    assert all(sum(cells(text) for text, _ in row) == width for row in rows)


def test_counts_and_shares_as_they_look():
    rows = fitted(Squares(WANTED.labels, WANTED.counts), 60, 5, ascii_only=True)
    assert "\n".join("".join(text for text, _ in row).rstrip() for row in rows) == (
        "confusion matrix  100 rows, 95.0% right\n"
        "true/pred      cat      dog  right\n"
        "cat        50  94%   3   6%  94.3%\n"
        "dog         2   4%  45  96%  95.7%\n"
    )
