"""Where one has been: back and forward through places, and where one was the last time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from textual.timer import Timer

from modeldeck.backends.api.errors import ModeldeckError

from .places import Place, place_of, read_place, screen_for, written

if TYPE_CHECKING:
    from .console import Console
    from .screens.base import DeckScreen

MOST_PLACES = 100
DEEPEST = 20
"""Screens on top of each other that are kept for the next time."""
_KEY = "session/stack"
_PAUSE = 1.0


class _Stop:
    """A place that one came through, and its screen as long as that is there."""

    def __init__(self, place: Place, screen: "DeckScreen") -> None:
        self.place = place
        self.screen: DeckScreen | None = screen


class Travel:
    """The places of one console, the last one last; `at` is where one is among them."""

    def __init__(self, console: "Console", restore: Literal["ask", "always", "off"]) -> None:
        self._console = console
        self._keeps = restore != "off"
        self._always = restore == "always"
        self._stops: list[_Stop] = []
        self._at = -1
        self._before: list[Place] = []
        self._stack: list[Place] = []
        self._timer: Timer | None = None

    # What the program calls.

    def begin(self, *, asked: bool, elsewhere: bool) -> None:
        """Go back to where one was, when that is wanted; else say which key does.

        `elsewhere` says that the program was started for another place.
        """
        if not (self._keeps or asked):
            return
        now = self._console.bridge.session.clock()
        kept = self._console.memory.texts(_KEY) or []
        found = [place for text in kept[:DEEPEST] if (place := read_place(text, now))]
        if found and found[0].noun == "overview":
            found = found[1:]
        self._before = found
        if found and (asked or (self._always and not elsewhere)):
            self._return()
        elif found and not elsewhere:
            self._offer()

    def _offer(self) -> None:
        screen = self._console.screen
        key = self._console.hands.shown_of("before")
        # The line belongs to what was said before, and of a server to its age.
        if self._console.bridge.session.remote:
            return
        if hasattr(screen, "say") and not getattr(screen, "notice", ""):
            screen.say(f"{key} goes back to where you were: {words_of(self._before[-1])}")

    def arrived(self, screen: "DeckScreen") -> None:
        """A screen is in sight."""
        if not screen.is_current:
            return
        place = place_of(screen)
        if place is None:
            return
        self._keep_soon()
        here = self._stops[self._at] if self._stops else None
        if here is not None and (here.screen is screen or here.place == place):
            here.place, here.screen = place, screen
            return
        self._note()
        del self._stops[self._at + 1 :]
        self._stops.append(_Stop(place, screen))
        del self._stops[:-MOST_PLACES]
        self._at = len(self._stops) - 1

    def changed(self) -> None:
        """A filter or an order has changed."""
        self._note()
        self._keep_soon()

    # Going.

    def why_not(self, by: int) -> str:
        """Why one cannot go `by` places; empty when one can."""
        if by < 0 and self._at <= 0 and self._before:
            return ""
        if 0 <= self._at + by < len(self._stops):
            return ""
        return "there is no place before this one" if by < 0 else "there is no place after this one"

    def go(self, by: int) -> None:
        """Go `by` places back or on."""
        if by < 0 and self._at <= 0 and self._before:
            self._return()
            return
        self._note()
        self._to(self._at + by)

    def why_not_last(self) -> str:
        """Whether there is a place that one came from."""
        return "" if len(self._stops) > 1 else "there is no other place yet"

    def last(self) -> None:
        """To the place that one came from, and from there back here."""
        self._note()
        here, other = self._at, self._at - 1 if self._at else self._at + 1
        moved = self._stops.pop(max(here, other))
        # The two change places, so that the same key leads back.
        self._stops.insert(min(here, other), moved)
        self._to(max(here, other))

    def _to(self, at: int) -> None:
        stop = self._stops[at]
        stack = self._console.screen_stack
        if stop.screen is not None and stop.screen in stack:
            self._at = at
            for _ in range(len(stack) - 1 - stack.index(stop.screen)):
                self._console.pop_screen()
            return
        screen = self._made(stop.place)
        if screen is not None:
            self._at = at
            stop.screen = screen
            self._console.push_screen(screen)

    def _return(self) -> None:
        places, self._before = self._before, []
        for place in places:
            screen = self._made(place)
            if screen is not None:
                self._console.push_screen(screen)

    def _made(self, place: Place) -> "DeckScreen | None":
        try:
            return screen_for(place)
        except ModeldeckError as error:
            screen = self._console.screen
            if hasattr(screen, "say"):
                screen.say(str(error), "warn")
            return None

    def _note(self) -> None:
        """Bring the place where one is up to date: its filter may be another by now."""
        if not self._stops:
            return
        here = self._stops[self._at]
        if here.screen is not None and here.screen in self._console.screen_stack:
            here.place = place_of(here.screen) or here.place
        elif here.screen is not None:
            here.screen = None

    # What is kept.

    def _keep_soon(self) -> None:
        # At the end, when it is written for the last time, there are no screens any more.
        self._stack = stack_of(self._console.screen_stack)
        if self._keeps and self._timer is None:
            self._timer = self._console.set_timer(_PAUSE, self.keep)

    def keep(self) -> None:
        """Write where one is, for the next time; nothing where one is at the beginning."""
        self._timer = None
        if self._keeps and (len(self._stack) > 1 or (self._stack and not self._before)):
            self._console.memory.put(_KEY, [written(place) for place in self._stack])


def stack_of(screens: Sequence[object]) -> list[Place]:
    """The places of the screens on top of each other, the lowest first."""
    found = [place for screen in screens if (place := place_of(screen)) and written(place)]
    return found[:1] + found[1:][-(DEEPEST - 1) :]


def words_of(place: Place) -> str:
    """A place in a few words."""
    if place.address:
        return place.address
    where = f" /{place.where}" if place.where else ""
    return f"{place.noun} {place.of}".strip() + where
