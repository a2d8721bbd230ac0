"""Asking for approval, approving, refusing, taking back: each a plan of what is to be signed.

Nothing of the registry changes. What a plan has signed stands in its arguments as `statement`; when
it is applied, everything that it rests on is looked at again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.statements import APPROVAL, REFUSAL, REQUEST, WITHDRAWAL

from .aliases import check_name
from .approvals import (
    ROLE,
    judge,
    standing_of,
    wanted,
    withdrawals,
)
from .asked import Approval, Standing, Word, short_id
from .attest import digest_of, gate_words, moment, speak, words_about
from .makers import made_by
from .plans import make_plan
from .session import Session
from .versions import find_version, version_name

if TYPE_CHECKING:
    from .gates.report import GateReport

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")
_VERBS = {APPROVAL: "approve", REFUSAL: "refuse"}


async def plan_ask(
    session: Session,
    ref: str,
    alias: str,
    *,
    reason: str = "",
    ticket: str = "",
    days: int | None = None,
    due: datetime | None = None,
) -> Plan:
    """Ask that the version that `ref` names may go to `alias`.

    `due`: it went there already, on a broken glass, and is to be approved until then.
    """
    check_name(alias)
    version = await find_version(session, ref)
    if version.deleted_at is not None:
        raise RefusedError("is deleted", where=version_name(version), way_out="Restore it first")
    subject, target = _subject(version), f"{version.model}@{alias}"
    _may(session, "approval.ask", subject)
    report = await _gate(session, version, alias)
    if due is None:
        await _not_yet(session, version, target, report.evidence)
    until = session.clock() + timedelta(days=min(days or wanted(session.policy, target).days, 366))
    body = {**_bound(session, target, report), "expires": moment(until)}
    if due is not None:
        body["due"] = moment(due)
    needed = wanted(session.policy, target).count
    signs = _signing(
        session,
        REQUEST,
        version,
        body,
        command=["ask", version_name(version), "--for", alias],
        effects=[
            f"{needed or 1} of the people with the role {ROLE} must approve it",
            *_state(report),
            *_unbound(version),
        ],
    )
    return make_plan(session, "approval.ask", **signs, reason=reason, ticket=ticket)


async def plan_approve(
    session: Session, ref: str, alias: str = "", *, reason: str = "", ticket: str = ""
) -> Plan:
    """Approve a request: `ref` is the beginning of its id, or a version that was asked for."""
    signs = await _answering(session, APPROVAL, ref, alias)
    return make_plan(session, "approval.approve", **signs, reason=reason, ticket=ticket)


async def plan_refuse(
    session: Session, ref: str, alias: str = "", *, reason: str = "", ticket: str = ""
) -> Plan:
    """Refuse a request; that stands until it is withdrawn."""
    signs = await _answering(session, REFUSAL, ref, alias)
    return make_plan(session, "approval.refuse", **signs, reason=reason, ticket=ticket)


async def _answering(session: Session, kind: str, ref: str, alias: str) -> dict[str, Any]:
    """What a plan that answers a request is made of; RefusedError where one may not."""
    verb = _VERBS[kind]
    request = await find_request(session, ref, alias)
    _may(session, f"approval.{verb}", request.subject)
    me = _me(session)
    if ROLE not in session.policy.people[me].roles:
        raise RefusedError(f"{me} has not the role {ROLE}", where=request.target)
    version = await session.registry.version(request.model, request.number)
    report = await _gate(session, version, request.alias)
    standing = await standing_of(session, version, request.target, report.evidence)
    words = await words_about(session, request.subject)
    reason_not = why_not_answer(request, judge(words, standing), standing, me, kind)
    if reason_not:
        raise RefusedError(reason_not[0], where=request.target, way_out=reason_not[1])
    body = {**_bound(session, request.target, report), "request": request.id}
    if kind == APPROVAL:
        body["expires"] = moment(session.clock() + timedelta(days=standing.days))
    asked = f"{request.person} asked {request.time:%Y-%m-%d %H:%M}Z"
    stops = f"nothing lets {version_name(version)} go to {request.target} until it is withdrawn"
    return _signing(
        session,
        kind,
        version,
        body,
        command=[verb, request.short],
        effects=[
            f'{asked}: "{request.why}"',
            *([stops] if kind == REFUSAL else []),
            *_state(report),
            *_unbound(version),
        ],
    )


async def _not_yet(session: Session, version: Version, target: str, evidence: str) -> None:
    """Raise RefusedError when one has asked for the same, and that stands."""
    words = await words_about(session, _subject(version))
    said = judge(words, await standing_of(session, version, target, evidence))
    me = _me(session)
    for one in said:
        if one.decision == "asked" and one.counts and one.person == me:
            raise RefusedError(
                f"you asked for it already, request {short_id(one.id)}",
                where=target,
                way_out=f"`modeldeck approvals withdraw {short_id(one.id)}` takes it back",
            )


def why_not_answer(
    request: Word, said: Sequence[Approval], standing: Standing, me: str, kind: str
) -> tuple[str, str] | None:
    """Why `me` may not answer a request, and the way out; None when they may."""
    key = next((one for one in said if one.id == request.id), None)
    if key is None or (not key.counts and (kind == APPROVAL or not request.valid)):
        why = key.why if key else "it is not of this version"
        return f"request {request.short} does not stand: {why}", "Ask anew"
    mine = [one for one in said if one.person == me and one.counts]
    if any(one.decision == "refused" for one in mine):
        return "you refused it", "Withdraw that first: `modeldeck approvals withdraw ID`"
    if kind == REFUSAL:
        return None
    if request.person == me:
        return "you asked for it, so somebody else must approve it", ""
    did = made_by(me, "", standing.makers, standing.people)
    if did:
        return f"you {did}, so somebody else must approve it", ""
    if any(one.decision == "approved" for one in mine):
        return "you approved it already", ""
    if standing.now < request.time:
        return "the request is dated ahead of the clock here", "Wait, or set the clock"
    return None


async def plan_withdraw(
    session: Session, ref: str, alias: str = "", *, reason: str = "", ticket: str = ""
) -> Plan:
    """Take back what one said: `ref` is the beginning of its id, or a version and its alias."""
    words = await words_about(session)
    back, me = withdrawals(words), session.actor.key and _me(session)
    mine = [
        word
        for word in words
        if word.valid and word.kind != WITHDRAWAL and word.person == me and word.id not in back
    ]
    word = await _found(session, mine, ref, alias, "you have said nothing of it that stands")
    _may(session, "approval.withdraw", word.subject)
    version = await session.registry.version(word.model, word.number)
    # What is taken back need not fit what is there now.
    body = {"target": word.target, "of": word.id}
    effects = [f'{word.kind} of {word.time:%Y-%m-%d %H:%M}Z: "{word.why}"']
    if word.kind == REQUEST:
        effects.append("approvals that answer it count for nothing from then on")
    signs = _signing(
        session, WITHDRAWAL, version, body, command=["withdraw", word.short], effects=effects
    )
    return make_plan(session, "approval.withdraw", **signs, reason=reason, ticket=ticket)


async def apply_word(
    session: Session, plan: Plan, tell: Callable[[str], None] = lambda _: None
) -> Sequence[Event]:
    """Sign what the plan says; ConflictError when what it rests on has changed."""
    plan.check(session.clock())
    if not plan.reason.strip():
        raise RefusedError("it needs a reason", where=plan.operation, way_out="--reason says why")
    again = await _again(session, plan)
    if _rests_on(again) != _rests_on(plan):
        raise ConflictError(
            "what would be signed has changed since the plan was made",
            where=plan.changes[0].subject,
            way_out="Look at what changed, then plan again",
        )
    return await speak(session, plan, tell)


async def _again(session: Session, plan: Plan) -> Plan:
    said: Mapping[str, Any] = plan.arguments["statement"]
    body = said["body"]
    if plan.operation == "approval.ask":
        alias = body["target"].rpartition("@")[2]
        due = datetime.fromisoformat(body["due"]) if "due" in body else None
        return await plan_ask(session, said["subject"], alias, due=due)
    if plan.operation == "approval.withdraw":
        return await plan_withdraw(session, body["of"])
    make = plan_approve if plan.operation == "approval.approve" else plan_refuse
    return await make(session, body["request"])


def _rests_on(plan: Plan) -> Any:
    said: Mapping[str, Any] = plan.arguments["statement"]
    shown = ("gates", "expires", "due")
    body = {name: value for name, value in said["body"].items() if name not in shown}
    return said["kind"], said["subject"], said["digest"], body, plan.arguments["key"]


async def find_request(session: Session, ref: str, alias: str = "") -> Word:
    """The open request that `ref` names: by the beginning of its id, or by its version."""
    words = await words_about(session)
    back = withdrawals(words)
    asked = [word for word in words if word.kind == REQUEST and word.id not in back]
    return await _found(session, asked, ref, alias, "nobody has asked for it")


async def _found(
    session: Session, words: Sequence[Word], ref: str, alias: str, nothing: str
) -> Word:
    if _ID.fullmatch(ref):
        begin = ref.removeprefix("sha256:")
        found = [word for word in words if word.id.removeprefix("sha256:").startswith(begin)]
        if len({word.id for word in found}) > 1:
            raise UsageError(f"{ref!r} begins several ids", way_out="Give more of it")
    else:
        subject = _subject(await find_version(session, ref))
        found = [word for word in words if word.subject == subject and alias in ("", word.alias)]
        if len({word.target for word in found}) > 1:
            names = ", ".join(sorted({word.alias for word in found}))
            raise UsageError(f"{ref} was asked for several: {names}", way_out="--for says which")
    if not found:
        raise NotFoundError(nothing, where=ref, way_out="`modeldeck approvals ls` lists all")
    # The latest one that is genuine; a forged one is found only when there is no other.
    return max(found, key=lambda word: (word.valid, word.time))


def _may(session: Session, operation: str, subject: str) -> None:
    from .roles import check_role

    check_role(session, operation, subject)
    if session.statements is None:
        raise RefusedError("there are no records to put it in", where=session.context)
    if not session.policy.people:
        raise RefusedError(
            "the policy names no people, so nobody's signature counts",
            where=session.context,
            way_out="Add [people.NAME] with keys and roles to modeldeck.toml",
        )
    if not session.actor.key:
        raise RefusedError(
            "there is no key to sign with",
            where=session.context,
            way_out="`modeldeck key new` makes one; its public line goes into the policy",
        )
    _me(session)


def _me(session: Session) -> str:
    """Whose key it is that would sign: no login says that."""
    name = session.policy.person_with(session.actor.key or "", session.clock().date())
    if not name:
        raise RefusedError(
            f"your key {session.actor.key} is nobody's by the policy",
            where=session.context,
            way_out="Have its public line added under [people.NAME]",
        )
    return name


async def _gate(session: Session, version: Version, alias: str) -> "GateReport":
    from .gates.check import check_gate

    return await check_gate(session, version.model, alias, version.version)


def _subject(version: Version) -> str:
    return version_address(version.model, version.version)


def _bound(session: Session, target: str, report: "GateReport") -> dict[str, Any]:
    source = session.policy.source
    return {
        "target": target,
        "policy": {
            "commit": source.commit if source else "",
            "digest": source.digest if source else "",
        },
        "evidence": report.evidence,
        "gates": gate_words(report.rules),
    }


def _state(report: "GateReport") -> Sequence[str]:
    if not report.rules:
        return [f"no gate stands before {report.model}@{report.alias}"]
    held = sum(rule.holds for rule in report.rules)
    return [f"gate now: {held} of {len(report.rules)} hold"]


def _unbound(version: Version) -> Sequence[str]:
    if digest_of(version):
        return ()
    return ["its content was never read here: what is signed is not bound to its bytes"]


def _signing(
    session: Session,
    kind: str,
    version: Version,
    body: Mapping[str, Any],
    *,
    command: Sequence[str],
    effects: Sequence[str],
) -> dict[str, Any]:
    """What a plan is made of that has this signed."""
    subject = _subject(version)
    statement = {"kind": kind, "subject": subject, "digest": digest_of(version), "body": body}
    shown = body["target"] if kind != WITHDRAWAL else f"{body['target']} {short_id(body['of'])}"
    return {
        "arguments": {"statement": statement, "key": session.actor.key},
        "changes": [Change(subject, kind, None, shown)],
        "command": ["modeldeck", "approvals", *command],
        "effects": effects,
        "untouched": ["every alias stays where it is"],
        "way_back": _way_back(kind),
        "request": "a signed statement to the records",
    }


def _way_back(kind: str) -> Sequence[str]:
    if kind == WITHDRAWAL:
        return ["it can be said anew"]
    return [
        f"withdraw takes the {kind} back, `modeldeck approvals withdraw ID`; it stays on record"
    ]
