"""Which screen a goal or an address is, and back. Each is imported when it is gone to."""

from datetime import datetime
from typing import Any

import msgspec

from modeldeck.app.nouns import DOORS, NOUNS
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import ModeldeckError

from .goto import Goal, vocabulary_of
from .screens.base import DeckScreen

_NOUN_OF = {
    "OverviewScreen": "overview",
    "ExperimentsScreen": "experiments",
    "RunsScreen": "runs",
    "ModelsScreen": "models",
    "VersionsScreen": "versions",
    "TimelineScreen": "history",
    "InboxScreen": "inbox",
    "ApprovalsScreen": "approvals",
    "EventsScreen": "audit",
    "TrashScreen": "trash",
    "ContextsScreen": "contexts",
}
LONGEST = 900


class Place(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What brings a screen back: an address, or a noun with what it is of, filter and order."""

    noun: str = ""
    of: str = ""
    where: str = ""
    sort: str = ""
    address: str = ""


def place_of(screen: Any) -> Place | None:
    """What would bring a screen back; None for one that cannot be, as a dialog."""
    kind = type(screen).__name__
    if kind in ("RunScreen", "VersionScreen") and screen.address:
        return Place(address=screen.address)
    noun = _NOUN_OF.get(kind)
    if noun is None or (kind == "RunsScreen" and screen.above is not None):
        return None
    of = getattr(screen, "experiment", "") or getattr(screen, "model", "")
    if kind == "TimelineScreen" and screen.alias:
        of = f"{screen.model}@{screen.alias}"
    return Place(noun, of, getattr(screen, "where", ""), getattr(screen, "sort", ""))


def screen_for(place: Place) -> DeckScreen:
    """The screen of a place; ModeldeckError where nothing can be there."""
    if place.address:
        return screen_at(parse_address(place.address))
    found: Any = screen_of(Goal(place.noun, place.of, place.where))
    if place.sort and hasattr(found, "sort"):
        found.sort = place.sort
    return found  # type: ignore[no-any-return]


def written(place: Place) -> str:
    """A place as it is kept; empty for one that is too long to be."""
    text = msgspec.json.encode(place).decode()
    return text if len(text) <= LONGEST else ""


def read_place(text: str, now: datetime) -> Place | None:
    """A place that was kept, without an order or a filter that means nothing any more.

    None for what is no place, whoever wrote it.
    """
    try:
        place = msgspec.json.decode(text.encode(), type=Place)
        if place.address:
            parse_address(place.address)
        elif place.noun not in NOUNS or place.noun == "quit":
            return None
    except (msgspec.DecodeError, ModeldeckError, UnicodeError):
        return None
    return _meaningful(place, now)


def _meaningful(place: Place, now: datetime) -> Place:
    from modeldeck.app.usecases.words import sort_of
    from modeldeck.backends.api.parse import parse_filter

    words = vocabulary_of(place.noun)
    where, sort = place.where, place.sort
    try:
        if words is not None and where:
            parse_filter(where, words, now)
    except ModeldeckError:
        where = ""
    try:
        if sort and words is not None:
            sort_of(sort, words)
    except ModeldeckError:
        sort = ""
    return Place(place.noun, place.of, where, sort if words is not None else "", place.address)


def overview() -> DeckScreen:
    """The first look."""
    from .screens.overview import OverviewScreen

    return OverviewScreen()


def screen_of(goal: Goal) -> DeckScreen:
    """The screen of what was typed after `:`."""
    match goal.noun:
        case "experiments":
            from .screens.experiments import ExperimentsScreen

            return ExperimentsScreen(where=goal.where)
        case "runs":
            from .screens.runs import RunsScreen

            return RunsScreen(experiment=goal.of, where=goal.where)
        case "models":
            from .screens.models import ModelsScreen

            return ModelsScreen(where=goal.where)
        case "versions":
            from .screens.models import VersionsScreen

            return VersionsScreen(goal.of, where=goal.where)
        case "history":
            from .screens.timeline import TimelineScreen

            model, _, alias = goal.of.rpartition("@") if "@" in goal.of else (goal.of, "", "")
            return TimelineScreen(model, alias)
        case "inbox":
            from .screens.inbox import InboxScreen

            return InboxScreen(where=goal.where)
        case "approvals":
            from .screens.inbox import ApprovalsScreen

            return ApprovalsScreen(where=goal.where)
        case "contexts":
            from .screens.contexts import ContextsScreen

            return ContextsScreen(where=goal.where)
        case "views":
            from .screens.views import ViewsScreen

            return ViewsScreen(where=goal.where)
        case "trash":
            from .screens.trash import TrashScreen

            return TrashScreen(where=goal.where)
        case "audit":
            from .screens.events import EventsScreen

            return EventsScreen(where=goal.where)
        case _:
            return overview()


def screen_named(text: str) -> DeckScreen:
    """The screen of a door's word or of an address; UsageError for what is neither."""
    return screen_of(Goal(text)) if text in DOORS else screen_at(parse_address(text))


def screen_at(address: Address) -> DeckScreen:
    """The screen of an address."""
    if address.noun == "runs" and address.name:
        from .screens.run import RunScreen

        return RunScreen(address.name)
    if address.noun == "models" and address.name:
        if address.version is not None or address.alias is not None:
            from .screens.version import VersionScreen

            return VersionScreen(address.name, address.version, alias=address.alias)
        return screen_of(Goal("versions", address.name))
    if address.noun == "experiments" and address.name:
        return screen_of(Goal("runs", address.name))
    if address.noun == "events":
        return screen_of(Goal("audit", where=f"seq = {address.name}" if address.name else ""))
    return screen_of(Goal(address.noun))
