"""Which screen a goal or an address is. Each is imported when it is gone to."""

from modeldeck.backends.api.address import Address

from .goto import Goal
from .screens.base import DeckScreen


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
        case "contexts":
            from .screens.contexts import ContextsScreen

            return ContextsScreen(where=goal.where)
        case "trash":
            from .screens.trash import TrashScreen

            return TrashScreen(where=goal.where)
        case "audit":
            from .screens.events import EventsScreen

            return EventsScreen(where=goal.where)
        case _:
            return overview()


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
    noun = "audit" if address.noun == "events" else address.noun
    return screen_of(Goal(noun))
