"""What every screen has: a first line, a prompt, a body, two last lines, verbs with reasons."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from modeldeck.app.actions import ACTIONS, BY_ID, Action
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.prompt import Prompt

from ..bridge import Bridge, Failed, Loaded

if TYPE_CHECKING:
    from ..console import Console

SMALLEST = (60, 16)
# Handled before the next key is looked at, so that what is typed on at once lands in the prompt.
PROMPTING = ("goto", "filter")


class DeckScreen(Screen[None]):
    """A screen of the console.

    An action `ID` is done by `do_ID`; `why_not_ID` says why it cannot be done now. An answer to the
    question of a slot comes to `got_SLOT`. `crumb` is its word in the first line, `address` what
    `modeldeck open` would bring it back with, `command` the same on the command line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            action.keys,
            f"act('{action.id}')",
            action.words,
            show=False,
            priority=action.id in PROMPTING,
        )
        for action in ACTIONS
    ]
    offers: ClassVar[tuple[str, ...]] = ()

    crumb = ""
    address = ""
    command = ""

    @property
    def console(self) -> "Console":
        """The program."""
        from ..console import Console

        assert isinstance(self.app, Console)
        return self.app

    @property
    def bridge(self) -> Bridge:
        """Where questions go."""
        return self.console.bridge

    @property
    def session(self) -> Session:
        """What is open."""
        return self.bridge.session

    def compose(self) -> ComposeResult:
        """The first line, the prompt, the body, the last lines."""
        yield Bar(id="top")
        yield Prompt(id="prompt")
        with Container(id="body"):
            yield from self.body()
        yield Bar(id="state")
        yield Bar(id="foot")

    def body(self) -> Iterator[Widget]:
        """What stands between."""
        yield from ()

    def on_mount(self) -> None:
        """Draw what is known and ask for the rest."""
        self.draw_frame()
        self.ask()

    def ask(self) -> None:
        """Ask for what the screen shows."""

    # The frame.

    def draw_frame(self) -> None:
        """Bring the first line and the last ones up to date."""
        if not self.is_attached:
            return
        self.query_one("#top", Bar).say(*self._top())
        self.query_one("#state", Bar).say(*self.state_line())
        keys = [Part(f"{BY_ID[i].shown} {self.words(BY_ID[i])}  ") for i in self._offered()]
        self.query_one("#foot", Bar).say(keys, [Part("? keys", "dim")])

    def _top(self) -> tuple[list[Part], list[Part]]:
        session = self.session
        crumbs = " > ".join([session.context, *self.console.crumbs_of(self)])
        who = session.actor.user
        mode = "READ-ONLY" if session.readonly else "READ-WRITE"
        style = "warn" if session.readonly else "dim"
        clock = f"{session.clock():%H:%M}"
        return [Part(crumbs, "strong")], [Part(f"{who}  "), Part(mode, style), Part(f"  {clock}")]

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """The line above the keys: what is shown, and how old it is."""
        return [Part(self.notice, self.notice_style)], [Part(self.age(), "dim")]

    notice = ""
    notice_style = ""

    def say(self, text: str, style: str = "") -> None:
        """Say something in the line above the keys, until something else is said."""
        self.notice, self.notice_style = text, style
        self.draw_frame()

    def age(self) -> str:
        """How old what is shown is, and whether more is on its way."""
        if self.bridge.busy(self):
            return "reading ... Esc cancels"
        at = self.bridge.answered_at
        return f"{self.session.registry.name} {clock_time(at)}" if at else ""

    def _offered(self) -> list[str]:
        return [i for i in self.offers if not self.why_not(i)]

    def words(self, action: Action) -> str:
        """How the keys line names an action here."""
        return action.words.split(",")[0].split(";")[0]

    # Verbs.

    def why_not(self, action: str) -> str:
        """Why `action` cannot be done here and now; empty when it can."""
        if not hasattr(self, f"do_{action}"):
            return f"{BY_ID[action].shown} ({BY_ID[action].words}) does nothing here"
        if BY_ID[action].danger and self.session.readonly:
            return self.session.readonly
        reason = getattr(self, f"why_not_{action}", None)
        return str(reason()) if reason else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that open a prompt are letters to a field that has the focus."""
        typing = isinstance(self.focused, Input | TextArea)
        if action == "act" and parameters and parameters[0] in PROMPTING and typing:
            return False
        return super().check_action(action, parameters)

    async def action_act(self, action: str) -> None:
        """Do an action, or say why not."""
        reason = self.why_not(action)
        if reason:
            self.say(reason, "warn")
            return
        result = getattr(self, f"do_{action}")()
        if hasattr(result, "__await__"):
            await result

    def do_back(self) -> None:
        """Cancel what is under way, else leave the screen; never the program."""
        if self.bridge.cancel(self):
            self.say("cancelled")
        elif len(self.console.screen_stack) > 2:
            self.console.pop_screen()
        else:
            self.say("this is the first screen; q quits")

    def do_quit(self) -> None:
        """End the program."""
        self.console.exit(0)

    def do_goto(self) -> None:
        """Ask where to go."""
        self.query_one(Prompt).ask("goto", ":", complete=self.console.complete_goto)

    def do_keys(self) -> None:
        """Every key, and why one does nothing here."""
        self.console.show_keys(self)

    def do_calls(self) -> None:
        """What was asked of the backend."""
        self.console.show_calls()

    def do_palette(self) -> None:
        """Find a verb by its words."""
        self.console.action_command_palette()

    def do_refresh(self) -> None:
        """Ask again."""
        self.ask()
        self.draw_frame()

    def do_suspend(self) -> None:
        """Back to the shell for a while."""
        self.console.action_suspend_process()

    def do_address(self) -> None:
        """Copy the address."""
        text = self.address_now()
        self.say(self.console.copy(text) if text else "it has no address")

    def address_now(self) -> str:
        """The address of what is under the cursor, or of the screen."""
        return self.address

    # Answers.

    def on_loaded(self, message: Loaded) -> None:
        """Hand an answer to `got_SLOT`."""
        message.stop()
        getattr(self, f"got_{message.slot}")(message.value)
        self.draw_frame()

    def on_failed(self, message: Failed) -> None:
        """Say why there is no answer; what was shown stays."""
        message.stop()
        handler = getattr(self, f"failed_{message.slot}", None)
        if handler:
            handler(message.error)
        else:
            self.fail(message.error)
        self.draw_frame()

    def fail(self, error: ModeldeckError) -> None:
        """Say what went wrong."""
        self.say(str(error), "bad")

    # The prompt.

    def on_prompt_given(self, message: Prompt.Given) -> None:
        """Go where was asked for; other kinds are for the screen."""
        message.stop()
        self.set_focus(self.first_focus())
        if message.kind == "goto":
            self.console.go(message.text)
        else:
            getattr(self, f"given_{message.kind}")(message.text)

    def on_prompt_dropped(self, message: Prompt.Dropped) -> None:
        """Back to the body."""
        message.stop()
        self.set_focus(self.first_focus())
        handler = getattr(self, f"dropped_{message.kind}", None)
        if handler:
            handler(message.text)

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        """Tell the screen what is being typed."""
        message.stop()
        handler = getattr(self, f"typing_{message.kind}", None)
        if handler:
            handler(message.text)

    def first_focus(self) -> Widget | None:
        """What has the keys when no prompt has them."""
        return next((w for w in self.query_one("#body").query("*") if w.can_focus), None)

    def on_screen_resume(self, _: events.ScreenResume) -> None:
        """Look again after another screen lay on top."""
        self.draw_frame()


def clock_time(at: datetime | None) -> str:
    """A time of day in seconds."""
    return f"{at:%H:%M:%S}" if at else "-"
