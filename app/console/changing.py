"""Verbs that runs, versions and models share: tagging, deleting, restoring, one or many."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modeldeck.app.usecases.shelf import Noun, plan_shelf, plan_tags
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan
from modeldeck.widgets.bar import Part

from .screens.base import DeckScreen

if TYPE_CHECKING:
    from modeldeck.app.usecases.bulk import Bulk, Outcome

HINT = "KEY=VALUE sets, KEY= removes"
Then = Callable[[], None]
_STYLES = {"done": "", "refused": "warn", "failed": "bad", "unknown": "bad"}
_WORST = ("unknown", "failed", "refused", "done")


def nothing() -> None:
    """Nothing follows."""


def tag(screen: DeckScreen, noun: Noun, refs: Sequence[str], then: Then = nothing) -> None:
    """Ask for a tag, and propose to set it on these runs or versions."""
    session = screen.session
    things = counted(noun, refs)

    def given(text: str) -> None:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not key or not equals:
            screen.say(f"a tag is given as {HINT.replace(', ', ' or ')}", "warn")
            return
        tags: Mapping[str, str | None] = {key: value.strip() or None}
        gone = tags[key] is None
        done = f"tag {key} {'removed from' if gone else 'set on'}"
        if len(refs) > 1:
            from modeldeck.app.usecases.bulk import plan_bulk

            make = lambda: plan_bulk(session, noun, "tag", refs=refs, tags=tags)  # noqa: E731
            many(screen, noun, make, done, then)
            return
        screen.console.proposals.propose(
            screen, lambda: plan_tags(session, noun, refs, tags), f"{done} {things}", then=then
        )

    screen.ask_line("tag", "T", given, hint=f"{HINT}  ({things})")


def shelve(
    screen: DeckScreen,
    noun: Noun,
    refs: Sequence[str],
    *,
    delete: bool,
    with_aliases: bool = False,
    then: Then = nothing,
) -> None:
    """Propose to delete these, or to restore them."""
    session = screen.session
    done = "deleted" if delete else "restored"
    if len(refs) > 1:
        from modeldeck.app.usecases.bulk import plan_bulk

        verb = "rm" if delete else "restore"
        many(screen, noun, lambda: plan_bulk(session, noun, verb, refs=refs), done, then)
        return
    screen.console.proposals.propose(
        screen,
        lambda: plan_shelf(session, noun, refs, delete=delete, with_aliases=with_aliases),
        f"{done} {counted(noun, refs)}",
        then=then,
    )


def many(
    screen: DeckScreen,
    noun: str,
    make: "Callable[[], Awaitable[Bulk]]",
    done: str,
    then: Then = nothing,
) -> None:
    """Propose a change of many; what became of each is listed afterwards."""
    from modeldeck.app.usecases.bulk import DONE, Bulk, apply_bulk, tally

    left: dict[str, str] = {}
    outcomes: list[Outcome] = []

    async def make_plan() -> Plan:
        bulk = await make()
        left.clear()
        left.update(bulk.left)
        return bulk.plan

    async def apply(plan: Plan) -> Sequence[Event]:
        applied = await apply_bulk(screen.session, Bulk(plan=plan, left=left))
        outcomes[:] = applied.outcomes
        return applied.events

    def words() -> str:
        made = [one for one in outcomes if one.result == DONE]
        rest = [one for one in outcomes if one.result != DONE]
        return f"{done} {counted(noun, made)}{f', {tally(rest)}' if rest else ''}"

    def listed() -> None:
        then()
        if screen.is_attached:
            show_outcomes(screen, outcomes)

    screen.console.proposals.propose(screen, make_plan, words, then=listed, apply=apply)


def show_outcomes(screen: DeckScreen, outcomes: "Sequence[Outcome]") -> None:
    """What became of each, the worst first."""
    from modeldeck.app.usecases.bulk import tally

    from .screens.text import TextScreen

    worst = sorted(outcomes, key=lambda one: _WORST.index(one.result))
    wide = min(max((len(one.subject) for one in worst), default=0), 48)
    lines = [
        f"{one.result:8} {one.subject:{wide}}  "
        f"{one.why or (f'event {one.event}' if one.event is not None else '')}".rstrip()
        for one in worst
    ]
    about = [Part(tally(outcomes), "strong")]
    screen.console.push_screen(TextScreen("results", lines, style_of=_style_of, about=about))


def _style_of(text: str) -> str:
    return _STYLES.get(text.split(" ", 1)[0], "")


def counted(noun: str, refs: Sequence[Any]) -> str:
    """`1 run`, `3 versions`."""
    return f"{len(refs):,} {noun}{'s' * (len(refs) != 1)}"
