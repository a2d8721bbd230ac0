"""The Textual program: the open session, the screens on top of each other, what they share."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import AwaitMount

from modeldeck.app.config.settings import Settings
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.models import Version

from .bridge import Bridge, Failed, Loaded
from .clipboard import by_tmux, copied, escape, route, safe, to_file
from .deck import Deck
from .errands import Errands
from .events_words import unsettled_words
from .following import Following
from .goto import address_in, completions, parse_goal
from .hands import LOOK, Hands, look_again
from .known import Known
from .memory import Memory
from .places import overview, screen_at, screen_named, screen_of
from .screens.base import DeckScreen
from .travel import Travel
from .views import view_named

if TYPE_CHECKING:
    from modeldeck.app.config.hands import SavedView
    from modeldeck.app.recorder.adopt import Adoption

    from .asking import Asking
    from .first_look import FirstLook
    from .propose import MakePlan, Proposals
    from .user_commands import Started

FOLLOW = 2.0
WAIT = 0.1
PATIENCE = 60.0
"""Seconds that a change may take to come to its end when the line is lost."""
_HOME = "home"


class Console(Deck):
    """The console on one open session. It begins at `address`, or goes where `goes` says after `:`.

    `readonly` is for what is opened from here too. When it ends, `following` is what to open next.
    """

    DEFAULT_MODE = "start"

    def __init__(
        self,
        session: Session,
        settings: Settings,
        address: str = "",
        *,
        goes: str = "",
        readonly: bool = False,
        asking: "Asking | None" = None,
        back: bool = False,
        first_look: "FirstLook | None" = None,
    ) -> None:
        super().__init__(settings)
        self.hands = Hands(settings)
        self.set_keymap(self.hands.keymap())
        self.known = Known()
        self.started: list[Started] = []
        self._back = back
        self.readonly = readonly
        self.asking = asking
        self.first_look = first_look
        self._ending = 0.0
        self.following: Following | None = None
        self._goes = goes
        self.add_mode(self.DEFAULT_MODE, self._first_screen)
        self.bridge = Bridge(session, self._late)
        self.bridge.sent = lambda: self.traffic.total
        self.errands = Errands(self, self.bridge)
        self.memory = Memory(session.registry.place)
        self.travel = Travel(self, settings.restore)
        self.past = {"goto": self.memory.texts("past/goto") or []}
        self._address = address
        self._adoption: Adoption | None = None
        self._names: dict[str, Sequence[str]] = {}

    @cached_property
    def proposals(self) -> "Proposals":
        """The changes of this session."""
        from .propose import Proposals

        return Proposals(self)

    def _first_screen(self) -> DeckScreen:
        """What the address names, else the overview."""
        return screen_named(self._address) if self._address else overview()

    def go_home(self) -> None:
        """From the screen of an address, which lies below all others, to the overview."""
        self.add_mode(_HOME, overview)
        self.switch_mode(_HOME)
        self.remove_mode(self.DEFAULT_MODE)

    def on_mount(self) -> None:
        """Begin what goes on in the background."""
        self._next_minute()
        self.set_timer(FOLLOW, self._follow)
        self.set_interval(LOOK, self._look_at_hands)
        self.know_views()
        if self._goes:
            self.call_later(self.go, self._goes)
        elsewhere = bool(self._goes or self._address)
        self.call_after_refresh(self.travel.begin, asked=self._back, elsewhere=elsewhere)
        if self.bridge.session.remote:
            self.errands.run("", self._unsettled, self._say_unsettled, lambda _: None)

    def on_unmount(self) -> None:
        """Keep where one is."""
        self.travel.keep()

    def _look_at_hands(self) -> None:
        said = look_again(self, self.hands)
        if said is not None and isinstance(self.screen, DeckScreen):
            self.screen.say(*said)

    def start_command(self, screen: DeckScreen, name: str) -> None:
        """Start a command of a person's own with what is under the cursor."""
        from .user_commands import start

        start(screen, name, self.hands.commands[name])

    def know_views(self) -> None:
        """Remember the names of the views, for completion."""
        from .views import views_of

        self.know_names("views", list(views_of(self.hands.settings, self.memory)))

    async def _unsettled(self) -> Sequence[Event]:
        from modeldeck.app.usecases.outcomes import unsettled

        return await unsettled(self.bridge.session)

    def _say_unsettled(self, found: Sequence[Event]) -> None:
        """Say at the start what a person must look at: a change may have arrived, or not."""
        if found and isinstance(self.screen, DeckScreen):
            self.screen.say(unsettled_words(found, self.bridge.session.clock()), "warn")

    def _follow(self) -> None:
        self.run_worker(self._settle(), name="open runs", exit_on_error=False)

    async def _settle(self) -> None:
        """Follow runs that lost their recorder, as long as the console is open."""
        from modeldeck.app.usecases.adoption import adoption

        found = self._adoption or adoption(self.bridge.session)
        if found is None:
            return
        self._adoption = found
        with suppress(ModeldeckError):
            await found.settle()
        self.set_timer(FOLLOW, self._follow)

    def _next_minute(self) -> None:
        self.set_timer(60.5 - self.bridge.session.clock().second, self._minute)

    def _minute(self) -> None:
        if isinstance(self.screen, DeckScreen):
            self.screen.draw_clock()
        self._next_minute()

    def on_loaded(self, message: Loaded) -> None:
        """An answer to the program's own question."""
        self.errands.loaded(message)

    def on_failed(self, message: Failed) -> None:
        """No answer to it."""
        self.errands.failed(message)

    def _late(self, owner: DOMNode) -> None:
        if isinstance(owner, DeckScreen):
            owner.draw_frame()

    # Where one is.

    def crumbs_of(self, screen: Screen[Any]) -> list[str]:
        """The words of the screens up to this one."""
        stack = [s for s in self.screen_stack if isinstance(s, DeckScreen) and s.crumb]
        place = stack.index(screen) if screen in stack else len(stack) - 1
        return [s.crumb for s in stack[: place + 1]]

    def go(self, text: str) -> None:
        """Go where was typed after `:`."""
        screen = self.screen
        text = self.hands.expand(text)
        try:
            if (address := address_in(text)) is not None:
                self._go_to(address)
                return
            goal = parse_goal(text)
            view = (
                view_named(self.hands.settings, self.memory, goal.of)
                if goal.of and (goal.noun == "views")
                else None
            )
        except ModeldeckError as error:
            if isinstance(screen, DeckScreen):
                screen.say(str(error), "warn")
            return
        if goal.context and goal.context != self.bridge.session.context:
            self.open_context(goal.context, text.rpartition("@")[0].strip())
        elif goal.noun == "quit":
            self.exit(0)
        elif goal.noun == "contexts" and goal.of:
            self.open_context(goal.of)
        elif view is not None:
            self._show_view(screen, view, goal.of)
        else:
            self.push_screen(screen_of(goal))

    def _go_to(self, address: Address) -> None:
        here = msgspec.structs.replace(address, context="")
        if address.context and address.context != self.bridge.session.context:
            self.open_context(address.context, str(here))
        else:
            self.push_screen(screen_at(here))

    def _show_view(self, screen: Screen[Any], view: "SavedView", name: str) -> None:
        from .screens.listing import ListScreen
        from .screens.views import show_view

        if isinstance(screen, ListScreen) and screen.noun == view.noun:
            screen.take_view(view)
            screen.say(f"view {name}")
        else:
            show_view(self, view)

    def open_context(self, name: str, goes: str = "") -> None:
        """Open another context in place of this one, and go where `goes` says."""
        from .following import open_context

        screen = self.screen
        if not isinstance(screen, DeckScreen):
            return
        if name == self.bridge.session.context:
            screen.say(f"{name} is open")
        elif self.proposals.applying:
            screen.say("a change is still under way; wait for what comes of it", "warn")
        else:
            open_context(screen, name, goes, self.asking)

    def follow(self, following: Following) -> None:
        """End for what comes next."""
        self.following = following
        self.exit(0)

    def complete_goto(self, text: str) -> Sequence[str]:
        """How what is typed after `:` could go on."""
        if "contexts" not in self._names and ("@" in text or text.startswith("c")):
            self._know_contexts()
        return [*self.hands.complete(text), *completions(text, self._names)]

    def _know_contexts(self) -> None:
        from modeldeck.app.config.named import named_contexts

        found: Sequence[dict[str, Any]] = ()
        with suppress(ModeldeckError):
            found, _ = named_contexts()
        self.know_names("contexts", [one["name"] for one in found])

    def know_names(self, noun: str, names: Sequence[str]) -> None:
        """Remember names of experiments or models that were seen, for completion."""
        self._names[noun] = names

    def known_names(self, noun: str) -> Sequence[str]:
        """Those names."""
        return self._names.get(noun, ())

    def open_address(self, text: str) -> None:
        """Open what an address names."""
        self.push_screen(screen_at(parse_address(text)))

    def open_run(self, ref: str) -> None:
        """Open a run by id or name."""
        from .screens.run import RunScreen

        self.push_screen(RunScreen(ref))

    # What screens share.

    def copy(self, text: str) -> str:
        """Copy to the clipboard; gives what to say of it now."""
        text = safe(text)
        way = route(os.environ, len(text.encode()))
        if way == "tmux":
            self.errands.run(
                "",
                lambda: by_tmux(text),
                lambda ok: self._copied(text, ok),
                lambda _: self._copied(text, False),
            )
            return "copying ..."
        return self._copy(text, way)

    def _copied(self, text: str, ok: bool) -> None:
        # Past a tmux that does not answer no escape reaches the terminal.
        said = copied(text, "tmux") if ok else self._copy(text, "file")
        if isinstance(self.screen, DeckScreen):
            self.screen.say(said)

    def _copy(self, text: str, way: str) -> str:
        if way != "file" and self._driver is not None:
            self._driver.write(escape(text, in_screen=way == "screen"))
            return copied(text, way)
        try:
            return copied(text, f"in {to_file(text)}")
        except OSError as error:
            return f"not copied: {error.strerror or error}"

    def hang_up(self, code: int) -> None:
        """End, but not before a change that is under way has come to its end and is noted."""
        if not self._ending:
            self._end_after_changes(code)

    def _end_after_changes(self, code: int) -> None:
        self._ending += WAIT
        if self.proposals.applying and self._ending < PATIENCE:
            # Not a timer of Textual's: a signal comes outside of any of its contexts.
            asyncio.get_running_loop().call_later(WAIT, self._end_after_changes, code)
        else:
            self.exit(code)

    def show_keys(self, screen: DeckScreen) -> None:
        """Every key, and why one does nothing on `screen`."""
        from .screens.keys import KeysScreen

        self.push_screen(KeysScreen(screen))

    def show_palette(self, screen: DeckScreen) -> AwaitMount:
        """Find what can be done on `screen`, or where to go, by its words."""
        from .screens.palette import PaletteScreen

        return self.push_screen(PaletteScreen(screen))

    def show_calls(self) -> None:
        """What was asked of the backend."""
        from .screens.calls import CallsScreen

        self.push_screen(CallsScreen())

    def show_json(self, _: DeckScreen, item: Any, title: str) -> None:
        """A noun as JSON."""
        from .screens.text import JsonScreen

        self.push_screen(JsonScreen(item, title))

    def promote(self, screen: DeckScreen, version: Version) -> None:
        """Point an alias at a version."""
        from .screens.alias import promote

        promote(screen, version)

    def propose(self, screen: DeckScreen, make_plan: "MakePlan", done: str) -> None:
        """Show a plan and apply it when it is confirmed; `done` says what was done."""
        self.proposals.propose(screen, make_plan, done)

    def look_again(self) -> None:
        """Have every screen ask again: something was changed."""
        for screen in self.screen_stack:
            if isinstance(screen, DeckScreen) and screen.ready:
                screen.renew()

    def export(self, screen: DeckScreen) -> None:
        """Write what a screen shows to a file."""
        from .exports import export_screen

        export_screen(screen)
