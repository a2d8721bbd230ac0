"""The time line of a model: one row a move, and where each alias was then beside where it is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from textual.widget import Widget

from modeldeck.app.actions import Action
from modeldeck.app.usecases.beside import Beside, Other
from modeldeck.app.usecases.instants import FORMS, parse_instant
from modeldeck.app.usecases.moves import Move
from modeldeck.app.usecases.spans import Lane, Span, span_at
from modeldeck.app.usecases.timeline import Timeline, timeline
from modeldeck.app.usecases.versions import describe_version
from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ModeldeckError, UsageError
from modeldeck.backends.api.times import rfc3339
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.lines import Lines, text_of
from modeldeck.widgets.table import ListSource, Table

from ..timeline_rows import Item, columns, items_of, move_lines, state_lines, title_parts
from .base import DeckScreen

NEWEST = 2000
"""Events of all models that are read; of one model all are."""
_WORDS = {
    "filter": "go to a time",
    "next_part": "newer",
    "previous_part": "older",
    "address": "copy command",
    "diff": "then/now",
    "owner": "version",
    "history": "this alias",
}
_TALL = 32


class TimelineScreen(DeckScreen):
    """What happened to a model, or to an alias of it, or to all models, newest first.

    The lower part shows the instant of the row under the cursor, or one that was gone to.
    """

    offers: ClassVar[tuple[str, ...]] = (
        "filter", "previous_part", "next_part", "open", "diff", "owner", "history", "address",
    )  # fmt: skip
    watches = True
    reads = "line"

    def __init__(self, model: str = "", alias: str = "") -> None:
        super().__init__()
        self.model = model
        self.alias = alias
        name = f"{model}@{alias}" if alias else model
        self.crumb = f"{name} history".strip()
        self.address = address.alias(model, alias) if alias else address.model(model)
        self.command = f"modeldeck history {name}" if name else "modeldeck at now"
        self.found: Timeline | None = None
        self.spans: Mapping[Lane, Sequence[Span]] = {}
        self.gone_to: datetime | None = None
        self._items: Sequence[Item] = ()
        self._rows = ListSource()

    def body(self) -> Iterator[Widget]:
        """A line of head, the moves, what is known of one."""
        yield Bar(id="title")
        yield Table(
            columns(self.model),
            self._rows,
            empty="reading ...",
            ascii_only=self.console.ascii_only,
            id="table",
        )
        yield Bar(id="rule")
        yield Lines(id="lines")

    def begin(self) -> None:
        """The moves have the keys."""
        self._room()
        self.set_focus(self.table)
        super().begin()

    @property
    def table(self) -> Table:
        """The moves."""
        return self.query_one("#table", Table)

    def on_resize(self) -> None:
        """The lower part has its share."""
        self._room()
        self.draw_detail()

    def _room(self) -> None:
        tall = self.app.size.height
        self.query_one("#lines", Lines).styles.height = 8 if tall < _TALL else tall * 2 // 5

    def ask(self) -> None:
        """Read all of it again."""
        newest = 0 if self.model else NEWEST

        async def work() -> tuple[Timeline, Mapping[Lane, Sequence[Span]]]:
            found = await timeline(self.session, self.model, self.alias, newest=newest)
            return found, found.spans()

        self.bridge.ask(self, "line", f"history {self.model}".strip(), work, old=True)

    def got_line(self, answer: tuple[Timeline, Mapping[Lane, Sequence[Span]]]) -> None:
        """Show it; the cursor stays on its row, at first it is on the newest move."""
        first = self.found is None
        self.found, self.spans = answer
        now = self.session.clock()
        self._items = items_of(self.found, self.spans, now)
        name = f"{self.model}@{self.alias}" if self.alias else self.model or "any model"
        self.table.empty = f"nothing is known to have happened to {name} here"
        self._rows.replace([item.row for item in self._items])
        self.query_one("#title", Bar).say(title_parts(self.found, now))
        with self.table.prevent(Table.RowHighlighted):
            self.table.refresh_rows()
            if first:
                self.table.goto(next((at for at, one in enumerate(self._items) if one.move), 0))
        self.draw_detail()

    def failed_line(self, error: ModeldeckError) -> None:
        """Say why there is nothing; what was shown stays."""
        if self.found is None:
            self.table.empty = str(error)
            self.table.refresh_rows()
        self.fail(error)

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is in sight, and what could not be read."""
        if self.notice or not self.is_attached:
            return super().state_line()
        said = [Part(self.table.position, "dim")]
        if self.found is not None and self.found.trouble:
            said.append(Part(f"  not read: {self.found.trouble}", "warn"))
        return said, [Part(self.age(), "dim")]

    def draw_detail(self) -> None:
        """The lower part: the move, and where all were at its instant."""
        if not self.is_attached or self.found is None:
            return
        item, now = self.current(), self.session.clock()
        instant = self.instant
        lines = []
        if item is not None and item.move is not None and self.gone_to is None:
            short = self.app.size.height < _TALL
            lines += move_lines(item.move, now, short=short)
        model = self._model()
        if model and instant is not None:
            lines += state_lines(self.found, self.spans, model, instant, now)
        self.query_one("#rule", Bar).say([Part("-" * self.app.size.width, "dim")])
        shown = self.query_one("#lines", Lines)
        shown.say(lines)
        shown.goto(0)

    # What is under the cursor.

    def current(self) -> Item | None:
        """The row under the cursor."""
        at = self.table.cursor
        return self._items[at] if at < len(self._items) else None

    @property
    def instant(self) -> datetime | None:
        """The one that is looked at."""
        item = self.current()
        if self.gone_to is not None:
            return self.gone_to
        if item is None:
            return self.found.read_at if self.found is not None else None
        move = item.move
        return item.instant if move is None else move.latest or move.earliest

    def _model(self) -> str:
        item = self.current()
        return self.model or (item.move.model if item is not None and item.move else "")

    def _move(self) -> Move | None:
        item = self.current()
        return item.move if item is not None else None

    def do_rollback(self) -> None:
        """Point the alias of the row under the cursor back at what it was before."""
        from .alias import roll_back

        move = self._move()
        roll_back(self, self._model(), move.alias if move is not None else self.alias)

    def why_not_rollback(self) -> str:
        """It is about a model."""
        return "" if self._model() else "there is no model here"

    def words(self, action: Action) -> str:
        """Verbs of time."""
        return _WORDS.get(action.id, super().words(action))

    def on_table_row_highlighted(self) -> None:
        """The instant is that of the row from here on."""
        self.gone_to = None
        if self.notice:
            self.say("")
        self.draw_detail()

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_row_chosen(self) -> None:
        """Enter."""
        reason = self.why_not_open()
        if reason:
            self.say(reason, "warn")
        else:
            self.do_open()

    # Verbs.

    def do_open(self) -> None:
        """The event of a move."""
        move = self._move()
        if move is not None:
            self.console.show_json(self, move.event, f"event {move.seq}")

    def why_not_open(self) -> str:
        """Not every row is a move."""
        return "" if self._move() is not None else "there is no event here"

    do_raw = do_open
    why_not_raw = why_not_open

    def do_filter(self) -> None:
        """Ask for an instant to go to."""
        self.ask_line("instant", "/", self._go_to, hint=FORMS.removeprefix("Give "))

    def _go_to(self, text: str) -> None:
        if not text.strip():
            return
        try:
            instant = parse_instant(text, self.session.clock())
        except UsageError as error:
            self.say(str(error), "warn")
            return
        found = self.found
        if found is not None and not found.whole and instant < found.moves[0].event.time:
            self.say("older moves are not read here; :history MODEL reads all of one", "warn")
            return
        place = next(
            (
                at
                for at, one in enumerate(self._items)
                if one.move is not None and (one.move.latest or one.move.earliest) <= instant
            ),
            max(len(self._items) - 1, 0),
        )
        with self.table.prevent(Table.RowHighlighted):
            self.table.goto(place)
        self.gone_to = instant
        self.say("")
        self.draw_detail()

    def do_previous_part(self) -> None:
        """The move before."""
        self._travel(1)

    def do_next_part(self) -> None:
        """The move after."""
        self._travel(-1)

    def _travel(self, by: int) -> None:
        places = [at for at, item in enumerate(self._items) if item.move is not None]
        here = self.table.cursor
        ahead = [at for at in places if (at - here) * by > 0]
        if ahead:
            self.table.goto(min(ahead, key=lambda at: abs(at - here)))
        else:
            self.say("there is no older move" if by > 0 else "there is no newer move")

    def do_history(self) -> None:
        """Of the alias under the cursor alone."""
        move = self._move()
        if move is not None:
            self.console.push_screen(TimelineScreen(move.model, move.alias))

    def why_not_history(self) -> str:
        """Only of an alias, and not twice."""
        move = self._move()
        if self.alias:
            return "this is the history of one alias already"
        return "" if move is not None and move.alias else "there is no alias here"

    def do_owner(self) -> None:
        """The version that it is about."""
        move, number = self._move(), self._number()
        if move is not None and number is not None:
            self.console.open_address(address.version(move.model, number))

    def _number(self) -> int | None:
        move = self._move()
        if move is None:
            return None
        if move.kind != "alias":
            return move.version
        return move.before if move.after is None else move.after

    def why_not_owner(self) -> str:
        """There need be no version."""
        return "" if self._number() is not None else "there is no version here"

    def do_address(self) -> None:
        """Copy the command that says the same."""
        instant = self.instant
        if instant is not None:
            told = rfc3339(instant)
            self.say(self.console.copy(f"modeldeck at {told} {self._model()}".strip()))

    def why_not_address(self) -> str:
        """Nothing is read yet."""
        return "still reading" if self.found is None else ""

    def _sides(self) -> tuple[int, int] | str:
        """The versions of the alias under the cursor then and now, or why there are not two."""
        move, instant, found = self._move(), self.instant, self.found
        if found is None or move is None or instant is None or not move.alias:
            return "there is no alias here to compare"
        lane = (move.model, move.alias)
        span = span_at(self.spans[lane], instant)
        now = None if found.now is None else found.now.get(lane)
        if not span.known or span.version is None:
            return f"{move.alias} was at no version that is certain then"
        if now is None:
            return (
                f"where {move.alias} is now is not known"
                if found.now is None
                else (f"{move.alias} is not set now")
            )
        return (span.version, now) if now != span.version else f"{move.alias} is there now too"

    def why_not_diff(self) -> str:
        """There need not be two versions."""
        sides = self._sides()
        return sides if isinstance(sides, str) else ""

    def do_diff(self) -> None:
        """All that differs between the version then and the one now."""
        sides, move = self._sides(), self._move()
        if isinstance(sides, str) or move is None:
            return
        session, model = self.session, move.model
        then, now = (address.version(model, number) for number in sides)

        async def work() -> Beside:
            detail, old = (
                await describe_version(session, now),
                await describe_version(session, then),
            )
            datasets = await session.registry.datasets(old.run.id) if old.run else ()
            return Beside(
                detail=detail,
                model=await session.registry.model(model),
                other=Other(name="then", detail=old, datasets=datasets),
            )

        self.bridge.ask(self, "diff", f"compare {model} {sides[0]} {sides[1]}", work)

    def got_diff(self, view: Beside) -> None:
        """Show it."""
        from ..version_parts import difference
        from .text import TextScreen

        lines = difference(view, self.session.clock(), self.session.directions)
        self.console.push_screen(TextScreen("then and now", text_of(lines).split("\n")))

    def do_describe(self) -> None:
        """The lower part with as much room as it needs."""
        from .text import TextScreen

        found, move, instant = self.found, self._move(), self.instant
        if found is None or instant is None:
            return
        now, model = self.session.clock(), self._model()
        lines = move_lines(move, now) if move is not None and self.gone_to is None else []
        lines += state_lines(found, self.spans, model, instant, now) if model else []
        self.console.push_screen(TextScreen("instant", text_of(lines).split("\n"), wrap=True))
