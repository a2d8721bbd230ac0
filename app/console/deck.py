"""What every Textual program of ours shares."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.events import Resize
from textual.filter import LineFilter
from textual.screen import Screen

from modeldeck.app.config.settings import Settings

from .lean import Shadow, lean
from .line_filters import Ascii, Scrub, ascii_terminal
from .screens.base import SMALLEST


class Deck(App[int]):
    """What our programs share: themes, the last defence, how a defect or a lost line ends them."""

    TITLE = "modeldeck"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "console.tcss"
    INLINE_PADDING = 0

    def __init__(self, settings: Settings) -> None:
        plain = bool(os.environ.get("NO_COLOR")) or settings.theme.startswith("ansi")
        # Without this argument the monochrome filter paints default colours black on black.
        super().__init__(ansi_color=plain)
        self.settings = settings
        self.ascii_only = settings.ascii or ascii_terminal()
        self.no_theme = ""
        self._shadow = Shadow()
        if plain:
            self.theme = "ansi-light" if settings.theme == "ansi-light" else "ansi-dark"
        elif settings.theme in self.available_themes:
            self.theme = settings.theme
        elif settings.theme:
            known = ", ".join(sorted(self.available_themes))
            self.no_theme = f"config.toml: there is no theme {settings.theme!r}; known: {known}"

    def refresh_css(self, animate: bool = True) -> None:
        """Read the rules again; not before the first screen, for which they have just been read."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    def export_screenshot(self, **options: Any) -> str:
        """The screen as SVG, without the secrets that are known."""
        from modeldeck.app.config.redaction import redact

        return redact(super().export_screenshot(**options))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, then ours."""
        ours = [Scrub(), Ascii()] if self.ascii_only else [Scrub()]
        return [*super().get_line_filters(), *ours]

    def on_mount(self) -> None:
        """Repaint after a suspension; end cleanly when the line is lost."""
        self.app_resume_signal.subscribe(self, lambda _: self.repaint())
        self.animation_level = "none"
        self.set_timer(0.5, _collect)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.exit, 128 + number)
            except (RuntimeError, ValueError):  # not the main thread
                break

    def repaint(self) -> None:
        """Send the whole screen again: somebody else may have written there."""
        self._shadow.forget()
        self.refresh(layout=True)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, None if renderable is None else lean(renderable, self._shadow))

    def on_resize(self, event: Resize) -> None:
        """Below the smallest size, say which is needed."""
        self._shadow.forget()
        width, height = event.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "too-small")

    def _fatal_error(self) -> None:
        # Textual's own prints local values, which may be secrets, and parses markup in them.
        self._close_messages_no_wait()

    def panic(self, *_: Any) -> None:
        """End because of a defect; `_print_error_renderables` says so."""
        self._return_code = 1
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
        if self._exception is not None and not self.is_headless:
            from .crash import last_words

            print(last_words(self._exception), file=sys.__stderr__)


def _collect() -> None:
    """What was made until the first frame stays; from now on collect what comes and goes."""
    gc.freeze()
    gc.enable()


def mouse_wanted(settings: Settings) -> bool:
    """Whether to take the mouse: not over SSH or in tmux, where it breaks selection."""
    if settings.mouse != "auto":
        return settings.mouse == "on"
    return not any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"))
