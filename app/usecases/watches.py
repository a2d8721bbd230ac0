"""From when and until when what the trail says of an alias is all there is to know.

On a server nobody tells us of what others do: what was seen, and when nobody looked, is in the
records. Here nothing moves without an event, but for what came with an import.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from modeldeck.backends.api import address
from modeldeck.backends.api.ages import Age
from modeldeck.backends.api.errors import NotFoundError, UnreachableError
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.looks import Look
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.protocols import Around
from modeldeck.backends.api.query import And, Compare, Field, Sort
from modeldeck.backends.api.runs import Shelf

from .moves import Move
from .session import Session
from .spans import Lane, Watch

MODELS = ("models/", "models0")


class Present(Struct, frozen=True, kw_only=True):
    """Where aliases are, and the models that they are of where these were read."""

    now: Mapping[Lane, int] | None
    read_at: datetime
    models: Mapping[str, Model | None] = {}
    trouble: str = ""


async def read_present(session: Session, model: str) -> Present:
    """What is there; where that is a server, what was seen of it is written down afterwards."""
    registry = session.registry
    found: Sequence[Model] = ()
    with Age(session.clock()) as age:
        try:
            if model:
                found = [await registry.model(model)]
            else:
                found = await all_of(await registry.models(shelf=Shelf.ALL))
        except NotFoundError:
            return Present(now={}, read_at=age.at)
        except UnreachableError as error:
            return Present(now=None, read_at=age.at, trouble=str(error))
    settled = getattr(registry, "settled", None)
    if settled is not None:
        await settled()
    now = {(one.name, alias): number for one in found for alias, number in one.aliases.items()}
    trouble = str(age.missed) if age.missed is not None else ""
    models = {one.name: one for one in found}
    return Present(now=now, read_at=age.at, models=models, trouble=trouble)


async def watches_of(
    session: Session,
    present: Present,
    model: str,
    lanes: Mapping[Lane, Sequence[Move]],
    begun: datetime | None,
) -> Mapping[Lane, Watch]:
    """What is known beside moves of each alias that is there or has moved."""
    names: Iterable[Lane] = {*lanes, *(present.now or {})}
    if not session.remote:
        return {
            lane: await _near(session, lane, lanes.get(lane, ()), present, begun) for lane in names
        }
    looks = await _looks(session, model)
    names = {*names, *(lane for lane in map(_lane, looks) if lane is not None)}
    return {lane: _far(lane, looks, present) for lane in names}


def trail_of(session: Session) -> Around | None:
    """What can be asked for an instant: the registry, or the records of a server."""
    found = getattr(session.registry, "records", session.registry)
    return found if isinstance(found, Around) else None


def bounds(model: str) -> tuple[str, str]:
    """The first subject of the aliases of a model, and the first after them."""
    if not model:
        return MODELS
    first = address.alias(model, "")
    return first, after_all(first)


def after_all(first: str) -> str:
    """The text after all that begin so."""
    return first[:-1] + chr(ord(first[-1]) + 1)


async def _looks(session: Session, model: str) -> Mapping[str, Look]:
    trail = trail_of(session)
    if trail is None:
        return {}
    context, field = session.context, "version"
    found = list(await trail.looks(context, field, *bounds(model)))
    if model:
        found += await trail.looks(context, field, MODELS[0], f"{MODELS[0]}\0")
    return {look.subject: look for look in found}


def _lane(subject: str) -> Lane | None:
    if subject[-1] in "/@":
        return None
    parts = address.parse_address(subject)
    return None if parts.alias is None else (parts.name, parts.alias)


def _far(lane: Lane, looks: Mapping[str, Look], present: Present) -> Watch:
    """What was seen of an alias on a server, and is seen now."""
    model, alias = lane
    own = looks.get(address.alias(model, alias))
    starts = (address.alias(model, ""), MODELS[0])
    around = [looks[start] for start in starts if start in looks]
    first = min((look.since for look in (own, *around) if look is not None), default=None)
    version, since, looked = None, None, None
    if own is None and around:
        since, looked = around[0].since, max(look.looked for look in around)
    elif own is not None and own.known:
        version, since = own.value, own.since
        looked = max(look.looked for look in (own, *around))
    if present.now is None:
        return Watch(first=first, version=version, since=since, looked=looked, far=True)
    now = present.now.get(lane)
    if since is None or looked is None or now != version:
        since = present.read_at
    return Watch(first=first or since, version=now, since=since, looked=present.read_at)


async def _near(
    session: Session,
    lane: Lane,
    moves: Sequence[Move],
    present: Present,
    begun: datetime | None,
) -> Watch:
    """What the trail of the registry itself leaves open: what came with an import, or past it."""
    now = (present.now or {}).get(lane)
    first, looked = begun, present.read_at
    since = looked
    if moves and moves[0].before is not None:
        first = await _imported(session, present, lane[0], moves[0].earliest)
    if not moves and now is not None:
        first = since = await _imported(session, present, lane[0], looked) or looked
    elif moves and moves[-1].after == now and moves[-1].latest is not None:
        since = moves[-1].latest
    return Watch(first=first, version=now, since=since, looked=looked)


async def _imported(
    session: Session, present: Present, model: str, before: datetime
) -> datetime | None:
    """When at the latest a model had come with an import; None where none is known."""
    found = present.models.get(model)
    if found is None or found.origin is None:
        return None
    where = And(
        (
            Compare(Field("subject"), "=", found.origin),
            Compare(Field("action"), "=", "import"),
            Compare(Field("phase"), "=", "ended"),
            Compare(Field("time"), "<=", before),
        )
    )
    window = await session.registry.events(where, [Sort(Field("seq"), True)], 1)
    return window.first[0].time if window.first else None
