"""The road of every change in the console: planned, shown, confirmed, applied, said, undone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from modeldeck.app.usecases.confirming import to_type
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.errors import ConflictError, ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan

from .screens.base import DeckScreen

if TYPE_CHECKING:
    from .console import Console

MakePlan = Callable[[], Awaitable[Plan]]
Apply = Callable[[Plan], Awaitable[Sequence[Event]]]
Words = str | Callable[[], str]
KEPT = 100


class Done(NamedTuple):
    """A change of this session that can be taken back: what it was, in words, and its events."""

    plan: Plan
    words: str
    events: Sequence[Event]


class Proposals:
    """The changes of a session. One is proposed at a time."""

    def __init__(self, console: "Console") -> None:
        self.console = console
        self.done: list[Done] = []
        self.applying = 0

    def propose(
        self,
        screen: DeckScreen,
        make_plan: MakePlan,
        done: Words,
        *,
        then: Callable[[], None] = lambda: None,
        apply: Apply | None = None,
    ) -> None:
        """Plan, show, apply; `done` says what was done in the past tense. `then` follows that.

        `apply` takes the place of `apply_plan`.
        """
        _Proposal(self, screen, make_plan, done, then, apply=apply).start()

    def why_not_undo(self) -> str:
        """Why there is nothing to take back; empty when there is."""
        return "" if self.done else "nothing was changed in this session that can be undone"

    def undo(self, screen: DeckScreen) -> None:
        """Propose the inverse of the last change of this session."""
        from modeldeck.app.usecases.undo import plan_undo

        last = self.done[-1]
        session = self.console.bridge.session

        def taken_back() -> None:
            if last in self.done:
                self.done.remove(last)

        words = f"undone: {last.words}"
        _Proposal(
            self,
            screen,
            lambda: plan_undo(session, last.plan, last.events),
            words,
            taken_back,
            undoes=True,
        ).start()

    def keep(self, done: Done) -> None:
        """Remember a change for `undo`."""
        self.done = [*self.done[1 - KEPT :], done]


class _Proposal:
    """One change on its way."""

    def __init__(
        self,
        proposals: Proposals,
        screen: DeckScreen,
        make_plan: MakePlan,
        done: Words,
        then: Callable[[], None],
        *,
        undoes: bool = False,
        apply: Apply | None = None,
    ) -> None:
        self.proposals = proposals
        self.console = proposals.console
        self.screen = screen
        self.make_plan = make_plan
        self.done = done
        self.apply = apply
        self.then = then
        self.undoes = undoes
        self.typed: Plan | None = None

    @property
    def words(self) -> str:
        """What was done; where that was not sure before, as it came out."""
        return self.done if isinstance(self.done, str) else self.done()

    def start(self) -> None:
        """Ask for the plan."""
        self.console.errands.run("plan a change", self.make_plan, self.planned, self.fail)

    def planned(self, plan: Plan) -> None:
        """Show it, unless the screen that asked was left meanwhile."""
        from .screens.plan import PlanDialog

        if self.console.screen is not self.screen:
            return
        if self.typed is not None:
            plan = msgspec.structs.replace(plan, reason=self.typed.reason, ticket=self.typed.ticket)
        session = self.console.bridge.session
        protected = " ".join(
            filter(None, [session.context if session.protected else "", to_type(plan)])
        )
        blocked = ""
        try:
            session.check_writable(plan.operation)
        except ModeldeckError as error:
            blocked = error.what
        self.console.push_screen(PlanDialog(plan, blocked, protected), self.decided)

    def decided(self, plan: Plan | None) -> None:
        """Apply it, if it was confirmed."""
        if plan is None:
            self.say("nothing changed")
            return
        self.typed = plan
        session = self.console.bridge.session
        self.say("applying ...")
        self.proposals.applying += 1
        self.console.errands.run(
            f"apply {plan.operation}",
            lambda: self.apply(plan) if self.apply else apply_plan(session, plan),
            lambda events: self.applied(plan, events),
            self.not_applied,
        )

    def applied(self, plan: Plan, events: Sequence[Event]) -> None:
        """Say so, and look again at everything."""
        self.proposals.applying -= 1
        back = ""
        if plan.inverse is not None and events and not self.undoes:
            self.proposals.keep(Done(plan, self.words, events))
            back = ", z undoes it"
        self.then()
        event = f" (event {events[-1].seq})" if events else ""
        self.say(f"{self.words}{event}{back}", "ok")
        self.console.look_again()

    def not_applied(self, error: ModeldeckError) -> None:
        """When the state has moved, both values, and a new plan on demand."""
        from .screens.conflict import ConflictDialog

        self.proposals.applying -= 1
        if isinstance(error, ConflictError):
            self.say(str(error), "bad")
            self.console.push_screen(ConflictDialog(error), self.again)
        else:
            self.fail(error)

    def again(self, wanted: bool | None) -> None:
        """Plan again from what is there now."""
        self.console.look_again()
        if wanted:
            self.start()

    def fail(self, error: ModeldeckError) -> None:
        """Say why nothing came of it."""
        self.say(str(error), "bad")

    def say(self, text: str, style: str = "") -> None:
        """Say it where the reader is."""
        screen = self.screen
        if not screen.is_attached:
            decks = [s for s in self.console.screen_stack if isinstance(s, DeckScreen)]
            if not decks:
                return
            screen = decks[-1]
        screen.say(text, style)
