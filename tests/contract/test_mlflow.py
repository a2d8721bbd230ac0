"""The contract on real MLflow servers: 3 and 2 on SQLite, 3 on PostgreSQL with accounts."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from modeldeck.backends.api.times import to_micros
from modeldeck.backends.testing import Contract, opened
from tests.mlflow.reaching import reach

pytestmark = [pytest.mark.contract, pytest.mark.real, pytest.mark.slow]
STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED", "running": "RUNNING"}


class RestMaker:
    """Puts things in by MLflow's REST, with nothing of ours between."""

    def __init__(self, server):
        self.server = server

    async def post(self, path, body, method="POST"):
        return await asyncio.to_thread(self.server.api, method, path, body)

    async def experiment(self, name, *, tags, note):
        tags = {"mlflow.note.content": note, **tags} if note else tags
        made = await self.post("experiments/create", {"name": name, "tags": _pairs(tags)})
        return made["experiment_id"]

    async def run(self, experiment, given):
        start = to_micros(given.started_at) // 1000
        tags = {"mlflow.parentRunId": given.parent, **given.tags} if given.parent else given.tags
        made = await self.post(
            "runs/create",
            {
                "experiment_id": experiment,
                "run_name": given.name,
                "start_time": start,
                "tags": _pairs(tags),
            },
        )
        run_id = made["run"]["info"]["run_id"]
        points = [
            {"key": key, "value": _number(value), "timestamp": start + 1000 * n, "step": step}
            for key, rows in given.series.items()
            for n, (step, value) in enumerate(rows)
        ]
        if points or given.params:
            body = {"run_id": run_id, "metrics": points, "params": _pairs(given.params)}
            await self.post("runs/log-batch", body)
        if given.datasets:
            await self.post("runs/log-inputs", {"run_id": run_id, "datasets": _data(given)})
        ended = {}
        if given.ended_at is not None:
            ended = {"end_time": to_micros(given.ended_at) // 1000}
        body = {"run_id": run_id, "status": STATUS[given.status.value], **ended}
        await self.post("runs/update", body)
        return run_id

    async def file(self, run_id, path, content):
        found = await self.post("runs/get?run_id=" + run_id, None, "GET")
        root = found["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
        target = f"/api/2.0/mlflow-artifacts/artifacts/{root.strip('/')}/{quote(path)}"
        await asyncio.to_thread(_put, self.server, target, content)

    async def model(self, name, *, versions, tags, note):
        body = {"name": name, "description": note, "tags": _pairs(tags)}
        await self.post("registered-models/create", body)
        for _ in range(versions):
            await self.post("model-versions/create", {"name": name, "source": "s3://x/y"})

    async def point(self, model, alias, version):
        body = {"name": model, "alias": alias}
        if version is None:
            await self.post("registered-models/alias", body, "DELETE")
        else:
            await self.post("registered-models/alias", {**body, "version": str(version)})


def _pairs(items):
    return [{"key": key, "value": value} for key, value in items.items()]


def _number(value):
    return "NaN" if value != value else value


def _data(given):
    return [
        {
            "dataset": {
                "name": one.name,
                "digest": one.digest,
                "source_type": one.source_type,
                "source": one.source,
            },
            "tags": [],
        }
        for one in given.datasets
    ]


def _put(server, target, content):
    import base64
    import http.client
    from urllib.parse import urlsplit

    headers = {}
    if server.user:
        known = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        headers["Authorization"] = f"Basic {known}"
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request("PUT", target, content, headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
    finally:
        connection.close()


class MlflowContract(Contract):
    """What MLflow cannot hold: see each attribute."""

    KIND = ""
    NAMES = ("plain", "two words", "é漢🙂", "per%2Fcent", "a#b?c&d=e", 'it\'s "so"')
    """It refuses `/` and `:` in names of models, and what a file system takes for another name."""
    KEYS = ("team", "a.b-c_d", "two words", "a/b", "x:y")
    """It refuses other characters than these in keys."""
    PATHS = ("model/weights.bin", "two words.txt", "é漢.txt", "a/b/c/deep.txt")
    """It decodes a path twice when it takes a file, so that one with `%25` has another name."""
    INFINITIES = False
    """It clamps them, without a word."""

    @pytest.fixture
    async def registry(self, mlflow_server, tmp_path):
        found = opened(reach(mlflow_server(self.KIND)), tmp_path)
        yield found
        await found.close()

    @pytest.fixture
    def maker(self, mlflow_server):
        return RestMaker(mlflow_server(self.KIND))


class TestMlflow3(MlflowContract):
    KIND = "3"


class TestMlflow2(MlflowContract):
    KIND = "2"
    STUCK = ("experiment",)
    """Version 3 has a call that removes a tag of an experiment."""


class TestPostgresWithAccounts(MlflowContract):
    KIND = "3-postgres"
