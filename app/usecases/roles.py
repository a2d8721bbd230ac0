"""Who may do what: the people of the policy, their roles, and what a role may."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from modeldeck.app.config.policy import Role
from modeldeck.backends.api.errors import RefusedError

from .session import Session

_AUTHOR = (
    "run.tag",
    "run.note",
    "run.rm",
    "run.restore",
    "experiment.tag",
    "model.tag",
    "version.register",
    "version.tag",
    "version.card",
    "copy.runs",
    "approval.ask",
    "approval.withdraw",
)
_OPERATOR = (
    *_AUTHOR,
    "alias.*",
    "copy.model",
    "version.rm",
    "version.restore",
    "version.lock",
    "model.rm",
    "model.restore",
    "rollback.drill",
)
MAY: Mapping[Role, Sequence[str]] = {
    "viewer": (),
    "author": _AUTHOR,
    "operator": _OPERATOR,
    "approver": ("approval.approve", "approval.refuse", "approval.withdraw"),
    "auditor": ("attestation.*", "audit.checkpoint", "audit.accept"),
    "admin": ("*",),
}
"""Operations by role, as patterns. What no row names is for an admin alone."""
NEVER: Mapping[Role, Sequence[str]] = {"admin": ("approval.approve",)}
"""What a role does not bring, whatever its row says."""


def may(role: Role, operation: str) -> bool:
    """Whether a role alone allows an operation."""
    return _named(MAY[role], operation) and not _named(NEVER.get(role, ()), operation)


def person_of(session: Session) -> str:
    """Who of the policy acts: by the signing key, else by the login; empty when nobody of it.

    Behind sudo it is the user who called it.
    """
    policy, actor = session.policy, session.actor
    by_key = policy.person_with(actor.key, session.clock().date()) if actor.key else ""
    return by_key or policy.person_named(actor.sudo_user or actor.user, actor.host)


def check_role(session: Session, operation: str, subject: str = "") -> None:
    """Raise RefusedError, which names role and person, when who acts may not do `operation`.

    Without people in the policy everybody may do everything; where the policy cannot be read,
    nobody may do anything.
    """
    policy = session.policy
    if policy.trouble:
        raise RefusedError(
            f"nobody knows who may do {operation}: {policy.trouble}",
            where=subject,
            way_out="Make the policy readable; nothing is changed before",
        )
    if not policy.people:
        return
    name = person_of(session)
    actor = session.actor
    if not name:
        login = f"{actor.sudo_user or actor.user}@{actor.host}"
        raise RefusedError(
            f"{login} is nobody of the policy, and {operation} needs {_needed(operation)}",
            where=subject,
            way_out=f'Add "{login}" to the logins of somebody in [people]',
        )
    roles = policy.people[name].roles
    if any(may(role, operation) for role in roles):
        return
    has = " and ".join(roles) or "nothing"
    raise RefusedError(
        f"{name} is {has}, and {operation} needs {_needed(operation)}",
        where=subject,
        way_out="Somebody with the role does it, or the policy gives it to you",
    )


def role_caveats(session: Session) -> Sequence[str]:
    """What roles in a file, without a server that knows them, cannot hold anybody to."""
    policy, actor = session.policy, session.actor
    if not policy.people:
        return ()
    found = []
    if session.remote:
        found.append("roles hold inside modeldeck; whom the server lets write can write past them")
    else:
        found.append("roles hold inside modeldeck; who can write the registry's file can change it")
    name = person_of(session)
    day = session.clock().date()
    if name and not (actor.key and policy.person_with(actor.key, day) == name):
        found.append(f"that {actor.sudo_user or actor.user} is {name} is this machine's word alone")
    if policy.source and not policy.source.commit:
        found.append("the policy is a file as it lies here; who can write it can change it")
    elif policy.source:
        found.append(f"who can write to {policy.source.place} can move {policy.source.ref}")
    return found


def _needed(operation: str) -> str:
    roles = [role for role in MAY if may(role, operation)]
    return " or ".join(roles)


def _named(patterns: Sequence[str], operation: str) -> bool:
    return any(fnmatchcase(operation, pattern) for pattern in patterns)
