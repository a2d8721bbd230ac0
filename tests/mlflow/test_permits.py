"""What can be done: what MLflow has, narrowed by read-only and by the server's own accounts."""

import secrets

import pytest

from modeldeck.backends.api.errors import DeniedError
from modeldeck.backends.api.plan import Change
from modeldeck.backends.mlflow import permits
from modeldeck.backends.mlflow.permits import Grant, Grants, OldAnswer, OldGrant, OldUser
from tests.mlflow.reaching import reach


def reason(operation, subject="", *, read_only="", grants=None, experiment=""):
    found = permits.availability(operation, subject, read_only, grants, experiment)
    assert found.supported == (not found.reason)
    return found.reason


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("model.rm", "for good"),
        ("version.rm", "for good"),
        ("version.restore", "keeps nothing"),
        ("version.card", "the version's note"),
        ("pipeline.start", "MLflow has nothing for pipeline.start"),
    ],
)
def test_what_mlflow_has_not_is_said_with_its_reason(operation, why):
    assert why in reason(operation)


def test_reads_can_always_be_done_and_changes_not_where_the_context_is_read_only():
    assert not reason("run.export", read_only="it is read-only")
    assert not reason("alias.set")
    assert reason("alias.set", read_only="it is read-only") == "it is read-only"


def grants(*rows, admin=False):
    return Grants(is_admin=admin, permissions=[Grant(*row) for row in rows])


@pytest.mark.parametrize(
    ("held", "subject", "allowed"),
    [
        (grants(("registered_model", "fraud", "READ")), "models/fraud@champion", False),
        (grants(("registered_model", "fraud", "READ")), "models/churn@champion", True),
        (grants(("registered_model", "fraud", "EDIT")), "models/fraud@champion", True),
        (grants(("registered_model", "*", "READ")), "models/fraud/3", False),
        (
            grants(("registered_model", "*", "READ"), ("registered_model", "fraud", "MANAGE")),
            "models/fraud",
            True,
        ),
        (grants(("registered_model", "fraud", "READ"), admin=True), "models/fraud", True),
        (grants(("experiment", "7", "READ")), "runs/ab", False),
        (grants(("experiment", "8", "READ")), "runs/ab", True),
        (grants(("experiment", "7", "NO_PERMISSIONS")), "experiments/7", False),
        (grants(), "models/fraud", True),
        (grants(("registered_model", "fraud", "READ")), "", True),
        (grants(("registered_model", "fraud", "READ")), "no address", True),
    ],
)
def test_a_permission_that_is_said_narrows_and_one_that_is_not_does_not(held, subject, allowed):
    found = reason("alias.set", subject, grants=held, experiment="7")
    assert (not found) == allowed
    assert allowed or "and no EDIT" in found


def test_permissions_of_2_are_read_as_those_of_3():
    user = OldUser(
        experiment_permissions=[OldGrant("READ", experiment_id="7")],
        registered_model_permissions=[OldGrant("EDIT", name="fraud")],
    )
    assert permits.grants_of(OldAnswer(user)) == grants(
        ("experiment", "7", "READ"), ("registered_model", "fraud", "EDIT")
    )


@pytest.mark.real
@pytest.mark.slow
async def test_a_reader_is_told_why_before_and_by_the_server_after(mlflow_server):
    server = mlflow_server("3-postgres")
    name, password = f"reader-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    model = f"only read {name}"
    server.api("POST", "users/create", {"username": name, "password": password})
    server.api("POST", "registered-models/create", {"name": model})
    server.api("POST", "model-versions/create", {"name": model, "source": "s3://b/x"})
    status, told = server.call(
        "POST",
        "/api/3.0/mlflow/users/permissions/grant",
        {
            "username": name,
            "resource_type": "registered_model",
            "resource_id": model,
            "permission": "READ",
        },
    )
    assert status == 200, told
    reader = reach(server, user=name, password=password)
    admin = reach(server)
    subject = f"models/{model}@champion"
    try:
        assert reader.availability("alias.set", subject).supported  # nothing is known yet
        await reader.greet()
        await admin.greet()
        assert f"READ on model '{model}'" in reader.availability("alias.set", subject).reason
        assert admin.availability("alias.set", subject).supported
        assert (await reader.model(model)).latest == 1
        with pytest.raises(DeniedError):
            await reader.write_field(Change(subject, "version", None, 1))
        await admin.write_field(Change(subject, "version", None, 1))
        assert await reader.read_field(subject, "version") == 1
    finally:
        await reader.close()
        await admin.close()


@pytest.mark.real
@pytest.mark.slow
async def test_permissions_are_learnt_beside_the_first_answer(mlflow_server):
    admin = reach(mlflow_server("3-postgres"))
    try:
        await admin.models()
        assert admin._greeting is not None
        await admin._greeting
        assert admin._grants is not None
        assert admin._grants.is_admin
        assert await admin.server_version() == (3, 17)
    finally:
        await admin.close()


@pytest.mark.real
@pytest.mark.slow
async def test_who_is_unknown_is_told_so(mlflow_server):
    stranger = reach(mlflow_server("3-postgres"), user="nobody", password="wrong")
    try:
        with pytest.raises(DeniedError):
            await stranger.models()
        await stranger.greet()
        assert stranger.availability("alias.set", "models/fraud").supported
    finally:
        await stranger.close()
