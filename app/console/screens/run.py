"""One run: its facts in two lines, and eight parts of which one is in sight."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from modeldeck.app.actions import Action
from modeldeck.app.usecases.describe import RunDetail, describe_run
from modeldeck.app.usecases.preview import Preview, preview
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.runs import Run, Status
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.reader import Reader

from ..bridge import Failed, Loaded
from ..frame import part_names
from .run_chart_verbs import RunChartVerbs
from .run_charts import ChartsPart
from .run_files import FilesPart, file_of, text_screen
from .run_log import LogPart
from .run_part import RunPart
from .run_tables import DataPart, EvaluationsPart, FiguresPart, LockPart, TagsPart
from .run_words import NO_USAGE, first_line, second_line

PARTS: dict[str, type[RunPart]] = {
    "charts": ChartsPart,
    "metrics": FiguresPart,
    "tags": TagsPart,
    "data": DataPart,
    "evaluations": EvaluationsPart,
    "artifacts": FilesPart,
    "lock": LockPart,
    "log": LogPart,
}
NAMES = tuple(PARTS)


class RunScreen(RunChartVerbs):
    """A run, named by itself, its id, a unique beginning of that, or a name that only it has."""

    watches = True
    reads = "detail"
    offers = (
        "open", "next_part", "filter", "wrap", "tree", "grid", "smooth", "system", "compare",
        "follow", "describe", "raw", "hangs", "owner", "export", "edit", "address",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(at), f"part('{name}')", PARTS[name].word, show=False)
        for at, name in enumerate(NAMES, 1)
    ]
    DEFAULT_CSS = """
    RunScreen {
        & #body > Bar { height: 1; }
        & #part { height: 1fr; }
    }
    """

    def __init__(self, run: Run | str, part: str = "charts") -> None:
        super().__init__()
        self.known = run if isinstance(run, Run) else None
        self.ref = run.id if isinstance(run, Run) else run
        self.detail: RunDetail | None = None
        self.part_name = part if part in PARTS else "charts"
        self._parts: dict[str, RunPart] = {}
        self._before_narrowing = ""
        if self.known is not None:
            self._name_it(self.known)

    def _name_it(self, run: Run) -> None:
        self.crumb = run.name or run.id[:12]
        self.address = address(run.id)
        self.command = f"modeldeck runs show {run.id}"

    # The frame.

    def body(self) -> Iterator[Widget]:
        """Two lines of facts, the names of the parts, the part in sight."""
        yield Bar(id="facts")
        yield Bar(id="more")
        yield Bar(id="parts")
        yield Container(id="part")

    def on_mount(self) -> None:
        """Show the part that was asked for."""
        self.crumb = self.crumb or self.ref[:20]
        self._draw_facts()
        self.show_part(self.part_name)

    @property
    def part(self) -> RunPart:
        """The part in sight."""
        return self._parts[self.part_name]

    @property
    def reader(self) -> Reader | None:
        """The lines of the part in sight, where it has such."""
        found = self._parts.get(self.part_name)
        return found.reader if found and found.is_mounted else None

    def first_focus(self) -> Widget | None:
        """The part has the keys."""
        return self.part.focus_on() if self.part.is_mounted else None

    def _draw_facts(self) -> None:
        run = self.run_now
        if run is not None:
            usage = self.detail.usage if self.detail else NO_USAGE
            self.query_one("#facts", Bar).say(first_line(run))
            self.query_one("#more", Bar).say(second_line(run, usage, self.session.clock()))
        said: list[Part] = []
        words, present = [part.word for part in PARTS.values()], NAMES.index(self.part_name)
        names = part_names(words, present, self.app.size.width + 1 - 2 * len(PARTS))
        for word, (name, part) in zip(names, PARTS.items(), strict=True):
            if name == self.part_name:
                said.append(Part(f"[{word}]", "strong"))
            else:
                empty = self.detail is not None and not part.holds(self.detail)
                said.append(Part(f" {word} ", "dim" if empty else ""))
        self.query_one("#parts", Bar).say(said)

    def on_resize(self) -> None:
        """Names of parts need room."""
        if self.ready:
            self._draw_facts()

    def state_line(self) -> tuple[list[Part], list[Part]]:
        """What is in sight."""
        if self.notice:
            return super().state_line()
        mounted = self._parts.get(self.part_name)
        words = mounted.position if mounted and mounted.is_mounted and self.detail else ""
        return [Part(words, "dim")], [Part(self.age(), "dim")]

    def age(self) -> str:
        """When what is shown was read; of a run that goes on, that it is."""
        run, far = self.run_now, self.freshness.far
        goes_on = run is not None and run.status == Status.RUNNING
        return "live" if goes_on and not far and not self.bridge.busy(self) else super().age()

    def on_table_view_changed(self) -> None:
        """Say what is in sight."""
        self.draw_frame()

    def on_table_row_highlighted(self) -> None:
        """What was said of the row before is over."""
        if self.notice:
            self.say("")
        else:
            self.draw_frame()

    # Asking.

    def ask(self) -> None:
        """Everything that is known of it."""
        ref = self.ref
        work = partial(describe_run, self.session, ref)
        self.bridge.ask(self, "detail", f"run {ref}", work, old=True)

    def got_detail(self, detail: RunDetail) -> None:
        """Show it, where it is not what is shown already."""
        if detail == self.detail:
            return
        self.detail, self.ref = detail, detail.run.id
        self._name_it(detail.run)
        self._draw_facts()
        for part in self._parts.values():
            if part.is_mounted:
                part.take(detail)

    def failed_detail(self, error: ModeldeckError) -> None:
        """Keep what is shown."""
        self.fail(error)

    def tick(self) -> None:
        """A run that goes on becomes longer, and says more."""
        if self.detail is not None and self.detail.run.status == Status.RUNNING:
            self._draw_facts()
            if self.part.is_mounted:
                self.part.tick()

    def renew(self) -> None:
        """Something was written: what of this run is not known."""
        if not self.bridge.asked(self, "detail"):
            self.ask()
        if self.part.is_mounted:
            self.part.tick()

    def answered(self, message: Loaded) -> None:
        """Hand the answers of a part to it."""
        name, colon, slot = message.slot.partition(":")
        if not colon:
            super().answered(message)
            return
        getattr(self._parts[name], f"got_{slot}")(message.value)
        self.draw_frame()

    def unanswered(self, message: Failed) -> None:
        """Tell a part why it has no answer."""
        name, colon, slot = message.slot.partition(":")
        if not colon:
            super().unanswered(message)
            return
        getattr(self._parts[name], f"failed_{slot}", self.fail)(message.error)
        self.draw_frame()

    # Parts.

    def show_part(self, name: str) -> None:
        """Show a part; it is made when it is first looked at."""
        self.part_name = name
        if name not in self._parts:
            self._parts[name] = PARTS[name](id=name)
            self.query_one("#part", Container).mount(self._parts[name])
        for other, part in self._parts.items():
            part.display = other == name
        self.notice = ""
        self._draw_facts()
        self.call_after_refresh(self.settle)

    def settle(self) -> None:
        """The part in sight has the keys, and room to draw in."""
        if self.is_attached and self.is_current and not self.query_one(Prompt).display:
            self.set_focus(self.first_focus())
            if self._ready():
                self.part.appear()
        self.draw_frame()

    def action_part(self, name: str) -> None:
        """Show the part of a number."""
        self.show_part(name)

    def do_next_part(self) -> None:
        """The part after this one."""
        self.show_part(NAMES[(NAMES.index(self.part_name) + 1) % len(NAMES)])

    def do_previous_part(self) -> None:
        """The part before this one."""
        self.show_part(NAMES[NAMES.index(self.part_name) - 1])

    def show_series(self, key: str) -> None:
        """The chart of one series."""
        self.show_part("charts")
        self.call_after_refresh(lambda: self._choose(key))

    def _choose(self, key: str) -> None:
        charts = self._parts["charts"]
        if isinstance(charts, ChartsPart) and charts.is_mounted:
            charts.choose(key)

    def do_log(self) -> None:
        """The output."""
        self.show_part("log")

    def do_tree(self) -> None:
        """When lines of the output were written."""
        part = self.part
        if isinstance(part, LogPart):
            part.toggle_times()

    def why_not_tree(self) -> str:
        """Only output comes line by line."""
        there = self._ready() and isinstance(self.part, LogPart)
        return "" if there else "only in the log: 8 shows it"

    # What is in a part.

    def words(self, action: Action) -> str:
        """What goes on where."""
        own = {"next_part": "parts", "tree": "times"}.get(action.id)
        if own:
            return own
        return "narrow" if action.id == "filter" and not self.reader else super().words(action)

    def on_table_row_chosen(self) -> None:
        """Enter."""
        self.do_open()

    def do_open(self) -> None:
        """Go into what is under the cursor."""
        self.part.open_current()

    def why_not_open(self) -> str:
        """Not everything can be gone into."""
        return self.part.why_not_open() if self._ready() else "nothing is here yet"

    def _ready(self) -> bool:
        return self.detail is not None and self.part.is_mounted

    def do_filter(self) -> None:
        """Search lines, or narrow a table while typing."""
        if self.reader is not None:
            super().do_filter()
        else:
            self._before_narrowing = getattr(self.part, "text", "")
            self.query_one(Prompt).ask("narrow", "/", self._before_narrowing)
            self.query_one(Prompt).hint("Enter keeps  Esc restores")

    def why_not_filter(self) -> str:
        """It has to be there first."""
        return "" if self._ready() else "nothing is here yet"

    def typing_narrow(self, text: str) -> None:
        """Show only what has the text in it."""
        self.part.narrow(text)
        self.draw_frame()

    given_narrow = typing_narrow

    def dropped_narrow(self, _: str) -> None:
        """As it was before."""
        self.typing_narrow(self._before_narrowing)

    def do_back(self) -> None:
        """Esc takes marks and narrowing off before it leaves."""
        if self.cancel():
            self.say("cancelled")
        elif self._ready() and self.part.back():
            self.draw_frame()
        else:
            super().do_back()

    def do_export(self) -> None:
        """Write what the part shows to a file."""
        self.part.export()

    def why_not_export(self) -> str:
        """Not every part can."""
        return self.part.why_not_export() if self._ready() else "nothing is here yet"

    def look_into(self, path: str, style_of: Callable[[str], str] | None = None) -> None:
        """A look into a file of the run."""
        found = file_of(self.detail, path)
        if found is None:
            return
        owner = address(self.run_id)

        async def look() -> tuple[Artifact, Preview, Callable[[str], str] | None]:
            return found, await preview(self.session, owner, found), style_of

        self.bridge.ask(self, "look", f"look into {path}", look)

    def got_look(self, answer: tuple[Artifact, Preview, Callable[[str], str] | None]) -> None:
        """Show it."""
        self.console.push_screen(text_screen(*answer))
