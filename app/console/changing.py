"""Verbs that runs and versions share: tagging, deleting, restoring, by plans, one or many."""

from collections.abc import Callable, Sequence
from types import ModuleType

from modeldeck.app.usecases import runs, versions

from .screens.base import DeckScreen

_USECASES: dict[str, ModuleType] = {"run": runs, "version": versions}
HINT = "KEY=VALUE sets, KEY= removes"


def tag(
    screen: DeckScreen, noun: str, refs: Sequence[str], then: Callable[[], None] = lambda: None
) -> None:
    """Ask for a tag, and propose to set it on these runs or versions."""
    session, plan_tags = screen.session, _USECASES[noun].plan_tags
    things = counted(noun, refs)

    def given(text: str) -> None:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not key or not equals:
            screen.say(f"a tag is given as {HINT.replace(', ', ' or ')}", "warn")
            return
        tags = {key: value.strip() or None}
        gone = tags[key] is None
        words = f"tag {key} {'removed from' if gone else 'set on'} {things}"
        screen.console.proposals.propose(
            screen, lambda: plan_tags(session, refs, tags), words, then=then
        )

    screen.ask_line("tag", "T", given, hint=f"{HINT}  ({things})")


def shelve(
    screen: DeckScreen,
    noun: str,
    refs: Sequence[str],
    *,
    delete: bool,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Propose to delete these runs or versions, or to restore them."""
    session, plan_shelf = screen.session, _USECASES[noun].plan_shelf
    done = f"{'deleted' if delete else 'restored'} {counted(noun, refs)}"
    screen.console.proposals.propose(
        screen, lambda: plan_shelf(session, refs, delete=delete), done, then=then
    )


def counted(noun: str, refs: Sequence[str]) -> str:
    """`1 run`, `3 versions`."""
    return f"{len(refs):,} {noun}{'s' * (len(refs) != 1)}"
