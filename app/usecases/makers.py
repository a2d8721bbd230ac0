"""Who made a version: they may not approve it."""

from collections.abc import Iterable, Mapping, Sequence

from modeldeck.app.config.policy import Person, fingerprints
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.statements import EVENT

from .asked import Maker
from .audit import list_events
from .session import Session

_VERBS = {"version.card": "wrote its card last", "version.register": "registered it"}


async def makers_of(session: Session, version: Version) -> Sequence[Maker]:
    """Whose version it is, who ran its run, who registered it, who wrote its card last."""
    found = [Maker(did="made it", user=version.user)] if version.user else []
    if version.run_id:
        try:
            run = await session.registry.run(version.run_id)
        except NotFoundError:
            run = None
        if run is not None and run.user:
            found.append(Maker(did="ran the run that made it", user=run.user))
    subject = address(version.model, version.version)
    quoted = subject.replace("\\", "\\\\").replace('"', '\\"')
    names = ", ".join(_VERBS)
    events = await all_of(
        await list_events(
            session, where=f'subject = "{quoted}" and action in ({names}) and phase = done'
        )
    )
    last = {event.action: event for event in reversed(events)}
    for action, event in last.items():
        found += _of_actor(event.actor, _VERBS[action])
    return [*found, *await _told(session, subject)]


def _of_actor(actor: Actor, did: str) -> Iterable[Maker]:
    yield Maker(did=did, user=actor.sudo_user or actor.user, host=actor.host, key=actor.key or "")
    if actor.on_behalf_of:
        yield Maker(did=did, user=actor.on_behalf_of)


async def _told(session: Session, subject: str) -> Sequence[Maker]:
    """The same from the events that others have signed, of which this trail knows nothing."""
    if session.statements is None:
        return ()
    last: dict[str, Maker] = {}
    for signed in await session.statements.statements([EVENT], subject):
        action = signed.statement.body.get("action")
        if signed.valid and isinstance(action, str) and action in _VERBS:
            last[action] = Maker(did=_VERBS[action], key=signed.key, person=signed.person)
    return list(last.values())


def made_by(name: str, key: str, makers: Sequence[Maker], people: Mapping[str, Person]) -> str:
    """What the person of that name, signing with `key`, did to make it; empty for nothing.

    Whoever cannot be told apart from a maker counts as one: a login without a host is that user on
    every host, and a person without logins is the user of their name.
    """
    person = people.get(name, Person())
    keys = {key, *fingerprints(person)} - {""}
    for maker in makers:
        if maker.person == name and name:
            return maker.did
        if maker.key in keys or (maker.user and _is_login(name, person, maker)):
            return maker.did
    return ""


def _is_login(name: str, person: Person, maker: Maker) -> bool:
    for login in person.logins or (name,):
        user, at, host = login.partition("@")
        if user == maker.user and (not at or not maker.host or host == maker.host):
            return True
    return False
