"""Names by text, glob and regular expression; nothing goes on for ever."""

import time

import pytest

from modeldeck.app.usecases import finding
from modeldeck.app.usecases.finding import find, kind_of

NAMES = ["lr", "train/loss", "train/acc", "val/loss", "val/auc", "val/loss_ema"]


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("LOSS", "text", ["train/loss", "val/loss", "val/loss_ema"]),
        ("val/*", "glob", ["val/loss", "val/auc", "val/loss_ema"]),
        ("*/loss", "glob", ["train/loss", "val/loss"]),
        ("?r", "glob", ["lr"]),
        ("[", "glob", []),
        ("^val/(loss|auc)$", "regex", ["val/loss", "val/auc"]),
        ("loss.*", "regex", ["train/loss", "val/loss", "val/loss_ema"]),
        ("", "text", NAMES),
    ],
)
def test_a_text_is_read_as_what_it_looks_like(text, kind, names):
    assert kind_of(text) == kind
    assert list(find(NAMES, text).names) == names


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*$", "x(", "a{1,99999999}" * 9, "\\"])
def test_what_could_take_for_ever_or_is_wrong_is_not_tried(text):
    begin = time.monotonic()
    found = find(["a" * 5000] * 100, text)
    assert found.wrong
    assert not found.names
    assert time.monotonic() - begin < 5


def test_a_search_ends_and_says_how_far_it_came(monkeypatch):
    monkeypatch.setattr(finding, "SECONDS", 0)
    found = find(["loss"] * 10, "l.*s")
    assert found.names == ["loss"]
    assert found.wrong == "takes too long: 1 of 10 names were looked at"


def test_only_the_beginning_of_a_long_name_is_looked_at():
    name = "a" * finding.LONGEST + "b"
    assert find([name], "b$").names == []
    assert find([name], "^a+").names == [name]
    assert find([name], "*b").names == [name]
