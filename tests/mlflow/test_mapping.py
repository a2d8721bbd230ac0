"""What a server may say on the wire, however odd -> nouns."""

import math
from datetime import UTC, datetime

import msgspec
import pytest

from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.api.runs import Status
from modeldeck.backends.mlflow import mapping, wire
from modeldeck.backends.mlflow.links import link


@pytest.fixture
def log():
    return mapping.Trouble()


def run(log, info, **data):
    raw = {"info": {"run_id": "ab", "experiment_id": "1", **info}, "data": data}
    item = msgspec.convert(raw, wire.Run)
    return mapping.run_of(item, {"1": "fraud"}, log)


def test_a_run_of_which_next_to_nothing_is_said(log):
    found = mapping.run_of(msgspec.convert({}, wire.Run), {}, log)
    assert (found.id, found.name, found.started_at, found.status) == ("", "", None, Status.RUNNING)


def test_integers_may_come_as_text(log):
    found = run(log, {"start_time": "1700000000123", "end_time": 1700000000456})
    assert found.started_at == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert (found.ended_at - found.started_at).total_seconds() == 0.333
    assert log.found == []


@pytest.mark.parametrize("odd", ["", "soon", "1e3", "9" * 30])
def test_what_is_no_time_reads_as_none_and_is_noted(log, odd):
    assert run(log, {"start_time": odd}).started_at is None
    ((where, what),) = log.found
    assert where == "run ab"
    assert "is no time" in what


def test_a_status_that_nobody_knows_is_a_failure_that_says_so(log):
    found = run(log, {"status": "PAUSED"})
    assert found.status is Status.FAILED
    assert "PAUSED" in (found.reason or "")


def test_the_old_name_of_an_id_and_the_tag_of_a_name_do(log):
    item = msgspec.convert(
        {
            "info": {"run_uuid": "cd", "experiment_id": "9"},
            "data": {"tags": [{"key": "mlflow.runName", "value": "old"}]},
        },
        wire.Run,
    )
    found = mapping.run_of(item, {}, log)
    assert (found.id, found.name, found.experiment) == ("cd", "old", "experiment 9")


@pytest.mark.parametrize(
    ("said", "value"),
    [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf), (5, 5.0), ("0.5", 0.5)],
)
def test_values_of_metrics_may_come_as_text(log, said, value):
    found = run(log, {}, metrics=[{"key": "m", "value": said, "step": "3"}]).metrics["m"]
    assert str(found) == str(value)


def test_a_value_that_is_no_number_is_left_out(log):
    assert run(log, {}, metrics=[{"key": "m", "value": "high"}, {"key": "n"}]).metrics == {}


def test_a_lone_surrogate_is_made_text(log):
    found = run(log, {"run_name": "a\ud800b"}, tags=[{"key": "k\udfff", "value": "\ud800"}])
    assert found.name == "a\ufffdb"
    assert found.tags == {"k\ufffd": "\ufffd"}


def test_points_are_ordered_by_step_time_and_value_with_nan_last():
    items = [(1, 5, "NaN"), (1, 5, 2.0), (0, 9, 1.0), (1, 4, 3.0), (1, 5, -1.0)]
    points = mapping.points_of(
        wire.Point(key="m", value=value, timestamp=time, step=step) for step, time, value in items
    )
    assert list(points.steps) == [0, 1, 1, 1, 1]
    assert list(points.times) == [9000, 4000, 5000, 5000, 5000]
    assert str(list(points.values)) == "[1.0, 3.0, -1.0, 2.0, nan]"


def test_a_version_without_a_number_is_damaged(log):
    with pytest.raises(DamagedError, match="has the number 'new'"):
        mapping.version_of(wire.Version(name="m", version="new"), log)


def test_what_is_only_said_without_is_no_part_of_a_model(log):
    item = msgspec.convert(
        {
            "name": "m",
            "latest_versions": [{"version": "2"}, {"version": 11}, {"version": "x"}],
            "aliases": [{"alias": "b", "version": "2"}, {"alias": "a"}],
        },
        wire.Model,
    )
    found = mapping.model_of(item, log)
    assert (found.latest, found.versions, found.aliases) == (11, None, {"b": 2})


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("experiments/7", "experiments/7"),
        ("runs/ab", "experiments/7/runs/ab"),
        ("models/team%2Ffraud # x", "models/team%2Ffraud%20%23%20x"),
        ("models/fraud/3", "models/fraud/versions/3"),
        ("models/fraud@champion", "models/fraud"),
        ("models", "models"),
        ("events/3", None),
        ("nothing", None),
    ],
)
def test_links_are_those_of_mlflows_own_pages(address, page):
    found = link("https://ml.example.org/prefix/", address, "7")
    assert found == (None if page is None else f"https://ml.example.org/prefix/#/{page}")
