"""A screen that takes the answers to what it asked."""

from modeldeck.backends.api.errors import ModeldeckError

from ..bridge import Failed, Loaded
from .watching import WatchScreen


class AnswerScreen(WatchScreen):
    """An answer comes to `got_SLOT`, none to `failed_SLOT` or, without one, is said."""

    def say(self, text: str, style: str = "") -> None:
        """Say something in the line above the keys."""

    def on_loaded(self, message: Loaded) -> None:
        """An answer."""
        message.stop()
        if message.slot == self.reads:
            self.freshness.read(message.at)
            if message.missed is not None:
                self.freshness.miss(message.missed)
            self.unasked = False
        self.answered(message)

    def answered(self, message: Loaded) -> None:
        """Hand an answer to `got_SLOT`."""
        getattr(self, f"got_{message.slot}")(message.value)
        self.draw_frame()

    def on_failed(self, message: Failed) -> None:
        """No answer."""
        message.stop()
        if message.slot == self.reads:
            self.freshness.miss(message.error)
            unasked, self.unasked = self.unasked, False
            if unasked and self.freshness.at is not None:
                self.draw_frame()
                return
        self.unanswered(message)

    def unanswered(self, message: Failed) -> None:
        """Say why there is no answer; what was shown stays."""
        handler = getattr(self, f"failed_{message.slot}", None)
        if handler:
            handler(message.error)
        else:
            self.fail(message.error)
        self.draw_frame()

    def fail(self, error: ModeldeckError) -> None:
        """Say what went wrong, before the long address of where it did."""
        text = str(error)
        if error.where.startswith(("http://", "https://")):
            text = f"{text.removeprefix(f'{error.where}: ')} ({error.where})"
        self.say(text, "bad")
