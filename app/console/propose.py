"""The road of every change in the console: planned, shown, confirmed, applied, said, undone."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modeldeck.app.usecases.confirming import to_type
from modeldeck.app.usecases.plans import TOUCH, apply_plan, reason_needed
from modeldeck.app.usecases.undo import can_undo
from modeldeck.backends.api.errors import ConflictError, ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.plan import Plan

from .screens.base import DeckScreen

if TYPE_CHECKING:
    from .console import Console
    from .screens.plan import Answer

MakePlan = Callable[[], Awaitable[Plan]]
Apply = Callable[[Plan], Awaitable[Sequence[Event]]]
Words = str | Callable[[], str]
KEPT = 100


class Proposals:
    """The changes of a session. One is proposed at a time."""

    def __init__(self, console: "Console") -> None:
        self.console = console
        self.done: dict[int, str] = {}
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

        `apply` is what does it, where that is more than making the changes of the plan.
        """
        _Proposal(self, screen, make_plan, done, then, apply).start()

    def undo(self, screen: DeckScreen, ref: str = "") -> None:
        """Propose to take back one's own last change, from whichever session, or the one named."""
        from modeldeck.app.usecases.undo import plan_undo

        session = self.console.bridge.session
        _Proposal(self, screen, lambda: plan_undo(session, ref), "").start()

    def keep(self, seq: int, words: str) -> None:
        """Remember what a change was called, for who takes it back."""
        kept = list(self.done.items())[1 - KEPT :]
        self.done = {**dict(kept), seq: words}

    def undone(self, plan: Plan) -> str:
        """What to say of a plan that took another one back."""
        seq = plan.undo_of or 0
        return f"undone: {self.done.get(seq, f'event {seq}')}"


class _Proposal:
    """One change on its way."""

    def __init__(
        self,
        proposals: Proposals,
        screen: DeckScreen,
        make_plan: MakePlan,
        done: Words,
        then: Callable[[], None] = lambda: None,
        apply: Apply | None = None,
    ) -> None:
        self.proposals = proposals
        self.console = proposals.console
        self.screen = screen
        self.make_plan = make_plan
        self.done = done
        self.then = then
        self.apply = apply or self.apply_plan
        self.typed: Plan | None = None
        self.told: list[str] = []

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
        needs = reason_needed(session, msgspec.structs.replace(plan, reason=""))
        dialog = PlanDialog(plan, blocked, protected, needs=needs)
        self.console.push_screen(dialog, self.decided)

    def decided(self, answer: "Answer | None") -> None:
        """Apply it, if it was confirmed; or save it."""
        if answer is None:
            self.say("nothing changed")
            return
        plan = answer.plan
        if answer.save:
            save_as(self.screen, plan)
            return
        self.typed = plan
        self.say("applying ...")
        self.proposals.applying += 1
        self.console.errands.run(
            f"apply {plan.operation}",
            lambda: self.apply(plan),
            lambda events: self.applied(plan, events),
            self.not_applied,
        )

    def applied(self, plan: Plan, events: Sequence[Event]) -> None:
        """Say so, and look again at everything."""
        self.proposals.applying -= 1
        words = self.words or self.proposals.undone(plan)
        back = ""
        if events and plan.undo_of is None and can_undo(events):
            self.proposals.keep(events[-1].seq, words)
            back = ", z undoes it"
        self.then()
        event = f" (event {events[-1].seq})" if events else ""
        if (plan.evidence or {}).get("glass"):
            words = f"BROKE GLASS: {words}"
        more = f"; {'; '.join(self.told)}" if self.told else ""
        self.say(f"{words}{event}{back}{more}", "warn" if self.told else "ok")
        self.console.look_again()

    async def apply_plan(self, plan: Plan) -> Sequence[Event]:
        """Make the changes of the plan, and keep what is told of what follows them."""
        self.told = []
        return await apply_plan(self.console.bridge.session, plan, tell=self.hear)

    def hear(self, text: str) -> None:
        """Say at once what is told while it is under way; what is asked for then is over then."""
        self.say(text, "warn")
        if text != TOUCH:
            self.told.append(text)

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


def save_as(screen: DeckScreen, plan: Plan) -> None:
    """Ask for a file, and save the plan there for `modeldeck apply`."""
    from modeldeck.app.usecases.saved_plans import living, save_plan, saved_words

    from .exports import ask_file

    session = screen.session

    async def save(path: Path, replace: bool) -> str:
        saved = await save_plan(session, plan, str(path), replace=replace)
        return saved_words(saved, str(path))

    ask_file(screen, f"plan-{living(plan).id}.json", save, hint="for modeldeck apply, within a day")
