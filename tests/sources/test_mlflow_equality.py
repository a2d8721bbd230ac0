"""Everything that is read of a store is what MLflow's own client reads of it."""

import hashlib
import math
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest

from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.sources.detect import detect
from tests.mlflow_store import KINDS

pytestmark = [pytest.mark.real, pytest.mark.slow]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=KINDS)
def store(request, mlflow_store):
    return mlflow_store(request.param)


@pytest.fixture(scope="module")
def source(store):
    (candidate,) = detect(store.path)
    source = candidate.open()
    yield source
    source.close()


@pytest.fixture(scope="module")
def records(source):
    return {record.run.id: record for record in source.runs()}


def millis(time):
    return None if time is None else (time - EPOCH) // timedelta(milliseconds=1)


def bits(value):
    return "nan" if math.isnan(value) else value.hex() if math.isfinite(value) else str(value)


def triples(points):
    columns = zip(points.steps, points.times, points.values, strict=True)
    return [[step, time // 1000, bits(value)] for step, time, value in columns]


def without(wanted, *keys):
    return {key: value for key, value in wanted.items() if key not in keys}


def noted(wanted):
    """A model or version of the dump: no description is an empty one, and no more than we have."""
    kept = without(wanted, "model_id", "download_uri")
    return kept | {"description": wanted["description"] or ""}


def files(source, owner):
    found = []
    for artifact in source.artifacts(owner):
        with source.open(artifact) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append({"path": artifact.path, "size": artifact.size, "sha256": digest})
    return found


def test_experiments(source, store):
    found = [
        {
            "id": e.id,
            "name": e.name,
            "lifecycle_stage": "active" if e.deleted_at is None else "deleted",
            "created_at": millis(e.created_at),
            "updated_at": millis(e.updated_at),
            "tags": e.tags,
        }
        for e in sorted(source.experiments(), key=lambda e: e.id)
    ]
    assert found == [without(wanted, "artifact_location") for wanted in store.dump["experiments"]]


def test_runs(records, store):
    names = {e["id"]: e["name"] for e in store.dump["experiments"]}
    assert sorted(records) == [run["id"] for run in store.dump["runs"]]
    for wanted in store.dump["runs"]:
        record = records[wanted["id"]]
        run = record.run
        tags = wanted["tags"]
        assert (record.native_id, record.experiment_id) == (run.id, wanted["experiment_id"])
        assert run.experiment == names[wanted["experiment_id"]]
        assert run.name == (wanted["name"] or "")
        assert run.status == wanted["status"].lower()
        assert (run.deleted_at is None) == (wanted["lifecycle_stage"] == "active")
        assert run.user == tags.get("mlflow.user", wanted["user"])
        assert millis(run.started_at) == wanted["started_at"]
        assert millis(run.ended_at) == wanted["ended_at"]
        assert run.params == wanted["params"]
        assert run.tags == tags
        assert run.parent_id == tags.get("mlflow.parentRunId")
        assert run.note == tags.get("mlflow.note.content", "")
        assert run.git == tags.get("mlflow.source.git.commit")


def test_parents_come_before_their_children(records):
    order = list(records)
    nested = [r.run for r in records.values() if r.run.parent_id in records]
    assert nested
    for run in nested:
        assert order.index(run.parent_id) < order.index(run.id)


def test_latest_metrics(records, store):
    for wanted in store.dump["runs"]:
        found = {
            key: [metric.step, millis(metric.time), bits(metric.value)]
            for key, metric in records[wanted["id"]].latest.items()
        }
        assert found == wanted["latest"]


def test_histories(source, store):
    for wanted in store.dump["runs"]:
        history = source.history(wanted["id"])
        assert {key: sorted(triples(points)) for key, points in history.items()} == wanted["series"]
        for points in history.values():
            ranks = [
                (step, time, math.isnan(value), 0.0 if math.isnan(value) else value)
                for step, time, value in zip(points.steps, points.times, points.values, strict=True)
            ]
            assert ranks == sorted(ranks)


def test_single_series_and_figures(source, store):
    for wanted in store.dump["runs"]:
        history = source.history(wanted["id"])
        series = source.series(wanted["id"])
        assert [info.key for info in series] == sorted(wanted["series"])
        for info in series:
            points = source.points(wanted["id"], info.key)
            assert triples(points) == triples(history[info.key])
            finite = [value for value in points.values if math.isfinite(value)]
            assert (info.count, info.finite) == (len(points), len(finite))
            assert (info.first_step, info.last_step) == (points.steps[0], points.steps[-1])
            assert (info.low, info.high) == (min(finite, default=None), max(finite, default=None))


def test_datasets(records, store):
    for wanted in store.dump["runs"]:
        found = []
        for dataset in records[wanted["id"]].datasets:
            tags = dict(dataset.labels)
            if dataset.context is not None:
                tags["mlflow.data.context"] = dataset.context
            found.append(
                {
                    "name": dataset.name,
                    "digest": dataset.digest,
                    "source_type": dataset.source_type,
                    "source": dataset.source,
                    "schema": dataset.schema,
                    "profile": dataset.profile,
                    "tags": tags,
                }
            )
        assert sorted(found, key=lambda d: (d["name"], d["digest"])) == wanted["datasets"]


def test_artifacts(source, store):
    compared = 0
    for wanted in store.dump["runs"]:
        owner = run_address(wanted["id"])
        if wanted["artifacts"] is not None:
            assert files(source, owner) == wanted["artifacts"]
            compared += len(wanted["artifacts"])
        elif wanted["artifact_uri"].startswith("s3:"):
            (entry,) = source.artifacts(owner)
            assert (entry.location, entry.size) == (wanted["artifact_uri"], None)
    assert compared >= 7


def test_models(source, store):
    found = []
    for record in source.models():
        model = record.model
        found.append(
            {
                "name": model.name,
                "description": model.note,
                "created_at": millis(model.created_at),
                "updated_at": millis(model.updated_at),
                "tags": model.tags,
                "aliases": {alias: str(number) for alias, number in model.aliases.items()},
                "versions": [
                    {
                        "version": str(version.version),
                        "source": version.source,
                        "run_id": version.run_id,
                        "description": version.note,
                        "status": version.status.upper(),
                        "stage": version.stage or "None",
                        "created_at": millis(version.created_at),
                        "updated_at": millis(version.updated_at),
                        "tags": version.tags,
                        "aliases": version.aliases,
                    }
                    for version in record.versions
                    if version.deleted_at is None
                ],
            }
        )
    wanted = [
        noted(model) | {"versions": [noted(version) for version in model["versions"]]}
        for model in store.dump["models"]
    ]
    assert sorted(found, key=lambda model: model["name"]) == wanted
    assert not {model["name"] for model in found} & set(store.dump["prompts"])


def test_a_deleted_version_is_told_as_deleted(source):
    (fraud,) = [record for record in source.models() if record.model.name == "fraud"]
    (gone,) = [version for version in fraud.versions if version.deleted_at is not None]
    assert (gone.version, gone.stage, gone.format) == (3, None, "unknown")
    assert (gone.source is None) == (gone.run_id is None) == (source.kind == "mlflow-db")


def test_the_files_of_versions(source, store):
    logged = {model["run_id"]: model["artifacts"] for model in store.dump["logged_models"]}
    below = {
        run["id"]: [
            file | {"path": file["path"].removeprefix("model/")}
            for file in run["artifacts"] or ()
            if file["path"].startswith("model/")
        ]
        for run in store.dump["runs"]
    }
    compared = 0
    for record in source.models():
        for version in record.versions:
            if version.run_id and version.deleted_at is None:
                found = files(source, version_address(record.model.name, version.version))
                assert found == (logged.get(version.run_id) or below[version.run_id])
                assert version.format == "mlflow"
                compared += bool(found)
    assert compared >= 4


def forget(root, path):
    """Let the store at `path` say that it lies where nothing is, and no longer at `root`."""
    if path.is_dir():
        for meta in path.rglob("meta.yaml"):
            text = meta.read_text(encoding="utf-8")
            meta.write_text(text.replace(str(root), "/gone/away"), encoding="utf-8")
        return
    with closing(sqlite3.connect(path)) as connection:
        for table, column in (
            ("runs", "artifact_uri"),
            ("model_versions", "storage_location"),
            ("logged_models", "artifact_location"),
        ):
            with suppress(sqlite3.OperationalError):  # 2.x logs no models
                sql = f"UPDATE {table} SET {column} = replace({column}, ?, '/gone/away')"
                connection.execute(sql, (str(root),))
        connection.commit()


def test_where_the_files_of_versions_lie(source, store):
    for model in store.dump["models"]:
        for version in model["versions"]:
            found = source._models.location(model["name"], int(version["version"]))
            assert found == version["download_uri"]


def test_a_store_that_was_moved_has_the_same_artifacts(store, tmp_path):
    moved = shutil.copytree(store.root, tmp_path / "moved") / store.path.name
    forget(store.root, moved)
    (candidate,) = detect(moved)
    copy = candidate.open()
    for wanted in store.dump["runs"]:
        if wanted["artifacts"]:
            owner = run_address(wanted["id"])
            assert files(copy, owner) == wanted["artifacts"]
            assert "/moved/" in copy.artifacts(owner)[0].location
    fraud = copy.artifacts(version_address("fraud", 2))
    assert "MLmodel" in {file.path for file in fraud}
    assert all("/moved/" in file.location for file in fraud)
    copy.close()


def test_problems_are_only_those_that_are_there(source, store, records):
    told = {problem.what for problem in source.problems}
    expected = {"was measured on a dataset; its step is read as 0, as MLflow reads it"}
    assert told == (expected if store.kind == "3-files" else set())
