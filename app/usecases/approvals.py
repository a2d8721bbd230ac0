"""Approvals: which of the signed words on a version count, and why the others do not.

An approval counts when its signature is that of a person of the policy with the role for it, who
neither made the version nor asked; when it answers a request that stands, for this content, this
alias, this policy, this evidence; when it is dated after the request, not ahead of now, and has not
expired; when it is the only one of that person and of that key, nobody took it back, and nobody's
refusal stands.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from modeldeck.app.config.policy import Policy
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.statements import APPROVAL, REFUSAL, REQUEST, WITHDRAWAL

from .asked import DAYS, Approval, Decision, Standing, Word, short_id
from .attest import digest_of, words_about
from .makers import made_by, makers_of
from .session import Session

AHEAD = timedelta(minutes=5)
"""By how much clocks may differ."""
ROLE = "approver"
_DECISIONS: Mapping[str, Decision] = {
    REQUEST: "asked",
    APPROVAL: "approved",
    REFUSAL: "refused",
    WITHDRAWAL: "withdrawn",
}


async def approvals_of(
    session: Session, version: Version, target: str, evidence: str
) -> Sequence[Approval]:
    """All that was said of `version` going to `target` (MODEL@ALIAS), oldest first.

    `evidence` is that of the version now. A refusal that counts stops it: no approval counts then.
    """
    subject = version_address(version.model, version.version)
    words = await words_about(session, subject)
    if not words:
        return ()
    return judge(words, await standing_of(session, version, target, evidence))


async def standing_of(session: Session, version: Version, target: str, evidence: str) -> Standing:
    """What an approval must fit now."""
    policy = session.policy
    return Standing(
        subject=version_address(version.model, version.version),
        digest=digest_of(version),
        target=target,
        evidence=evidence,
        policy=policy.source.digest if policy.source else "",
        people=policy.people,
        makers=await makers_of(session, version),
        now=session.clock(),
        days=wanted(policy, target).days,
    )


class Wanted(Struct, frozen=True):
    """How many approvals an alias wants, and for how many days one holds; 0 where no rule asks."""

    count: int
    days: int


def wanted(policy: Policy, target: str) -> Wanted:
    """What the rules before `target` ask: the most approvals, the fewest days."""
    model, _, alias = target.rpartition("@")
    rules = [
        rule
        for _, gate in policy.before(model, alias)
        for rule in gate.rules
        if rule.get("kind") == "approvals"
    ]
    days = [_number(rule.get("days"), DAYS) for rule in rules]
    counts = [_number(rule.get("count"), 1) for rule in rules]
    return Wanted(max(counts, default=0), min(days, default=DAYS))


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and value > 0 else otherwise


def gated_aliases(policy: Policy, model: Model) -> Sequence[str]:
    """The aliases of a model that a gate stands before: those it has, those that a gate names."""
    named = [
        pattern.rpartition("@")[2]
        for gate in policy.gates.values()
        for pattern in gate.targets
        if not set("*?[") & set(pattern.rpartition("@")[2])
    ]
    names = dict.fromkeys([*named, *sorted(model.aliases)])
    return [name for name in names if name and policy.before(model.name, name)]


def judge(words: Sequence[Word], standing: Standing) -> Sequence[Approval]:
    """What counts of `words`, for one version and one target. Pure."""
    here = {word.id: word for word in words}
    ours = sorted(
        (word for word in words if _is_of(word, standing.target, here)),
        # What is answered stands before the answers of the same moment.
        key=lambda word: (word.time, word.kind != REQUEST, word.id),
    )
    back = withdrawals(words)
    whys = {word.id: _why_not(word, standing, here, back) for word in ours}
    stops = next((w for w in ours if w.kind == REFUSAL and not whys[w.id]), None)
    seen: set[str] = set()
    # Of several approvals of one person the latest counts: it holds the longest.
    for word in sorted(ours, key=lambda word: word.time, reverse=True):
        if word.kind != APPROVAL or whys[word.id]:
            continue
        if stops is not None:
            whys[word.id] = f"{stops.person} refused it"
        elif {word.person, word.key} & seen:
            whys[word.id] = f"another one of {word.person} or of that key counts"
        else:
            seen |= {word.person, word.key}
    return [
        Approval(
            id=word.id,
            person=word.person,
            key=word.key,
            decision=_DECISIONS[word.kind],
            time=word.time,
            expires=expiry(word, standing.days),
            counts=not whys[word.id],
            why=whys[word.id],
            request=word.request or (word.id if word.kind == REQUEST else ""),
            reason=word.why,
        )
        for word in ours
    ]


def _is_of(word: Word, target: str, here: Mapping[str, Word]) -> bool:
    answered = here.get(word.request or word.of)
    return word.target == target or (answered is not None and answered.target == target)


def withdrawals(words: Sequence[Word]) -> Mapping[str, Word]:
    """What was taken back, by whose first withdrawal: only who said something can."""
    here = {word.id: word for word in words}
    found: dict[str, Word] = {}
    for word in sorted(words, key=lambda word: (word.time, word.id)):
        said = here.get(word.of) if word.kind == WITHDRAWAL and word.valid else None
        if said is not None and said.kind != WITHDRAWAL and said.person == word.person:
            found.setdefault(said.id, word)
    return found


def expiry(word: Word, days: int) -> datetime | None:
    """When it lapses: as it says, and never later than the policy lets it. None: never."""
    if word.kind in (WITHDRAWAL, REFUSAL):
        return None
    latest = word.time + timedelta(days=days)
    return latest if word.expires is None else min(word.expires, latest)


def _why_not(
    word: Word, standing: Standing, here: Mapping[str, Word], back: Mapping[str, Word]
) -> str:
    """Why it does not count by itself; empty when it does."""
    common = _why_not_said(word, standing, back)
    if common or word.kind == WITHDRAWAL:
        return common
    if word.kind == REQUEST:
        return _stale(word, standing)
    return (
        _why_not_person(word, standing)
        # A refusal stops whatever was refused, until it is taken back.
        or (_stale(word, standing) if word.kind == APPROVAL else "")
        or _why_not_answer(word, standing, here, back)
    )


def _why_not_said(word: Word, standing: Standing, back: Mapping[str, Word]) -> str:
    if not word.valid:
        return word.trouble or "its signature does not hold"
    if word.subject != standing.subject:
        return "it was signed for another version"
    if word.target != standing.target:
        return f"it was signed for {word.target}"
    if word.time > standing.now + AHEAD:
        return "it is dated ahead"
    if word.id in back:
        return f"it was withdrawn {_day(back[word.id].time)}"
    return ""


def _stale(word: Word, standing: Standing) -> str:
    """What has changed since it was said, or that too much time has passed."""
    if word.digest != standing.digest:
        return "it was signed for other content"
    if word.policy != standing.policy:
        return "the policy changed since"
    if word.evidence != standing.evidence:
        return "the evidence changed since"
    until = expiry(word, standing.days)
    return f"it expired {_day(until)}" if until is not None and until <= standing.now else ""


def _why_not_person(word: Word, standing: Standing) -> str:
    person = standing.people.get(word.person)
    if person is None:
        return "its key is nobody's by the policy"
    if ROLE not in person.roles:
        return f"{word.person} has not the role {ROLE}"
    return ""


def _why_not_answer(
    word: Word, standing: Standing, here: Mapping[str, Word], back: Mapping[str, Word]
) -> str:
    if word.kind == REFUSAL:
        # Otherwise whoever asked could lift it by asking anew.
        return ""
    request = here.get(word.request)
    if request is None or request.kind != REQUEST:
        return "the request that it answers is not here"
    if wrong := _why_not_said(request, standing, back):
        return f"its request does not stand: {wrong}"
    if word.time < request.time:
        return "it is dated before its request"
    if word.person == request.person or word.key == request.key:
        return f"{word.person} asked for it"
    did = made_by(word.person, word.key, standing.makers, standing.people)
    if did:
        return f"{word.person} {did}"
    if _bound(request) != _bound(word):
        return f"request {short_id(request.id)} is for something else"
    return ""


def _bound(word: Word) -> tuple[str, str, str]:
    return word.digest, word.evidence, word.policy


def _day(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}Z"
