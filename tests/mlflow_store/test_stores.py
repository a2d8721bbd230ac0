"""The stores hold what the tests of the readers count on."""

import pytest

from tests.mlflow_store import KINDS

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=KINDS)
def store(request, mlflow_store):
    return mlflow_store(request.param)


def named(store, name):
    (run,) = [run for run in store.dump["runs"] if run["name"] == name]
    return run


def test_the_client_is_of_the_version_that_is_pinned(store):
    assert store.dump["mlflow"].split(".")[0] == store.kind[0]


def test_statuses_names_and_deleted_things(store):
    runs = store.dump["runs"]
    assert {run["status"] for run in runs} == {
        "FINISHED",
        "FAILED",
        "KILLED",
        "RUNNING",
        "SCHEDULED",
    }
    assert {"", None} <= {run["name"] for run in runs}
    assert {run["name"] for run in runs if run["lifecycle_stage"] == "deleted"} == {
        "deleted",
        "left behind",
    }
    assert named(store, "no end time")["ended_at"] is None
    gone = [e["name"] for e in store.dump["experiments"] if e["lifecycle_stage"] == "deleted"]
    assert gone == ["abandoned"]


def test_runs_are_nested_three_levels_deep(store):
    runs = {run["id"]: run for run in store.dump["runs"]}

    def depth(run):
        parent = run["tags"].get("mlflow.parentRunId")
        return 1 + (depth(runs[parent]) if parent in runs else 0)

    assert max(depth(run) for run in runs.values()) == 3
    assert named(store, "orphan")["tags"]["mlflow.parentRunId"] not in runs


def test_odd_numbers(store):
    single = [named(store, "odd metrics")["latest"][f"single/{i}"][2] for i in range(11)]
    # SQL keeps neither an infinity nor the sign of zero.
    greatest = "0x1.fffffffffffffp+1023"
    kept = "sqlite" not in store.kind
    assert single[:5] == [
        "0x0.0p+0",
        "-0x0.0p+0" if kept else "0x0.0p+0",
        "nan",
        "inf" if kept else greatest,
        "-inf" if kept else f"-{greatest}",
    ]
    assert single[5] == "0x0.0000000000001p-1022"


def test_a_long_series(store):
    points = named(store, "long series")["series"]["loss"]
    assert len(points) == 100_000
    assert [step for step, _, _ in points] == list(range(100_000))


def test_odd_text_is_kept(store):
    (run,) = [run for run in store.dump["runs"] if "odd/lines" in run["params"]]
    assert run["params"]["odd/lines"] == "first\nsecond\r\nthird\rfourth\ttab\u2028line\x85next"
    assert len(run["params"]["long"]) == 6000
    assert len(run["tags"]["long"]) == 8000
    assert "\x1b" in run["tags"]["mlflow.note.content"]
    assert "\x1b" in run["name"]


def test_datasets_and_artifacts(store):
    datasets = named(store, "with datasets")["datasets"]
    assert [d["tags"]["mlflow.data.context"] for d in datasets] == ["evaluation", "training"]
    assert datasets == named(store, "with the same datasets")["datasets"]
    paths = {file["path"] for file in named(store, "with artifacts")["artifacts"]}
    assert {"a/b/c/deep [x].txt", "empty.txt", "files/pixel.png", "Größe 模型/ü.txt"} <= paths
    assert named(store, "behind a server")["artifacts_error"]


def test_models_versions_aliases_and_no_prompts(store):
    models = {model["name"]: model for model in store.dump["models"]}
    assert store.dump["prompts"] == ["greeting"]
    assert "greeting" not in models
    assert "deleted" not in models
    fraud = models["fraud"]
    assert [version["version"] for version in fraud["versions"]] == ["1", "2", "4", "5"]
    assert fraud["versions"][1]["aliases"] == ["also-champion", "champion"]
    assert fraud["versions"][3]["run_id"] is None
    assert fraud["versions"][0]["run_id"] == named(store, "with a model")["id"]


def test_logged_models_of_the_third_version(store):
    logged = store.dump["logged_models"]
    assert len(logged) == (1 if store.kind.startswith("3") else 0)
    for model in logged:
        assert {"MLmodel", "model.skops"} <= {file["path"] for file in model["artifacts"]}
