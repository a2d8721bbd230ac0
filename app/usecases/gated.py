"""The gate hook: every plan that moves an alias carries the verdicts of the gates before it.

It does not matter how the plan came about: what moves is read off its changes. The same is asked
again when it is applied, and what the plan says of its gates is then no proof of anything.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ConflictError, RefusedError, UsageError
from modeldeck.backends.api.plan import Change, Plan, PolicyRef, Verdict
from modeldeck.backends.api.times import rfc3339

from .in_force import in_force
from .session import Session

if TYPE_CHECKING:
    from .gates.report import GateReport

SET, PROMOTE, ROLLBACK, UNDO = "set", "promote", "rollback", "undo"
DUE = timedelta(days=3)
"""Within that what was done behind broken glass is to be approved."""


class Move(NamedTuple):
    """An alias of a model goes from one version to another; None is not set."""

    model: str
    alias: str
    before: int | None
    after: int | None

    @property
    def target(self) -> str:
        """What policies and approvals call it."""
        return f"{self.model}@{self.alias}"


def moves_of(changes: Sequence[Change]) -> Sequence[Move]:
    """The aliases that changes move."""
    found = []
    for change in changes:
        if change.field == "version" and change.before != change.after and "@" in change.subject:
            try:
                address = parse_address(change.subject)
            except UsageError:
                continue  # nothing that a registry would take either
            if address.alias is not None:
                move = Move(address.name, address.alias, change.before, change.after)
                found.append(move)
    return found


def gated(session: Session, changes: Sequence[Change]) -> str:
    """The first alias moved that a gate stands before, as `MODEL@ALIAS`; empty when none is."""
    policy = session.policy
    if not policy.gates and not policy.trouble:
        return ""
    for move in moves_of(changes):
        if policy.trouble or policy.before(move.model, move.alias):
            return move.target
    return ""


async def with_gates(session: Session, plan: Plan) -> Plan:
    """`plan` with what the gates before the aliases that it moves say now, and on what grounds.

    `arguments` say `as` what it moves them (`set` unless told otherwise), and with which ticket the
    `glass` is broken. Who says rollback or undo is believed only where the version was live there.
    """
    return await _stand(await in_force(session), plan) if moves_of(plan.changes) else plan


async def _stand(session: Session, plan: Plan) -> Plan:
    moves = moves_of(plan.changes)
    kind = plan.arguments.get("as", SET)
    if not moves:
        return plan
    if kind == SET and not gated(session, plan.changes):
        return msgspec.structs.replace(plan, gates=(), policy=None, evidence=None)
    gates: list[Verdict] = []
    reports, caveats = [], list(plan.caveats)
    for move in moves:
        report = await _report(session, plan, move, kind)
        if report is not None:
            reports.append(report)
            gates += report.rules
        if kind == ROLLBACK and move.after is not None:
            from .rollback_checks import check_rollback

            checked = await check_rollback(session, move)
            gates += checked.verdicts
            caveats += [note for note in checked.notes if note not in caveats]
    policy = next((report.policy for report in reports if report.policy is not None), None)
    return msgspec.structs.replace(
        plan,
        gates=tuple(gates),
        caveats=tuple(caveats),
        policy=policy,
        evidence=await _evidence(session, plan, kind, gates, reports, policy),
    )


async def _report(session: Session, plan: Plan, move: Move, kind: str) -> "GateReport | None":
    policy = session.policy
    if not policy.trouble and not policy.before(move.model, move.alias):
        return None
    from .gates.check import check_gate

    number = move.after if move.after is not None else move.before
    if number is None:
        return None
    purpose = PROMOTE
    if move.after is None or (kind in (ROLLBACK, UNDO) and await was_there(session, move)):
        purpose = ROLLBACK
    glass = plan.arguments.get("glass", "") if kind == ROLLBACK else ""
    report = await check_gate(
        session,
        move.model,
        move.alias,
        number,
        purpose=purpose,
        ticket=plan.ticket,
        broken_glass=glass,
    )
    known = plan.arguments.get("digest")
    if known and move.after is not None and report.digest and report.digest != known:
        raise ConflictError(
            f"its content is {report.digest} now, the plan is for {known}",
            where=f"version {move.model}/{number}",
            way_out="Look at what changed, then plan again",
        )
    return report


async def was_there(session: Session, move: Move) -> bool:
    """Whether the version that an alias goes to was live under it before."""
    from .timeline import was_live

    return move.after is not None and await was_live(session, move.model, move.alias, move.after)


async def _evidence(
    session: Session,
    plan: Plan,
    kind: str,
    gates: Sequence[Verdict],
    reports: Sequence["GateReport"],
    policy: PolicyRef | None,
) -> dict[str, Any]:
    from . import encode

    found: dict[str, Any] = {"as": kind}
    if gates:
        found["gates"] = [encode.verdict(one) for one in gates]
    if policy is not None:
        found["policy"] = encode.policy(policy)
    if roots := [report.evidence for report in reports if report.evidence]:
        found["root"] = roots[0]
    approved = [one for report in reports for one in await _approved(session, report)]
    if approved:
        found["approvals"] = [one["id"] for one in approved]
        found["approved"] = approved
    if any(gate.verdict == "waived" for gate in gates):
        found["glass"] = plan.arguments.get("glass", "")
        found["due"] = rfc3339(plan.created_at + DUE)
    return found


async def _approved(session: Session, report: "GateReport") -> Sequence[dict[str, Any]]:
    """The approvals that count, as an event keeps them."""
    if not any(rule.kind == "approvals" for rule in report.rules):
        return ()
    from .approvals import approvals_of

    version = await session.registry.version(report.model, report.version)
    target = f"{report.model}@{report.alias}"
    return [
        {
            "id": one.id,
            "person": one.person,
            "key": one.key,
            "time": rfc3339(one.time),
            "expires": rfc3339(one.expires) if one.expires else None,
        }
        for one in await approvals_of(session, version, target, report.evidence)
        if one.counts and one.decision == "approved"
    ]


async def stand_again(session: Session, plan: Plan) -> Plan:
    """`plan` with its gates asked again, under the policy of `session`.

    RefusedError where rules or policy are others, or a rule says no. A verdict may have become
    better, as when an approval came; what others have said up to now is fetched first.
    """
    if session.statements is not None and gated(session, plan.changes):
        from .sharing import refresh

        await refresh(session)
    now = await _stand(session, plan)
    _check_policy(plan.policy, now.policy)
    if missing := _rules(now) - _rules(plan):
        raise RefusedError(
            f"the plan does not know the rule {min(missing)[-1]!r}, which stands before it",
            way_out="Make the plan again; an edited plan is not applied",
        )
    check_verdicts(now)
    return now


def check_verdicts(plan: Plan) -> None:
    """Raise RefusedError with the first rule that says no."""
    for gate in plan.gates:
        if not gate.holds:
            shows = f" ({gate.shows})" if gate.shows else ""
            raise RefusedError(
                f"a gate says no: {gate.verdict} {gate.rule}{shows}",
                way_out="--dry-run shows all of its rules",
            )


def _rules(plan: Plan) -> set[tuple[str, str, str]]:
    return {(gate.gate, gate.kind, gate.rule) for gate in plan.gates}


def _check_policy(planned: PolicyRef | None, now: PolicyRef | None) -> None:
    if (planned.digest if planned else "") == (now.digest if now else ""):
        return
    raise RefusedError(
        f"the policy is {policy_words(now)} now, the plan was checked against"
        f" {policy_words(planned)}",
        way_out="Make the plan again",
    )


def policy_words(policy: PolicyRef | None) -> str:
    """`a1b2c3d main`, `4f5e6d7 modeldeck.toml`; `none`."""
    if policy is None:
        return "none"
    if policy.commit:
        return f"{policy.commit[:7]} {policy.ref}".rstrip()
    return f"{policy.digest.removeprefix('sha256:')[:7]} modeldeck.toml"
