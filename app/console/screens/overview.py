"""The first screen: what is wrong, what runs, what changed, what is best, what to do next."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from textual.widget import Widget

from modeldeck.app.usecases.asked import Waiting
from modeldeck.app.usecases.overview import Overview, waiting_for
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.models import Model
from modeldeck.backends.api.times import rfc3339
from modeldeck.widgets.table import ListSource, Table
from modeldeck.widgets.table.messages import RowChosen

from ..first_look import look, looked_up_to
from ..sections import COLUMNS, Entry, Looked, entries_of, sections_of, waiting_key
from .base import DeckScreen

Answer = tuple[Overview, Looked, Sequence[Event], Sequence[Event]]


class Unread(ListSource):
    """Nothing is known yet."""

    count = None


class OverviewScreen(DeckScreen):
    """Everything at one look; Enter opens what the cursor is on, on a head the whole list."""

    crumb = "overview"
    address = "overview"
    command = "modeldeck"
    offers: ClassVar[tuple[str, ...]] = ("open", "approve", "goto", "palette", "calls", "quit")
    watches = True
    patience = 4
    reads = "overview"

    def __init__(self) -> None:
        super().__init__()
        self._found: Answer | None = None
        self._waiting: Sequence[Waiting] = ()
        self._entries: list[Entry] = []
        self._rows = ListSource()
        self._looked: tuple[int, datetime | None] = (0, None)
        self._latest = 0

    def body(self) -> Iterator[Widget]:
        """One table for all sections."""
        table = Table(COLUMNS, ascii_only=self.console.ascii_only, head=False, id="table")
        table.set_source(Unread())
        yield table

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#table", Table)

    def set_out(self) -> None:
        """Remember up to where one had looked."""
        self._looked = looked_up_to(self.console.memory)
        super().set_out()

    def begin(self) -> None:
        """Draw the frame."""
        self.set_focus(self.table)
        super().begin()
        if self.console.no_theme:
            self.say(self.console.no_theme, "warn")

    def on_unmount(self) -> None:
        """One has looked up to here."""
        if self._found is not None:
            now = rfc3339(self.session.clock())
            self.console.memory.put("looked", [str(self._latest), now])

    def ask(self) -> None:
        """Ask for all of it."""
        self.bridge.ask(self, "overview", "overview", self._read, old=True)

    async def _read(self) -> Answer:
        seq, at = self._looked
        first, self.console.first_look = self.console.first_look, None
        seen = await first.take() if first is not None else None
        found, new, changes, open_ = seen or await look(self.session, seq)
        return found, Looked(seq, at, new), changes, open_

    def got_overview(self, answer: Answer) -> None:
        """Show it."""
        first = self._found is None
        self._found = answer
        found, _, changes, _ = answer
        self._latest = max(
            [self._latest, self._looked[0], *(event.seq for event in (*changes, *found.changes))]
        )
        self.console.know_names("models", [model.name for model in found.models])
        runs = (*found.recent, *found.running, *found.failed)
        self.console.know_names("experiments", list(dict.fromkeys(run.experiment for run in runs)))
        self._show()
        if first and len(self._entries) > 1:
            with self.table.prevent(Table.RowHighlighted):
                self.table.goto(1)
        if self.session.policy.people:
            self._ask_waiting(found.models)

    def _ask_waiting(self, models: Sequence[Model]) -> None:
        """Beside the rest: signatures are checked, and that is no part of the first look."""

        async def work() -> Sequence[Waiting]:
            return await waiting_for(self.session, models)

        self.bridge.ask(self, "waiting", "what waits for me", work, old=True)

    def got_waiting(self, waiting: Sequence[Waiting]) -> None:
        """Show it, above all else; the cursor stays on the first row if nobody has moved it."""
        at_first = self.table.cursor <= 1
        self._waiting = waiting
        self._show()
        if at_first and len(self._entries) > 1:
            with self.table.prevent(Table.RowHighlighted):
                self.table.goto(1)

    def failed_overview(self, error: ModeldeckError) -> None:
        """Keep what there is, say what is wrong."""
        if self._found is None:
            self.table.empty = str(error)
            self.table.set_source(ListSource())
        self.fail(error)

    def _show(self) -> None:
        if self._found is None:
            return
        found, looked, changes, open_ = self._found
        now = self.session.clock()
        directions = self.session.directions
        sections = sections_of(found, now, directions, looked, changes, open_, self._waiting)
        width, height = self.table.size
        self._entries = entries_of(sections, width, height)
        # What was said is over when a person moves, not when rows come.
        with self.table.prevent(Table.RowHighlighted):
            self._rows.replace([entry.row for entry in self._entries])
            self.table.set_source(self._rows)

    def tick(self) -> None:
        """What runs has run longer."""
        if self._found and self._found[0].running:
            self._show()

    def on_resize(self) -> None:
        """Another height has room for other rows."""
        self.call_after_refresh(self._show)

    # Verbs.

    def current(self) -> Entry | None:
        """What the cursor is on."""
        at = self.table.cursor
        return self._entries[at] if at < len(self._entries) else None

    def on_table_row_chosen(self, _: RowChosen) -> None:
        """Enter."""
        self.do_open()

    def on_table_row_highlighted(self) -> None:
        """What was said of the row before is over."""
        if self.notice:
            self.say("")

    def do_open(self) -> None:
        """Open it, go there, or copy the command."""
        entry = self.current()
        if entry is None:
            return
        if entry.opens:
            self.console.open_address(entry.opens)
        elif entry.goes:
            self.console.go(entry.goes)
        elif entry.command:
            self.say(self.console.copy(entry.command))

    def _request(self) -> str:
        entry = self.current()
        key = entry.row.key if entry else ""
        return next((one.id for one in self._waiting if waiting_key(one) == key), "")

    def do_approve(self) -> None:
        """Approve what the cursor is on."""
        from .. import deciding

        deciding.approve(self, self._request())

    def why_not_approve(self) -> str:
        """Only what was asked for can be approved."""
        return "" if self._request() else "nothing is asked for here; :inbox lists what waits"

    def address_now(self) -> str:
        """The address of what is under the cursor."""
        entry = self.current()
        return entry.opens if entry and entry.opens else self.address
