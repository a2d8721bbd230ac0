"""Scripts that log with a real MLflow, recorded by `modeldeck run`."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.mlflow_store import server_python
from tests.recorder.real import (
    artifact,
    end_commands,
    listed,
    run_program,
    series,
    started,
    states,
    until,
)

pytestmark = [pytest.mark.real, pytest.mark.slow]

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
HEAD = """
import os, sys, warnings
warnings.simplefilter("ignore")
import mlflow
print(mlflow.get_tracking_uri(), flush=True)
"""
ONE = (
    HEAD
    + """
with mlflow.start_run(run_name="theirs") as run:
    mlflow.log_params({"lr": 0.1, "depth": 4})
    mlflow.set_tag("team", "risk")
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("auc", float("nan"))
    mlflow.log_text("some words", "notes/a.txt")
    mlflow.log_text("theirs", "output.log")
"""
)
NESTED = (
    HEAD
    + """
with mlflow.start_run(run_name="sweep"):
    mlflow.log_param("trials", 2)
    for trial in range(2):
        with mlflow.start_run(run_name=f"trial {trial}", nested=True):
            mlflow.log_metric("loss", trial + 0.5, step=trial)
            mlflow.log_text(str(trial), "trial.txt")
            if trial:
                os._exit(9)
"""
)
MODEL = (
    HEAD
    + """
import numpy as np
from sklearn.linear_model import LogisticRegression
rows = np.arange(40.0).reshape(20, 2)
with mlflow.start_run():
    model = LogisticRegression().fit(rows, rows[:, 0] > 20)
    mlflow.sklearn.log_model(
        model, name="net", registered_model_name="fraud", pip_requirements=["scikit-learn"])
"""
)


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """The command that runs a script of that body with the Python that has MLflow."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    python = str(server_python("3-sqlite"))

    def command(body):
        (tmp_path / "train.py").write_text(body)
        return [python, "train.py"]

    return command


def test_one_run_there_is_the_run_here(tmp_path, mlflow):
    done = run_program(tmp_path, "run", "--name", "ours", "--", *mlflow(ONE))
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = listed(tmp_path)
    assert done.stdout == f"sqlite:///{tmp_path}/.modeldeck/runs/{run['id']}/mlflow.db\n"
    assert (run["name"], run["params"]) == ("ours", {"lr": "0.1", "depth": "4"})
    assert run["tags"]["team"] == "risk"
    logged = {key: value for key, value in run["metrics"].items() if not key.startswith("system/")}
    assert logged == {"loss": 0.02, "auc": "NaN"}
    assert series(tmp_path, run["id"], "loss") == [(s, 1 / (s + 1)) for s in range(50)]
    assert artifact(tmp_path, run["id"], "notes/a.txt") == b"some words"
    assert artifact(tmp_path, run["id"], "mlflow/output.log") == b"theirs"
    assert list(tmp_path.glob(".modeldeck/runs/*")) == []
    # Where MLflow put its artifacts, they stay.
    assert list(tmp_path.glob("mlruns/*/*/artifacts/notes/a.txt"))


def test_nested_runs_are_below_it_also_when_they_were_cut_off(tmp_path, mlflow):
    done = run_program(tmp_path, "run", "-e", "tries", "--", *mlflow(NESTED))
    assert done.returncode == 9
    outer, first, second = sorted(listed(tmp_path), key=lambda run: run["parent_id"] or "")[:3]
    if first["name"] != "trial 0":
        first, second = second, first
    assert (outer["params"], outer["experiment"]) == ({"trials": "2"}, "tries")
    assert [r["parent_id"] for r in (first, second)] == [outer["id"]] * 2
    assert [r["experiment"] for r in (first, second)] == ["tries"] * 2
    assert (first["status"], second["status"]) == ("finished", "killed")
    assert second["reason"] == "the command ended before it did"
    assert series(tmp_path, second["id"], "loss") == [(1, 1.5)]
    assert artifact(tmp_path, first["id"], "trial.txt") == b"0"


def test_a_logged_model_is_kept_and_a_registered_one_is_told(tmp_path, mlflow):
    done = run_program(tmp_path, "run", "--", *mlflow(MODEL))
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = listed(tmp_path)
    assert artifact(tmp_path, run["id"], "net/MLmodel").startswith(b"artifact_path")
    assert "model fraud: it is registered in the run's own store alone" in done.stderr


def test_where_the_store_is(tmp_path, mlflow):
    command = mlflow(HEAD)
    there = f"sqlite:///{tmp_path}/theirs.db"
    done = run_program(tmp_path, "run", "--", *command, MLFLOW_TRACKING_URI=there)
    assert done.stdout == f"{there}\n"
    done = run_program(tmp_path, "run", "--mlflow", "--", *command, MLFLOW_TRACKING_URI=there)
    assert "/.modeldeck/runs/" in done.stdout
    outer = f"{tmp_path}/.modeldeck/runs/outer"
    done = run_program(
        tmp_path,
        *("run", "--", *command),
        MODELDECK_RUN_DIR=outer,
        MLFLOW_TRACKING_URI=f"sqlite:///{outer}/mlflow.db",
    )
    assert "/.modeldeck/runs/" in done.stdout
    assert "outer" not in done.stdout


def test_what_was_logged_when_the_recorder_was_killed_is_adopted(tmp_path, mlflow):
    with started(tmp_path, "run", "--", *mlflow(ONE)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: list(tmp_path.glob(".modeldeck/runs/*/.exit")), 60)
    (run,) = listed(tmp_path)
    assert (run["status"], run["params"]["depth"]) == ("finished", "4")
    assert series(tmp_path, run["id"], "loss") == [(s, 1 / (s + 1)) for s in range(50)]


def test_a_store_that_cannot_be_read_is_kept_and_told(tmp_path):
    (tmp_path / "bad.sh").write_text('echo no database > "$MODELDECK_RUN_DIR/mlflow.db"\n')
    done = run_program(tmp_path, "run", "--", "sh", "bad.sh")
    assert done.returncode == 0
    assert "mlflow.db: not taken in" in done.stderr
    (run,) = listed(tmp_path)
    assert artifact(tmp_path, run["id"], "mlflow.db") == b"no database\n"
    assert json.dumps(states(tmp_path)) == "[]"
    end_commands(tmp_path)
    assert os.listdir(tmp_path / ".modeldeck" / "runs") == []  # noqa: PTH208
