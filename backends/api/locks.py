"""Locked versions: what a lock keeps from happening, on every backend alike.

A lock is a tag of the version, so that servers keep it too. Its text says who and why. Aliases of
a locked version may move; our own tags beside it may be written.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .address import Address, parse_address
from .errors import RefusedError, UsageError
from .plan import Change, Plan

LOCKED = "modeldeck.locked"
FIELD = f"tag:{LOCKED}"
LOCKS = ("version.lock", "version.unlock")
_OWN = "tag:modeldeck."
_KEPT = ("deleted", "record", "card", "note")


class Held(NamedTuple):
    """A locked version: who locked it and why, and the run that made it, where that is known."""

    model: str
    version: int
    words: str
    run_id: str | None = None

    @property
    def name(self) -> str:
        """`MODEL/13`."""
        return f"{self.model}/{self.version}"


def locked_error(where: str, words: str, what: str = "it is locked") -> RefusedError:
    """The error that says that a lock stands against it."""
    return RefusedError(
        f"{what} ({words})",
        where=where,
        way_out="`modeldeck versions unlock` takes the lock off, with a reason",
    )


def is_kept(change: Change) -> bool:
    """Whether a lock on its version forbids the change."""
    if change.before == change.after or change.field == FIELD:
        return False
    if change.field == "deleted":
        return change.after is not None
    return change.field in _KEPT or (
        change.field.startswith("tag:") and not change.field.startswith(_OWN)
    )


def lockable(changes: Iterable[Change]) -> Sequence[str]:
    """The addresses of the versions among `changes` that must not be locked for them."""
    return list(
        dict.fromkeys(
            change.subject
            for change in changes
            if is_kept(change) and parse_address(change.subject).version is not None
        )
    )


def check_locks(plan: Plan, held: Sequence[Held]) -> None:
    """Raise RefusedError for what the locks in `held` forbid, or for a lock that is passed by."""
    moved = [change for change in plan.changes if change.before != change.after]
    _check_reason(plan, moved)
    versions = {(one.model, one.version): one for one in held}
    models: Mapping[str, Held] = {one.model: one for one in reversed(held)}
    runs: Mapping[str | None, Held] = {one.run_id: one for one in reversed(held)}
    for change in moved:
        place = _place(change)
        if place is None or not is_kept(change):
            continue
        if place.version is not None:
            if one := versions.get((place.name, place.version)):
                raise locked_error(change.subject, one.words)
        elif change.field not in ("deleted", "record"):
            continue
        elif place.noun == "models" and (one := models.get(place.name)):
            raise locked_error(change.subject, one.words, f"its version {one.version} is locked")
        elif place.noun == "runs" and (one := runs.get(place.name)):
            raise locked_error(change.subject, one.words, f"it made {one.name}, which is locked")


def _check_reason(plan: Plan, moved: Iterable[Change]) -> None:
    for change in moved:
        place = _place(change)
        if change.field != FIELD or place is None or place.version is None:
            continue
        if plan.operation not in LOCKS:
            raise RefusedError(
                f"the tag {LOCKED} is set and removed by locking and unlocking alone",
                where=change.subject,
                way_out="`modeldeck versions lock` and `modeldeck versions unlock`",
            )
        if not plan.reason.strip():
            raise RefusedError(
                "locking and unlocking need a reason", where=change.subject, way_out="--reason WHY"
            )


def _place(change: Change) -> Address | None:
    try:
        place = parse_address(change.subject)
    except UsageError:
        return None
    return None if place.alias is not None else place
