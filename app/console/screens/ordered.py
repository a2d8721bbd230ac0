"""What a list is ordered by, and which of its rows are marked."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.usecases import grouping
from modeldeck.backends.api.groups import Group, Groups
from modeldeck.backends.api.query import Field
from modeldeck.widgets.table.messages import RangeAsked, SortAsked

from ..rows import TreeRows
from ..sorting import sort_keys, sort_text, sorted_also_by, sorted_by
from .filtering import FilterScreen


class OrderedScreen(FilterScreen):
    """A filtered table whose rows are ordered by columns (`o`, then `O`), marked and grouped."""

    noun: ClassVar[str] = ""

    def __init__(self, where: str = "", sort: str = "") -> None:
        super().__init__(where)
        self.sort = sort
        self.rows: TreeRows | None = None

    def on_table_sort_asked(self, message: SortAsked) -> None:
        """Sort by a column, by it alone or further; again, the other way."""
        if not self.sortable(message.column):
            self.say(f"{self.noun} cannot be sorted by this column", "warn")
            return
        keys = sort_keys(self.sort, self.vocabulary)
        turn = sorted_also_by if message.further else sorted_by
        self.sort = sort_text(turn(keys, message.column))
        self._to_top = self.table.cursor == 0
        self.show_sort()
        self.ask()

    def sortable(self, column: str) -> bool:
        """Whether the list can be ordered by the column of that key."""
        head, dot, _ = column.partition(".")
        if dot:
            return head in self.vocabulary.maps
        return self.vocabulary.attribute(column) is not None

    def show_sort(self) -> None:
        """Mark the sorted columns in the head."""
        self.table.set_sort(*sort_keys(self.sort, self.vocabulary))

    def do_mark_all(self) -> None:
        """Mark all rows that match."""
        rows = self.rows
        if rows is None:
            return

        async def keys() -> tuple[Sequence[str], bool]:
            await rows.window.whole()
            return await rows.window.keys(), rows.window.count is not None

        self.bridge.ask(self, "keys", f"{self.noun} all keys", keys)

    def got_keys(self, answer: tuple[Sequence[str], bool]) -> None:
        """Mark them; where nobody knows how many there are, say that these are not all."""
        keys, every = answer
        self.table.mark_all(keys)
        if not every:
            self.say(
                f"marked the {len(keys):,} {self.noun} that are loaded; there are more", "warn"
            )

    def on_table_range_asked(self, message: RangeAsked) -> None:
        """Mark rows of which some are not loaded."""
        rows = self.rows
        if rows is None:
            return

        async def between() -> Sequence[str]:
            return await rows.keys_between(message.start, message.end)

        self.bridge.ask(self, "range", f"{self.noun} keys of a range", between)

    def got_range(self, keys: Sequence[str]) -> None:
        """Mark them."""
        if keys:
            self.table.mark_all(keys)
        else:
            self.say("the last mark is not in this list: M marks from the next one on", "warn")

    # Groups.

    def do_group(self) -> None:
        """The values of the chosen column, with how many rows have each."""
        from .groups import GroupsScreen

        field = self._group_field()
        if field is not None:
            self.console.push_screen(GroupsScreen(self, field))

    def why_not_group(self) -> str:
        """A column must be chosen, and be one whose values several rows can share."""
        column = self.table.selected_column if self.is_attached else None
        if column is None:
            return "choose a column with shift+Right, then B groups by it"
        field = self._group_field()
        if field is None:
            return f"{self.noun} are not grouped by this column"
        return grouping.why_not_by(self.noun, field)

    def _group_field(self) -> Field | None:
        column = self.table.selected_column
        if column is None or not self.sortable(column):
            return None
        of, dot, name = column.partition(".")
        return Field(name, of) if dot else Field(self.vocabulary.attribute(column) or column)

    def grouped_metrics(self) -> Sequence[str]:
        """The metrics of which groups say the best and the mean."""
        return ()

    async def groups(self, by: Field, *, measured: bool = True) -> Groups:
        """The rows that fit, grouped; over those that are loaded. `measured`: with metrics."""
        rows = self.rows
        items: list[Any] = [] if rows is None else list(rows.root.rows.items())
        whole = rows is not None and rows.window.count == len(items)
        return grouping.group_loaded(self.noun, items, by, whole=whole)

    def open_group(self, by: Field, group: Group) -> None:
        """Show the rows of a group alone."""
        self._filter(grouping.narrowed(self.where, grouping.term_of(by, group)))
