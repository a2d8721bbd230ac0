"""A screen that notices when what it shows has become old, and says how old it is."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.watch import state_of
from modeldeck.widgets.text import clip, show

from ..ages import Freshness
from ..bridge import Bridge
from ..traffic import SLOW_OFFER, far_line
from .prompting import PromptScreen

if TYPE_CHECKING:
    from ..console import Console

LOOK = 2.0
"""Seconds between two looks at whether something has changed."""
SLOW_LOOK = 10.0
"""The same on a slow line, where one look is for all that has changed meanwhile."""
SLOW_TICK = 60.0
"""Seconds between two counts of how long things have lasted, on a slow line."""


class WatchScreen(PromptScreen):
    """One that `watches` asks again when the registry has changed.

    It is told every two seconds (`tick`) so that it may count on what still runs. A server tells
    nobody: it is asked again after a pause, `patience` times the one of the settings. `reads` is
    the slot of what is shown; `unasked` says that no person asked for what is under way.
    """

    watches: ClassVar[bool] = False
    patience: ClassVar[float] = 1
    reads: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.freshness = Freshness()

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

    notice = ""
    _ticked = 0.0
    seen = ""
    unasked = False

    def draw_state(self) -> None:
        """Bring the line above the keys up to date."""

    def ask(self) -> None:
        """Ask for what the screen shows."""

    def watch_on(self) -> None:
        """Begin to look at how old it is."""
        self.freshness.far = self.session.remote
        self.freshness.tried = asyncio.get_running_loop().time()
        if self.watches:
            self.seen = state_of(self.session)
            self.set_interval(SLOW_LOOK if self.console.slow else LOOK, self.look)

    def look(self) -> None:
        """Ask again when something was written since the last time, without a word."""
        if not self.is_current:
            return
        state = state_of(self.session)
        if state != self.seen and not self.bridge.busy(self):
            self.seen = state
            self.renew()
        elif self.freshness.far and self._due():
            self.unasked = True
            self.renew()
        elif self._may_tick():
            self.tick()
            if self.freshness.far:
                self.draw_state()

    def _may_tick(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self.console.slow and now - self._ticked < SLOW_TICK:
            return False
        self._ticked = now
        return True

    def _due(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self.bridge.asks(self):
            self.freshness.tried = now
            return False
        # What could not be read at all is not worth any patience.
        patience = self.patience if self.freshness.at is not None else 1
        every = self.console.settings.refresh * patience
        if not self.may_renew() or not self.freshness.due(now, every):
            return False
        self.freshness.tried = now
        return True

    def may_renew(self) -> bool:
        """Whether asking again takes nothing away that a person looks at."""
        return True

    def renew(self) -> None:
        """Ask again because what is shown has become old."""
        self.ask()

    def tick(self) -> None:
        """Two seconds have passed and nothing was written."""

    def age(self) -> str:
        """How old what is shown is, and whether more is on its way."""
        busy = self.bridge.busy(self)
        if busy and not self.unasked:
            return "reading ... Esc cancels"
        fresh, now = self.freshness, self.session.clock()
        if self.bridge.answered_at and not self.reads:
            fresh.read(self.bridge.answered_at)
        words, why = fresh.words(self.session.registry.name, now), fresh.why()
        if busy:
            return f"{words}, reading ... Esc cancels".removeprefix(", ")
        if not why or self.notice:
            return words
        return clip(show(f"{words}: {why}"), self.app.size.width * 3 // 5)

    def remarks(self) -> Sequence[str]:
        """What the last lines have no room for, in whole sentences."""
        missed = self.freshness.missed
        beside: Sequence[str] = getattr(self.session.registry, "notes", ())
        slow = [SLOW_OFFER] if far_line() and not self.console.slow else []
        return [*([str(missed)] if missed is not None else []), *beside, *slow]
