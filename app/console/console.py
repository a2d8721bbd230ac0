"""The Textual program: the open session, the screens on top of each other, what they share."""

import os
import re
from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.screen import Screen

from modeldeck.app.config.settings import Settings
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.models import Version

from .bridge import Bridge
from .clipboard import copy_text
from .goto import Goal, completions, parse_goal
from .memory import Memory
from .screens.base import SMALLEST, DeckScreen

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Scrub(LineFilter):
    """The last defence: no control byte of any text reaches the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Replace what `show` should never have let through."""
        if not any(_UNSAFE.search(text) for text, _, control in segments if not control):
            return segments
        return [
            Segment(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text), style, control)
            for text, style, control in segments
        ]


class Console(App[int]):
    """The console on one open session."""

    TITLE = "modeldeck"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    CSS_PATH = "console.tcss"
    INLINE_PADDING = 0

    def __init__(self, session: Session, settings: Settings, address: str = "") -> None:
        plain = bool(os.environ.get("NO_COLOR")) or settings.theme.startswith("ansi")
        # Without this argument the monochrome filter paints default colours black on black.
        super().__init__(ansi_color=plain)
        self.settings = settings
        self.bridge = Bridge(session)
        self.memory = Memory(session.registry.place)
        self.ascii_only = settings.ascii or _ascii_terminal()
        self._address = address
        self._names: Sequence[str] = ()
        if plain:
            self.theme = "ansi-dark"
        elif settings.theme:
            self.theme = settings.theme

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, then ours."""
        return [*super().get_line_filters(), Scrub()]

    def on_mount(self) -> None:
        """Open the first screen; repaint after a suspension."""
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.animation_level = "none"
        from .screens.overview import OverviewScreen

        self.push_screen(OverviewScreen())
        if self._address:
            self.open_address(self._address)

    # Where one is.

    def crumbs_of(self, screen: Screen[Any]) -> list[str]:
        """The words of the screens up to this one."""
        stack = [s for s in self.screen_stack if isinstance(s, DeckScreen) and s.crumb]
        place = stack.index(screen) if screen in stack else len(stack) - 1
        return [s.crumb for s in stack[: place + 1]]

    def go(self, text: str) -> None:
        """Go where was typed after `:`."""
        screen = self.screen
        try:
            goal = parse_goal(text)
        except ModeldeckError as error:
            if isinstance(screen, DeckScreen):
                screen.say(str(error), "warn")
            return
        if goal.noun == "quit":
            self.exit(0)
        else:
            self.push_screen(self._screen_of(goal))

    def _screen_of(self, goal: Goal) -> DeckScreen:
        match goal.noun:
            case "experiments":
                from .screens.experiments import ExperimentsScreen

                return ExperimentsScreen(where=goal.where)
            case "runs":
                from .screens.runs import RunsScreen

                return RunsScreen(experiment=goal.of, where=goal.where)
            case "models":
                from .screens.models import ModelsScreen

                return ModelsScreen(where=goal.where)
            case "versions":
                from .screens.models import VersionsScreen

                return VersionsScreen(goal.of, where=goal.where)
            case "audit":
                from .screens.events import EventsScreen

                return EventsScreen(where=goal.where)
            case _:
                from .screens.overview import OverviewScreen

                return OverviewScreen()

    def complete_goto(self, text: str) -> Sequence[str]:
        """How what is typed after `:` could go on."""
        return completions(text, self._names)

    def know_names(self, names: Sequence[str]) -> None:
        """Remember names that were seen, for completion."""
        self._names = names

    def open_address(self, text: str) -> None:
        """Open what an address names."""
        address = parse_address(text)
        if address.noun == "runs" and address.name:
            self.open_run(address.name)
            return
        self.push_screen(self._screen_at(address))

    def _screen_at(self, address: Address) -> DeckScreen:
        if address.noun == "models" and address.name:
            if address.version is not None or address.alias is not None:
                from .screens.version import VersionScreen

                return VersionScreen(address.name, address.version, alias=address.alias)
            return self._screen_of(Goal("versions", address.name))
        if address.noun == "experiments" and address.name:
            return self._screen_of(Goal("runs", address.name))
        noun = "audit" if address.noun == "events" else address.noun
        return self._screen_of(Goal(noun))

    def open_run(self, ref: str) -> None:
        """Open a run by id or name."""
        from .screens.run import RunScreen

        self.push_screen(RunScreen(ref))

    # What screens share.

    def copy(self, text: str) -> str:
        """Copy to the clipboard; gives what to say of it."""
        return copy_text(self, text)

    def show_keys(self, screen: DeckScreen) -> None:
        """Every key, and why one does nothing on `screen`."""
        from .screens.keys import KeysScreen

        self.push_screen(KeysScreen(screen))

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

    def export(self, screen: DeckScreen) -> None:
        """Write what a list shows to a file."""
        from .exports import export_list

        export_list(screen)

    def on_resize(self) -> None:
        """Below the smallest size, say which is needed."""
        width, height = self.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "too-small")


def _ascii_terminal() -> bool:
    term = os.environ.get("TERM", "")
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    utf8 = not locale or "utf" in locale.lower()
    return term in ("linux", "vt100", "dumb") or not utf8


def mouse_wanted(settings: Settings) -> bool:
    """Whether to take the mouse: not over SSH or in tmux, where it breaks selection."""
    if settings.mouse != "auto":
        return settings.mouse == "on"
    return not any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"))
