"""The program before there is anything to open."""

from collections.abc import Sequence

from modeldeck.app.config.settings import Settings
from modeldeck.app.workspace import Wish

from .deck import Deck
from .screens.start import StartScreen


class StartApp(Deck):
    """Shows the start page; `chosen` is what shall be opened next, None to end."""

    def __init__(self, settings: Settings, looked_for: Sequence[str], said: str = "") -> None:
        super().__init__(settings)
        self.chosen: Wish | None = None
        self._page = StartScreen(looked_for, said)

    def on_mount(self) -> None:
        """Show the page."""
        self.push_screen(self._page)

    def open(self, wish: Wish) -> None:
        """End with something to open."""
        self.chosen = wish
        self.exit(0)
