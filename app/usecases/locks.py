"""Versions locked against being deleted or written to, and unlocked again, each with a reason."""

from collections.abc import Sequence

from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.locks import FIELD, LOCKED, locked_error
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.text import exact

from .plans import command_of, inverse_of, make_plan
from .session import Session
from .versions import find_versions, version_name

KEEPS = "it cannot be deleted or purged, nor get another card, note or tag; aliases still move"


def lock_words(version: Version) -> str:
    """Who locked a version and why; empty when nobody did."""
    return version.tags.get(LOCKED, "")


def is_locked(version: Version) -> bool:
    """Whether a version is locked."""
    return LOCKED in version.tags


def refuse_locked(version: Version) -> None:
    """Raise RefusedError for a version that is locked."""
    if is_locked(version):
        raise locked_error(f"version {version_name(version)}", lock_words(version))


async def plan_lock(
    session: Session, refs: Sequence[str], *, reason: str, ticket: str = ""
) -> Plan:
    """Lock versions. The lock is a tag that says who and why."""
    _check_reason(reason)
    versions = await find_versions(session, refs)
    who = session.actor.sudo_user or session.actor.user
    words = exact(f"{who}: {reason.strip()}")
    changes = [
        Change(
            address(one.model, one.version),
            FIELD,
            one.tags.get(LOCKED),
            one.tags.get(LOCKED, words),
        )
        for one in versions
    ]
    return _plan(session, "lock", versions, changes, [KEEPS], reason, ticket)


async def plan_unlock(
    session: Session, refs: Sequence[str], *, reason: str, ticket: str = ""
) -> Plan:
    """Take the lock off versions."""
    _check_reason(reason)
    versions = await find_versions(session, refs)
    changes = [
        Change(address(one.model, one.version), FIELD, one.tags.get(LOCKED), None)
        for one in versions
    ]
    said = [
        f"{version_name(one)} was locked by {lock_words(one)}" for one in versions if is_locked(one)
    ]
    return _plan(session, "unlock", versions, changes, said, reason, ticket)


def _plan(
    session: Session,
    verb: str,
    versions: Sequence[Version],
    changes: Sequence[Change],
    effects: Sequence[str],
    reason: str,
    ticket: str,
) -> Plan:
    names = [version_name(one) for one in versions]
    back = "unlock" if verb == "lock" else "lock"
    return make_plan(
        session,
        f"version.{verb}",
        {"versions": names},
        changes,
        command=command_of(["versions", verb], names),
        effects=effects,
        untouched=["its files, its aliases and its run stay as they are"],
        inverse=inverse_of(changes, f"version.{back}"),
        reason=reason,
        ticket=ticket,
    )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError("locking and unlocking need a reason", way_out="--reason WHY")
