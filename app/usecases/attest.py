"""Signed words about a version: read, and said.

    request     {target, policy, evidence, gates, why, ticket, expires, due?}
    approval    {request, target, policy, evidence, gates, why, ticket, expires}
    refusal     the same
    withdrawal  {of, target, why, ticket}

The subject is the version's address, the digest that of its content; `policy` is {commit, digest},
`gates` what each rule said when it was signed. What others wrote is read here and nowhere else:
words of another shape are not valid, and say why.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import ModeldeckError, RefusedError
from modeldeck.backends.api.events import Entry, Event
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.plan import Plan, Verdict
from modeldeck.backends.api.statements import (
    APPROVAL,
    REFUSAL,
    REQUEST,
    WITHDRAWAL,
    Signed,
    Signer,
    Statement,
)
from modeldeck.backends.api.times import from_micros, rfc3339, to_micros

from .asked import Word
from .plans import TOUCH
from .session import Session

WORDS = (REQUEST, APPROVAL, REFUSAL, WITHDRAWAL)
OPERATIONS = {
    "approval.ask": REQUEST,
    "approval.approve": APPROVAL,
    "approval.refuse": REFUSAL,
    "approval.withdraw": WITHDRAWAL,
}
DIGEST_TAG = "modeldeck.digest"
"""Where a server keeps the digest of a version that was copied to it."""


class _Policy(Struct, frozen=True):
    commit: str = ""
    digest: str = ""


class _Body(Struct, frozen=True):
    """What a body must look like; fields that nobody knows are left alone."""

    target: str
    policy: _Policy = _Policy()
    evidence: str = ""
    gates: Sequence[Verdict] = ()
    expires: datetime | None = None
    due: datetime | None = None
    request: str = ""
    of: str = ""
    why: str = ""
    ticket: str = ""


def word_of(signed: Signed) -> Word | None:
    """A statement as words of a version; None when it is not about one at all."""
    statement = signed.statement
    try:
        address = parse_address(statement.subject)
    except ModeldeckError:
        return None
    if statement.kind not in WORDS or address.version is None or address.context:
        return None
    word = Word(
        id=signed.id,
        kind=statement.kind,
        subject=version_address(address.name, address.version),
        model=address.name,
        number=address.version,
        digest=statement.digest,
        time=statement.time,
        person=signed.person,
        key=signed.key,
        valid=signed.valid,
        trouble="" if signed.valid else signed.why or "its signature does not hold",
    )
    try:
        body = msgspec.convert(dict(statement.body), _Body)
    except (msgspec.ValidationError, TypeError, ValueError):
        return _unread(word, "what it says cannot be read")
    times = [time for time in (body.expires, body.due) if time is not None]
    model, at, alias = body.target.rpartition("@")
    # A time is shown in a zone, for which there must be room in its year.
    told = all(time.tzinfo is not None and from_micros(to_micros(time)) == time for time in times)
    if not at or not alias or model != address.name or not told:
        return _unread(word, "what it says does not fit what it is about")
    said = {name: getattr(body, name) for name in body.__struct_fields__ if name != "policy"}
    return msgspec.structs.replace(
        word, **said, policy=body.policy.digest, commit=body.policy.commit
    )


def _unread(word: Word, trouble: str) -> Word:
    return msgspec.structs.replace(word, valid=False, trouble=word.trouble or trouble)


async def words_about(session: Session, subject: str = "", *, old: bool = False) -> Sequence[Word]:
    """What was said of a version, or of all, oldest first. With `old` what is here will do."""
    if session.statements is None:
        return ()
    if old:
        found = await session.statements.statements(WORDS, subject)
    else:
        from .sharing import shared

        found = await shared(session, WORDS, subject)
    words = (word_of(signed) for signed in found)
    return [word for word in words if word is not None]


def digest_of(version: Version) -> str:
    """The digest of its content, as far as one is known; else empty."""
    return version.digest or version.tags.get(DIGEST_TAG, "")


def statement_of(plan: Plan) -> Mapping[str, Any]:
    """What `plan` has signed: kind, subject, digest, body; empty for a plan that signs nothing."""
    if plan.operation not in OPERATIONS:
        return {}
    found: Mapping[str, Any] = plan.arguments.get("statement", {})
    return {**found, "body": {**found["body"], "why": plan.reason, "ticket": plan.ticket}}


def signed_lines(plan: Plan) -> Sequence[tuple[str, str]]:
    """What exactly is signed, in words: names and values. Empty where nothing is."""
    said = statement_of(plan)
    if not said:
        return ()
    body = said["body"]
    policy = body.get("policy", {})
    gates = [msgspec.convert(gate, Verdict) for gate in body.get("gates", ())]
    pairs = [
        ("says", f"{said['kind']} of {said['subject']} for {body['target']}"),
        ("digest", _brief(said["digest"]) or "none is known: it is bound to the evidence alone"),
        ("answers", _brief(body.get("request", ""))),
        ("withdraws", _brief(body.get("of", ""))),
        ("policy", f"{policy.get('commit', '')[:7]} {_brief(policy.get('digest', ''))}".strip()),
        ("evidence", _brief(body.get("evidence", ""))),
        *(("gate", f"{gate.verdict} {gate.rule}  {gate.shows}".rstrip()) for gate in gates),
        ("expires", body.get("expires", "")),
        ("due", body.get("due", "")),
        ("key", plan.arguments.get("key", "")),
    ]
    return [(name, value) for name, value in pairs if value]


def _brief(digest: str) -> str:
    """Twenty digits of a digest: as many as nobody finds another content for."""
    kind, colon, rest = digest.rpartition(":")
    return digest if len(rest) < 24 else f"{kind}{colon}{rest[:16]}..{rest[-4:]}"


async def signer_of(session: Session) -> Signer:
    """The key to sign with; RefusedError where there is none. It may ask for a passphrase."""
    signer = await asyncio.to_thread(session.signer)
    if signer is None:
        raise RefusedError(
            "there is no key to sign with",
            where=session.context,
            way_out="`modeldeck key new` makes one; its public line goes into the policy",
        )
    return signer


async def speak(
    session: Session, plan: Plan, tell: Callable[[str], None] = lambda _: None
) -> Sequence[Event]:
    """Sign what `plan` says and write it and its event down together; gives the event.

    Then it is sent to those who share these records.
    `tell` hears that a key in hardware waits for a touch.
    """
    if session.statements is None:
        raise RefusedError("there are no records to put it in", where=session.context)
    said, signer = statement_of(plan), await signer_of(session)
    if signer.public.startswith("sk-"):
        tell(TOUCH)
    (change,) = plan.changes

    def entry(signed: Signed) -> Entry:
        evidence = {"statement": signed.id, "key": signer.fingerprint, "person": signed.person}
        actor = msgspec.structs.replace(session.actor, key=signer.fingerprint)
        made = plan.entry(change, "done", actor=actor, tool="", context=session.context)
        return msgspec.structs.replace(made, evidence=evidence)

    statement = Statement(
        kind=said["kind"],
        subject=said["subject"],
        digest=said["digest"],
        time=session.clock(),
        body=said["body"],
    )
    return [await session.statements.put_noted(statement, signer, entry)]


def gate_words(gates: Sequence[Verdict]) -> Sequence[Mapping[str, Any]]:
    """Verdicts as a body holds them: without their numbers, which the evidence stands for."""
    return [
        {"gate": one.gate, "rule": one.rule, "kind": one.kind, "verdict": one.verdict,
         "shows": one.shows}
        for one in gates
    ]  # fmt: skip


def moment(time: datetime) -> str:
    """A time as a body holds it: whole seconds."""
    return rfc3339(time.replace(microsecond=0))
