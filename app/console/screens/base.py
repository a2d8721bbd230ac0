"""What every screen has: a first line, a prompt, a body, two last lines, verbs with reasons."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import AwaitMount, Widget

from modeldeck.app.actions import ACTIONS, BY_ID, Action
from modeldeck.app.usecases.watch import forget
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.text import cells, show

from ..frame import key_line, short_size, top_line
from .answering import AnswerScreen

if TYPE_CHECKING:
    from ..following import Following

SMALLEST = (60, 16)
GOTO_HINT = "runs EXPERIMENT /FILTER KEY=VALUE @CONTEXT, models, audit, q"
# Handled before the next key is looked at, so that what is typed on at once lands in the prompt.
PROMPTING = ("goto", "filter", "palette")


class DeckScreen(AnswerScreen):
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
            id=action.id,
        )
        for action in ACTIONS
    ]
    AUTO_FOCUS = ""
    offers: ClassVar[tuple[str, ...]] = ()
    crumb = ""
    address = ""
    command = ""

    def __init__(self) -> None:
        super().__init__()
        self._begun = asyncio.Event()

    def compose(self) -> ComposeResult:
        """The first line, the prompt, the body, the last lines."""
        # To mount them takes as long as many an answer.
        self.set_out()
        yield Bar(id="top")
        with Container(id="body"):
            yield from self.body()
        yield Prompt(id="prompt")
        yield Bar(id="state")
        yield Bar(id="foot")
        yield Bar(id="small")

    def body(self) -> Iterator[Widget]:
        """What stands between."""
        yield from ()

    def on_mount(self) -> None:
        """Begin, once: Textual calls the handlers of all base classes by itself."""
        if not self._begun.is_set():
            self._begun.set()
            self.begin()

    @property
    def ready(self) -> bool:
        """Whether its lines are there; it is on the stack, and attached, before they are."""
        return self._begun.is_set() and self.is_attached

    def set_out(self) -> None:
        """Ask, before there is anything to draw on: an answer comes after `begin`."""
        self.ask()

    def begin(self) -> None:
        """Draw what is known."""
        prompt = self.query_one(Prompt)
        prompt.past, prompt.on_turn = self.console.past, self._prompting
        self.draw_frame()
        self.watch_on()

    def ask(self) -> None:
        """Ask for what the screen shows."""

    # The frame.

    def draw_frame(self) -> None:
        """Bring the first line and the last ones up to date."""
        if not self.ready:
            return
        width = self.app.size.width
        self.query_one("#top", Bar).say(*self._top(width))
        if self.is_current and self.crumb:
            self.console.name_window(f"{self.session.context} > {self.crumb}")
        self.draw_state()
        self.query_one("#foot", Bar).say(*self._foot(width))
        small = f"{SMALLEST[0]}x{SMALLEST[1]} needed, this is {width}x{self.app.size.height}"
        self.query_one("#small", Bar).say([small])

    def _foot(self, width: int) -> tuple[list[Part], list[Part]]:
        hands = self.console.hands
        offered = [BY_ID[i] for i in self._offered()]
        keys = key_line(
            [(hands.shown(a), self.words(a)) for a in offered], width - len("? keys") - 2
        )
        parts = [part for key, words in keys for part in (Part(key, "strong"), Part(f" {words}  "))]
        if parts:
            parts[-1] = Part(parts[-1].text.rstrip())
        return parts, [Part("?", "strong"), Part(" keys")]

    def draw_state(self) -> None:
        """Bring the line above the keys up to date."""
        left, right = self.state_line()
        width = self.app.size.width
        if self.console.slow:
            sent = short_size(self.console.traffic.last_minute())
            right = [*right, Part(f"  {sent}/m", "dim")]
        long = cells(show(self.notice)) + sum(len(part.text) for part in right) >= width
        if self.notice and long and not self.freshness.far:
            right = []
        self.query_one("#state", Bar).say(left, right)

    def draw_clock(self) -> None:
        """Bring the first line up to date, where the time stands."""
        if self.ready:
            self.query_one("#top", Bar).say(*self._top(self.app.size.width))
            if self.console.slow:
                self.draw_state()

    def _top(self, width: int) -> tuple[list[Part], list[Part]]:
        return top_line(self.session, self.console.crumbs_of(self), width)

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """The line above the keys: what is shown, and how old it is."""
        return [Part(self.notice, self.notice_style)], [Part(self.age(), "dim")]

    notice = ""
    notice_style = ""

    def say(self, text: str, style: str = "") -> None:
        """Say something in the line above the keys, until something else is said."""
        self.notice, self.notice_style = text, style
        self.draw_frame()

    def _offered(self) -> list[str]:
        return [i for i in self.offers if not self.why_not(i)]

    def words(self, action: Action) -> str:
        """How the keys line names an action here."""
        return action.short or action.words

    # Verbs.

    def why_not(self, action: str) -> str:
        """Why `action` cannot be done here and now; empty when it can."""
        if not hasattr(self, f"do_{action}"):
            return (
                f"{self.console.hands.shown_of(action)} ({BY_ID[action].words}) does nothing here"
            )
        if BY_ID[action].danger and self.session.readonly:
            return self.session.readonly
        reason = getattr(self, f"why_not_{action}", None)
        return str(reason()) if reason else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that open a prompt are letters to a field that has the focus."""
        typing = self.focused is not None and self.focused.check_consume_key("a", "a")
        if action == "act" and parameters and parameters[0] in PROMPTING and typing:
            return False
        return super().check_action(action, parameters)

    async def action_act(self, action: str) -> None:
        """Do an action, or say why not."""
        # A key that opens a prompt may come before there is one; the letters after it wait too.
        await self._begun.wait()
        if not self.is_attached:
            return
        reason = self.why_not(action)
        if reason:
            self.say(reason, "warn")
            return
        result = getattr(self, f"do_{action}")()
        if hasattr(result, "__await__"):
            await result

    def do_back(self) -> None:
        """Cancel what is under way, else leave the screen; never the program."""
        if self.cancel():
            self.say("cancelled")
        elif len(self.console.screen_stack) > 1:
            self.console.pop_screen()
        elif self.crumb == "overview":
            self.say("this is the first screen; q quits")
        else:
            self.console.go_home()

    def cancel(self) -> bool:
        """Cancel what has been under way for long; gives whether there was anything."""
        return self.bridge.busy(self) and self.bridge.cancel(self)

    def on_unmount(self) -> None:
        """Nobody is left to answer."""
        self._begun.set()
        self.bridge.cancel(self)

    def do_quit(self) -> None:
        """End the program."""
        self.console.exit(0)

    def do_goto(self) -> None:
        """Ask where to go."""
        self.query_one(Prompt).ask("goto", ":", complete=self.console.complete_goto)
        self.query_one(Prompt).hint(GOTO_HINT)
        self.draw_frame()

    def given_goto(self, text: str) -> None:
        """Go there."""
        self.console.memory.put("past/goto", self.console.past["goto"])
        self.console.go(text)

    def do_keys(self) -> None:
        """Every key, and why one does nothing here."""
        self.console.show_keys(self)

    def do_jump(self) -> None:
        """Jump to a name."""
        from .jump import JumpScreen

        self.console.push_screen(JumpScreen())

    def do_before(self) -> None:
        """The place before."""
        self.console.travel.go(-1)

    def why_not_before(self) -> str:
        """There may be none."""
        return self.console.travel.why_not(-1)

    def do_after(self) -> None:
        """The place after."""
        self.console.travel.go(1)

    def why_not_after(self) -> str:
        """There may be none."""
        return self.console.travel.why_not(1)

    def do_last(self) -> None:
        """The last place, and back again."""
        self.console.travel.last()

    def why_not_last(self) -> str:
        """There may be none."""
        return self.console.travel.why_not_last()

    def do_export(self) -> None:
        """Write what is in sight to a file, as text or as a picture."""
        self.console.export(self)

    def on_key(self, event: events.Key) -> None:
        """A key of a command of one's own."""
        name = self.console.hands.by_key.get(event.key)
        if name is not None:
            event.stop()
            event.prevent_default()
            self.console.start_command(self, name)

    def do_calls(self) -> None:
        """What was asked of the backend."""
        self.console.show_calls()

    def do_palette(self) -> AwaitMount:
        """Find a verb by its words."""
        return self.console.show_palette(self)

    def do_refresh(self) -> None:
        """Ask again, and paint all of the screen again."""
        self.unasked = False
        forget(self.session)
        self.console.repaint()
        self.ask()
        self.draw_frame()

    def do_undo(self) -> None:
        """Take back one's own last change, whichever session made it."""
        self.console.proposals.undo(self)

    def do_suspend(self) -> None:
        """Back to the shell for a while."""
        self.console.action_suspend_process()

    def do_address(self) -> None:
        """Copy the address."""
        text = self.address_now()
        if text and self.session.remote:
            # Elsewhere it is found by the name of the context.
            with suppress(ModeldeckError):
                text = str(replace(parse_address(text), context=self.session.context))
        self.say(self.console.copy(text) if text else "it has no address")

    def do_link(self) -> None:
        """Copy the address that it has in the server's own web pages."""
        self.say(self.console.copy(self._link() or ""))

    def why_not_link(self) -> str:
        """Not everything has one."""
        if not hasattr(self.session.registry, "link"):
            return "this registry has no web pages"
        return "" if self._link() else "this has no page on the server"

    def _link(self) -> str | None:
        link, address = getattr(self.session.registry, "link", None), self.address_now()
        return link(address) if link is not None and address else None

    def address_now(self) -> str:
        """The address of what is under the cursor, or of the screen."""
        return self.address

    # Answers.

    def got_context(self, answer: "Following") -> None:
        """Another context is open: this program ends for it."""
        self.console.follow(answer)

    def got_written(self, text: str) -> None:
        """Say what was written to a file."""
        self.say(text, "ok")

    def on_screen_resume(self, _: events.ScreenResume) -> None:
        """Look again after another screen lay on top."""
        self.draw_frame()
        self.console.travel.arrived(self)
        if self.watches:
            self.look()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.draw_frame()
