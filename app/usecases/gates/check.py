"""The gates before an alias asked about a version: one road for plans, console and CI."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Verdict

from .evidence import root_of
from .facts import Facts, Side
from .kinds import kind_of
from .report import GateReport
from .rule import FAIL, PROMOTE, ROLLBACK, UNKNOWN, WAIT, WAIVED, Finding, Rule

_GLASS = ("freeze", "approvals")
"""Kinds that an emergency may set aside."""


async def check_gate(
    session: Session,
    model: str,
    alias: str,
    number: int,
    *,
    purpose: str = PROMOTE,
    ticket: str = "",
    broken_glass: str = "",
) -> GateReport:
    """Ask every rule of every gate before `model`@`alias` about version `number`.

    `broken_glass`, a ticket, sets freeze and approvals aside for a version that was live under this
    alias before. Nothing that a rule does raises: what it could not tell is unknown.
    """
    if purpose not in (PROMOTE, ROLLBACK):
        raise ValueError(purpose)
    policy = session.policy
    version = await session.registry.version(model, number)
    gates = policy.before(model, alias)
    holder = (await session.registry.model(model)).aliases.get(alias) if gates else None
    evidence, rules = "", []
    if policy.trouble:
        rules = [_trouble(policy.trouble)]
    elif gates:
        candidate = Side(session, version)
        evidence = await root_of(candidate)
        facts = Facts(
            session=session,
            model=model,
            alias=alias,
            candidate=candidate,
            holder=await _side(session, model, holder, candidate),
            purpose=purpose,
            ticket=ticket,
            evidence=evidence,
            directions=policy.directions if policy.source else session.directions,
        )
        for name, gate in gates:
            for rule in gate.rules:
                found = await _asked(facts, name, rule)
                rules += [] if found is None else [found]
        rules = await _behind_glass(facts, rules, broken_glass)
    return GateReport(
        model=model,
        alias=alias,
        version=number,
        digest=version.digest or "",
        holder=holder,
        purpose=purpose,
        policy=policy.source,
        rules=tuple(rules),
        evidence=evidence,
    )


async def _side(session: Session, model: str, number: int | None, candidate: Side) -> Side | None:
    if number is None:
        return None
    if number == candidate.version.version:
        return candidate
    try:
        found: Version = await session.registry.version(model, number)
    except NotFoundError:
        return None
    return Side(session, found)


async def _asked(facts: Facts, gate: str, written: Mapping[str, Any]) -> Verdict | None:
    """What a rule says; None when it is not asked for this purpose."""
    name = str(written.get("kind", ""))
    kind = kind_of(name)
    if kind is None:
        found = Finding(UNKNOWN, name, f"this version of modeldeck has no rule of kind {name}")
        return _verdict(found, gate, name)
    if facts.purpose not in kind.purposes:
        return None
    try:
        rule: Rule = msgspec.convert(written, kind)
        for _, what, _ in rule.problems():
            raise ValueError(what)
        found = await rule.judge(facts)
    except ModeldeckError as error:
        found = Finding(UNKNOWN, name, f"{error} ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001 - whatever it was, it is no pass
        found = Finding(UNKNOWN, name, f"the rule could not be asked ({type(error).__name__})")
    return _verdict(found, gate, name)


def _verdict(found: Finding, gate: str, kind: str) -> Verdict:
    return Verdict(
        rule=found.rule,
        verdict=found.verdict,
        shows=found.shows,
        kind=kind,
        gate=gate,
        numbers=found.numbers,
    )


def _trouble(words: str) -> Verdict:
    return Verdict(rule="policy can be read", verdict=UNKNOWN, shows=words, kind="policy")


async def _behind_glass(facts: Facts, rules: Sequence[Verdict], ticket: str) -> list[Verdict]:
    """The rules with those waived that broken glass sets aside."""
    if not ticket or not any(_may_be_waived(rule) for rule in rules):
        return list(rules)
    refused = await _not_for_glass(facts)
    made = []
    for rule in rules:
        if _may_be_waived(rule) and not refused:
            shows = f"glass broken for {ticket}; {rule.shows}"
            numbers = {**rule.numbers, "glass": ticket, "without_glass": rule.verdict}
            rule = msgspec.structs.replace(rule, verdict=WAIVED, shows=shows, numbers=numbers)
        elif _may_be_waived(rule):
            rule = msgspec.structs.replace(rule, shows=f"{rule.shows}; {refused}")
        made.append(rule)
    return made


def _may_be_waived(rule: Verdict) -> bool:
    return rule.kind in _GLASS and rule.verdict in (FAIL, WAIT)


async def _not_for_glass(facts: Facts) -> str:
    """Why the glass stays whole; empty when it breaks."""
    from modeldeck.app.usecases.timeline import was_live

    number = facts.candidate.version.version
    try:
        if await was_live(facts.session, facts.model, facts.alias, number):
            return ""
    except ModeldeckError as error:
        return f"the glass stays whole: {error}"
    return f"the glass breaks only for what was live as {facts.alias} before"
