"""The servers that tests speak to are what they say."""

from __future__ import annotations

import subprocess

import pytest

from tests.servers import KINDS
from tests.servers.fill import MODELS, RUNS, VERSIONS

pytestmark = [pytest.mark.real, pytest.mark.slow]
RELEASES = {"2": "2.22.5", "3": "3.17.2"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_of_each_kind_keeps_what_it_is_given(mlflow_server, kind):
    server = mlflow_server(kind)
    assert server.call("GET", "/version") == (200, RELEASES[kind[0]])
    made = server.api("POST", "registered-models/create", {"name": f"kept by {kind}"})
    found = server.api("GET", "registered-models/get", name=f"kept by {kind}")
    assert found == made
    assert mlflow_server(kind) == server
    assert "password" not in repr(server)


def test_accounts_stand_before_postgresql(mlflow_server):
    server = mlflow_server("3-postgres")
    path = "/api/2.0/mlflow/experiments/search"
    assert server.call("GET", path, max_results=1)[0] == 200
    assert server.call("GET", path, user="", max_results=1)[0] == 401
    assert server.call("GET", path, password="wrong", max_results=1)[0] == 401
    server.api("POST", "experiments/create", {"name": "in PostgreSQL"})
    script = (
        "import configparser, pathlib, psycopg, sys\n"
        "ini = configparser.ConfigParser(interpolation=None)\n"
        "ini.read(sys.argv[1])\n"
        "uri = ini['mlflow']['database_uri'].replace('+psycopg', '')\n"
        "with psycopg.connect(uri) as db:\n"
        "    print(*db.execute('SELECT username FROM users'\n"
        "        \" WHERE username = 'admin'\").fetchone())\n"
        "with psycopg.connect(uri.replace('/accounts', '/mlflow')) as db:\n"
        "    print(*db.execute('SELECT name FROM experiments'\n"
        "        \" WHERE name = 'in PostgreSQL'\").fetchone())\n"
    )
    argv = [server.python, "-c", script, server.root / "accounts.ini"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["admin", "in PostgreSQL"]
    assert not list(server.root.glob("*.db"))


def test_a_copy_of_a_store_is_served(mlflow_server, mlflow_store):
    store = mlflow_store("3-sqlite", "small")
    server = mlflow_server("3", store=store.path)
    found = server.api("GET", "registered-models/search", max_results=1000)["registered_models"]
    names = {model["name"] for model in found} - set(store.dump["prompts"])
    assert names == {model["name"] for model in store.dump["models"]}
    assert server.url != mlflow_server("3").url


def test_a_store_of_a_real_size(mlflow_server, filled_store):
    server = mlflow_server("3", store=filled_store)
    models = server.api("GET", "registered-models/search", max_results=1000)["registered_models"]
    assert len(models) == MODELS
    aliases = {alias["alias"]: alias["version"] for alias in models[0]["aliases"]}
    assert aliases == {"champion": "2", "challenger": "3"}
    assert [version["version"] for version in models[0]["latest_versions"]] == [str(VERSIONS)]
    found = server.api("POST", "experiments/search", {"max_results": 100})["experiments"]
    ids = [experiment["experiment_id"] for experiment in found]
    body = {"experiment_ids": ids, "max_results": 50_000}
    runs = server.api("POST", "runs/search", body)["runs"]
    assert len(runs) == RUNS
    of = {
        run["info"]["run_id"]: {t["key"]: t["value"] for t in run["data"]["tags"]} for run in runs
    }
    parents = [tags["mlflow.parentRunId"] for tags in of.values() if "mlflow.parentRunId" in tags]
    assert len(parents) == RUNS * 9 // 10
    # Every parent is there, and some have parents themselves.
    assert 0 < sum("mlflow.parentRunId" in of[parent] for parent in parents) < len(parents)
