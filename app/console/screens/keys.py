"""Every key: what it does here, and why it does nothing where it does not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from modeldeck.app.actions import ACTIONS, CHART_KEYS, TABLE_KEYS
from modeldeck.app.key_names import key_name, shown_key
from modeldeck.widgets.table import Cell, Column, Row, Span, Table

from ..hands import BUILT_IN
from ..user_commands import hidden, why_not
from .base import DeckScreen
from .short import ShortScreen
from .text import TextScreen

if TYPE_CHECKING:
    from ..console import Console

WIDE = 100


class Key(NamedTuple):
    """A key, what it does, why not here; `action` is empty for one of a table or chart."""

    keys: str
    words: str
    reason: str
    of: str
    action: str = ""
    source: str = BUILT_IN
    command: str = ""


class KeysScreen(ShortScreen):
    """The keys of the screen below, those that apply first; Enter does one there."""

    noun: ClassVar[str] = "keys"
    crumb = "keys"
    offers = ("open", "filter", "back")

    def __init__(self, below: DeckScreen) -> None:
        super().__init__()
        self.below = below

    def entries(self) -> Sequence[Key]:
        """What there is to know, what applies, tables and charts, then what does not apply."""
        remarks = [Key("note", text, "", "note") for text in self.below.remarks()]
        return [*remarks, *keys_of(self.below)]

    def columns(self) -> Sequence[Column]:
        """The key, whether it does anything, what."""
        return [
            Column("key", "KEY", pinned=True, max_width=30, priority=9),
            Column("here", "HERE", min_width=4, max_width=6, priority=8),
            Column("words", "DOES", min_width=20, max_width=50, priority=7),
            Column("reason", "WHY NOT HERE", min_width=12, max_width=0, priority=6, grow=1),
            *sources(self.console),
        ]

    def row(self, item: Key) -> Row:
        """One key."""
        if item.of == "note":
            return Row(f"note/{item.words}", [Cell("note", "warn")], span=Span("here", item.words))
        here = Cell("no", "dim") if item.reason else Cell("yes", "ok")
        cells: list[Cell | str] = [
            Cell(item.keys, "strong"),
            here,
            item.words,
            Cell(item.reason, "dim"),
            Cell(item.source, "dim"),
        ]
        return Row(
            f"{item.of}/{item.command or item.keys}", cells, style="dim" if item.reason else ""
        )

    def do_keys(self) -> None:
        """The keys of the keys are those that are shown."""
        self.do_back()

    async def open_item(self, item: Any) -> None:
        """Do it on the screen below; a note is read where it has room."""
        if item.of == "note":
            self.console.push_screen(TextScreen("note", item.words.split("\n"), wrap=True))
            return
        if item.command:
            self.console.pop_screen()
            self.console.start_command(self.below, item.command)
            return
        if not item.action or item.action in ("back", "keys"):
            self.say("press it there; Esc goes back")
            return
        self.console.pop_screen()
        await self.below.action_act(item.action)


def keys_of(screen: DeckScreen) -> list[Key]:
    """All keys of a screen."""
    hands = screen.console.hands
    can: list[Key] = []
    cannot: list[Key] = []
    for action in ACTIONS:
        reason = screen.why_not(action.id)
        if not hasattr(screen, f"do_{action.id}"):
            reason = "not on this screen"
        others = map(shown_key, hands.keys(action)[1:])
        shown = ", ".join(dict.fromkeys([hands.shown(action), *others]))
        found = Key(shown, action.words, reason, "action", action.id, hands.source(action))
        (cannot if reason else can).append(found)
    for name, command in hands.commands.items():
        if hidden(screen, command):
            continue
        key = shown_key(key_name(command.key)) if command.key else "-"
        words = f"{name}: {command.description}" if command.description else name
        reason = why_not(screen, command)
        found = Key(key, words, reason, "command", source="config.toml", command=name)
        (cannot if reason else can).append(found)
    if list(screen.query(Table)):
        can += [Key(keys, words, "", "table") for keys, words in TABLE_KEYS]
    if any(type(widget).__name__ == "Chart" for widget in screen.query("*")):
        can += [Key(keys, words, "", "chart") for keys, words in CHART_KEYS]
    return [*can, *cannot]


def sources(console: "Console") -> list[Column]:
    """The column that says where a key comes from: where there is room, or more than one place."""
    settings = console.hands.settings
    more = settings.keys or settings.aliases or settings.commands
    wide = console.size.width >= WIDE
    return [Column("source", "FROM", max_width=24, priority=5)] if wide or more else []
