"""What a real MLflow does otherwise than one would think. Each is met by name."""

import math
from datetime import UTC, datetime

import pytest

from modeldeck.backends.api.errors import (
    DamagedError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.parse import parse_filter
from modeldeck.backends.api.query import RUNS, Compare, Field
from modeldeck.backends.api.runs import Run, Status
from modeldeck.backends.api.times import from_micros
from modeldeck.backends.http import Answer
from modeldeck.backends.mlflow import wire
from modeldeck.backends.mlflow.client import explain
from tests.mlflow.reaching import asked, reach

real = [pytest.mark.real, pytest.mark.slow]
KINDS = ("3", "2")
NOW = datetime(2026, 11, 25, 7, tzinfo=UTC)


def marked(*values):
    return [pytest.param(value, marks=real) for value in values]


@pytest.fixture(params=marked(*KINDS))
async def server(request, mlflow_server, mlflow_store):
    store = mlflow_store(f"{request.param}-sqlite")
    found = reach(mlflow_server(request.param, store=store.path))
    yield found
    await found.close()


def run_named(name, **more):
    return Run(id="", name=name, experiment="", status=Status.FINISHED, **more)


# What is asked


async def test_a_search_of_runs_needs_the_ids_of_all_experiments(server):
    """Without any MLflow finds nothing, and does not say so."""
    assert await server.client.search("runs/search", wire.RunsPage) == wire.RunsPage()
    with asked(server) as requests:
        window = await server.runs(RunQuery())
    assert window.count >= 37
    assert requests == ["GET experiments/search", "POST runs/search"]


async def test_or_is_refused_by_the_grammar_and_done_here(server):
    with pytest.raises(UsageError, match="INVALID_PARAMETER_VALUE"):
        await server.client.search(
            "runs/search", wire.RunsPage, filter="params.a = '1' OR params.a = '2'"
        )
    where = parse_filter("params.seed = 3 or params.seed = 4", RUNS, NOW)
    window = await server.runs(RunQuery(where=where))
    assert {run.params["seed"] for run in window.first} == {"3", "4"}
    assert "here" in window.notes[0]


async def test_an_empty_answer_lacks_its_list(server):
    page = await server.client.get("registered-models/search", wire.ModelsPage, filter="name='x'")
    assert page == wire.ModelsPage()


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("registered-models/search", 1000),
        ("model-versions/search", 200_000),
        ("experiments/search", 50_000),
    ],
)
async def test_pages_have_a_largest_size(server, path, most):
    await server.client.get(path, wire.Nothing, max_results=most)
    with pytest.raises(UsageError, match="max_results"):
        await server.client.get(path, wire.Nothing, max_results=most + 1)


async def test_unknown_routes_answer_in_html(server):
    with pytest.raises(NotFoundError, match="no such call"):
        await server.client.get("no/such/call", wire.Nothing)


# Runs


async def test_a_nan_comes_as_text(server):
    (run,) = (await server.runs(RunQuery(where=Compare(Field("name"), "=", "odd metrics")))).first
    assert math.isnan(run.metrics["single/2"])


async def test_infinities_come_as_the_largest_number(server):
    (run,) = (await server.runs(RunQuery(where=Compare(Field("name"), "=", "odd metrics")))).first
    assert run.metrics["single/3"] == 1.7976931348623157e308
    assert run.metrics["single/4"] == -1.7976931348623157e308


async def test_a_nan_is_no_zero_though_mlflow_keeps_it_as_one(server):
    """2.x finds it with `= 0`; the answer is looked through here."""
    where = Compare(Field("single/2", "metrics"), "=", 0.0)
    assert await all_of(await server.runs(RunQuery(where=where))) == []


async def test_a_run_without_a_start_time_is_not_made(server):
    """MLflow would say 1970."""
    experiment = await server.writing.experiment(f"starts {server.place}", {})
    bare = await server.client.send(
        "POST", "runs/create", {"experiment_id": experiment}, wire.RunAnswer
    )
    assert bare.run.info.start_time in (0, None)
    started = from_micros(1_700_000_000_123_000)
    made = await server.writing.run(experiment, run_named("started", started_at=started), {})
    assert (await server.run(made)).started_at == started


async def test_a_name_that_several_runs_have_names_none(server):
    with pytest.raises(NotFoundError, match="'twin' is more than one run"):
        await server.run("twin")
    with pytest.raises(NotFoundError, match="no run 'nobody'"):
        await server.run("nobody")
    with pytest.raises(NotFoundError, match="no run"):
        await server.run("0" * 32)


async def test_a_deleted_run_is_found_where_no_other_has_its_name(server):
    assert (await server.run("deleted")).deleted_at is not None


# Series


async def test_2_gives_all_points_whatever_page_is_asked_for(server):
    run = await server.run("long series")
    with asked(server) as requests:
        points = await server.points(run.id, "loss")
    assert len(points) == 100_000
    version = await server.server_version()
    assert len(requests) == (1 if version[0] == 2 else 4)


@pytest.mark.parametrize(("low", "high"), [(1000, 1100), (50_000, 60_000), (99_990, 99_999)])
async def test_a_sampled_interval_is_about_that_interval(server, low, high):
    """2.x takes places in an interval for places in the series, and gives next to nothing."""
    run = await server.run("long series")
    found = (await server.sampled([run.id], "loss", 2500, low, high))[run.id]
    assert len(found) >= min(2500, high - low + 1)
    assert found.steps[0] == low
    assert found.steps[-1] == high


async def test_a_sample_of_a_long_series_is_one_request_and_small(server):
    run = await server.run("long series")
    await server.server_version()
    with asked(server) as requests:
        found = (await server.sampled([run.id], "loss", 2500))[run.id]
    assert requests == ["GET metrics/get-history-bulk-interval"]
    assert 2500 <= len(found) <= 2501
    assert (found.steps[0], found.steps[-1]) == (0, 99_999)


async def test_several_runs_are_sampled_in_one_request(server):
    ids = [run.id for run in (await server.runs(RunQuery())).first]
    await server.server_version()
    with asked(server) as requests:
        found = await server.sampled(ids, "auc", 2500)
    assert len(requests) == 1
    assert sum(map(len, found.values())) == 36
    assert set(found) == set(ids)


# Models


async def test_a_search_of_versions_tells_no_aliases_they_are_those_of_the_model(server):
    page = await server.client.get("model-versions/search", wire.VersionsPage)
    assert not any(version.aliases for version in page.model_versions)
    found = {
        f"{version.model}/{version.version}": version.aliases
        for version in await all_of(await server.versions())
    }
    assert found["fraud/2"] == ["also-champion", "champion"]
    assert found["fraud/4"] == ["challenger"]


async def test_2_keeps_an_alias_of_a_deleted_version_and_3_drops_it(server):
    version = await server.server_version()
    aliases = (await server.model("fraud")).aliases
    assert aliases.get("doomed") == (3 if version[0] == 2 else None)
    with pytest.raises(NotFoundError, match="model 'fraud' has no version 3"):
        await server.version("fraud", 3)


async def test_prompts_are_no_models(server):
    assert "greeting" not in {model.name for model in await all_of(await server.models())}
    assert "greeting" not in {version.model for version in await all_of(await server.versions())}
    with pytest.raises(NotFoundError):
        await server.model("greeting")


async def test_the_versions_of_a_run_are_asked_for_by_the_run(server):
    run = await server.run("with a model")
    with asked(server) as requests:
        found = await all_of(await server.versions(None, Compare(Field("run"), "=", run.id)))
    assert {"fraud", "new name"} <= {version.model for version in found}
    assert {version.run_id for version in found} == {run.id}
    assert requests[0] == "GET model-versions/search"


# Artifacts


@pytest.mark.parametrize(
    "path",
    [
        "../../x",
        "/etc/passwd",
        "a/../../x",
        "%2e%2e/x",
        "%252e%252e%252fx",
        "..%2f..%2fx",
        "C:\\x",
        "C:/x",
        "\\\\host\\x",
        "a\x00b",
        "",
    ],
)
async def test_a_path_that_leaves_its_folder_is_not_asked_for(server, path):
    run = await server.run("with artifacts")
    with asked(server) as requests, pytest.raises(RefusedError, match="leaves its folder"):
        await server.read_artifact(f"runs/{run.id}", path)
    assert requests == []


async def test_an_artifact_that_is_not_there(server):
    """2.x answers 500, in HTML: then the list says what there is."""
    run = await server.run("with artifacts")
    with pytest.raises(NotFoundError):
        await server.read_artifact(f"runs/{run.id}", "nope.txt")


async def test_a_file_is_downloaded_with_its_digest(server, tmp_path):
    run = await server.run("with artifacts")
    target = tmp_path / "noise.bin"
    digest = await server.download(f"runs/{run.id}", "files/noise.bin", target)
    assert target.read_bytes() == bytes(range(256)) * 256
    assert digest.startswith("sha256:")


# Errors are told by their code and not by their status


def answer(status, body, url="https://ml.example.org/api"):
    return Answer(status=status, headers={}, body=body, seconds=0.1, url=url)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            400,
            b'{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "there"}',
            RefusedError,
            "there",
        ),
        (
            400,
            b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}',
            NotFoundError,
            "gone",
        ),
        (
            500,
            b'{"error_code": "INTERNAL_ERROR", "message": "hm"}',
            UnreachableError,
            "hm",
        ),
        (
            403,
            b'{"error_code": "PERMISSION_DENIED", "message": "no"}',
            DeniedError,
            "no",
        ),
        (403, b"Permission denied", DeniedError, "MLflow's permissions"),
        (
            403,
            b"Invalid Host header - possible DNS rebinding attack detected",
            DeniedError,
            "MLFLOW_SERVER_ALLOWED_HOSTS",
        ),
        (404, b"<!doctype html><title>404</title>", NotFoundError, "no such call"),
        (
            503,
            b"<p>Workspace APIs are not available</p>",
            RefusedError,
            "no workspaces",
        ),
        (
            503,
            b"Endpoint disabled due to the mlflow server running with `--no-serve-artifacts` mode",
            RefusedError,
            "hands no artifacts on",
        ),
    ],
)
def test_what_an_error_is(status, body, kind, words):
    found = explain(answer(status, body))
    assert isinstance(found, kind)
    assert words in str(found)


@pytest.mark.parametrize(
    "body", [b"", b"oops", b"{}", b"[1]", b'{"error_code": "NEW", "message": 1}']
)
def test_what_says_nothing_of_itself_is_left_to_its_status(body):
    assert explain(answer(418, body)) is None


@pytest.mark.real
@pytest.mark.slow
async def test_another_service_is_no_mlflow(mlflow_server):
    server = mlflow_server("3")
    wrong = reach(type(server)(**{**vars(server), "url": server.url + "/prefix"}))
    try:
        with pytest.raises((NotFoundError, DamagedError)):
            await wrong.experiments()
        assert await wrong.server_version() is None
    finally:
        await wrong.close()


@pytest.mark.real
@pytest.mark.slow
async def test_a_workspace_is_named_in_a_header(mlflow_server):
    server = mlflow_server("3-workspaces")
    status, told = server.call("POST", "/api/3.0/mlflow/workspaces", {"name": "risk"})
    assert status in (200, 201, 409) or "exists" in str(told), told
    risk, other = reach(server, workspace="risk"), reach(server)
    try:
        name = "only in risk"
        if name not in {model.name for model in await all_of(await risk.models())}:
            await risk.writing.model(name, "", {})
        assert name in {model.name for model in await all_of(await risk.models())}
        assert name not in {model.name for model in await all_of(await other.models())}
        assert (risk.link("models/m") or "").endswith("/#/models/m?workspace=risk")
    finally:
        await risk.close()
        await other.close()


@pytest.mark.real
@pytest.mark.slow
async def test_a_workspace_on_a_server_without_them_is_refused(mlflow_server):
    risk = reach(mlflow_server("3"), workspace="risk")
    try:
        with pytest.raises(RefusedError):
            await risk.models()
    finally:
        await risk.close()
