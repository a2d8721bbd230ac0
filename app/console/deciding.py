"""Asking for approval, approving, refusing, taking back: the verbs that several screens share."""

from collections.abc import Awaitable, Callable, Sequence

from modeldeck.app.usecases.approvals import gated_aliases
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.plan import Plan

from .screens.base import DeckScreen


def ask(screen: DeckScreen, model: Model, number: int) -> None:
    """Ask that a version may go to the one alias that a gate stands before, or ask which."""
    away = [
        name
        for name in gated_aliases(screen.session.policy, model)
        if model.aliases.get(name) != number
    ]
    if len(away) == 1:
        ask_for(screen, model.name, number, away[0])
        return
    names = dict.fromkeys([*away, *sorted(model.aliases)])

    def complete(text: str) -> Sequence[str]:
        return [name for name in names if name.startswith(text) and name != text]

    def given(text: str) -> None:
        if text.strip():
            ask_for(screen, model.name, number, text.strip())

    hint = f"alias that {model.name} {number} shall go to; Tab completes"
    screen.ask_line("alias", "for", given, hint=hint, complete=complete)


def ask_for(screen: DeckScreen, model: str, number: int, alias: str) -> None:
    """Ask that a version may go to that alias."""
    from modeldeck.app.usecases.approving import plan_ask

    session = screen.session
    screen.console.propose(
        screen,
        lambda: plan_ask(session, f"{model}/{number}", alias),
        f"asked that {model} v{number} may be {alias}",
    )


def approve(screen: DeckScreen, ref: str) -> None:
    """Approve a request, by its id or by the version that was asked for."""
    from modeldeck.app.usecases.approving import plan_approve

    _answer(screen, plan_approve, ref, "approved")


def refuse(screen: DeckScreen, ref: str) -> None:
    """Refuse it."""
    from modeldeck.app.usecases.approving import plan_refuse

    _answer(screen, plan_refuse, ref, "refused")


def withdraw(screen: DeckScreen, ref: str) -> None:
    """Take back one's own word."""
    from modeldeck.app.usecases.approving import plan_withdraw

    _answer(screen, plan_withdraw, ref, "withdrawn")


Make = Callable[..., Awaitable[Plan]]


def _answer(screen: DeckScreen, make: Make, ref: str, done: str) -> None:
    session = screen.session
    named = ref[:8] if "/" not in ref else ref
    screen.console.propose(screen, lambda: make(session, ref), f"{done} {named}")


def why_not(screen: DeckScreen) -> str:
    """Why nobody approves anything here."""
    session = screen.session
    if not session.policy.people:
        return "the policy names no people who could approve: [people] in modeldeck.toml"
    return "" if session.statements is not None else "there are no records to put it in"
