"""Requests for approval: all of them with what was said, and lists of them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.query import Attribute, Field, Vocabulary
from modeldeck.backends.api.statements import REQUEST

from .approvals import judge, standing_of, wanted
from .asked import Request, Standing, Word
from .attest import words_about
from .session import Session
from .words import filter_of, sort_of

LOOKED_AT = 50
"""So many requests are held against the registry, the newest."""
OPEN = ("wait", "approved", "refused")
"""The states of requests about which something can still be done."""
APPROVALS = Vocabulary(
    "approvals",
    {
        "id": Attribute("text"),
        "model": Attribute("text"),
        "version": Attribute("number"),
        "target": Attribute("text", ("for",)),
        "state": Attribute("text"),
        "person": Attribute("text", ("by", "user")),
        "time": Attribute("time", ("asked",)),
        "expires": Attribute("time"),
        "due": Attribute("time"),
        "reason": Attribute("text", ("why",)),
        "ticket": Attribute("text"),
    },
    bare="target",
)


async def list_requests(
    session: Session, *, where: str = "", sort: str = "", every: bool = False
) -> Window[Request]:
    """Requests that are open, or `every` one; the newest first unless sorted otherwise."""
    found = [one for one in await requests(session) if every or one.state in OPEN]
    rows = arranged(found, _fields, filter_of(session, where, APPROVALS), sort_of(sort, APPROVALS))
    return ListWindow(rows, [row.word.id for row in rows])


def _fields(item: Request) -> Getter:
    word = item.word
    values: dict[str, Any] = {
        "id": word.id,
        "model": word.model,
        "version": float(word.number),
        "target": word.target,
        "state": item.state,
        "person": word.person,
        "time": word.time,
        "expires": item.itself.expires if item.itself else word.expires,
        "due": word.due,
        "reason": word.why,
        "ticket": word.ticket,
    }

    def get(field: Field) -> Any:
        return values.get(field.name)

    return get


async def requests(session: Session, *, deep: bool = True) -> Sequence[Request]:
    """All requests, the newest first.

    `deep` holds each against what the registry says of its version now; without it only what was
    signed is looked at, as if nothing had changed since.
    """
    words = await words_about(session, old=not deep)
    if not words:
        return ()
    made: dict[tuple[str, str], Standing] = {}
    found = []
    asked = [word for word in words if word.kind == REQUEST]
    for at, word in enumerate(sorted(asked, key=lambda word: word.time, reverse=True)):
        key = word.subject, word.target
        standing = made.get(key)
        if standing is None:
            standing = _unchanged(session, word)
            if deep and word.valid and at < LOOKED_AT:
                with suppress(ModeldeckError):
                    standing = await _now(session, word)
            made[key] = standing
        about = [one for one in words if one.subject == word.subject]
        needed = wanted(session.policy, word.target).count or 1
        said = judge(about, standing)
        found.append(Request(word=word, said=said, standing=standing, needed=needed))
    return found


def _unchanged(session: Session, word: Word) -> Standing:
    source = session.policy.source
    return Standing(
        subject=word.subject,
        digest=word.digest,
        target=word.target,
        evidence=word.evidence,
        policy=source.digest if source else "",
        people=session.policy.people,
        makers=(),
        now=session.clock(),
        days=wanted(session.policy, word.target).days,
    )


async def _now(session: Session, word: Word) -> Standing:
    from .gates.check import check_gate

    version = await session.registry.version(word.model, word.number)
    report = await check_gate(session, word.model, word.alias, word.number)
    return await standing_of(session, version, word.target, report.evidence)
