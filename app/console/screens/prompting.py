"""A screen that can ask for a line of text in place of its last lines."""

from collections.abc import Callable

from textual.screen import Screen
from textual.widget import Widget

from modeldeck.widgets.prompt import Complete, Prompt


class PromptScreen(Screen[None]):
    """What is typed for a kind comes to `typing_KIND`, then to `given_KIND` or `dropped_KIND`.

    What `ask_line` asks for comes to the function that it names.
    """

    awaited: tuple[str, Callable[[str], None]] | None = None

    def draw_frame(self) -> None:
        """Bring what stands around the body up to date."""

    def _prompting(self, on: bool) -> None:
        """The prompt takes the place of the last lines, so that nothing else moves."""
        for name in ("#state", "#foot"):
            self.query_one(name).display = not on

    def ask_line(
        self,
        kind: str,
        sign: str,
        then: Callable[[str], None],
        *,
        text: str = "",
        hint: str = "",
        complete: Complete | None = None,
    ) -> None:
        """Ask for a line of text, `text` to begin with; `then` gets it, unless it is dropped."""
        self.awaited = (kind, then)
        prompt = self.query_one(Prompt)
        prompt.ask(kind, sign, text, complete)
        prompt.hint(hint)

    async def on_prompt_given(self, message: Prompt.Given) -> None:
        """Hand it to whoever asked."""
        message.stop()
        self.set_focus(self.first_focus())
        if self.awaited and self.awaited[0] == message.kind:
            then, self.awaited = self.awaited[1], None
            then(message.text)
        else:
            result = getattr(self, f"given_{message.kind}")(message.text)
            if hasattr(result, "__await__"):
                await result
        self.draw_frame()

    def on_prompt_dropped(self, message: Prompt.Dropped) -> None:
        """Back to the body."""
        message.stop()
        self.set_focus(self.first_focus())
        handler = getattr(self, f"dropped_{message.kind}", None)
        if handler:
            handler(message.text)
        self.draw_frame()

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        """Tell the screen what is being typed."""
        message.stop()
        handler = getattr(self, f"typing_{message.kind}", None)
        if handler:
            handler(message.text)

    def first_focus(self) -> Widget | None:
        """What has the keys when no prompt has them."""
        return next((w for w in self.query_one("#body").query("*") if w.can_focus), None)
