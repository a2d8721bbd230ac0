"""Everything that is read of a server is what MLflow's own client reads of its store.

REST itself loses two things: when a run was deleted (its end, or its start, stands for it), and the
format of a version (the server would have to be asked for its files). Infinities the server has
lost before, when they were logged: they are the largest number.
"""

import hashlib
import math

import pytest

from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.runs import Shelf
from modeldeck.backends.mlflow import mapping
from tests.mlflow.reaching import every_run, reach
from tests.sources.test_mlflow_equality import bits, millis, noted, triples, without

pytestmark = [pytest.mark.real, pytest.mark.slow]

KINDS = ("3", "2")


@pytest.fixture(scope="module", params=KINDS)
def store(request, mlflow_store):
    return mlflow_store(f"{request.param}-sqlite")


@pytest.fixture
async def server(store, mlflow_server):
    found = reach(mlflow_server(store.kind[0], store=store.path))
    yield found
    await found.close()


async def test_experiments(server, store):
    window = await server.experiments(shelf=Shelf.ALL)
    found = [
        {
            "id": e.id,
            "name": e.name,
            "lifecycle_stage": "active" if e.deleted_at is None else "deleted",
            "created_at": millis(e.created_at),
            "updated_at": millis(e.updated_at),
            "tags": e.tags,
        }
        for e in sorted(await all_of(window), key=lambda e: e.id)
    ]
    assert found == [without(wanted, "artifact_location") for wanted in store.dump["experiments"]]


async def test_runs(server, store):
    names = {e["id"]: e["name"] for e in store.dump["experiments"]}
    found = {run.id: run for run in await every_run(server)}
    assert sorted(found) == [run["id"] for run in store.dump["runs"]]
    for wanted in store.dump["runs"]:
        run, tags = found[wanted["id"]], wanted["tags"]
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
        assert {key: bits(value) for key, value in run.metrics.items()} == {
            key: value for key, (_, _, value) in wanted["latest"].items()
        }


async def test_latest_points_with_their_steps_and_times(server, store):
    for wanted in store.dump["runs"]:
        item = await server._runs.item(wanted["id"])
        found = {
            key: [last.step, millis(last.time), bits(last.value)]
            for key, last in mapping.latest_of(item).items()
        }
        assert found == wanted["latest"]
        assert [one.key for one in await server.series(wanted["id"])] == sorted(wanted["series"])


async def test_histories(server, store):
    for wanted in store.dump["runs"]:
        for key, series in wanted["series"].items():
            points = await server.points(wanted["id"], key)
            assert sorted(triples(points)) == series
            ranks = [
                (step, time, math.isnan(value), 0.0 if math.isnan(value) else value)
                for step, time, value in zip(points.steps, points.times, points.values, strict=True)
            ]
            assert ranks == sorted(ranks)


async def test_samples_of_short_series_are_all_of_them(server, store):
    """Steps below 0 too, which 2.x leaves out when it is asked without bounds."""
    compared = 0
    for wanted in store.dump["runs"]:
        for key, series in wanted["series"].items():
            if len(series) < 2500:
                found = await server.sampled([wanted["id"]], key, 2500)
                assert sorted(triples(found[wanted["id"]])) == series
                compared += any(step < 0 for step, _, _ in series)
    assert compared >= 2


async def test_datasets(server, store):
    for wanted in store.dump["runs"]:
        found = []
        for dataset in await server.datasets(wanted["id"]):
            tags = dict(dataset.labels)
            if dataset.context is not None:
                tags["mlflow.data.context"] = dataset.context
            told = {key: getattr(dataset, key) for key in ("name", "digest", "source_type")}
            told |= {key: getattr(dataset, key) for key in ("source", "schema", "profile")}
            found.append(told | {"tags": tags})
        assert sorted(found, key=lambda d: (d["name"], d["digest"])) == wanted["datasets"]


async def read(server, owner, artifact):
    data = await server.read_artifact(owner, artifact.path, 0, 1 << 20)
    return {
        "path": artifact.path,
        "size": artifact.size,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


async def test_artifacts_of_runs_and_of_the_models_they_logged(server, store):
    logged = {}
    for model in store.dump["logged_models"]:
        below = [file | {"path": f"{model['name']}/{file['path']}"} for file in model["artifacts"]]
        logged.setdefault(model["run_id"], []).extend(below)
    compared = 0
    for wanted in store.dump["runs"]:
        owner = run_address(wanted["id"])
        artifacts = await server.artifacts(owner)
        if wanted["artifacts"] is not None:
            files = wanted["artifacts"] + logged.get(wanted["id"], [])
            found = [await read(server, owner, artifact) for artifact in artifacts]
            assert sorted(found, key=lambda f: f["path"]) == sorted(files, key=lambda f: f["path"])
            compared += len(found)
        elif wanted["artifact_uri"].startswith("s3:"):
            (entry,) = artifacts
            assert (entry.location, entry.size) == (wanted["artifact_uri"], None)
    assert compared >= 7


async def test_a_file_kept_by_the_server_itself(server, store):
    (wanted,) = [run for run in store.dump["runs"] if run["name"] == "behind a server"]
    owner = run_address(wanted["id"])
    (file,) = await server.artifacts(owner)
    assert (file.path, file.size) == ("served.txt", 17)
    assert await server.read_artifact(owner, "served.txt", 5, 2) == b"by"


async def test_models(server, store):
    found = []
    for model in await all_of(await server.models()):
        versions = await all_of(await server.versions(model.name))
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
                    for version in reversed(versions)
                ],
            }
        )
        assert versions == [await server.version(v.model, v.version) for v in versions]
        assert model == await server.model(model.name)
        assert model.latest == max((v.version for v in versions), default=None)
    wanted = [
        noted(model) | {"versions": [noted(version) for version in model["versions"]]}
        for model in store.dump["models"]
    ]
    assert found == wanted
    assert not {model["name"] for model in found} & set(store.dump["prompts"])
    every = await all_of(await server.versions())
    assert sum(len(model["versions"]) for model in wanted) == len(every)


async def test_the_files_of_versions(server, store):
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
    for version in await all_of(await server.versions()):
        owner = version_address(version.model, version.version)
        artifacts = await server.artifacts(owner)
        if version.run_id:
            found = [await read(server, owner, artifact) for artifact in artifacts]
            assert found == (logged.get(version.run_id) or below[version.run_id])
            compared += bool(found)
        else:
            (entry,) = artifacts
            assert (entry.location, entry.size) == (version.source, None)
    assert compared >= 4
