"""A list grouped by one of its columns: each value, how many rows have it, what they reached."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from modeldeck.app.usecases import grouping
from modeldeck.app.usecases.grouping import GROUPS
from modeldeck.app.usecases.runs import metric_title
from modeldeck.app.usecases.words import filter_of, sort_of
from modeldeck.backends.api.groups import Group, Groups
from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.query import Field
from modeldeck.widgets.table import Cell, Column, Row

from ..rows import PAGE
from ..words import figure
from .listing import Arrived, ListScreen
from .ordered import OrderedScreen


class GroupsScreen(ListScreen):
    """The groups of the list below; Enter shows the rows of one there, Esc takes that off again."""

    noun: ClassVar[str] = "groups"
    vocabulary = GROUPS
    offers = ("open", "filter", "goto")
    empty = "there is nothing to group"

    def __init__(self, below: OrderedScreen, by: Field) -> None:
        super().__init__()
        self.below = below
        self.by = by
        self.crumb = f"by {by}"
        self._found = Groups(groups=(), distinct=0, counted=0)
        self._counted = self._measured = False

    async def load(self) -> Window[Group]:
        """Count where that is not done yet, and arrange the groups as asked."""
        where, sort = filter_of(self.session, self.where, GROUPS), sort_of(self.sort, GROUPS)
        if not self._counted:
            # Of 75,000 runs counts are there in a fifth of the time that their metrics take.
            self._measured = not self.below.grouped_metrics()
            self._found = await self.below.groups(self.by, measured=False)
            self._counted = True
        fields = partial(grouping.group_fields, self.session)
        groups = arranged(self._found.groups, fields, where, sort)
        return ListWindow(groups, [key_of(group) for group in groups], first=PAGE)

    def got_window(self, arrived: Arrived) -> None:
        """Show the counts, and ask for what the groups have reached."""
        super().got_window(arrived)
        if not self._measured:
            self.bridge.ask(
                self, "measured", f"metrics by {self.by}", partial(self.below.groups, self.by)
            )

    def got_measured(self, found: Groups) -> None:
        """Arrange them anew: one may have sorted by a metric."""
        self._found, self._measured = found, True
        self.ask()

    def renew(self) -> None:
        """Count again."""
        self._counted = False
        super().renew()

    def do_refresh(self) -> None:
        """Count again."""
        self._counted = False
        super().do_refresh()

    def columns(self) -> Sequence[Column]:
        """The value, how many rows, the best and the mean of metrics.

        What is best is known of metrics that the project declares; of others only the mean is said.
        """
        title = grouping.title_of(self.by)
        found = [
            Column("value", title, pinned=True, min_width=12, max_width=48, priority=99, grow=1),
            Column("count", self.below.noun.upper(), "number", priority=98),
        ]
        for place, name in enumerate(self.below.grouped_metrics()):
            priority = 90 - place
            way = self.session.directions.get(name)
            if way is not None:
                key, best = f"metrics.best {name}", f"best {metric_title(name, way)}"
                found.append(Column(key, best, "number", priority=priority))
            key = f"metrics.mean {name}"
            found.append(Column(key, f"mean {name}", "number", priority=priority))
        return found

    def row(self, item: Group) -> Row:
        """One group."""
        value = Cell("(none)", "dim") if item.values[0] is None else item.values[0]
        cells: list[Cell | str] = [value, f"{item.count:,}"]
        for name in self.below.grouped_metrics():
            if name in self.session.directions:
                cells.append(figure(grouping.best_of(self.session, item, name)))
            spread = item.metrics.get(name)
            cells.append(figure(spread.mean if spread else None))
        return Row(key_of(item), cells)

    def notes(self) -> Sequence[str]:
        """Where not all is counted."""
        return grouping.notes_of(self._found)

    def open_item(self, item: Any) -> None:
        """Its rows, in the list below."""
        self.console.pop_screen()
        self.below.open_group(self.by, item)

    def why_not_group(self) -> str:
        """Groups have no groups."""
        return "these are groups already"


def key_of(group: Group) -> str:
    """What a group is known by: a text in front of which nothing, or an equals sign, stands."""
    return "" if group.values[0] is None else f"={group.values[0]}"
