"""Fields of a real server, read and written; each quirk of MLflow's that a change meets."""

import pytest

from modeldeck.backends.api.address import model as address
from modeldeck.backends.api.errors import NotFoundError, RefusedError
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Run, Status
from modeldeck.backends.api.times import from_micros
from tests.mlflow.reaching import asked, reach

pytestmark = [pytest.mark.real, pytest.mark.slow]

KINDS = ("3", "2")


@pytest.fixture(params=KINDS)
async def server(request, mlflow_server):
    found = reach(mlflow_server(request.param))
    yield found
    await found.close()


@pytest.fixture
async def model(server, request):
    """A model of this test alone, of three versions."""
    name = f"fields {request.node.name} / %2e # [b]"
    if (await server.server_version())[0] > 2:
        name = name.replace("/", "-").replace(":", "-")  # 3.x refuses both
    await server.writing.model(name, "", {})
    for number in range(3):
        made = await server.writing.version(name, f"s3://bucket/{number}", None, "", {})
        assert made == number + 1
    return name


async def run_of(server, name):
    kept = [one for one in await server._names.all(fresh=True) if one.name == "fields"]
    experiment = kept[0].id if kept else await server.writing.experiment("fields", {})
    run = Run(
        id="",
        name=name,
        experiment="fields",
        status=Status.FINISHED,
        started_at=from_micros(1_700_000_000_123_000),
        ended_at=from_micros(1_700_000_100_456_000),
    )
    run_id = await server.writing.run(experiment, run, {"team": "risk"})
    await server.writing.end(run_id, run)
    return run_id


async def change(server, subject, field, after):
    """Write a field, and give what is read of it before and after."""
    before = await server.read_field(subject, field)
    with asked(server) as requests:
        await server.write_field(Change(subject, field, before, after))
    assert len(requests) == 1
    return before, await server.read_field(subject, field)


async def test_an_alias_is_set_moved_and_removed(server, model):
    subject = f"models/{_quoted(model)}@champion"
    assert await change(server, subject, "version", 1) == (None, 1)
    assert await change(server, subject, "version", 3) == (1, 3)
    assert (await server.version(model, 3)).aliases == ["champion"]
    assert await change(server, subject, "version", None) == (3, None)


async def test_an_alias_that_is_not_there_reads_as_none_though_mlflow_says_400(server, model):
    assert await server.read_field(f"models/{_quoted(model)}@nobody", "version") is None


@pytest.mark.parametrize("alias", ["latest", "v7"])
async def test_a_reserved_alias_is_refused_in_mlflows_words(server, model, alias):
    subject = f"models/{_quoted(model)}@{alias}"
    with pytest.raises(RefusedError, match="INVALID_PARAMETER_VALUE"):
        await server.write_field(Change(subject, "version", None, 1))


async def test_an_alias_for_a_version_that_is_not_there_is_refused(server, model):
    subject = f"models/{_quoted(model)}@champion"
    with pytest.raises(RefusedError, match="RESOURCE_DOES_NOT_EXIST"):
        await server.write_field(Change(subject, "version", None, 99))


async def test_a_model_that_is_there_already_is_a_conflict_though_mlflow_says_400(server, model):
    with pytest.raises(RefusedError, match="RESOURCE_ALREADY_EXISTS"):
        await server.writing.model(model, "", {})


async def test_a_model_that_is_not_there_has_no_fields(server):
    with pytest.raises(NotFoundError, match="no model 'nobody'"):
        await server.read_field("models/nobody@champion", "version")


@pytest.mark.parametrize("field", ["note", "tag:team", "tag:a.b-c d", "tag:Größe"])
async def test_notes_and_tags_of_models_and_versions(server, model, field):
    empty = "" if field == "note" else None
    for subject in (f"models/{_quoted(model)}", f"models/{_quoted(model)}/2"):
        assert await change(server, subject, field, "one [b]\nü 🦊") == (empty, "one [b]\nü 🦊")
        assert await change(server, subject, field, "two") == ("one [b]\nü 🦊", "two")
        assert await change(server, subject, field, empty) == ("two", empty)


@pytest.mark.parametrize("field", ["note", "tag:team", "tag:a.b/c d"])
async def test_notes_and_tags_of_runs(server, field):
    run = await run_of(server, f"tagged {field}")
    old = {"note": "", "tag:team": "risk"}.get(field)
    empty = "" if field == "note" else None
    assert await change(server, f"runs/{run}", field, "one\nü") == (old, "one\nü")
    assert await change(server, f"runs/{run}", field, empty) == ("one\nü", empty)


async def test_a_run_is_deleted_and_restored_and_read_by_presence(server):
    run = await run_of(server, "deleted")
    before, after = await change(server, f"runs/{run}", "deleted", "2026-11-25T07:00:00Z")
    assert before is None
    assert after == "2023-11-14T22:15:00.456Z"  # its end: MLflow does not say when
    assert (await server.run(run)).deleted_at is not None
    assert await change(server, f"runs/{run}", "deleted", None) == (after, None)


async def test_tags_of_experiments(server):
    await run_of(server, "any")
    (kept,) = [one for one in await server._names.all(fresh=True) if one.name == "fields"]
    subject = f"experiments/{kept.id}"
    _, after = await change(server, subject, "tag:owner", "ada")
    assert after == "ada"
    _, after = await change(server, subject, "note", "# what for")
    assert after == "# what for"
    version = await server.server_version()
    if version[0] > 2:
        assert await change(server, subject, "tag:owner", None) == ("ada", None)
    else:
        # 2.x cannot take a tag off an experiment.
        with pytest.raises(RefusedError, match="cannot remove a tag of an experiment"):
            await server.write_field(Change(subject, "tag:owner", "ada", None))


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("models/m/1", "deleted"),
        ("models/m", "deleted"),
        ("models/m/1", "stage"),
        ("models/m/1", "card"),
        ("runs/r", "name"),
        ("experiments/1", "deleted"),
    ],
)
async def test_what_mlflow_cannot_change_is_refused_and_nothing_is_sent(server, subject, field):
    with asked(server) as requests, pytest.raises(RefusedError, match="MLflow has no"):
        await server.write_field(Change(subject, field, None, "x"))
    assert requests == []


async def test_a_plan_shows_the_requests_that_would_be_sent(server):
    said = server.request(
        [
            Change("models/fraud@champion", "version", 1, 2),
            Change("models/fraud/2", "deleted", None, None),  # only expects
            Change("runs/ab", "tag:team", "risk", None),
        ]
    )
    assert said == (
        f"POST {server.place}/api/2.0/mlflow/registered-models/alias"
        ' {"name": "fraud", "alias": "champion", "version": "2"}\n'
        f"POST {server.place}/api/2.0/mlflow/runs/delete-tag"
        ' {"run_id": "ab", "key": "team"}'
    )
    (caveat,) = server.caveats("alias.set")
    assert "can still move this alias past modeldeck" in caveat
    assert not server.caveats("run.tag")


def _quoted(name):
    return address(name).partition("/")[2]
