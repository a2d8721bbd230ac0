"""Filtering a list while one types: what completes, what does not parse, the way back."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.errors import FilterError, ModeldeckError
from modeldeck.backends.api.query import Vocabulary
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Table

from .base import DeckScreen

PAUSE = 0.04
FAR_PAUSE = 0.4
"""Seconds after the last letter, where every filter is a request."""
HINTED = 6


class FilterScreen(DeckScreen):
    """A screen with a table that `/` filters: `ask` asks for the rows that fit `where`.

    What does not parse is shown below what is typed, and is not kept.
    """

    vocabulary: ClassVar[Vocabulary]

    def __init__(self, where: str = "") -> None:
        super().__init__()
        self.where = where
        self._kept = where
        self._applied = where
        self._wrong: FilterError | None = None
        self._last_words = ""
        self._to_top = False

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#table", Table)

    def ask(self, pause: float = 0) -> None:
        """Ask for the rows, after a `pause` in which a newer question may replace this one."""
        raise NotImplementedError

    def failed_window(self, error: ModeldeckError) -> None:
        """Keep the rows that are there, say why the others did not come."""
        raise NotImplementedError

    def first_where(self) -> str:
        """The filter that the screen came with."""
        return ""

    def filtered(self) -> None:
        """The rows that fit have come and are shown."""
        self._applied = self.where
        self._wrong, self._to_top = None, False
        if self._last_words:
            self.call_after_refresh(self.say, self._last_words, "bad")
            self._last_words = ""
        prompt = self.query_one(Prompt)
        if prompt.display:
            self._hint_filter(prompt.text)
        else:
            self._kept = self.where

    def unfiltered(self, error: ModeldeckError) -> bool:
        """Whether an error is one of the filter, and all that is to be said of it was said."""
        if not isinstance(error, FilterError):
            return False
        prompt = self.query_one(Prompt)
        if prompt.display:
            self._wrong = error
            expected = f"; expected {error.expected}" if error.expected else ""
            prompt.point(error.position, f"{error.what}{expected}")
            return True
        if self.where != self._kept:
            self.where = self._kept
            if self._applied != self._kept:
                self._last_words = str(error)
                self.ask()
                return True
        return False

    def do_filter(self) -> None:
        """Filter while typing."""
        self._kept = self.where
        prompt = self.query_one(Prompt)
        prompt.ask("filter", "/", self.where, self.complete_filter)
        self._hint_filter(self.where)
        self.draw_frame()

    def complete_filter(self, text: str) -> Sequence[str]:
        """Complete the last word with the words of the noun."""
        head, _, word = text.rpartition(" ")
        if not word:
            return ()
        start = f"{head} " if head else ""
        return [
            start + name for name in self.filter_words() if name.startswith(word) and name != word
        ]

    def filter_words(self) -> Sequence[str]:
        """What a filter may begin a term with."""
        return [*self.vocabulary.attributes, *(f"{name}." for name in self.vocabulary.maps)]

    def _hint_filter(self, text: str) -> None:
        found = self.complete_filter(text)
        names = [name.rpartition(" ")[2] for name in found[:HINTED]]
        more = "  .." if len(found) > HINTED else ""
        help_ = "metrics.auc > 0.9 and started > -14h   or not ( ) != ~ in has"
        hint = "  ".join(names) + more if names else help_
        self.query_one(Prompt).hint(hint, right=self.table.position)

    def typing_filter(self, text: str) -> None:
        """Filter by what is typed, a moment after the last key."""
        self._hint_filter(text)
        self._filter(text, FAR_PAUSE if self.session.remote else PAUSE)

    def given_filter(self, text: str) -> Any:
        """Keep it; what does not parse is not kept."""
        wrong, self._wrong = self._wrong, None
        if wrong is not None and wrong.text == text == self.where:
            self.failed_window(wrong)
        else:
            self._filter(text)

    def dropped_filter(self, _: str) -> None:
        """Back to what it was."""
        self._filter(self._kept)

    def _filter(self, text: str, pause: float = 0) -> None:
        if text != self.where or (not pause and self.bridge.asked(self, "window")):
            self.where = text
            self.notice = ""
            self._to_top = self.table.cursor == 0
            self.ask(pause)
        self.draw_frame()
