"""A list to choose from while one types: verbs, names."""

from typing import ClassVar

from modeldeck.widgets.prompt import Prompt

from .short import ShortScreen


class ChoosingScreen(ShortScreen):
    """Typed letters narrow the list at once, Up and Down choose, Enter takes, Esc leaves."""

    letters: ClassVar[str]
    """What one types letters of, in words."""

    def begin(self) -> None:
        """Let type at once."""
        super().begin()
        self.do_filter()

    def do_filter(self) -> None:
        """Type letters."""
        prompt = self.query_one(Prompt)
        prompt.ask("filter", ">", self.where, with_past=False)
        prompt.hint(self.letters)
        self.draw_frame()

    def _hint_filter(self, text: str) -> None:
        """What is listed says enough."""

    def typing_filter(self, text: str) -> None:
        """Narrow at once."""
        self.where = text
        self._to_top = True
        self.ask()

    def on_prompt_turned(self, message: Prompt.Turned) -> None:
        """Choose while typing."""
        message.stop()
        self.table.action_move(message.by)

    async def given_filter(self, text: str) -> None:
        """Take what is chosen; what was typed last may not have been listed yet."""
        if text != self.where:
            self.typing_filter(text)
        item = self.current()
        if item is not None:
            await self.open_item(item)

    def dropped_filter(self, _: str) -> None:
        """Leave."""
        self.console.pop_screen()
