"""What is written to a server comes back as it was."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.runs import Dataset, Points, Run, Status
from modeldeck.backends.api.times import from_micros
from modeldeck.backends.mlflow import writing
from tests.mlflow.reaching import asked, reach

START = 1_700_000_000_123_000


def series(values, step=1):
    points = Points()
    for place, value in enumerate(values):
        points.append(place * step, START + place * 1000, value)
    return points


@settings(max_examples=30)
@given(
    st.integers(0, 2500),
    st.lists(st.integers(0, 6000), max_size=250),
    st.lists(st.integers(0, 9000), max_size=250),
)
def test_no_batch_is_larger_than_mlflow_takes_and_nothing_is_left_out(count, params, tags):
    given_ = {
        "metrics": {"loss": series([0.5] * count)},
        "params": {f"p{at}": "ü" * size for at, size in enumerate(params)},
        "tags": {f"t{at}": "x" * size for at, size in enumerate(tags)},
    }
    found = list(writing.batches(given_["metrics"], given_["params"], given_["tags"]))
    for batch in found:
        assert len(batch.get("metrics", ())) <= 1000
        assert len(batch.get("params", ())) <= 100
        assert len(batch.get("tags", ())) <= 100
        assert len(msgspec.json.encode(batch)) < 1_000_000
    for kind, wanted in (("params", given_["params"]), ("tags", given_["tags"])):
        sent = [item for batch in found for item in batch.get(kind, ())]
        assert {item["key"]: item["value"] for item in sent} == wanted
        assert len(sent) == len(wanted)
    assert sum(len(batch.get("metrics", ())) for batch in found) == count


def test_odd_numbers_are_sent_as_text():
    values = series([math.nan, math.inf, -math.inf, 0.1])
    (batch,) = writing.batches({"m": values}, {}, {})
    assert [item["value"] for item in batch["metrics"]] == ["NaN", "Infinity", "-Infinity", 0.1]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["3", "2"])
async def test_a_run_with_all_it_holds(mlflow_server, kind, tmp_path):
    server = reach(mlflow_server(kind))
    run = Run(
        id="",
        name="copied [b]",
        experiment="",
        status=Status.FAILED,
        started_at=from_micros(START),
        ended_at=from_micros(START + 60_000_000),
        note="why",
        user="ada",
    )
    params = {f"p{n}": "ü" * 500 for n in range(130)} | {"odd/key x": "1\n2"}
    loss = series([1 / (1 + n) for n in range(2300)], step=2)
    odd = series([0.5, math.nan, 0.25])
    data = [Dataset(name="d", digest="abc", source_type="local", source="x", context="training")]
    file = tmp_path / "notes ü.txt"
    file.write_bytes(b"text\n" * 1000)
    try:
        experiment = await server.writing.experiment("written by a test", {"team": "risk"})
        run_id = await server.writing.run(experiment, run, {"t": "1"})
        with asked(server) as requests:
            await server.writing.log(run_id, points={"loss": loss, "odd": odd}, params=params)
        assert requests == ["POST runs/log-batch"] * (3 + 2)
        await server.writing.datasets(run_id, data)
        await server.writing.file(run_id, "below/notes ü.txt", file)
        await server.writing.end(run_id, run)
        found = await server.run(run_id)
        assert (found.name, found.status, found.note) == (run.name, run.status, run.note)
        assert (found.started_at, found.ended_at) == (run.started_at, run.ended_at)
        assert found.params == params
        assert found.tags["t"] == "1"
        assert math.isclose(found.metrics["odd"], 0.25)
        for key, points in (("loss", loss), ("odd", odd)):
            back = await server.points(run_id, key)
            assert (back.steps, back.times) == (points.steps, points.times)
            assert str(back.values) == str(points.values)
        assert list(await server.datasets(run_id)) == data
        (artifact,) = await server.artifacts(f"runs/{run_id}")
        assert (artifact.path, artifact.size) == ("below/notes ü.txt", 5000)
        owner = f"runs/{run_id}"
        assert await server.read_artifact(owner, artifact.path, 2, 5) == b"xt\nte"
        with pytest.raises(RefusedError, match="leaves its folder"):
            await server.writing.file(run_id, "../x", file)
    finally:
        await server.close()


@pytest.mark.real
@pytest.mark.slow
async def test_files_go_nowhere_where_the_server_does_not_keep_them(
    mlflow_server, mlflow_store, tmp_path
):
    store = mlflow_store("3-sqlite")
    server = reach(mlflow_server("3", store=store.path))
    try:
        run = await server.run("in a bucket")
        with pytest.raises(RefusedError, match=r"s3://bucket.*not through the server"):
            await server.writing.file(run.id, "x", tmp_path)
    finally:
        await server.close()
