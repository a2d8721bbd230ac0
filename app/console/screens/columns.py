"""The dialog in which the columns of a list are chosen and ordered."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Column, Table
from modeldeck.widgets.table.messages import MarksChanged, RowChosen

from ..column_choice import ColumnChoice
from .dialog import Dialog


class ColumnsDialog(Dialog[list[str]]):
    """Every key, the shown ones marked and first. The answer is the shown keys in their order.

    It is an empty list for those that are shown when nobody has chosen, and None for no change.
    """

    crumb: ClassVar[str] = "COLUMNS"
    keys: ClassVar[str] = "Space mark  shift+Up shift+Down move  / filter  Enter keep  D default"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, priority=True),
        Binding("shift+up,K", "move(-1)", "Up", show=False),
        Binding("shift+down,J", "move(1)", "Down", show=False),
        Binding("D", "default", "Default", show=False),
    ]

    def __init__(self, shown: Sequence[str], every: Sequence[str]) -> None:
        super().__init__()
        self.choice = ColumnChoice(shown, every)

    def body(self) -> Iterator[Widget]:
        """A prompt for the filter, the keys."""
        yield Prompt(id="prompt")
        table = Table(
            [
                Column("place", "#", "number", min_width=2, priority=8),
                Column("name", "COLUMN", min_width=16, max_width=64, priority=9, grow=1),
                Column("kind", "OF", priority=7),
            ],
            self.choice,
            empty="no key fits",
            ascii_only=self.console.ascii_only,
            id="table",
        )
        table.mark_all(self.choice.chosen)
        yield table

    @property
    def table(self) -> Table:
        """The keys."""
        return self.query_one("#table", Table)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.table.focus()
        self.draw_state()

    def draw_state(self) -> None:
        """Say how many are chosen, and what is filtered."""
        choice = self.choice
        parts = [
            Part(f"{len(choice.chosen):,} of {len(choice.every):,} shown", "dim"),
            Part(f"  / {choice.needle}  {choice.count:,} fit" if choice.needle else "", "accent"),
        ]
        self.query_one("#state", Bar).say(parts, [Part("Esc cancel", "dim")])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash is a letter to a field that has the keys; nothing before there is one."""
        if action == "filter" and (not self.is_mounted or isinstance(self.focused, Input)):
            return False
        return super().check_action(action, parameters)

    def on_table_marks_changed(self, message: MarksChanged) -> None:
        """Choose what is marked."""
        message.stop()
        self.choice.choose(message.marks)
        self.table.refresh_rows()
        self.draw_state()

    def on_table_row_chosen(self, message: RowChosen) -> None:
        """Keep them."""
        message.stop()
        self.dismiss(self.choice.chosen)

    def action_move(self, by: int) -> None:
        """Move the one under the cursor among the chosen."""
        key = self.table.cursor_key
        if key is None:
            return
        if key not in self.choice.chosen:
            self.say("only a chosen one has a place: Space chooses it", "warn")
        elif self.choice.move(key, by):
            self.table.refresh_rows()
            self.draw_state()

    def action_default(self) -> None:
        """Back to what nobody chose."""
        self.dismiss([])

    def action_filter(self) -> None:
        """Filter while typing."""
        self.query_one(Prompt).ask("filter", "/", self.choice.needle)

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        """Filter by what is typed."""
        message.stop()
        self._filter(message.text)

    def on_prompt_given(self, message: Prompt.Given) -> None:
        """Keep the filter."""
        message.stop()
        self._filter(message.text)
        self.set_focus(self.table)

    def on_prompt_dropped(self, message: Prompt.Dropped) -> None:
        """Back to the filter before."""
        message.stop()
        self._filter(message.text)
        self.set_focus(self.table)

    def _filter(self, text: str) -> None:
        if text != self.choice.needle:
            self.choice.filter(text)
            self.table.refresh_rows()
            self.draw_state()

    def action_cancel(self) -> None:
        """Take the filter off, then leave everything as it was."""
        if self.choice.needle:
            self._filter("")
        else:
            self.dismiss(None)
