"""The dialog that shows a plan before anything changes, and asks for its reason."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

import msgspec
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from modeldeck.backends.api.plan import Plan
from modeldeck.backends.api.text import exact
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.field import Field
from modeldeck.widgets.lines import Line, Lines, line
from modeldeck.widgets.push import Push

from ..plan_words import command_text, heading, lapse_words, plan_lines, verb, why_not_apply
from .dialog import Dialog

FIELDS = {"ticket": "the ticket, if there is one", "reason": "why, for the audit trail"}
"""The fields of a plan that a person fills in, from top to bottom, and what each is for."""
FIXED = 9
"""Lines of the screen that everything but the plan itself takes, with a command of two."""
TICK = 30.0
"""Seconds between looks at how long it lives."""


class Answer(NamedTuple):
    """What was decided: apply the plan, with its reason and ticket, or `save` it for later."""

    plan: Plan
    save: bool = False


class PlanDialog(Dialog[Answer]):
    """A plan; the answer is None for leaving it.

    `blocked` says why it cannot be applied here and now; a failing gate says so by itself. What is
    `protected`, the name of a context or more, must be typed before it can be. `needs` says why
    there must be a reason.
    """

    crumb: ClassVar[str] = "PLAN"
    keys: ClassVar[str] = "Tab next  Esc cancel  v gate numbers  Y copy command"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "look(-1)", "Up", show=False),
        Binding("down", "look(1)", "Down", show=False),
        Binding("pageup", "turn(-1)", "Page up", show=False),
        Binding("pagedown", "turn(1)", "Page down", show=False),
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("Y", "copy", "Copy the command", show=False),
        Binding("v", "numbers", "Gate numbers", show=False),
    ]
    DEFAULT_CSS = """
    PlanDialog {
        & .field { height: 1; }
        & .field > Bar { width: 12; }
        & .field > Input {
            width: 1fr; max-width: 100; border: none; height: 1; padding: 0; background: $surface;
        }
        & .field > Input:ansi { text-style: underline; }
        & #buttons { height: 1; align-horizontal: center; }
        & #command { height: auto; max-height: 3; }
        & #blocked { height: auto; max-height: 2; }
    }
    PlanDialog.roomy #lines { margin-bottom: 1; }
    PlanDialog.roomy #buttons { margin: 1 0; }
    """

    def __init__(
        self,
        plan: Plan,
        blocked: str = "",
        protected: str = "",
        *,
        needs: str = "",
    ) -> None:
        super().__init__()
        self._protected = protected
        self._plan = plan
        self._needs = needs
        self._numbers = False
        self._blocked = blocked or why_not_apply(plan, "?")

    @property
    def _asks_for_name(self) -> bool:
        return bool(self._protected) and not self._blocked

    @property
    def _barred(self) -> str:
        """Why it cannot be applied as it is typed now; empty when it can."""
        if self._blocked:
            return self._blocked
        fields = {field.id: field.value.strip() for field in self.query(Input).results(Input)}
        if self._asks_for_name and fields.get("confirm") != self._protected:
            return f"type {self._protected} to confirm"
        if self._needs and not fields.get("reason", self._plan.reason):
            return f"a reason is needed: {self._needs}"
        if trouble := why_not_apply(self._plan, fields.get("ticket", self._plan.ticket)):
            return trouble
        if self._plan.lapses_at < self.console.bridge.session.clock():
            return "the plan has lapsed; make it again"
        return ""

    @property
    def plan(self) -> Plan:
        """The plan as it would be applied now."""
        typed = {name: exact(self.query_one(f"#{name}", Input).value.strip()) for name in FIELDS}
        return msgspec.structs.replace(self._plan, **typed)

    def _lines(self) -> list[Line]:
        now = self.console.bridge.session.clock()
        return plan_lines(self._plan, now, numbers=self._numbers)

    def body(self) -> Iterator[Widget]:
        """What it does, the fields, the buttons, the command."""
        yield Bar(id="head")
        if self._blocked:
            yield _still([line(Part(f"CANNOT BE APPLIED: {self._blocked}", "bad"))], "blocked")
        yield _still(self._lines(), "lines")
        for name, hint in FIELDS.items():
            typed = getattr(self._plan, name)
            if name == "reason" and self._needs:
                hint = f"needed: {self._needs}"
            yield _field(name, typed, hint)
        if self._asks_for_name:
            context = self.console.bridge.session.context
            of = ", the name of this context" if self._protected == context else " to confirm"
            yield _field("confirm", "", f"type {self._protected}{of}")
        yield Horizontal(
            Push("Cancel", id="cancel"),
            Push(verb(self._plan), id="apply", disabled=bool(self._barred)),
            Push("Save plan", id="save"),
            id="buttons",
        )
        yield _still([], "command")

    def on_mount(self) -> None:
        """Begin at Cancel."""
        self.draw_plan()
        self.query_one("#cancel").focus()
        self.set_interval(TICK, self._tick)

    def _tick(self) -> None:
        """Say how long it lives, by whole minutes; after that it cannot be applied."""
        self.draw_foot()
        self.query_one("#apply", Push).disabled = bool(self._barred)

    def draw_plan(self) -> None:
        """Bring the name of the plan and its command line up to date."""
        plan = self.plan
        head = [Part(f"PLAN {plan.id}  ", "strong"), Part(heading(plan))]
        self.query_one("#head", Bar).say(head, [Part("nothing changed yet", "dim")])
        text = command_text(plan)
        words = line(Part("$ ", "dim"), text, hang=2)
        none = line(Part("(no command line does this: the console alone)", "dim"))
        self.query_one("#command", Lines).say([words if text else none])

    def foot_end(self) -> str:
        """When it lapses."""
        return lapse_words(self._plan, self.console.bridge.session.clock())

    def on_resize(self, event: events.Resize) -> None:
        """The fields follow the lines where there is room."""
        self._fit(event.size.width, event.size.height)

    def _fit(self, width: int, height: int) -> None:
        lines = self.query_one("#lines", Lines)
        rows = len(lines.rows(width))
        lines.styles.max_height = rows
        fixed = FIXED + 2 * bool(self._blocked) + self._asks_for_name
        self.set_class(height - fixed - rows >= 3, "roomy")

    def on_lines_moved(self) -> None:
        """Say what is in sight of a long plan."""
        position = self.query_one("#lines", Lines).position
        self.say(f"{position}: Up Down PgUp PgDn" if position else "", "dim")

    def on_input_changed(self) -> None:
        """The reason is part of the plan; what is typed lets it be applied."""
        barred = self._barred
        self.query_one("#apply", Push).disabled = bool(barred)
        self.say(barred, "warn")
        self.draw_plan()

    def on_input_submitted(self) -> None:
        """Enter in a field goes on; it never applies."""
        self.focus_next()

    def on_push_pressed(self, message: Push.Pressed) -> None:
        """Answer."""
        message.stop()
        match message.push.id:
            case "apply":
                self.dismiss(Answer(self.plan))
            case "save":
                self.dismiss(Answer(self.plan, save=True))
            case _:
                self.dismiss(None)

    def action_look(self, by: int) -> None:
        """Scroll what it does."""
        self.query_one("#lines", Lines).action_scroll(by)

    def action_turn(self, by: int) -> None:
        """Scroll it by pages."""
        self.query_one("#lines", Lines).action_page(by)

    def action_numbers(self) -> None:
        """All rules of the gates with their numbers, or only those that do not pass."""
        self._numbers = not self._numbers
        self.query_one("#lines", Lines).say(self._lines())
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self.on_lines_moved)

    def action_copy(self) -> None:
        """Copy the command line."""
        text = command_text(self.plan)
        self.say(self.console.copy(text) if text else "there is no command line for it")


def _field(name: str, text: str, hint: str) -> Widget:
    field = Field(text, hint, id=name)
    return Horizontal(Bar([Part(f"  {name}")]), field, classes="field")


def _still(lines: Sequence[Line], id: str) -> Lines:  # noqa: A002 - Textual's word
    """Lines that never get the keys: the dialog scrolls them."""
    made = Lines(lines, id=id)
    made.can_focus = False
    return made
