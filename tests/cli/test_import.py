"""`modeldeck import`, the real program on stores of a real MLflow."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from modeldeck.backends.local import open_registry
from tests.pty import Terminal
from tests.recorder.real import PROGRAM, run_program
from tests.usecases.equality import held, wanted

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def small(mlflow_store, tmp_path):
    """A copy of a small store, which the test may change."""
    shared = mlflow_store("3-sqlite", "small")
    return Path(shutil.copytree(shared.root, tmp_path / "origin")) / "mlflow.db"


def all_of(folder):
    async def read():
        registry = open_registry(folder)
        try:
            return await held(registry)
        finally:
            await registry.close()

    return asyncio.run(read())


def test_what_it_prints(small, tmp_path):
    done = run_program(tmp_path, "import", str(small), "-o", "json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["origin"], found["runs"], found["models"]) == (small.as_uri(), 38, 5)
    assert done.stderr.count("s3://bucket/prefix/remote") == 1
    again = run_program(tmp_path, "import", str(small))
    assert again.returncode == 0
    assert "runs_taken   0\n" in again.stdout
    trail = json.loads(run_program(tmp_path, "audit", "ls", "-o", "json").stdout)["items"]
    assert [(event["action"], event["phase"]) for event in trail] == [
        ("import", "ended"),
        ("import", "started"),
    ]


def test_it_shows_how_far_it_is(small, tmp_path):
    command = [*PROGRAM, "import", str(small)]
    with Terminal(command, cwd=tmp_path, env=dict(os.environ)) as console:
        assert console.wait() == 0
        assert b"38 runs  215 points" in console.output.replace(b"\r", b"\n")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["nowhere"], 2, "nowhere: no such file or folder"),
        (["."], 2, "holds no registry and no runs of another tracker"),
        (["origin/mlflow.db", "--as", "fraud"], 2, "'fraud' names no model"),
        (["origin/mlflow.db", "--as", "fraud=a", "--as", "fraud=b"], 2, "named twice"),
        (["origin/mlflow.db", "--readonly"], 4, "--readonly"),
    ],
)
def test_what_it_refuses(small, tmp_path, args, code, words):
    done = run_program(tmp_path, "import", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert code == 4 or not (tmp_path / ".modeldeck").exists()


def test_a_clash_of_names_is_refused_and_told(small, tmp_path):
    (tmp_path / "model.txt").write_text("weights")
    made = run_program(tmp_path, "register", "model.txt", "--model", "fraud", "--yes")
    assert made.returncode == 0
    done = run_program(tmp_path, "import", str(small))
    assert done.returncode == 4
    assert "--as fraud=NAME" in done.stderr
    done = run_program(tmp_path, "import", str(small), "--as", "fraud=theirs")
    assert done.returncode == 0
    assert run_program(tmp_path, "import", str(small)).returncode == 0
    names = json.loads(run_program(tmp_path, "models", "ls", "-o", "json").stdout)["items"]
    assert {"fraud", "theirs"} < {model["name"] for model in names}


def test_killed_again_and_again_it_still_comes_to_the_same(mlflow_store, tmp_path):
    store = mlflow_store("3-sqlite")
    chance = random.Random(7)
    began = time.monotonic()
    (tmp_path / "whole").mkdir()
    assert run_program(tmp_path / "whole", "import", str(store.path)).returncode == 0
    whole = time.monotonic() - began
    killed = 0
    for _ in range(8):
        process = subprocess.Popen(
            [*PROGRAM, "import", str(store.path)],
            cwd=tmp_path,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(chance.uniform(0.1, 0.8) * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed
    assert run_program(tmp_path, "import", str(store.path)).returncode == 0
    found, expected = all_of(tmp_path), wanted(store.dump)
    for part, value in expected.items():
        assert found[part] == value


def test_a_mirror_whose_indexing_was_killed_is_finished(mlflow_store, tmp_path):
    store = mlflow_store("3-files")
    chance = random.Random(11)
    command = [*PROGRAM, "--registry", str(store.path), "runs", "ls", "--limit", "0", "-o", "json"]
    for _ in range(6):
        process = subprocess.Popen(
            command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0.1, 1.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
    # Two at once: one waits for the other.
    both = [subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE) for _ in range(2)]
    listed = [json.loads(process.communicate()[0])["items"] for process in both]
    active = [run["id"] for run in store.dump["runs"] if run["lifecycle_stage"] == "active"]
    assert [sorted(run["id"] for run in runs) for runs in listed] == [sorted(active)] * 2
