"""What can be done on a server: what MLflow has at all, then what this one lets us do."""

import base64
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ..api.address import parse_address
from ..api.errors import UsageError
from ..api.protocols import READS, YES, Availability

_CAN = frozenset(
    {
        "alias.set",
        "alias.rm",
        "run.tag",
        "run.note",
        "run.rm",
        "run.restore",
        "experiment.tag",
        "experiment.note",
        "model.tag",
        "model.note",
        "version.tag",
        "version.note",
        "version.lock",
        "version.unlock",
        "copy.runs",
        "copy.model",
    }
)
_NEVER: Mapping[str, str] = {
    "model.rm": "MLflow deletes a model for good, there would be no way back",
    "model.restore": "MLflow keeps nothing of a deleted model",
    "version.rm": "MLflow deletes a version for good, and its aliases with it",
    "version.restore": "MLflow keeps nothing of a deleted version",
    "run.purge": "MLflow has no call for it: `mlflow gc` on the server removes deleted runs",
    "version.purge": "MLflow keeps nothing of a deleted version",
    "model.purge": "MLflow keeps nothing of a deleted model",
    "version.card": "MLflow has no cards, only a description: the version's note",
    "version.stage": "MLflow gives up stages for aliases",
    "version.register": "files are registered locally, `modeldeck copy` brings a version here",
    "run.record": "runs are recorded locally, `modeldeck copy` brings them here",
}
_RESOURCES = {
    "runs": "experiment",
    "experiments": "experiment",
    "models": "registered_model",
}
_CANNOT_EDIT = frozenset({"READ", "USE", "NO_PERMISSIONS"})
CAVEAT = "anybody with EDIT on the model in MLflow can still move this alias past modeldeck"


class Grant(Struct, frozen=True):
    """A permission of ours: on a resource by its id or name, `*` for all of its type."""

    resource_type: str = ""
    resource_pattern: str = ""
    permission: str = ""
    workspace: str | None = None


class Grants(Struct, frozen=True):
    """users/current/permissions of 3.x."""

    is_admin: bool = False
    permissions: Sequence[Grant] = ()


class OldGrant(Struct, frozen=True):
    """A permission in 2.x; which field says on what depends on what it is."""

    permission: str = ""
    experiment_id: str = ""
    name: str = ""


class OldUser(Struct, frozen=True):
    """The user of users/get of 2.x."""

    is_admin: bool = False
    experiment_permissions: Sequence[OldGrant] = ()
    registered_model_permissions: Sequence[OldGrant] = ()


class OldAnswer(Struct, frozen=True):
    """users/get of 2.x."""

    user: OldUser = OldUser()


def user_of(header: str | None) -> str | None:
    """The user that a value of `Authorization` names; None where it names none."""
    kind, _, secret = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(secret).decode().partition(":")[0]
    except ValueError:
        return None


def grants_of(answer: OldAnswer) -> Grants:
    """What 2.x says of a user, as 3.x says it."""
    user = answer.user
    experiments = [
        Grant("experiment", one.experiment_id, one.permission)
        for one in user.experiment_permissions
    ]
    models = [
        Grant("registered_model", one.name, one.permission)
        for one in user.registered_model_permissions
    ]
    return Grants(is_admin=user.is_admin, permissions=[*experiments, *models])


def availability(
    operation: str, subject: str, read_only: str, grants: Grants | None, experiment: str
) -> Availability:
    """Whether `operation` can be done to `subject`; `experiment` is the id of a run's own."""
    if operation.rpartition(".")[2] in READS:
        return YES
    if operation not in _CAN:
        reason = _NEVER.get(operation, f"MLflow has nothing for {operation}")
        return Availability(supported=False, reason=reason)
    if read_only:
        return Availability(supported=False, reason=read_only)
    reason = "" if grants is None else _withheld(grants, subject, experiment)
    return Availability(supported=False, reason=reason) if reason else YES


def _withheld(grants: Grants, subject: str, experiment: str) -> str:
    """Why our permissions do not let us change `subject`; empty when nothing says so.

    Without a permission of its own the server's default counts, which it does not tell.
    """
    try:
        address = parse_address(subject)
    except UsageError:
        return ""
    if grants.is_admin or not subject:
        return ""
    name = experiment if address.noun == "runs" else address.name
    kind = _RESOURCES.get(address.noun, "")
    own = [
        grant.permission
        for grant in grants.permissions
        if grant.resource_type == kind and grant.resource_pattern == name
    ]
    every = [
        grant.permission
        for grant in grants.permissions
        if grant.resource_type == kind and grant.resource_pattern == "*"
    ]
    held = own + every
    if not held or not set(held) <= _CANNOT_EDIT:
        return ""
    what = "experiment" if kind == "experiment" else "model"
    return f"MLflow gives this user {max(held)} on {what} {name!r}, and no EDIT"
