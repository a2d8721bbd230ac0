"""The client against a real MLflow server: what loopback scripts only imitate."""

from __future__ import annotations

import hashlib
import os

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.api.errors import DamagedError, NotFoundError, UsageError

pytestmark = [pytest.mark.real, pytest.mark.slow]
DATA = os.urandom(3_000_000)


@pytest.mark.parametrize("kind", ["3", "2"])
async def test_a_file_goes_there_and_comes_back_in_pieces(world, mlflow_server, tmp_path, kind):
    http = world.client(mlflow_server(kind).url)
    path = "/api/2.0/mlflow-artifacts/artifacts/http-client/a%20%C3%BC.bin"
    (tmp_path / "f").write_bytes(DATA)
    await http.upload(path, tmp_path / "f")
    assert await http.fetch(path, start=1_000_000, limit=1000) == DATA[1_000_000:1_001_000]
    assert await http.fetch(path, start=len(DATA) - 5, limit=1000) == DATA[-5:]

    with pytest.raises(UsageError, match="larger than"):
        await http.download(path, tmp_path / "g", most=len(DATA) - 1)
    digest = await http.download(path, tmp_path / "g")
    assert digest == "sha256:" + hashlib.sha256(DATA).hexdigest()
    assert (tmp_path / "g").read_bytes() == DATA
    assert sorted(each.name for each in tmp_path.iterdir()) == ["f", "g"]


async def test_a_part_of_a_file_is_gone_on_with(world, mlflow_server, tmp_path):
    http = world.client(mlflow_server("3").url)
    path = "/api/2.0/mlflow-artifacts/artifacts/http-client/resumed.bin"
    (tmp_path / "f").write_bytes(DATA)
    await http.upload(path, tmp_path / "f")
    etag = (await http.request("GET", path)).headers["etag"]
    (tmp_path / "g.part").write_bytes(DATA[:2_000_000])
    (tmp_path / "g.part.etag").write_text(f"{etag}\n{http.base}{path}")
    digest = await http.download(path, tmp_path / "g")
    assert digest == "sha256:" + hashlib.sha256(DATA).hexdigest()
    assert http.exchanges[-1].status == 206
    assert http.exchanges[-1].received == 1_000_000


async def test_its_answers_and_refusals(world, mlflow_server):
    http = world.client(mlflow_server("3").url)
    assert (await http.request("GET", "/version")).body == b"3.17.2"
    found = await http.ask(
        "POST",
        "/api/2.0/mlflow/experiments/search",
        dict,
        body={"max_results": 1},
        repeatable=True,
    )
    assert "experiments" in found
    with pytest.raises(NotFoundError):
        await http.request("GET", "/api/2.0/mlflow/no/such/thing")
    with pytest.raises(DamagedError, match="HTML page came"):
        await http.ask("GET", "/", dict)
    with pytest.raises(DamagedError, match="at most 100 bytes"):
        await http.request("GET", "/", limits=Limits(most=100))
