"""Questions that no screen shows the answer of: asked for a change, answered to a function.

They outlive the screen that they began on, so that a change that is under way is never cancelled
by leaving it, and what came of it is always said.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

from modeldeck.backends.api.errors import ModeldeckError

from .bridge import Failed, Loaded, Work

if TYPE_CHECKING:
    from .bridge import Bridge

Then = Callable[[Any], None]
Else = Callable[[ModeldeckError], None]


class Errands:
    """The questions of the program itself, which hands `loaded` and `failed` what comes to it."""

    def __init__(self, app: App[int], bridge: "Bridge") -> None:
        self._app = app
        self._bridge = bridge
        self._open: dict[str, tuple[Then, Else]] = {}
        self._count = 0

    def run(self, words: str, work: Work, then: Then, otherwise: Else) -> None:
        """Ask; `then` gets the answer, or `otherwise` why there is none. `words` name the call."""
        self._count += 1
        slot = f"errand{self._count}"
        self._open[slot] = (then, otherwise)
        self._bridge.ask(self._app, slot, words, work)

    def loaded(self, message: Loaded) -> None:
        """Hand on an answer."""
        self._open.pop(message.slot)[0](message.value)

    def failed(self, message: Failed) -> None:
        """Hand on why there is none."""
        self._open.pop(message.slot)[1](message.error)
