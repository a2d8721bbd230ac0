"""Both versions on the same rows: files of all kinds, and nothing that passes by accident."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.gates import facts, predictions
from modeldeck.app.usecases.gates.predictions import Rows, paired, read_rows
from modeldeck.app.usecases.gates.rows import measure_of
from modeldeck.app.usecases.gates.values import MissingError
from tests.usecases.gated import Side, measured, rows, scored, verdict_of

PAIRED = {"kind": "paired", "metric": "auc"}
LABELS = [1, 0] * 200
NUMBERS = [f"{value:.4f}" for value in np.linspace(0.01, 0.99, 400)]


def side(data: bytes | None, metric: str = "auc", **more):
    given = {"n": None, "artifact": "rows.csv", **more}
    return Side(measured(metric, 0.9, **given), files={} if data is None else {"rows.csv": data})


def json_rows(data: bytes) -> bytes:
    """The same rows as JSON lines, in another order."""
    head, *lines = data.decode().splitlines()
    names = head.split(",")
    made = [dict(zip(names, line.split(","), strict=True)) for line in lines]
    for row in made:
        row["label"] = int(row["label"])
        row["score"] = float(row["score"])
    return "\n".join(json.dumps(row) for row in reversed(made)).encode()


async def test_what_it_shows(tmp_path):
    verdict = await verdict_of(tmp_path / "m", side(scored(1.0)), side(scored(1.6)), PAIRED)
    assert verdict.verdict == "pass"
    assert verdict.rule == "auc not worse by 0.005"
    assert verdict.shows == "+.1025 [+.0867,+.1184] DeLong n=400 p<.0001, detects .0226"
    assert verdict.numbers == {
        "first": "0.776445",
        "second": "0.878977",
        "delta": "0.102532",
        "low": "0.0866876",
        "high": "0.118376",
        "se": "0.00808404",
        "p": "<1e-09",
        "detectable": "0.0226481",
        "n": 400,
        "test": "delong",
        "B": 0,
    }


async def test_the_bootstrap_says_how_often_and_is_the_same_each_time(tmp_path):
    rule = {**PAIRED, "test": "bootstrap", "B": 500}
    shown = [
        await verdict_of(tmp_path / name, side(scored(1.0)), side(scored(1.3)), rule)
        for name in ("a", "b")
    ]
    assert shown[0] == shown[1]
    assert "paired bootstrap B=500 n=400, detects" in shown[0].shows
    other = side(scored(1.3))
    moved = await verdict_of(
        tmp_path / "c",
        side(scored(1.0)),
        Side(*other.evaluations, files=other.files, card="x"),
        rule,
    )
    assert moved.numbers["low"] != shown[0].numbers["low"], "the seed is the evidence's"
    assert moved.numbers["delta"] == shown[0].numbers["delta"]


async def test_rows_of_another_order_and_form_are_put_together_by_id(tmp_path):
    plain = await verdict_of(tmp_path / "a", side(scored(1.0)), side(scored(1.6)), PAIRED)
    mixed = await verdict_of(
        tmp_path / "b", side(scored(1.0)), side(json_rows(scored(1.6))), PAIRED
    )
    for name in ("first", "second", "delta", "low", "se"):
        assert mixed.numbers[name] == plain.numbers[name]


WITHOUT_IDS = rows(LABELS, ids=False, score=NUMBERS)
MODES = {
    "superior, and it is": ("pass", {"mode": "superior"}, scored(1.0), scored(1.6), ""),
    "superior, and it is not": ("fail", {"mode": "superior"}, scored(1.6), scored(1.0), ""),
    "superior, and it is the same": ("fail", {"mode": "superior"}, scored(1.0), scored(1.0), ""),
    "superior, not surely": ("fail", {"mode": "superior"}, scored(1.0), scored(1.0, noise=5), ""),
    "superior by the bootstrap": (
        "pass",
        {"mode": "superior", "test": "bootstrap"},
        scored(1.0),
        scored(1.6),
        "B=2000",
    ),
    "within a wide margin": ("pass", {"margin": 0.2}, scored(1.05), scored(1.0), ""),
    "not within a narrow one": ("fail", {"margin": 0.0}, scored(1.05), scored(1.0), ""),
    "a loss": ("pass", {"metric": "logloss"}, scored(1.0), scored(1.6), "-."),
    "a loss that grows": ("fail", {"metric": "logloss"}, scored(1.6), scored(1.0), "+."),
    "accuracy": ("pass", {"metric": "accuracy"}, scored(1.0), scored(1.6), "McNemar n=400"),
    "the same decisions are not the same model": (
        "fail",
        {"metric": "accuracy"},
        scored(1.0),
        scored(1.0),
        "+0 [",
    ),
    "the same decisions within a margin": (
        "pass",
        {"metric": "accuracy", "margin": 0.02},
        scored(1.0),
        scored(1.0),
        "+0 [",
    ),
    "f1": ("pass", {"metric": "f1"}, scored(1.0), scored(1.6), "bootstrap"),
    "the same scores": (
        "unknown",
        {},
        scored(1.0),
        scored(1.0),
        "the same in every row: is it a file of this version?",
    ),
    "without ids, in the same order": (
        "unknown",
        {},
        WITHOUT_IDS,
        WITHOUT_IDS,
        "the same in every row",
    ),
    "fewer than asked for": (
        "unknown",
        {"min_n": 401},
        scored(1.0),
        scored(1.6),
        "fewer than 401 rows",
    ),
    "too few for anything": (
        "unknown",
        {},
        scored(1.0, 20),
        scored(1.6, 20),
        "20 rows: fewer than 30",
    ),
    "one row": (
        "unknown",
        {},
        rows([1], score=[0.5]),
        rows([1], score=[0.6]),
        "1 row: fewer than 30",
    ),
    "one class": (
        "unknown",
        {},
        rows([0] * 60, score=NUMBERS[:60]),
        rows([0] * 60, score=NUMBERS[1:61]),
        "which label is positive is not known (0)",
    ),
    "one class that is named": (
        "unknown",
        {"positive": "1"},
        rows([0] * 60, score=NUMBERS[:60]),
        rows([0] * 60, score=NUMBERS[1:61]),
        "only one class is there",
    ),
    "a score that is NaN": (
        "unknown",
        {},
        scored(1.0),
        scored(1.6).replace(b",1,0.", b",1,nan0.", 1),
        "a score is no number",
    ),
    "a score nan": (
        "unknown",
        {},
        rows(LABELS, score=NUMBERS),
        rows(LABELS, score=["nan", *NUMBERS[1:]]),
        "1 rows have no finite value",
    ),
    "an empty score": (
        "unknown",
        {},
        rows(LABELS, score=NUMBERS),
        rows(LABELS, score=["", *NUMBERS[1:]]),
        "1 rows have no score",
    ),
    "no column of scores": (
        "unknown",
        {},
        rows(LABELS, score=NUMBERS),
        rows(LABELS, prediction=LABELS),
        "a file has no column score",
    ),
    "other labels": (
        "unknown",
        {},
        rows(LABELS, score=NUMBERS),
        rows([*LABELS[2:], 1, 1], score=NUMBERS),
        "1 rows have another label",
    ),
    "a row that is in one alone": (
        "unknown",
        {},
        scored(1.0, 400),
        scored(1.6, 401),
        "1 rows are in one file only",
    ),
    "an id twice": (
        "unknown",
        {},
        scored(1.0),
        scored(1.6).replace(b"r7,", b"r8,"),
        "1 ids are there twice",
    ),
    "another number of rows without ids": (
        "unknown",
        {},
        WITHOUT_IDS,
        rows(LABELS[:-1], ids=False, score=NUMBERS[1:]),
        "no ids to pair them by",
    ),
    "no file": ("unknown", {}, scored(1.0), None, "rows.csv of v2 is not there"),
    "no rows": ("unknown", {}, scored(1.0), b"id,label,score\n", "rows.csv has no rows"),
    "an empty file": ("unknown", {}, scored(1.0), b"", "rows.csv has no rows"),
    "no labels": ("unknown", {}, scored(1.0), b"id,score\n1,0.5\n", "lacks columns"),
    "no text": ("unknown", {}, scored(1.0), b"\xff\xfe\x00", "is no UTF-8 text"),
    "cells too many": (
        "unknown",
        {},
        scored(1.0),
        b"id,label,score\n1,1,0.5,9\n",
        "more or fewer cells than its head",
    ),
    "no JSON": ("unknown", {}, scored(1.0), b'{"id": 1,\n', "line 1: no JSON"),
    "a field that is missing": (
        "unknown",
        {},
        scored(1.0),
        b'{"label": 1, "score": 1}\n{"label": 1}\n',
        "row 2: no score",
    ),
    "three classes": (
        "unknown",
        {},
        rows([0, 1, 2] * 100, score=NUMBERS[:300]),
        rows([0, 1, 2] * 100, score=NUMBERS[1:301]),
        "which label is positive is not known (0, 1, 2)",
    ),
    "three classes of which one is named": (
        "fail",
        {"positive": "2"},
        rows([0, 1, 2] * 100, score=NUMBERS[:300]),
        rows([0, 1, 2] * 100, score=NUMBERS[:300][::-1]),
        "DeLong n=300",
    ),
}


@pytest.mark.parametrize("about", MODES)
async def test_it_says(tmp_path, about):
    verdict, how, old, new, words = MODES[about]
    metric = how.get("metric", "auc")
    found = await verdict_of(
        tmp_path / "m", side(old, metric), side(new, metric), {**PAIRED, **how}
    )
    assert words in found.shows
    assert found.verdict == verdict
    if found.numbers:
        assert "detects" in found.shows


async def test_the_same_content_may_say_the_same(tmp_path):
    one = {"digest": "sha256:" + "1" * 64}
    champion, candidate = side(scored(1.0)), side(scored(1.0))
    champion.update(one)
    candidate.update(one)
    found = await verdict_of(tmp_path / "m", champion, candidate, PAIRED)
    assert found.verdict == "pass"
    assert "the same content" in found.shows


async def test_rows_must_be_as_many_as_were_evaluated(tmp_path):
    found = await verdict_of(tmp_path / "m", side(scored(1.0)), side(scored(1.6), n=399), PAIRED)
    assert found.verdict == "unknown"
    assert "rows.csv has 400 rows, the evaluation 399" in found.shows


async def test_a_dataset_without_a_digest_is_not_known_to_be_the_same(tmp_path):
    other = {"dataset": "nowhere", "dataset_digest": ""}
    found = await verdict_of(
        tmp_path / "m", side(scored(1.0), **other), side(scored(1.6), **other), PAIRED
    )
    assert (found.verdict, found.shows) == (
        "unknown", "no digest of nowhere is known, so nor is whether it is the same",
    )  # fmt: skip


async def test_the_digest_of_the_run_s_dataset_serves_an_evaluation_without(tmp_path):
    bare = {"dataset_digest": ""}
    found = await verdict_of(tmp_path / "m", side(scored(1.0), **bare), side(scored(1.6)), PAIRED)
    assert found.verdict == "pass"


async def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "LARGEST", 100)
    found = await verdict_of(tmp_path / "m", side(scored(1.0)), side(scored(1.6)), PAIRED)
    assert found.verdict == "unknown"
    assert "is larger than" in found.shows
    assert "RefusedError" in found.shows


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(predictions, "MOST", 3)
    assert len(read_rows(b"label,score\n1,1\n1,1\n1,1\n", "p").labels) == 3
    with pytest.raises(MissingError, match="p has more than 3 rows"):
        read_rows(b"label,score\n1,1\n1,1\n1,1\n1,1\n", "p")


def sliced(count: int, worse: str = "", names: tuple[str, ...] = ("a", "b", "c")) -> bytes:
    """Predictions for each of three slices, of which one may be a coin."""
    random = np.random.default_rng(7)
    labels = (random.random(3 * count) < 0.5).astype(int)
    part = np.repeat(names, count)
    noise = np.where(part == worse, 0.5, 0.1)
    said = np.where(random.random(3 * count) < noise, 1 - labels, labels)
    return rows(list(labels), prediction=list(said), slice=list(part))


def with_slices(data: bytes) -> Side:
    made = [
        measured("accuracy", 0.9, name, n=None, artifact="rows.csv") for name in ("a", "b", "c")
    ]
    return Side(*made, files={"rows.csv": data})


NOT_WORSE = {"kind": "slices", "metric": "accuracy", "not_worse_by": 0.02}


async def test_a_slice_that_is_surely_worse_fails(tmp_path):
    directions = {"directions": {"accuracy": "higher"}}
    old, fair, worse = sliced(200), sliced(200), sliced(200, "b")
    found = await verdict_of(
        tmp_path / "a", with_slices(old), with_slices(worse), NOT_WORSE, **directions
    )
    assert found.verdict == "fail"
    assert '"b" -.3' in found.shows
    assert "p=" in found.shows
    assert float(found.numbers["holm"]["b"]) < 0.001 < float(found.numbers["holm"]["a"])
    found = await verdict_of(
        tmp_path / "b", with_slices(old), with_slices(fair), NOT_WORSE, **directions
    )
    assert found.verdict == "pass"
    assert "none worse than v1 by 0.02, detects " in found.shows


async def test_a_slice_of_few_rows_is_not_known(tmp_path):
    found = await verdict_of(
        tmp_path / "m", with_slices(sliced(20)), with_slices(sliced(20, "a")), NOT_WORSE,
        directions={"accuracy": "higher"},
    )  # fmt: skip
    assert found.verdict == "unknown"
    assert "20 rows: fewer than 30" in found.shows


NAMES = {
    "auc": "auc",
    "val/roc_auc": "auc",
    "Accuracy_Score": "accuracy",
    "log_loss": "logloss",
    "x": "x",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_goes_by_several_names(name):
    assert measure_of(name) == NAMES[name]


CELL = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.lists(st.none())
)


@given(st.lists(st.dictionaries(st.sampled_from(predictions.COLUMNS), CELL), max_size=4))
def test_any_lines_of_json_are_rows_or_refused_in_words(lines):
    data = "\n".join(json.dumps(line) for line in lines).encode()
    try:
        found = read_rows(data, "p")
    except MissingError as error:
        found = str(error)
    assert found


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused_in_words(data):
    try:
        found = read_rows(data, "p")
    except MissingError as error:
        found = str(error)
    assert found


@given(st.permutations(range(8)), st.permutations(range(8)))
def test_rows_are_the_same_whatever_order_they_came_in(first, second):
    whole = Rows(list("01010101"), list("abcdefgh"), None, list("hgfedcba"))
    one, two = paired(whole.take(first), whole.take(second))
    assert one == two
