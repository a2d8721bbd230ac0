"""`modeldeck copy` and `modeldeck snapshot`, the real program with a real MLflow server."""

from __future__ import annotations

import asyncio
import json
import os
import secrets

import pytest

from modeldeck.backends.local import create_registry
from tests.recorder.real import run_program
from tests.usecases.project import FIRST, make_project

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=["3", "2"])
def places(request, mlflow_server, tmp_path, monkeypatch):
    """A project in `there`, an empty registry in `here`, and the context `prod` of a server."""
    server = mlflow_server(request.param)
    make_project(tmp_path / "there")
    asyncio.run(create_registry(tmp_path / "here").close())
    (tmp_path / "config.toml").write_text(
        f'[contexts.prod.registry]\ntype = "mlflow"\nurl = "{server.url}"\n'
    )
    os.chmod(tmp_path / "config.toml", 0o600)  # noqa: PTH101
    monkeypatch.setenv("MODELDECK_CONFIG", str(tmp_path / "config.toml"))
    return tmp_path


def program(places, *words):
    return run_program(places, *words, MODELDECK_CONFIG=str(places / "config.toml"))


def printed(places, *words, code=0):
    done = program(places, *words, "-o", "json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_to_a_server_into_one_file_and_into_another_registry(places):
    experiment = f"exp-{secrets.token_hex(4)}"
    to_prod = ["--from", "there", "--to", "prod", "--experiment", experiment]
    plan = printed(places, "copy", FIRST, "xgb-deep", *to_prod, "--dry-run")
    assert (plan["operation"], plan["context"]) == ("copy.runs", "prod")
    assert f"the experiment {experiment} is made" in plan["effects"]
    done = printed(places, "copy", FIRST, "xgb-deep", *to_prod, "--yes", "--ticket", "OPS-7")
    assert (done["runs"], done["points"], done["problems"]) == (2, 10, [])
    again = program(places, "copy", FIRST, "xgb-deep", *to_prod, "--yes")
    assert again.stderr == "nothing to copy: all of it is there\n"
    trail = printed(places, "--context", "prod", "audit", "ls")["items"]
    assert {e["phase"] for e in trail if e["action"] == "copy.runs"} == {"started", "ended"}
    assert {e["ticket"] for e in trail if e["action"] == "copy.runs"} == {"OPS-7"}

    taken = printed(places, "--context", "prod", "snapshot", "prod.snapshot", "-e", experiment)
    assert (taken["counts"]["runs"], taken["problems"]) == (2, [])
    # The trail in it is the one beside the server, and no event more.
    assert taken["head"]["seq"] == len(trail)
    inside = printed(places, "--registry", "prod.snapshot", "runs", "ls")["items"]
    assert {run["name"] for run in inside} == {"xgb-base", "xgb-deep"}
    # It looks as the server does, and that has ids of its own.
    there = printed(places, "--context", "prod", "runs", "ls", "-e", experiment)["items"]
    assert {run["id"] for run in inside} == {run["id"] for run in there}
    assert FIRST not in {run["id"] for run in inside}

    thin = ["thin.snapshot", "-e", experiment, "--samples", "2", "--without-artifacts"]
    assert printed(places, "--context", "prod", "snapshot", *thin)["samples"] == 2
    (base,) = [run["id"] for run in inside if run["name"] == "xgb-base"]
    words = ["--registry", "thin.snapshot", "runs", "export", base, "--metric", "auc"]
    points = [json.loads(line) for line in program(places, *words).stdout.splitlines()]
    assert [(one["step"], one["value"]) for one in points] == [(0, 0.5), (2, 0.93)]

    found = printed(places, "--registry", "here", "import", "prod.snapshot")
    assert (found["runs_taken"], found["points"], found["problems"]) == (2, 10, [])
    # They have their first ids again, and are what they were at first.
    (run,) = [
        run
        for run in printed(places, "--registry", "here", "runs", "ls")["items"]
        if run["id"] == FIRST
    ]
    (first,) = [
        run
        for run in printed(places, "--registry", "there", "runs", "ls")["items"]
        if run["id"] == FIRST
    ]
    for key in ("name", "params", "metrics", "status", "started_at", "exit_code", "lock", "git"):
        assert run[key] == first[key], key
    home = (places / "there/.modeldeck/registry.db").as_uri()
    assert run["origin"] == home
    # Straight from the server they are the same runs, brought up to date and then passed over.
    words = ["copy", *[one["id"] for one in inside], "--from", "prod", "--to", "here", "-y"]
    straight = program(places, *words)
    assert straight.returncode == 0, straight.stderr
    assert len(printed(places, "--registry", "here", "runs", "ls")["items"]) == 2
    assert program(places, *words).stderr == "nothing to copy: all of it is there\n"
