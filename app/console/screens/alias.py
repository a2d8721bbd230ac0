"""Promoting a version to an alias, rolling one back, removing one: which, then the plan."""

from collections.abc import Callable, Mapping, Sequence

from modeldeck.app.usecases import aliases as usecase
from modeldeck.app.usecases.promotion import plan_promote, plan_rollback
from modeldeck.app.usecases.versions import number_of
from modeldeck.backends.api.errors import ModeldeckError, UsageError
from modeldeck.backends.api.models import Model, Version

from .base import DeckScreen

USUAL = ("champion", "candidate")


def promote(screen: DeckScreen, version: Version) -> None:
    """Ask which alias shall point at `version`, and propose it."""
    if version.deleted_at is not None:
        screen.say(f"version {version.version} is deleted; u restores it", "warn")
        return
    session = screen.session
    known: dict[str, int] = {}

    def given(text: str) -> None:
        alias = text.strip()
        try:
            usecase.check_name(alias)
        except UsageError as error:
            screen.say(str(error), "warn")
            return
        screen.console.propose(
            screen,
            lambda: plan_promote(session, version.model, alias, version.version),
            f"{version.model}@{alias} is version {version.version}",
        )

    _ask_model(screen, version.model, known)
    screen.ask_line(
        "alias",
        "@",
        given,
        hint=f"alias to point at {version.model} {version.version}; Tab completes",
        complete=completer(known),
    )


def promote_latest(screen: DeckScreen, model: Model) -> None:
    """The same for the latest version of a model."""
    latest = model.latest
    if latest is None:
        screen.say(f"{model.name} has no version to point at", "warn")
        return
    session = screen.session
    screen.console.errands.run(
        f"version {model.name} {latest}",
        lambda: session.registry.version(model.name, latest),
        lambda version: promote(screen, version),
        screen.fail,
    )


def remove(screen: DeckScreen, model: str, alias: str) -> None:
    """Propose to remove an alias."""
    session = screen.session
    screen.console.propose(
        screen,
        lambda: usecase.plan_remove(session, model, alias),
        f"{model}@{alias} is removed",
    )


def roll_back(screen: DeckScreen, model: str, alias: str = "") -> None:
    """Ask which alias of a model goes back to what it was before, and propose it.

    After a space stands another version that was live before, or a ticket that breaks the glass:
    `champion 11`, `champion ! INC0042`.
    """
    session = screen.session
    known: dict[str, int] = {}

    def given(text: str) -> None:
        alias, number, glass = rollback_words(text)
        if not alias or number == 0:
            screen.say("a rollback is given as ALIAS, ALIAS VERSION or ALIAS ! TICKET", "warn")
            return
        screen.console.propose(
            screen,
            lambda: plan_rollback(session, model, alias, number, glass=glass),
            f"{model}@{alias} is rolled back",
        )

    _ask_model(screen, model, known)
    screen.ask_line(
        "rollback",
        "R",
        given,
        text=alias or USUAL[0],
        hint=f"ALIAS, ALIAS VERSION or ALIAS ! TICKET (breaks the glass), of {model}",
        complete=lambda text: [name for name in sorted(known) if name.startswith(text)],
    )


def rollback_words(text: str) -> tuple[str, int | None, str]:
    """Alias, version (None for the one before, 0 for none that is one) and ticket of a line."""
    head, _, glass = text.partition("!")
    alias, _, number = head.strip().partition(" ")
    version = number_of(number.strip()) if number.strip() else None
    return alias, version, glass.strip()


def completer(known: Mapping[str, int]) -> Callable[[str], Sequence[str]]:
    """How an alias that is being typed could go on: those that the model has, then usual ones."""

    def complete(text: str) -> Sequence[str]:
        names = dict.fromkeys([*sorted(known), *USUAL])
        return [name for name in names if name.startswith(text) and name != text]

    return complete


def _ask_model(screen: DeckScreen, model: str, known: dict[str, int]) -> None:
    registry = screen.session.registry

    def none(_: ModeldeckError) -> None:
        """The plan will say what is wrong."""

    screen.console.errands.run(
        f"model {model}",
        lambda: registry.model(model),
        lambda found: known.update(found.aliases),
        none,
    )
