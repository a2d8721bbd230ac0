"""The generic view of a list: any noun whose use case gives a window."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from textual.widget import Widget

from modeldeck.app.config.hands import VIEWED, SavedView
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.lists import Window
from modeldeck.widgets.bar import Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Column, ListSource, Row, Table
from modeldeck.widgets.table.messages import RowChosen

from ..bridge import Failed, Loaded
from ..rows import PAGE, TreeRows, WindowRows
from .looking import LookScreen
from .ordered import OrderedScreen

NAMED = 2
"""So many of the columns that are out of sight are named."""


class Unread(ListSource):
    """A list of which nothing is known yet."""

    count = None


class Arrived(NamedTuple):
    """A list with what must be there before it is shown: rows around the cursor, open branches."""

    window: Window[Any]
    key: str | None = None
    place: int | None = None
    start: int = 0
    items: Sequence[Any] = ()
    branches: Sequence[tuple[str, Window[Any]]] = ()


class ListScreen(LookScreen, OrderedScreen):
    """A table of one noun, filtered with `/`, sorted with `o` and `O`.

    A subclass gives `load` (a window), `columns`, `row`, and what Enter opens. The key of a column
    is the field it sorts by.

    After any reload the cursor stays on its row, wherever that stands now; at the top of the list
    it stays at the top when rows are ordered or chosen anew.
    """

    offers: ClassVar[tuple[str, ...]] = ("open", "filter", "goto")
    watches = True
    reads = "window"
    empty: ClassVar[str] = "nothing here"

    def __init__(self, *, where: str = "", sort: str = "") -> None:
        super().__init__(where, sort)
        self._generation = 0
        self._sorted = sort

    # What a subclass gives.

    async def load(self) -> Window[Any]:
        """The window of what is asked for."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column]:
        """The columns of the table."""
        raise NotImplementedError

    def row(self, item: Any) -> Row:
        """One item as a row of these columns."""
        raise NotImplementedError

    def key(self, item: Any) -> str:
        """The identity of an item: the key of its row."""
        return self.row(item).key

    def open_item(self, item: Any) -> Any:
        """Go into an item; what can be awaited is."""

    # The frame.

    def body(self) -> Iterator[Widget]:
        """The table."""
        table = Table(empty=self.empty, ascii_only=self.console.ascii_only, id="table")
        table.set_source(Unread())
        yield table

    def begin(self) -> None:
        """Draw the head before the rows are there."""
        self.table.set_columns(self.columns())
        self.show_sort()
        self.set_focus(self.table)
        super().begin()

    def ask(self, pause: float = 0) -> None:
        """Ask for the list anew, after a `pause` in which a newer question may replace this one."""
        words = f"{self.noun} {self.where} {self.sort}".strip()

        async def work() -> Arrived:
            if pause:
                await asyncio.sleep(pause)
            return await self._gather()

        self.bridge.ask(self, "window", words, work, old=True)

    async def _gather(self) -> Arrived:
        old = self.rows
        if old is None:
            return Arrived(await self.load())
        table = self.table
        key = None if self._to_top else table.cursor_key
        opened = old.opened() if self.keeps_open() else []
        window = await self.load()
        branches = [(parent, await self.load_branch(parent)) for parent in opened]
        if key is None or any(self.key(item) == key for item in window.first):
            return Arrived(window, key, branches=branches)
        place = await window.index_of(key)
        if place is None and window.count is None and table.cursor >= window.at_least:
            # A list of unknown length is fetched again as far as one had come.
            await window.page(table.cursor // PAGE * PAGE, PAGE)
            place = await window.index_of(key)
        if place is None or place < len(window.first):
            return Arrived(window, key, place, branches=branches)
        start = place // PAGE * PAGE
        return Arrived(window, key, place, start, await window.page(start, PAGE), branches)

    def keeps_open(self) -> bool:
        """Whether open rows are to be open again in the list that is asked for."""
        return False

    async def load_branch(self, key: str) -> Window[Any]:
        """The list below a row."""
        raise NotImplementedError

    def got_window(self, arrived: Arrived) -> None:
        """Show a list; ask for its length."""
        self._generation += 1
        window, table = arrived.window, self.table
        self.arrived(window)
        rows = WindowRows(window, self.row, self._ask_page)
        if arrived.items:
            rows.take(arrived.start, arrived.items)
        tree = TreeRows(rows, self._generation)
        for parent, inner in arrived.branches:
            tree.open(parent, WindowRows(inner, self.row, self._ask_page))
        self._generation = tree.generation
        at_top, first = table.cursor == 0, self.rows is None
        self.rows = tree
        self._sorted = self.sort
        table.empty = self.nothing_words()
        # What was said is over when a person moves, not when rows come.
        with table.prevent(Table.RowHighlighted):
            table.set_columns(self.columns())
            table.set_source(tree)
            if self._to_top and not first:
                table.goto(0)
            elif at_top and table.cursor:
                # New rows above the first one are meant to be seen.
                place = table.cursor
                table.goto(0)
                table.goto(place)
        self.console.known.saw(window.first)
        self.filtered()
        self.console.travel.changed()
        if window.count is None:
            # Where it costs a request, that is logged by itself.
            words = "" if self.session.remote else f"{self.noun} count"
            self.bridge.ask(self, "whole", words, window.whole)

    def nothing_words(self) -> str:
        """What is said when there are no rows."""
        if self.where:
            return f"no {self.noun} fit\n/ {self.where}\nEsc takes the filter off"
        return self.empty

    def arrived(self, window: Window[Any]) -> None:
        """Look at a list that has come, before it is shown."""

    def failed_window(self, error: ModeldeckError) -> None:
        """Keep the old list, say what is wrong."""
        if self.unfiltered(error):
            return
        if self.sort != self._sorted:
            self.sort = self._sorted
            self.show_sort()
        if self.rows is None:
            self.table.empty = str(error)
            self.table.set_source(ListSource())
        self.fail(error)

    def got_whole(self, _: None) -> None:
        """The count is known."""
        self.table.refresh_rows()

    def renew(self) -> None:
        """The registry has changed: read again what is shown, unless one is typing a filter."""
        if not self.query_one(Prompt).display and not self.bridge.asked(self, "window"):
            self.ask()
        else:
            self.seen = ""

    def _ask_page(self, rows: WindowRows, start: int, limit: int) -> None:
        async def page() -> tuple[WindowRows, int, Sequence[Any]]:
            return rows, start, await rows.window.page(start, limit)

        slot = f"page {id(rows)} {start}"
        self.bridge.ask(self, slot, f"{self.noun} rows {start}-{start + limit}", page)

    def answered(self, message: Loaded) -> None:
        """Pages have slots of their own."""
        if message.slot.startswith("page "):
            if self.rows is not None:
                self.rows.take(*message.value)
                self.table.refresh_rows()
                self.draw_state()
            return
        super().answered(message)

    def unanswered(self, message: Failed) -> None:
        """A page that did not come may be asked for again."""
        if message.slot.startswith("page ") and self.rows:
            for branch in self.rows.root.walk():
                branch.rows.lost(int(message.slot.rpartition(" ")[2]))
        super().unanswered(message)

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is shown of how much, by which filter and order."""
        if self.notice:
            return super().state_line()
        parts = [Part(self.table.position if self.is_attached else "", "dim")]
        if self.table.marks:
            parts.append(Part(f"  {len(self.table.marks):,} marked", "accent"))
        if self._applied and not self.query_one(Prompt).display:
            parts.append(Part(f"  / {self._applied}", "accent"))
        if hidden := self.table.to_the_right if self.is_attached else ():
            more = f" +{len(hidden) - NAMED}" if len(hidden) > NAMED else ""
            names = " ".join(column.title for column in hidden[:NAMED])
            parts.append(Part(f"  ) {names}{more}", "dim"))
        if self.sort:
            # The heads say so too: this may be cut.
            parts.append(Part(f"  sort {self.sort}", "dim"))
        if self.notes():
            parts.append(Part(f"  {', '.join(self.notes())}", "warn"))
        return parts, [Part(self.age(), "dim")]

    def notes(self) -> Sequence[str]:
        """What the backend did otherwise than one would think."""
        return self.rows.window.notes if self.rows else ()

    def remarks(self) -> Sequence[str]:
        """The same in full."""
        return [*super().remarks(), *self.notes()]

    def may_renew(self) -> bool:
        """Not while one looks at what was fetched after the first page: it would be gone."""
        if self.rows is None or self.rows.count is not None:
            return True
        return self.table.cursor < len(self.rows.window.first)

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_marks_changed(self) -> None:
        """Say how many are marked."""
        self.draw_frame()

    def on_table_row_highlighted(self) -> None:
        """What was said of the row before is over."""
        if self.notice:
            self.say("")

    # Verbs.

    def current(self) -> Any | None:
        """The item under the cursor."""
        return self.rows.item(self.table.cursor) if self.rows else None

    def chosen(self) -> list[str]:
        """The keys of the marked rows, else the one under the cursor."""
        key = self.table.cursor_key
        return sorted(self.table.marks) or ([key] if key else [])

    async def on_table_row_chosen(self, _: RowChosen) -> None:
        """Enter."""
        await self.action_act("open")

    def do_open(self) -> Any:
        """Go into what is under the cursor."""
        item = self.current()
        return None if item is None else self.open_item(item)

    def why_not_open(self) -> str:
        """Nothing is under the cursor."""
        return "" if self.current() is not None else "there is nothing to open"

    def do_back(self) -> None:
        """Esc first takes the filter off, then the marks, then leaves."""
        if self.cancel():
            self.say("cancelled")
        elif self.where and self.where != self.first_where():
            self._filter(self.first_where())
        elif self.table.marks:
            self.table.clear_marks()
        else:
            super().do_back()

    def set_view(self, view: SavedView) -> None:
        """Take the filter and the order of a view, before anything is asked."""
        self.where = self._kept = view.where
        self.sort = view.sort

    def take_view(self, view: SavedView) -> None:
        """Show the list as a view says."""
        self.set_view(view)
        self._to_top = True
        self.show_sort()
        self.ask()

    def do_views(self) -> None:
        """The saved views of this list."""
        from .views import ViewsScreen

        self.console.push_screen(ViewsScreen(self))

    def why_not_views(self) -> str:
        """Not every list has some."""
        return "" if self.noun in VIEWED else f"{self.noun} have no views"

    async def whole(self, item: Any) -> Any:
        """All of an item, of which a list may hold a part."""
        return item

    def do_raw(self) -> None:
        """The one under the cursor as JSON."""
        item = self.current()
        if item is not None:
            self.bridge.ask(self, "raw", f"{self.noun} as JSON", lambda: self.whole(item))

    why_not_raw = why_not_open

    def got_raw(self, item: Any) -> None:
        """Show it."""
        self.console.show_json(self, item, "JSON")
