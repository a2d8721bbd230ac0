"""The page of a place where there is no registry yet: what was looked for, what can be done."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from modeldeck.app.workspace import Wish, make_registry
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.widgets.bar import Bar, Part
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Cell, Column, ListSource, Row, Span, Table
from modeldeck.widgets.table.messages import RowChosen

from ..frame import key_line
from ..traffic import SLOW_OFFER, far_line

if TYPE_CHECKING:
    from ..startapp import StartApp

KEPT_LINES = 200
COLUMNS = (
    Column("key", "", min_width=2, max_width=4, priority=9),
    Column("words", "", min_width=20, max_width=0, priority=8, grow=1),
)


class Offer(NamedTuple):
    """What can be done from here: a key, its action, words."""

    key: str
    action: str
    words: str


OFFERS = (
    Offer("d", "demo", "train a small demo project here and look at it; takes a minute"),
    Offer("i", "init", "make an empty registry in this folder"),
    Offer("p", "path", "open something else: a registry, mlflow.db, an mlruns folder"),
    Offer("q", "quit", "quit"),
)
RECORD = "modeldeck run -e EXPERIMENT -- python train.py"


class StartScreen(Screen[None]):
    """Offers a demo, an empty registry, another path; Esc stops a demo that is being made."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "demo", "demo", show=False),
        Binding("i", "init", "init", show=False),
        Binding("p", "path", "path", show=False),
        Binding("q,ctrl+c", "quit", "quit", show=False),
        Binding("escape", "stop", "stop", show=False),
    ]

    def __init__(self, looked_for: Sequence[str], said: str = "") -> None:
        super().__init__()
        self.looked_for = looked_for
        self.said = said
        self._then: Callable[[str], None] = lambda _: None
        self._process: asyncio.subprocess.Process | None = None
        self._lines: list[str] = []

    @property
    def deck(self) -> "StartApp":
        """The program."""
        from ..startapp import StartApp

        assert isinstance(self.app, StartApp)
        return self.app

    def compose(self) -> ComposeResult:
        """The first line, the page, the prompt, the last lines."""
        yield Bar([Part("modeldeck", "strong"), Part(f" > start in {Path.cwd()}")], id="top")
        yield Table(COLUMNS, head=False, ascii_only=self.deck.ascii_only, id="body")
        yield Prompt(id="prompt")
        yield Bar(id="state")
        yield Bar(id="foot")
        yield Bar(["60x16 needed"], id="small")

    def on_mount(self) -> None:
        """Draw the page; the cursor stands on the first offer."""
        self.query_one(Prompt).on_turn = self._prompting
        self.set_focus(self.table)
        self.draw()
        self.table.goto(next(at for at, row in enumerate(self._rows()) if row.key == "demo"))

    @property
    def table(self) -> Table:
        """The page."""
        return self.query_one(Table)

    def on_resize(self) -> None:
        """Fit the keys."""
        self.draw()

    def draw(self) -> None:
        """Bring all of it up to date."""
        self.table.set_source(ListSource(self._rows()))
        keys = [("Enter", "do it"), *((offer.key, offer.action) for offer in OFFERS)]
        if self._process is not None:
            keys = [("Esc", "stop it"), ("q", "quit")]
        shown = key_line(keys, self.app.size.width)
        self.query_one("#foot", Bar).say(
            [part for key, word in shown for part in (Part(key, "strong"), Part(f" {word}  "))]
        )

    def _rows(self) -> list[Row]:
        if self._lines:
            room = max(self.table.size.height - 2, 1)
            tail = list(enumerate(self._lines))[-room:]
            return [_line("h/demo", "TRAINING THE DEMO", "strong"), *(_text(n, t) for n, t in tail)]
        looked = [Row(f"l/{at}", [str(at), what]) for at, what in enumerate(self.looked_for, 1)]
        wide = max(self.app.size.width - 8, 20)
        said = [Row(f"s/{at}", ["", Cell(t, "bad")]) for at, t in enumerate(wrap(self.said, wide))]
        offers = [Row(offer.action, [Cell(offer.key, "strong"), offer.words]) for offer in OFFERS]
        return [
            *([*said, _line("b/0", "")] if said else []),
            _line("h/looked", "NO REGISTRY FOUND; looked for, in this order", "strong"),
            *looked,
            _line("b/1", ""),
            _line("h/can", "FROM HERE", "strong"),
            *offers,
            _line("b/2", ""),
            _line("h/record", "TO RECORD YOUR FIRST RUN, in your project", "strong"),
            Row("r/1", ["$", RECORD]),
            Row("r/2", ["$", "modeldeck import PATH      copies what MLflow has recorded"]),
            *([_line("r/3", SLOW_OFFER, "dim")] if far_line() and not self.deck.slow else []),
        ]

    def _prompting(self, on: bool) -> None:
        for name in ("#state", "#foot"):
            self.query_one(name).display = not on

    def say(self, text: str) -> None:
        """Say something at the top of the page; the cursor stays where it is."""
        self.said = text
        self.draw()

    # What can be done.

    async def on_table_row_chosen(self, message: RowChosen) -> None:
        """Enter on an offer."""
        if message.key in {offer.action for offer in OFFERS}:
            await self.run_action(message.key)

    def _ask(self, sign: str, text: str, hint: str, then: Callable[[str], None]) -> None:
        self._then = then
        prompt = self.query_one(Prompt)
        prompt.ask("path", sign, text, complete_path)
        prompt.hint(hint)

    def on_prompt_given(self, message: Prompt.Given) -> None:
        """A path."""
        message.stop()
        if message.text.strip():
            self._then(message.text.strip())

    def action_demo(self) -> None:
        """Ask for a folder, then train in it."""
        if self._process is None:
            hint = "a new folder for the demo; Enter trains, Esc leaves it"
            self._ask("folder", "demo", hint, self._train)

    async def action_init(self) -> None:
        """Make an empty registry here."""
        try:
            path, _ = await asyncio.to_thread(make_registry, Path.cwd())
        except ModeldeckError as error:
            self.say(str(error))
        else:
            self.deck.open(Wish(registry=str(path)))

    def action_path(self) -> None:
        """Ask for a path to open."""
        hint = "a registry, mlflow.db or mlruns; Tab completes, Enter opens"
        self._ask("path", "", hint, lambda text: self.deck.open(Wish(path=_expanded(text))))

    def action_quit(self) -> None:
        """End, with what runs."""
        self.action_stop()
        self.deck.exit(0)

    def action_stop(self) -> None:
        """Stop the demo that is being made."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    def on_unmount(self) -> None:
        """Leave no training behind."""
        self.action_stop()

    def _train(self, folder: str) -> None:
        self._lines = ["starting ..."]
        self.said = ""
        self.run_worker(self._demo(Path(_expanded(folder))), exit_on_error=False)

    async def _demo(self, folder: Path) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "modeldeck.app", "demo", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80"},
        )
        self.draw()
        assert process.stdout is not None
        while line := await process.stdout.readline():
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._lines = [*self._lines, text.rpartition("\r")[2]][-KEPT_LINES:]
            self.draw()
        code = await process.wait()
        self._process = None
        if code == 0:
            self.deck.open(Wish(registry=str(folder / ".modeldeck")))
            return
        last = next((line for line in reversed(self._lines) if line.strip()), "")
        self._lines = []
        self.say("stopped" if code < 0 else f"the demo failed ({code}): {last}")


def complete_path(text: str) -> Sequence[str]:
    """How a path could go on."""
    head, _, tail = text.rpartition("/")
    folder = Path(_expanded(f"{head}/" if "/" in text else ".") or ".")
    try:
        names = sorted(
            f"{item.name}/" if item.is_dir() else item.name
            for item in folder.iterdir()
            if item.name.startswith(tail)
        )
    except OSError:
        return ()
    start = f"{head}/" if "/" in text else ""
    return [start + name for name in names if name != tail]


def _expanded(text: str) -> str:
    return os.path.expanduser(text)  # noqa: PTH111 - a text that may be relative stays so


def _line(key: str, text: str, style: str = "") -> Row:
    return Row(key, (), span=Span("key", text, style))


def _text(number: int, text: str) -> Row:
    return _line(f"t/{number}", text, "dim")
