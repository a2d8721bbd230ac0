"""May a version go to an alias: what its gates say, and what people said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.models import Model, Version

from .approvals import gated_aliases, judge, standing_of
from .asked import Approval
from .attest import words_about
from .session import Session

if TYPE_CHECKING:
    from .gates.report import GateReport


class Permission(Struct, frozen=True, kw_only=True):
    """What stands between a version and `alias`, the first one that a gate stands before.

    Without such an alias there is no `report`. `said` are the signed words by MODEL@ALIAS.
    """

    alias: str = ""
    report: "GateReport | None" = None
    said: Mapping[str, Sequence[Approval]] = {}


def asks(session: Session, model: Model, number: int) -> str:
    """The alias that may be asked about: gated, and not there yet where there is a choice."""
    names = gated_aliases(session.policy, model)
    away = [name for name in names if model.aliases.get(name) != number]
    return next(iter([*away, *names]), "")


async def look_permission(session: Session, version: Version, model: Model) -> Permission:
    """Ask the gates, and read what was said. A version that no gate concerns costs nothing."""
    from .gates.check import check_gate

    alias = asks(session, model, version.version)
    report, evidence = None, {}
    if alias:
        report = await check_gate(session, model.name, alias, version.version)
        evidence[f"{model.name}@{alias}"] = report.evidence
    if session.statements is None:
        return Permission(alias=alias, report=report)
    words = await words_about(session, address(version.model, version.version))
    said = {}
    for target in dict.fromkeys(word.target for word in words if word.target):
        if target not in evidence:
            name = target.rpartition("@")[2]
            other = await check_gate(session, model.name, name, version.version)
            evidence[target] = other.evidence
        standing = await standing_of(session, version, target, evidence[target])
        said[target] = judge(words, standing)
    return Permission(alias=alias, report=report, said=said)
