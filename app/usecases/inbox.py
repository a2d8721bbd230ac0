"""What waits for a person: requests to decide on, words of theirs that became void, debts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.query import Field
from modeldeck.backends.api.statements import APPROVAL

from .approvals import ROLE
from .approving import why_not_answer
from .asked import INBOX, Approval, Kind, Request, Waiting
from .audit import list_events
from .requests import requests
from .session import Session
from .words import filter_of, sort_of

MOVES = 50
"""So many of the latest moves of aliases are searched for broken glass."""

ORDER: Sequence[Kind] = ("wrong", "due", "decide", "conflict", "void", "decided")


class _Me(NamedTuple):
    name: str
    approver: bool


async def inbox(
    session: Session, *, deep: bool = True, live: Mapping[str, int] | None = None
) -> Sequence[Waiting]:
    """What waits for whoever sits here, the worst first.

    `live` are versions by MODEL@ALIAS as far as they are known: what has arrived waits no more.
    Without people in the policy nothing does.
    """
    if not session.policy.people:
        return ()
    from .roles import person_of

    name = person_of(session)
    roles = session.policy.people[name].roles if name in session.policy.people else ()
    me = _Me(name, ROLE in roles)
    all_ = await requests(session, deep=deep)
    if live is None:
        live = await _live(session, all_) if deep else {}
    found = [*await _wrong(session), *await _debts(session, all_)]
    for request in all_:
        found += _of_request(request, me, live)
    found += _conflicts(all_, me, live)
    return sorted(found, key=lambda one: (ORDER.index(one.kind), _when(one)))


async def list_inbox(session: Session, *, where: str = "", sort: str = "") -> Window[Waiting]:
    """What waits, as a list; the worst first unless sorted otherwise."""
    found = await inbox(session)
    rows = arranged(found, _fields, filter_of(session, where, INBOX), sort_of(sort, INBOX))
    return ListWindow(rows, [f"{one.kind}:{one.id}:{one.target}:{one.version}" for one in rows])


def _fields(item: Waiting) -> Getter:
    def get(field: Field) -> Any:
        value = getattr(item, field.name)
        return float(value) if field.name == "version" and value is not None else value

    return get


def _when(one: Waiting) -> float:
    time = one.until or one.time
    return time.timestamp() if time else 0.0


async def _live(session: Session, found: Sequence[Request]) -> Mapping[str, int]:
    live: dict[str, int] = {}
    for model in dict.fromkeys(request.word.model for request in found):
        with suppress(ModeldeckError):
            aliases = (await session.registry.model(model)).aliases
            live |= {f"{model}@{alias}": number for alias, number in aliases.items()}
    return live


async def _wrong(session: Session) -> Sequence[Waiting]:
    if session.statements is None:
        return ()
    status = await session.statements.status()
    if not status.rewritten:
        return ()
    return [
        Waiting(
            kind="wrong",
            words=f"the shared records were rewritten: {status.trouble or status.place}",
            command="modeldeck records status",
        )
    ]


async def _debts(session: Session, found: Sequence[Request]) -> Sequence[Waiting]:
    """Broken glass for which nobody could be asked: only the trail tells of it."""
    if not session.policy.gates:
        return ()
    asked = {(one.word.target, one.word.number) for one in found if one.word.due}
    window = await list_events(
        session, where="action in (alias.set, rollback) and phase = done", first=MOVES
    )
    debts = {}
    for event in window.first[:MOVES]:
        evidence = event.evidence or {}
        address = parse_address(event.subject)
        after = event.after.get("version") if isinstance(event.after, dict) else None
        if not evidence.get("glass") or address.alias is None or not isinstance(after, int):
            continue
        target = f"{address.name}@{address.alias}"
        if (target, after) not in asked:
            until = _time(evidence.get("due"))
            late = until is not None and until <= session.clock()
            debts[target, after] = Waiting(
                kind="wrong" if late else "due",
                model=address.name,
                version=after,
                target=target,
                person=event.actor.sudo_user or event.actor.user,
                time=event.time,
                until=until,
                words=f"broke the glass with {evidence['glass']}, nobody was asked to approve it",
                command=f"modeldeck approvals ask {address.name}/{after} --for {address.alias}",
            )
    return list(debts.values())


def _time(text: object) -> datetime | None:
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(str(text))
    return None


def _of_request(request: Request, me: _Me, live: Mapping[str, int]) -> Iterator[Waiting]:
    word, standing = request.word, request.standing
    yield from _void(request, me)
    if not word.valid or request.state == "withdrawn":
        return
    arrived = live.get(word.target) == word.number
    enough = len(request.approved) >= request.needed
    if word.due is not None and not enough:
        late = word.due <= standing.now
        yield _waiting(
            "wrong" if late else "due",
            request,
            words=f"went there on a broken glass ({word.ticket}): {_count(request)}",
            until=word.due,
        )
    elif _may_decide(request, me) and not arrived and request.state == "wait":
        yield _waiting("decide", request, words=f"{_count(request)}: {word.why}")
    if word.person == me.name and not arrived:
        if (stop := request.refused) is not None:
            yield _waiting("decided", request, words=f"REFUSED: {stop.reason}", by=stop)
        elif enough and request.state == "approved":
            last = max(request.approved, key=lambda one: one.time)
            yield _waiting("decided", request, words=f"approved: {last.reason}", by=last)


def _void(request: Request, me: _Me) -> Iterator[Waiting]:
    back = ("it was withdrawn", "it expired", "another one")
    for one in request.said:
        own = one.decision == "approved" and one.person == me.name and me.name
        if not own or one.counts or one.request != request.word.id:
            continue
        over = one.expires is not None and one.expires <= request.standing.now
        if not over and not one.why.startswith(back):
            yield _waiting("void", request, words=f"your approval counts no more: {one.why}")


def _may_decide(request: Request, me: _Me) -> bool:
    if not me.approver:
        return False
    said = why_not_answer(request.word, request.said, request.standing, me.name, APPROVAL)
    return said is None


def _count(request: Request) -> str:
    return f"{len(request.approved)} of {request.needed} approved"


def _waiting(
    kind: Kind,
    request: Request,
    *,
    words: str,
    until: datetime | None = None,
    by: Approval | None = None,
) -> Waiting:
    word = request.word
    itself = request.itself
    return Waiting(
        kind=kind,
        id=word.id,
        model=word.model,
        version=word.number,
        target=word.target,
        person=by.person if by else word.person,
        time=by.time if by else word.time,
        until=until or (itself.expires if itself else None),
        words=words,
        command=f"modeldeck approvals show {word.short}",
    )


def _conflicts(found: Sequence[Request], me: _Me, live: Mapping[str, int]) -> Iterator[Waiting]:
    """Targets for which several versions are asked for, where this person is concerned."""
    open_: dict[str, list[Request]] = {}
    for request in found:
        word = request.word
        if request.state in ("wait", "approved") and live.get(word.target) != word.number:
            open_.setdefault(word.target, []).append(request)
    for target, several in open_.items():
        by_version = {request.word.number: request.word for request in reversed(several)}
        mine = me.approver or any(word.person == me.name for word in by_version.values())
        if len(by_version) > 1 and mine:
            names = ", ".join(f"v{n} by {word.person}" for n, word in sorted(by_version.items()))
            newest = max(by_version.values(), key=lambda word: word.time)
            yield Waiting(
                kind="conflict",
                id=newest.id,
                model=newest.model,
                version=newest.number,
                target=target,
                person=newest.person,
                time=newest.time,
                words=f"several are asked for: {names}",
                command="modeldeck approvals ls",
            )
