"""What every Textual program of ours shares."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter
from textual.screen import Screen

from modeldeck.app.config.settings import Settings
from modeldeck.app.config.terminal import FEW, colours
from modeldeck.widgets.text import clip, show

from .lean import Shadow, lean
from .line_filters import Ascii, Scrub, ascii_terminal, plain_ascii
from .screens.base import SMALLEST
from .traffic import Traffic, careful, hung_up, slow_line

TITLE_CELLS = 80
LINE = 1.0
"""Seconds between two looks at whether the terminal is still there."""


class Deck(App[int]):
    """What our programs share: themes, the last defence, how a defect or a lost line ends them."""

    TITLE = "modeldeck"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "console.tcss"
    INLINE_PADDING = 0

    def __init__(self, settings: Settings) -> None:
        self.traffic = Traffic()
        self.slow = slow_line(settings)
        has = colours(os.environ)
        poor = not has or (has == FEW and not settings.theme)
        plain = poor or self.slow or settings.theme.startswith("ansi")
        # Without this argument the monochrome filter paints default colours black on black.
        super().__init__(ansi_color=plain)
        self.settings = settings
        self.ascii_only = settings.ascii or ascii_terminal()
        self.no_theme = ""
        self._shadow = Shadow()
        self._loop_here: asyncio.AbstractEventLoop | None = None
        self._title_now = ""
        self._titled = settings.title and os.environ.get("TERM", "") not in ("", "linux", "vt100")
        if plain:
            self.theme = "ansi-light" if settings.theme == "ansi-light" else "ansi-dark"
        elif settings.theme in self.available_themes:
            self.theme = settings.theme
        elif settings.theme:
            known = ", ".join(sorted(self.available_themes))
            self.no_theme = f"config.toml: there is no theme {settings.theme!r}; known: {known}"
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Read the rules again; not for the first screen, for which they are read just then.

        The program's own colours must be there before it: what its lines inherit is kept by them.
        """
        if any(screen.is_mounted for screen in self.screen_stack):
            super().refresh_css(animate)
        else:
            self.stylesheet.apply(self, animate=False)

    def get_driver_class(self) -> type[Driver]:
        """Textual's own, with its bytes counted, and told when the line is lost."""
        return careful(super().get_driver_class(), self.traffic, self._line_lost)

    def _line_lost(self) -> None:
        if self._loop_here is not None:
            with suppress(RuntimeError):  # it is closed already
                self._loop_here.call_soon_threadsafe(self.hang_up, 128 + signal.SIGHUP)

    def hang_up(self, code: int) -> None:
        """Nobody is left to look: end."""
        self.exit(code)

    def _look_at_line(self) -> None:
        if not self.is_headless and sys.__stdin__ is not None and hung_up(sys.__stdin__.fileno()):
            self.hang_up(128 + signal.SIGHUP)

    def name_window(self, words: str) -> None:
        """Make the title of the window or pane say where one is; it is put back at the end."""
        text = clip(show(f"modeldeck: {words}"), TITLE_CELLS)
        text = "".join(char if char.isprintable() else "?" for char in text)
        if self.ascii_only:
            text = plain_ascii(text)
        if self._driver is None or self.is_headless or not self._titled or text == self._title_now:
            return
        begin = "" if self._title_now else "\x1b[22;2t"
        self._title_now = text
        self._driver.write(f"{begin}\x1b]2;{text}\x1b\\")

    def on_unmount(self) -> None:
        """Put the title back."""
        if self._driver is not None and self._title_now:
            # tmux keeps no older title to go back to.
            empty = "\x1b]2;\x1b\\" if os.environ.get("TMUX") else ""
            self._driver.write(f"{empty}\x1b[23;2t")

    def export_screenshot(self, **options: Any) -> str:
        """The screen as SVG, without the secrets that are known."""
        from modeldeck.app.config.redaction import redact

        from .picture import plain

        return plain(redact(super().export_screenshot(**options)))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, then ours."""
        ours = [Scrub(), Ascii()] if self.ascii_only else [Scrub()]
        return [*super().get_line_filters(), *ours]

    def on_mount(self) -> None:
        """Repaint after a suspension; end cleanly when the line is lost."""
        self.app_resume_signal.subscribe(self, lambda _: self.repaint())
        self.animation_level = "none"
        self.set_timer(0.5, _collect)
        self.set_interval(LINE, self._look_at_line)
        loop = self._loop_here = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.hang_up, 128 + number)
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

            with suppress(OSError):  # nobody is left to read it
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
