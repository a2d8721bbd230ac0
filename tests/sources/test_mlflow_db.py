"""A SQLite store: schemas of both versions, rows of the wrong kind, reads that are short."""

import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from modeldeck.backends.api.runs import Status
from modeldeck.backends.sources import db_models, db_runs, db_series
from modeldeck.backends.sources.mlflow_db import MlflowDb

from .making import RUN, START, fill_models, make_db, put, put_point, put_run

OTHER = "b" * 32
THIRD = pytest.mark.parametrize("third", [False, True], ids=["2.x", "3.x"])


def told(source):
    return [(p.where.removeprefix(f"{source.path}: "), p.what) for p in source.problems]


def test_a_sound_run(opened):
    def fill(c):
        put(c, "params", key="depth", value="3", run_uuid=RUN)
        put(c, "tags", key="mlflow.user", value="grace", run_uuid=RUN)
        put(c, "tags", key="mlflow.note.content", value="a *note*", run_uuid=RUN)
        put(c, "tags", key="mlflow.source.git.commit", value="abc123", run_uuid=RUN)
        row = {"key": "auc", "value": 0.0, "timestamp": START, "step": 7, "is_nan": 1}
        put(c, "latest_metrics", run_uuid=RUN, **row)

    source = opened(fill)
    (record,) = source.runs()
    assert (record.native_id, record.experiment_id, record.run.experiment) == (RUN, "1", "fraud")
    assert (record.run.note, record.run.user, record.run.git) == ("a *note*", "grace", "abc123")
    assert record.run.params == {"depth": "3"}
    assert record.run.status is Status.FINISHED
    assert math.isnan(record.latest["auc"].value)
    assert record.latest["auc"].time == datetime.fromtimestamp(START / 1000, UTC)
    assert told(source) == []


@THIRD
@pytest.mark.parametrize("page", [3, 1000])
def test_histories_points_and_figures_agree_and_are_in_order(opened, third, page, monkeypatch):
    def fill(c):
        for i in range(20):
            put_point(c, "loss", 1 / (i + 1), START + i, step=(i * 7) % 20)
            put_point(c, "same", float(i % 3), START, step=5 + i // 3)
            put_point(c, "gaps", float(i) if i % 4 else 0.0, START + i, step=i, is_nan=not i % 4)
        put_point(c, "tie", 0.0, START, is_nan=1)
        put_point(c, "tie", -1.0, START)
        put_point(c, "tie", 1.7976931348623157e308, START)

    source = opened(fill, third=third)
    source._series = db_series.DbSeries(source._database, page)
    history = source.history(RUN)
    assert list(history["loss"].steps) == list(range(20))
    assert list(history["same"].values) == [0.0, 1.0, 2.0] * 6 + [0.0, 1.0]
    assert [i for i, v in enumerate(history["gaps"].values) if math.isnan(v)] == [0, 4, 8, 12, 16]
    assert repr(list(history["tie"].values)) == "[-1.0, 1.7976931348623157e+308, nan]"
    for info in source.series(RUN):
        points = source.points(RUN, info.key)
        assert repr(points.values) == repr(history[info.key].values)
        assert (points.steps, points.times) == (history[info.key].steps, history[info.key].times)
        finite = [v for v in points.values if math.isfinite(v)]
        assert (info.count, info.finite) == (len(points), len(finite))
        assert (info.low, info.high) == (min(finite), max(finite))
        assert info.total == pytest.approx(sum(finite))
        assert (info.first_step, info.last_step) == (points.steps[0], points.steps[-1])
    assert (len(source.points(RUN, "none")), source.history("none"), source.series("x")) == (
        0,
        {},
        [],
    )


@THIRD
def test_rows_of_the_wrong_kind(opened, third):
    def fill(c):
        put_point(c, "loss", 0.5, START, step=0)
        put_point(c, "loss", "half", START, step=1)
        put_point(c, "loss", 0.5, "soon", step=2)
        put_point(c, "loss", 0.5, START, step="two")
        put_point(c, "loss", None, START, step=4)
        put_point(c, "loss", 0.5, 10**17, step=5)
        put_point(c, b"\xff", 0.5, START, step=6)
        put_run(c, "b" * 32, status="BROKEN", start_time="soon", name=5, end_time=None)
        put_run(c, "c" * 32, start_time=0, end_time=None, name=None, user_id=None, status=None)
        put_run(c, "d" * 32, experiment_id=99)
        put(c, "params", key="bytes", value=b"\x00\xff", run_uuid=RUN)
        put(c, "params", key="number", value=5, run_uuid=RUN)
        put(c, "params", key="lost", value="1", run_uuid="e" * 32)
        put(c, "tags", key="null", value=None, run_uuid=RUN)
        row = {"key": "auc", "value": "x", "timestamp": START, "step": 7, "is_nan": 0}
        put(c, "latest_metrics", run_uuid=RUN, **row)
        put(c, "inputs", input_uuid="i", source_type="DATASET", source_id="none",
            destination_type="RUN", destination_id=RUN)  # fmt: skip

    source = opened(fill, third=third)
    found = {record.run.id: record for record in source.runs()}
    assert len(found) == 4
    assert found[RUN].run.params == {"bytes": "\x00\ufffd", "number": "5"}
    assert found[RUN].run.tags == {"null": ""}
    broken = found["b" * 32].run
    assert (broken.status, broken.started_at, broken.name) == (Status.FAILED, None, "5")
    bare = found["c" * 32].run
    assert (bare.status, bare.name, bare.user) == (Status.RUNNING, "", "")
    assert bare.started_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert [(e.id, e.name) for e in source.experiments()] == [
        ("1", "fraud"),
        ("99", "experiment 99"),
    ]
    assert found["d" * 32].experiment_id == "99"
    assert told(source) == [
        (f"params, run_uuid {RUN}, key 'bytes'", "holds bytes, read as text"),
        (f"latest_metrics, run {RUN}, key 'auc'", "is left out: its value or step is no number"),
        (f"inputs, run {RUN}", "its dataset none is not there"),
        (f"runs, run {'b' * 32}", "its start time is 'soon', which is no time"),
        (f"runs, run {'b' * 32}", "its status is 'BROKEN', which is none"),
        (f"params, run {'e' * 32!r}", "1 rows are left out: there is no such run"),
        ("runs, experiment 99", "the experiment of these runs is not there"),
    ]
    points = source.history(RUN)["loss"]
    assert list(points.steps) == [0, 4]
    assert math.isnan(points.values[1])
    assert repr(source.points(RUN, "loss").values) == repr(points.values)
    assert len(told(source)) == 9


def test_text_that_is_no_utf8(opened):
    def fill(c):
        c.execute("INSERT INTO params VALUES('k', CAST(X'61FF' AS TEXT), ?)", (RUN,))
        put(c, "params", key="fine", value="é\x1b[31m[bold]" + "x" * 20_000, run_uuid=RUN)

    source = opened(fill)
    (record,) = source.runs()
    assert record.run.params["k"] == "a\ufffd"
    assert record.run.params["fine"].startswith("é\x1b[31m[bold]xxx")
    assert told(source) == [
        (f"{source.path}: params".removeprefix(f"{source.path}: "),
         "holds text that is not UTF-8, read with U+FFFD in its place")
    ]  # fmt: skip


def test_a_schema_with_less_in_it(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE experiments(experiment_id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE TABLE runs(run_uuid TEXT PRIMARY KEY, experiment_id INTEGER);"
            "CREATE TABLE metrics(key TEXT, value FLOAT, timestamp BIGINT, step BIGINT,"
            " run_uuid TEXT);"
            f"INSERT INTO experiments VALUES(1, 'old'); INSERT INTO runs VALUES('{RUN}', 1);"
            f"INSERT INTO metrics VALUES('loss', 0.5, 5, 0, '{RUN}');"
        )
    source = MlflowDb(path)
    assert [e.name for e in source.experiments()] == ["old"]
    assert [(r.run.id, r.run.status, r.latest) for r in source.runs()] == [(RUN, "running", {})]
    assert list(source.history(RUN)["loss"].values) == [0.5]
    assert [info.count for info in source.series(RUN)] == [1]
    assert list(source.models()) == []
    assert source.artifacts(f"runs/{RUN}") == []
    source.close()


def test_parents_come_first(opened, monkeypatch):
    monkeypatch.setattr(db_runs, "PAGE", 2)
    monkeypatch.setattr(db_runs, "IDS_PAGE", 2)
    ids = [f"{i:032x}" for i in range(1, 9)]

    def fill(c):
        for i, run_id in enumerate(ids):
            put_run(c, run_id)
            parent = ids[i + 1] if i < 5 else "gone"
            put(c, "tags", key="mlflow.parentRunId", value=parent, run_uuid=run_id)
        put(c, "tags", key="mlflow.parentRunId", value=RUN, run_uuid=RUN)

    source = opened(fill)
    found = [record.run for record in source.runs()]
    order = [run.id for run in found]
    assert sorted(order) == sorted([RUN, *ids])
    assert [order.index(run_id) for run_id in ids[:6]] == sorted(
        (order.index(run_id) for run_id in ids[:6]), reverse=True
    )
    assert {run.parent_id for run in found if run.id in ids[5:]} == {"gone"}
    assert told(source) == [(f"tags, run {RUN}", "is its own ancestor and is given no parent")]


def test_what_is_deleted(opened):
    def fill(c):
        put(c, "experiments", experiment_id=2, name="gone", lifecycle_stage="deleted",
            last_update_time=START + 9)  # fmt: skip
        put_run(c, "b" * 32, experiment_id=2)
        put_run(c, "c" * 32, lifecycle_stage="deleted", deleted_time=START + 5)
        put_run(c, "d" * 32, lifecycle_stage="deleted")
        put_run(c, "e" * 32, lifecycle_stage="deleted", start_time=None, end_time=None)

    source = opened(fill)
    at = lambda millis: datetime.fromtimestamp(millis / 1000, UTC)  # noqa: E731
    assert [e.deleted_at for e in source.experiments()] == [None, at(START + 9)]
    assert {r.run.id[0]: r.run.deleted_at for r in source.runs()} == {
        "a": None, "b": None, "c": at(START + 5), "d": at(START + 1000), "e": at(0)
    }  # fmt: skip


def test_datasets(opened):
    def fill(c):
        put(c, "datasets", dataset_uuid="d", experiment_id=1, name="train", digest="abc",
            dataset_source_type="local", dataset_source="{}", dataset_schema="s")  # fmt: skip
        put(c, "inputs", input_uuid="i", source_type="DATASET", source_id="d",
            destination_type="RUN", destination_id=RUN)  # fmt: skip
        put(c, "input_tags", input_uuid="i", name="mlflow.data.context", value="training")
        put(c, "input_tags", input_uuid="i", name="split", value="1")

    (record,) = opened(fill).runs()
    (dataset,) = record.datasets
    assert (dataset.name, dataset.digest, dataset.context) == ("train", "abc", "training")
    assert (dataset.labels, dataset.schema, dataset.profile) == ({"split": "1"}, "s", None)


@THIRD
def test_models(opened, third, monkeypatch):
    monkeypatch.setattr(db_models, "PAGE", 1)
    source = opened(fill_models, third=third)
    fraud, none = source.models()
    assert (none.model.name, none.versions) == ("none", [])
    assert fraud.model.aliases == {"champion": 2, "doomed": 1}
    assert (fraud.model.versions, fraud.model.latest) == (2, 10)
    assert [(v.version, v.stage, v.run_id, v.source) for v in fraud.versions] == [
        (1, None, None, None),
        (2, "Staging", RUN, "s3://b/m"),
        (10, None, RUN, "s3://b/m"),
    ]
    gone, staged, _ = fraud.versions
    assert gone.deleted_at == datetime.fromtimestamp((START + 5) / 1000, UTC)
    assert (staged.deleted_at, staged.tags, staged.aliases) == (None, {"k": "v"}, ["champion"])
    assert staged.status == "pending_registration"
    assert told(source) == [
        ("model_versions, 'fraud' 0", "is left out: its version is no number"),
        (
            "registered_models, 'fraud'",
            "alias 'nowhere' is left out: there is no version of its number",
        ),
        ("model_versions, 'lost'", "1 versions are left out: there is no such model"),
    ]


def test_one_name_in_two_workspaces(tmp_path):
    path = make_db(tmp_path / "mlflow.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE registered_models; DROP TABLE model_versions;"
            "CREATE TABLE registered_models(name, creation_time, last_updated_time, description,"
            " workspace, PRIMARY KEY(workspace, name));"
            "CREATE TABLE model_versions(name, version, source, workspace);"
            "INSERT INTO registered_models(name, workspace) VALUES('m', 'default'), ('m', 'ops'),"
            " ('n', 'ops');"
            "INSERT INTO model_versions VALUES('m', 1, 's3://one', 'default'),"
            " ('m', 1, 's3://two', 'ops'), ('n', 1, 's3://three', 'ops');"
        )
    source = MlflowDb(path)
    found = {r.model.name: [v.source for v in r.versions] for r in source.models()}
    assert found == {"m": ["s3://one"], "ops/m": ["s3://two"], "n": ["s3://three"]}
    assert [a.location for a in source.artifacts("models/ops%2Fm/1")] == ["s3://two"]
    assert [a.location for a in source.artifacts("models/m/1")] == ["s3://one"]
    assert [a.location for a in source.artifacts("models/n/1")] == ["s3://three"]
    source.close()
