"""`modeldeck demo`: it trains for real, and what it made can be looked at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from skops import io

from modeldeck.app import demo as project
from modeldeck.app.usecases.confusion import parse_matrix
from tests.pty import Terminal
from tests.recorder.real import PROGRAM, run_program, until

pytestmark = [pytest.mark.real, pytest.mark.slow]


def listed(made, *words):
    registry = str(made[0] / ".modeldeck" / "registry.db")
    done = run_program(made[0].parent, "--registry", registry, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["items"]


def check_the_command_of_the_documentation_prints_what_was_trained(made):
    runs = listed(made, "runs", "ls", "--sort", "-metrics.accuracy")
    measured = [run["metrics"]["accuracy"] for run in runs if "accuracy" in run["metrics"]]
    assert len(measured) >= 12
    assert measured == sorted(measured, reverse=True)
    assert all(0.85 < value <= 1 for value in measured)
    kinds = {run["tags"]["kind"] for run in runs if "kind" in run["tags"]}
    assert kinds == {"boosted", "neural", "linear"}
    assert {run["experiment"] for run in runs} == {"digits", "cancer"}


def check_a_real_failure_and_runs_below_a_run(made):
    runs = listed(made, "runs", "ls")
    (failed,) = [run for run in runs if run["status"] == "failed"]
    assert failed["exit_code"] == 1
    assert "eta0" in failed["reason"]
    (sweep,) = [run for run in runs if run["children"]]
    assert sum(run["parent_id"] == sweep["id"] for run in runs) == sweep["children"] == 3
    assert all(run["git"] and run["dirty"] is False and run["lock"] for run in runs)


def check_each_run_has_its_curves_datasets_evaluations_and_predictions(made):
    for run in listed(made, "runs", "ls", "--filter", "has metrics.accuracy"):
        registry = str(made[0] / ".modeldeck")
        words = ("--registry", registry, "runs", "show", run["id"], "-o", "json")
        whole = json.loads(run_program(made[0], *words).stdout)
        counts = {one["key"]: one["count"] for one in whole["series"]}
        assert {counts[f"{part}/{key}"] for part in ("train", "val") for key in ("loss", "accuracy")
                } == {210}  # fmt: skip
        assert {d["context"] for d in whole["datasets"]} == {"training", "test"}
        assert {e["slice"] for e in whole["evaluations"]} > {""}
        assert {"predictions.csv", "output.log"} < {a["path"] for a in whole["artifacts"]}


def check_champions_are_safe_to_load_and_moved_with_a_reason(made):
    versions = {(v["model"], v["version"]): v for v in listed(made, "versions", "ls")}
    assert len(versions) == 6
    assert {v["format"] for v in versions.values()} == {"skops"}
    aliases = {(a["model"], a["alias"]): a["version"] for a in listed(made, "alias", "ls")}
    assert set(aliases) == {(m, a) for m in ("digits", "tumour") for a in ("champion", "candidate")}
    for model in ("digits", "tumour"):
        champion = versions[model, aliases[model, "champion"]]
        assert champion["unsafe"] == []
        assert champion["run_id"]
        model_file = Path(champion["source"])
        assert io.get_untrusted_types(file=model_file) == []
        assert io.load(model_file).classes_ is not None
    moves = [e for e in listed(made, "audit", "ls", "--limit", "0") if e["action"] == "alias.set"]
    assert len(moves) >= 5
    assert all(move["reason"] for move in moves)


PAIRED = """
[gates.live]
for = ["*@champion"]
rules = [{ kind = "paired", metric = "accuracy", margin = 0.2 },
         { kind = "slices", metric = "accuracy", not_worse_by = 0.5 }]
"""


def check_rows_of_two_versions_are_paired(made):
    folder = made[0]
    with (folder / "modeldeck.toml").open("a") as file:
        file.write(PAIRED)
    aliases = {(a["model"], a["alias"]): a["version"] for a in listed(made, "alias", "ls")}
    for model in ("digits", "tumour"):
        others = [
            v["version"] for v in listed(made, "versions", "ls")
            if v["model"] == model and v["version"] != aliases[model, "champion"]
        ]  # fmt: skip
        words = ("gate", f"{model}/{others[0]}", "--for", "champion", "-o", "json")
        done = run_program(folder, "--registry", str(folder / ".modeldeck"), *words)
        report = json.loads(done.stdout)
        said = {one["kind"]: one for one in report["rules"]}
        assert said["paired"]["verdict"] in {"pass", "fail"}, said["paired"]
        assert said["slices"]["verdict"] in {"pass", "fail"}, said["slices"]
        assert "McNemar" in said["paired"]["shows"]


def check_each_run_has_a_confusion_matrix(made):
    (run,) = [run for run in listed(made, "runs", "ls") if run["name"] == "boosted 0.1"][:1]
    words = ("artifacts", "get", "--registry", str(made[0] / ".modeldeck"))
    name = "confusion_matrix.json"
    done = run_program(made[0].parent, *words, run["id"], name, "--to", "got")
    assert done.returncode == 0, done.stderr
    found = parse_matrix((made[0].parent / "got" / name).read_bytes(), name)
    assert len(found.labels) in {2, 10}


def check_it_says_how_far_it_is_and_how_to_look(made):
    lines = made[1].stderr.splitlines()
    assert any(line.startswith("14/14 ") for line in lines)
    assert lines[-1].startswith("look at it: modeldeck --registry ")
    assert made[1].stdout == ""


def test_it_trains_registers_and_promotes(tmp_path):
    done = run_program(tmp_path, "demo", "D", seconds=600)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "D", done
    check_the_command_of_the_documentation_prints_what_was_trained(made)
    check_a_real_failure_and_runs_below_a_run(made)
    check_each_run_has_its_curves_datasets_evaluations_and_predictions(made)
    check_champions_are_safe_to_load_and_moved_with_a_reason(made)
    check_it_says_how_far_it_is_and_how_to_look(made)
    check_each_run_has_a_confusion_matrix(made)
    check_rows_of_two_versions_are_paired(made)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("here", "file"):
        done = run_program(tmp_path, "demo", name)
        assert done.returncode == 2
        assert "is there already and not an empty folder" in done.stderr
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["mine.txt"]


def test_without_what_it_trains_with_it_says_so(tmp_path):
    hide = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'sklearn' else find(n, *a)\n"
        "from modeldeck.app.cli.main import main\nsys.exit(main(['demo', 'D']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "sklearn, which is not installed" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_before_its_time_ends_what_it_started(tmp_path, number):
    with Terminal([*PROGRAM, "demo", "D"], cwd=tmp_path, env=dict(os.environ)) as console:
        console.read_until(b"training 14 times")
        top = psutil.Process(console.process.pid)
        until(lambda: list(tmp_path.glob("D/.modeldeck/runs/*/.run.json")))
        below = until(lambda: [p for p in top.children(recursive=True) if p.is_running()])
        if number == signal.SIGINT:
            console.send(b"\x03")
        else:
            console.process.send_signal(number)
        assert console.wait(60) in {130, 143, -15}
        if number == signal.SIGINT:
            until(lambda: not any(p.is_running() and p.status() != "zombie" for p in below))
            runs = json.loads(run_program(tmp_path / "D", "runs", "ls", "-o", "json").stdout)
            assert "killed" in {run["status"] for run in runs["items"]}
    for process in below:
        if process.is_running():
            process.kill()


def test_its_script_runs_without_modeldeck(tmp_path):
    source = Path(project.__file__).parent / "project" / "train.py"
    words = ["--data", "digits", "--epochs", "3", "--rate", "0.01"]
    done = subprocess.run(
        [sys.executable, str(source), *words],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("MODELDECK")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("accuracy ")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"metrics.jsonl", "params.json"}
    assert "modeldeck" not in source.read_text().replace("MODELDECK_RUN_DIR", "").replace(
        "Nothing here knows modeldeck", ""
    )
