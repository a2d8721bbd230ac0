"""Filters and sorts taken apart: what MLflow is asked for, and what is left to do here."""

from datetime import UTC, datetime

import pytest

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.parse import parse_filter, parse_sort
from modeldeck.backends.api.query import RUNS, Field, Sort
from modeldeck.backends.api.said import said
from modeldeck.backends.mlflow import search

NOW = datetime(2026, 11, 25, 7, tzinfo=UTC)


def pushed(text):
    return search.push(parse_filter(text, RUNS, NOW))


def test_terms_are_joined_with_and():
    found = pushed("metrics.auc > 0.9 and params.kind = xgb")
    assert found.filter == "metrics.`auc` > 0.9 AND params.`kind` = 'xgb'"
    assert not found.here


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("name ~ xgb", "attributes.run_name ILIKE '%xgb%'"),
        ("name = best", "attributes.run_name = 'best'"),
        ("id in (ab, cd)", "attributes.run_id IN ('ab', 'cd')"),
        ("parent = ab", "tags.`mlflow.parentRunId` = 'ab'"),
        ("git = 3f2a", "tags.`mlflow.source.git.commit` = '3f2a'"),
        ("note ~ todo", "tags.`mlflow.note.content` ILIKE '%todo%'"),
        ("has tags.team", "tags.`team` LIKE '%'"),
        ("has ended", "attributes.end_time >= -62135596800000"),
        ("started >= 2026-11-25T06:00Z", "attributes.start_time >= 1795586400000"),
        ("started > 2026-11-25T06:00:00.0005Z", "attributes.start_time >= 1795586400000"),
        ("started < 2026-11-25T06:00:00.0005Z", "attributes.start_time <= 1795586400001"),
    ],
)
def test_what_the_grammar_says_as_we_do(text, filter_):
    found = pushed(text)
    assert found.filter == filter_
    assert not found.here


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("status = failed", "attributes.status = 'FAILED'"),
        (
            "status in (failed, killed)",
            "attributes.status != 'SCHEDULED' AND attributes.status != 'RUNNING'"
            " AND attributes.status != 'FINISHED'",
        ),
        ("status != running", "attributes.status != 'RUNNING'"),
        ("not (status = running or status = failed)", None),
    ],
)
def test_whatever_is_said_of_the_status_alone_is_said_by_leaving_out(text, filter_):
    """IN is for run ids only, and OR for nothing."""
    found = pushed(text)
    assert filter_ is None or found.filter == filter_
    assert found.filter
    assert not found.here


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("params.depth > 8", "params.`depth` LIKE '%'"),  # a number for us, a text for MLflow
        ("tags.team in (a, b)", "tags.`team` LIKE '%'"),
        ("tags.team = a or tags.team = b", "tags.`team` LIKE '%'"),
        ("name ~ größe", "attributes.run_name ILIKE '%gr%%e%'"),
        ('note ~ "^todo"', "tags.`mlflow.note.content` LIKE '%'"),
        ("dataset = train", ""),  # with another term 2.x makes SQL of it that does not run
        ("duration > 5m", ""),
        ("user = ada", ""),
        ("params.depth != 8", ""),  # holds for runs that have none, which MLflow's does not
        ("metrics.auc != 0.5", ""),
        ("not metrics.auc > 0.9", ""),
        ("metrics.auc > 0.9 or params.kind = xgb", ""),
        ("has metrics.auc", ""),  # whether a NaN fits a comparison depends on the version
        ("metrics.auc = nan", ""),
    ],
)
def test_what_is_done_here_the_server_narrows_only_where_that_leaves_nothing_out(text, filter_):
    found = pushed(text)
    assert found.filter == filter_
    assert [said(term) for term in found.here]


def test_what_is_said_of_experiments_chooses_their_ids():
    found = pushed("exp ~ fraud and not exp = fraud-old and metrics.auc > 0")
    assert found.filter == "metrics.`auc` > 0.0"
    assert [name for name in ("fraud", "fraud-old", "churn") if found.experiments(name)] == [
        "fraud"
    ]


def test_more_terms_than_a_database_joins_are_done_here():
    found = pushed(" and ".join(f"params.p{n} = x" for n in range(30)))
    assert found.filter.count(" AND ") == search.MOST_TERMS - 1
    assert len(found.here) == 30 - search.MOST_TERMS


def sorted_by(text):
    return search.order(parse_sort(text, RUNS))


def test_sorts_are_newest_first_without_one():
    assert sorted_by("") == ([search.NEWEST], [])


def test_sorts_that_mlflow_knows():
    found, notes = sorted_by("-metrics.auc, status, started, -id")
    assert found == [
        "metrics.`auc` DESC",
        "attributes.status ASC",
        "attributes.start_time ASC",
        "attributes.run_id DESC",
    ]
    assert notes == []


def test_params_and_tags_are_sorted_as_text_and_that_is_said():
    found, (note,) = sorted_by("-params.depth")
    assert found == ["params.`depth` DESC"]
    assert note == "sorted by params.depth as text: MLflow knows no other order of params"


def test_a_field_named_twice_is_asked_for_once():
    """MLflow answers 500 to the second."""
    assert sorted_by("metrics.auc,-metrics.auc")[0] == ["metrics.`auc` ASC"]


@pytest.mark.parametrize("field", ["duration", "experiment", "dataset", "exit", "reason"])
def test_what_mlflow_cannot_sort_by_is_refused_with_a_way_out(field):
    with pytest.raises(RefusedError, match=rf"MLflow cannot sort runs by {field}.*import"):
        sorted_by(field)


def test_a_key_with_a_backtick_cannot_be_sorted_by():
    with pytest.raises(RefusedError):
        search.order([Sort(Field("a`b", "metrics"))])
