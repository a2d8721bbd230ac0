"""The saved views: take one, keep what is shown, remove one."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.config.hands import SavedView
from modeldeck.widgets.table import Cell, Column, Row

from .. import views
from ..goto import Goal
from ..places import screen_of
from .listing import ListScreen
from .short import ShortScreen

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class ViewsScreen(ShortScreen):
    """Views by name; of one noun when there is a list of it below."""

    noun: ClassVar[str] = "views"
    crumb = "views"
    offers = ("open", "save", "delete", "filter", "back")
    empty = "no views yet: s in here keeps what the list below shows"

    def __init__(self, below: ListScreen | None = None, *, where: str = "") -> None:
        super().__init__(where=where)
        self.below = below

    def entries(self) -> Sequence[views.Found]:
        """All, or those of the list below."""
        console = self.console
        found = views.views_of(console.hands.settings, console.memory).values()
        return [one for one in found if self.below is None or one.view.noun == self.below.noun]

    def columns(self) -> Sequence[Column]:
        """Name, what it is of, what it does."""
        return [
            Column("name", "VIEW", pinned=True, min_width=8, max_width=40, priority=9),
            Column("noun", "OF", priority=8),
            Column("where", "FILTER", max_width=0, priority=7, grow=1),
            Column("sort", "SORT", max_width=24, priority=6),
            Column("columns", "COLUMNS", max_width=40, priority=5),
            Column("source", "FROM", priority=4),
        ]

    def row(self, item: views.Found) -> Row:
        """One view."""
        view = item.view
        shown = ", ".join(view.columns) + ("" if view.nested else " flat")
        return Row(
            item.name,
            [
                Cell(item.name, "strong"),
                view.noun,
                view.where,
                view.sort,
                Cell(shown.strip(), "dim"),
                Cell(item.source, "dim"),
            ],
        )

    def open_item(self, item: Any) -> None:
        """Show the list below so, or go to one."""
        if self.below is not None:
            self.console.pop_screen()
            self.below.take_view(item.view)
            self.below.say(f"view {item.name}")
        else:
            show_view(self.console, item.view)

    def do_save(self) -> None:
        """Keep what is shown."""
        self.ask_line("view", "keep as", self._named, hint="a name, as failed-today")

    def why_not_save(self) -> str:
        """There must be a list."""
        return "" if self.below is not None else "v in a list keeps what that shows"

    def _named(self, text: str) -> None:
        name = text.strip()
        if not _NAME.fullmatch(name):
            self.say("a name is up to 40 letters, digits, '.', '_' and '-'", "warn")
            return
        assert self.below is not None
        there = name in views.views_of(self.console.hands.settings, self.console.memory)
        views.keep(self.console.memory, name, shown_view(self.below))
        self.console.know_views()
        self.ask()
        self.say(f"{name} {'is another one now' if there else 'is kept'}: `:view {name}`", "ok")

    def do_delete(self) -> None:
        """Remove the one under the cursor."""
        item = self.current()
        if item is not None:
            views.remove(self.console.memory, item.name)
            self.console.know_views()
            self.ask()
            self.say(f"{item.name} is removed", "ok")

    def why_not(self, action: str) -> str:
        """Views are one's own: they may be removed where nothing else may be changed."""
        if action != "delete":
            return super().why_not(action)
        item = self.current()
        if item is None:
            return "there is no view here"
        return "it is written in config.toml" if item.source == views.CONFIG else ""


def shown_view(screen: ListScreen) -> SavedView:
    """What a list shows now, as a view."""
    columns = getattr(screen, "chosen_columns", None) or ()
    nested = getattr(screen, "nested", True)
    return SavedView(
        noun=screen.noun,
        columns=tuple(columns),
        sort=screen.sort,
        where=screen.where,
        nested=nested,
    )


def show_view(console: Any, view: Any) -> None:
    """Go to the list that a view is of."""
    screen: Any = screen_of(Goal(view.noun, "", view.where))
    screen.set_view(view)
    console.push_screen(screen)
