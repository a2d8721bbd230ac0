"""What may be done in a context, and why the rest may not."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from modeldeck.backends.api.plan import OPERATIONS

from .session import Session


class Allowed(Struct, frozen=True):
    """Operations of plans that `can` be done; those `withheld`, by the reason."""

    can: Sequence[str]
    withheld: Mapping[str, Sequence[str]]

    @property
    def words(self) -> Sequence[str]:
        """What is withheld, a reason each."""
        return [f"no {', '.join(names)}: {reason}" for reason, names in self.withheld.items()]


def allowed(session: Session) -> Allowed:
    """What may be done here at all; a single thing may be kept from us all the same."""
    can: list[str] = []
    withheld: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        reason = session.readonly or session.registry.availability(operation).reason
        if reason:
            withheld.setdefault(reason, []).append(operation)
        else:
            can.append(operation)
    return Allowed(can, withheld)


def refusals(session: Session, operation: str, subjects: Sequence[str]) -> Mapping[str, str]:
    """Which of `subjects` are kept from `operation` though others are not, and why."""
    if session.readonly or session.registry.availability(operation).reason:
        return {}
    reasons = {one: session.registry.availability(operation, one).reason for one in subjects}
    return {subject: reason for subject, reason in reasons.items() if reason}
