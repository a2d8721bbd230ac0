"""Verbs that runs and versions share: tagging, deleting, restoring, by plans, one or many."""

from collections.abc import Callable, Sequence

from modeldeck.app.usecases.shelf import Noun, plan_shelf, plan_tags

from .screens.base import DeckScreen

HINT = "KEY=VALUE sets, KEY= removes"


def tag(
    screen: DeckScreen, noun: Noun, refs: Sequence[str], then: Callable[[], None] = lambda: None
) -> None:
    """Ask for a tag, and propose to set it on these runs or versions."""
    session = screen.session
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
            screen, lambda: plan_tags(session, noun, refs, tags), words, then=then
        )

    screen.ask_line("tag", "T", given, hint=f"{HINT}  ({things})")


def shelve(
    screen: DeckScreen,
    noun: Noun,
    refs: Sequence[str],
    *,
    delete: bool,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Propose to delete these runs or versions, or to restore them."""
    session = screen.session
    done = f"{'deleted' if delete else 'restored'} {counted(noun, refs)}"
    screen.console.proposals.propose(
        screen, lambda: plan_shelf(session, noun, refs, delete=delete), done, then=then
    )


def counted(noun: str, refs: Sequence[str]) -> str:
    """`1 run`, `3 versions`."""
    return f"{len(refs):,} {noun}{'s' * (len(refs) != 1)}"
