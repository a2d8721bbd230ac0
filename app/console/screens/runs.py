"""The list of runs, of one experiment or of all."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.app.config.hands import SavedView
from modeldeck.app.config.redaction import masked_value
from modeldeck.app.usecases import runs as usecase
from modeldeck.app.usecases.grouping import MEASURED, group_runs
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.groups import Groups
from modeldeck.backends.api.lists import RunQuery, Window
from modeldeck.backends.api.query import RUNS, Field
from modeldeck.backends.api.runs import Fields, Keys, Run, Shelf, Status
from modeldeck.widgets.bar import Part
from modeldeck.widgets.table import Cell, Column, Row
from modeldeck.widgets.table.messages import ToggleAsked
from modeldeck.widgets.table.model import Twisty

from ..reason import reason_span
from ..rows import PAGE, WindowRows
from ..words import STATES, delta, figure, lasted, length, short, when
from .runs_beside import RunsBeside

METRICS, PARAMS = 6, 4
FIXED = ("name", "status", "started", "duration", "git", "experiment", "user", "id")


class RunsScreen(RunsBeside):
    """Runs with any metric or parameter as a column, nested or flat, against a baseline."""

    noun: ClassVar[str] = "runs"
    one = "run"
    vocabulary = RUNS
    offers = ("open", "filter", "baseline", "compare", "columns", "log", "tree", "goto")
    empty = "no runs here: modeldeck run -- CMD records one"
    crumb = "runs"

    def __init__(
        self, *, experiment: str = "", above: Run | None = None, where: str = "", sort: str = ""
    ) -> None:
        super().__init__(where=where, sort=sort)
        self.experiment = experiment
        self.above = above
        self.keys = Keys()
        self._knows_keys = False
        self.chosen_columns: list[str] | None = None
        self.baseline: Run | None = None
        self.nested = True
        self._shown_nested = self._loading_nested = True
        self._came_with = where
        self._best: dict[str, float] = {}

    # Asking.

    _viewed = False

    def set_out(self) -> None:
        """Columns as they were left."""
        self.crumb = self.above.name if self.above else (self.experiment or "runs")
        self.address = "runs"
        if not self._viewed:
            self.chosen_columns = self.console.memory.texts(self._memory_key) or None
        super().set_out()

    @property
    def _memory_key(self) -> str:
        return f"columns/{self.experiment}"

    def _experiments(self) -> list[str] | None:
        return [self.experiment] if self.experiment else None

    async def load(self) -> Window[Run]:
        """The runs, with the keys of the columns alone: which there are is asked first, once."""
        if not self._knows_keys:
            query = RunQuery(experiments=self._experiments())
            self.keys = await self.session.registry.run_keys(query)
            self._knows_keys = True
        self._loading_nested = self.is_nested
        return await usecase.list_runs(
            self.session,
            experiments=None if self.above else self._experiments(),
            where=self.where,
            sort=self.sort,
            shelf=self.shelf,
            parent=self.above.id if self.above else None,
            top=self.is_nested and not self.above,
            fields=self._fields(),
            first=PAGE,
        )

    def grouped_metrics(self) -> Sequence[str]:
        """Those of the first columns."""
        metrics = [key[8:] for key in self.shown_keys() if key.startswith("metrics.")]
        return metrics[:MEASURED]

    async def groups(self, by: Field, *, measured: bool = True) -> Groups:
        """All runs that fit, nested ones too, counted by the backend where it can."""
        query = await usecase.run_query(
            self.session,
            experiments=None if self.above else self._experiments(),
            where=self.where,
            shelf=self.shelf,
            parent=self.above.id if self.above else None,
        )
        loaded = list(self.rows.items()) if self.rows else []
        whole = self.rows is not None and self.rows.count == len(loaded) and not self.is_nested
        metrics = self.grouped_metrics() if measured else ()
        return await group_runs(self.session, query, [by], metrics, loaded, whole=whole)

    async def load_branch(self, key: str) -> Window[Run]:
        """The children of a run, in the order of the list."""
        window = await usecase.list_runs(
            self.session, parent=key, sort=self.sort, fields=self._fields(), first=PAGE
        )
        await window.whole()
        return window

    def _fields(self) -> Fields:
        shown = self.shown_keys()
        return Fields(
            metrics=[k[8:] for k in shown if k.startswith("metrics.")],
            params=[k[7:] for k in shown if k.startswith("params.")],
            tags=[k[5:] for k in shown if k.startswith("tags.")],
        )

    @property
    def is_nested(self) -> bool:
        """Whether children stand below their parents: not in a filtered list, which is flat."""
        return self.nested and not self.where and self.shelf == Shelf.ACTIVE

    def arrived(self, window: Window[Any]) -> None:
        """Remember whether what is shown is nested; a filter that is being typed may not be."""
        self._shown_nested = self._loading_nested

    def keeps_open(self) -> bool:
        """Runs that were open stay open."""
        return self.is_nested

    def key(self, item: Run) -> str:
        """Its id."""
        return item.id

    # Columns.

    _first_of: Keys | None = None
    _first_keys: list[str]

    def shown_keys(self) -> list[str]:
        """The columns after the first four: chosen ones, else declared metrics, then the rest."""
        if self.chosen_columns is not None:
            return self.chosen_columns
        # Each row asks, and there may be thousands of keys to order.
        if self._first_of is not self.keys:
            metrics = usecase.metrics_in_order(self.keys.metrics, self.session.directions)[:METRICS]
            params = sorted(self.keys.params, key=usecase.natural)[:PARAMS]
            found = [*(f"metrics.{m}" for m in metrics), *(f"params.{p}" for p in params), "git"]
            self._first_of, self._first_keys = self.keys, found
        return self._first_keys

    def columns(self) -> Sequence[Column]:
        """Name, state, start, duration; then metrics, parameters and the commit."""
        found = [
            Column("name", "NAME", pinned=True, min_width=10, max_width=36, priority=99, grow=1),
            Column("status", "ST", priority=98),
            Column("started", "START", "time", priority=97),
            Column("duration", "DUR", "time", align="right", priority=96),
        ]
        first = True
        for place, key in enumerate(self.shown_keys()):
            of, _, name = key.partition(".")
            priority = 90 - place
            if of == "metrics":
                title = usecase.metric_title(name, self.session.directions.get(name))
                found.append(Column(key, title, "number", max_width=18, priority=priority))
                if first and self.baseline:
                    found.append(Column(f"d.{key}", f"d.{name}", "number", priority=priority))
                first = False
            elif of in ("params", "tags"):
                found.append(
                    Column(key, name, align="right", min_width=4, max_width=16, priority=priority)
                )
            elif key == "id":
                # Whole or not at all: a part of one cannot be copied.
                found.append(Column(key, "ID", min_width=32, max_width=64, priority=priority))
            else:
                found.append(Column(key, key.upper(), max_width=24, priority=priority))
        return found

    def row(self, item: Run) -> Row:
        """One run. The reason of a failure stands in place of metrics that it never had."""
        now = self.session.clock()
        word, style = STATES[item.status]
        cells: list[Cell | str] = [
            item.name or "(no name)",
            Cell(word, style),
            when(item.started_at, now),
            length(lasted(item, now)),
        ]
        shown = self.shown_keys()
        first = True
        for key in shown:
            cells.append(self._cell(item, key))
            if key.startswith("metrics.") and first:
                if self.baseline:
                    base = self.baseline.metrics.get(key[8:])
                    own = item.id == self.baseline.id
                    cells.append("base" if own else delta(item.metrics.get(key[8:]), base))
                first = False
        span = reason_span(item, shown)
        twisty: Twisty = "closed" if item.children and self._shown_nested else ""
        return Row(item.id, cells, style="dim" if item.deleted_at else "", twisty=twisty, span=span)

    def _cell(self, item: Run, key: str) -> Cell | str:
        of, _, name = key.partition(".")
        match of:
            case "metrics":
                return figure(item.metrics.get(name))
            case "params":
                return masked_value(name, item.params.get(name, ""))
            case "tags":
                return masked_value(name, item.tags.get(name, ""))
            case "git":
                return (
                    Cell(short(item.git) + (" d" if item.dirty else ""), "dim") if item.git else ""
                )
            case "experiment":
                return item.experiment
            case "user":
                return item.user
            case _:
                return Cell(item.id, "dim")

    def filter_words(self) -> Sequence[str]:
        """Attributes, and every key that some run has."""
        return [
            *RUNS.attributes,
            *(f"metrics.{k}" for k in self.keys.metrics),
            *(f"params.{k}" for k in self.keys.params),
            *(f"tags.{k}" for k in self.keys.tags),
        ]

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """Also the baseline, and whether deleted runs are shown."""
        left, right = super().state_line()
        if not self.notice:
            if self.shelf == Shelf.DELETED:
                left.append(Part("  deleted", "warn"))
            if self.baseline:
                left.append(Part(f"  = {self.baseline.name}", "accent"))
        return left, right

    def first_where(self) -> str:
        """The filter that the screen came with."""
        return self._came_with

    def set_view(self, view: SavedView) -> None:
        """Also its columns, and whether it is nested."""
        super().set_view(view)
        self.chosen_columns = list(view.columns) or None
        self.nested = view.nested
        self._viewed = True

    # Verbs.

    async def whole(self, item: Any) -> Any:
        """The run with every key, not the columns' alone."""
        return await self.session.registry.run(item.id)

    def open_item(self, item: Any) -> None:
        """The run."""
        from .run import RunScreen

        self.console.push_screen(RunScreen(item))

    def on_table_toggle_asked(self, message: ToggleAsked) -> None:
        """Open or close the children of a run, in place."""
        if self.rows is None:
            return
        if self.rows.is_open(message.index):
            self.rows.close(message.index)
            self.table.refresh_rows()
            return
        key = message.key

        async def children() -> tuple[str, Window[Run]]:
            return key, await self.load_branch(key)

        self.bridge.ask(self, "branch", f"runs below {key}", children)

    def got_branch(self, answer: tuple[str, Window[Run]]) -> None:
        """Put the children below their parent."""
        key, window = answer
        if self.rows is not None:
            self.rows.open(key, WindowRows(window, self.row, self._ask_page))
            self.table.refresh_rows()

    def tick(self) -> None:
        """The duration of what runs has grown."""
        if self.rows and any(run.status == Status.RUNNING for run in self.rows.items()):
            self.rows.remake()
            self.table.refresh_rows()

    def do_tree(self) -> None:
        """Nested or flat."""
        self.nested = not self.nested
        self.say("nested: children are below their parents" if self.nested else "flat: all runs")
        self.ask()

    def why_not_tree(self) -> str:
        """A filtered list is flat."""
        return "a filtered list is flat; Esc takes the filter off" if self.where else ""

    def do_shelf(self) -> None:
        """Deleted ones, or those in use."""
        self.shelf = Shelf.DELETED if self.shelf == Shelf.ACTIVE else Shelf.ACTIVE
        self.ask()

    def do_baseline(self) -> None:
        """Compare every row with this one; again on the same row, with none."""
        item = self.current()
        if item is None:
            return
        self.baseline = None if self.baseline and self.baseline.id == item.id else item
        self.table.baseline = self.baseline.id if self.baseline else None
        self._columns_changed()

    def do_columns(self) -> None:
        """Choose and order columns."""
        from .columns import ColumnsDialog

        every = [
            *(f"metrics.{k}" for k in self.keys.metrics),
            *(f"params.{k}" for k in self.keys.params),
            *(f"tags.{k}" for k in self.keys.tags),
            "git", "experiment", "user", "id",
        ]  # fmt: skip
        self.console.push_screen(ColumnsDialog(self.shown_keys(), every), self._columns_chosen)

    def _columns_chosen(self, chosen: list[str] | None) -> None:
        if chosen is None:
            return
        self.chosen_columns = chosen or None
        self.console.memory.put(self._memory_key, chosen)
        self._columns_changed()
        self.ask()

    def _columns_changed(self) -> None:
        # The table measures what it finds: rows of the new columns.
        if self.rows:
            self.rows.remake()
        self.table.set_columns(self.columns())
        self.table.refresh_rows()
        self.draw_frame()

    def do_tag(self) -> None:
        """Set or remove a tag of the marked runs, else of the one under the cursor."""
        from .. import changing

        changing.tag(self, "run", self.chosen())

    def do_delete(self) -> None:
        """Delete the marked runs, else the one under the cursor."""
        from .. import changing

        changing.shelve(self, "run", self.chosen(), delete=True, then=self.table.clear_marks)

    def do_restore(self) -> None:
        """Restore the marked runs, else the one under the cursor."""
        from .. import changing

        changing.shelve(self, "run", self.chosen(), delete=False, then=self.table.clear_marks)

    why_not_tag = RunsBeside.nothing_chosen

    def do_log(self) -> None:
        """The output of the run under the cursor."""
        from .run import RunScreen

        item = self.current()
        if item is not None:
            self.console.push_screen(RunScreen(item, part="log"))

    def address_now(self) -> str:
        """The address of the one under the cursor."""
        item = self.current()
        return address(item.id) if item else "runs"
