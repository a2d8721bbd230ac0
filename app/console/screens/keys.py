"""Every key: what it does here, and why it does nothing where it does not."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from modeldeck.app.actions import ACTIONS, CHART_KEYS, TABLE_KEYS
from modeldeck.widgets.table import Cell, Column, Row, Span, Table

from .base import DeckScreen
from .short import ShortScreen
from .text import TextScreen


class Key(NamedTuple):
    """A key, what it does, why not here; `action` is empty for one of a table or chart."""

    keys: str
    words: str
    reason: str
    of: str
    action: str = ""


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
        ]
        return Row(f"{item.of}/{item.keys}", cells, style="dim" if item.reason else "")

    def do_keys(self) -> None:
        """The keys of the keys are those that are shown."""
        self.do_back()

    async def open_item(self, item: Any) -> None:
        """Do it on the screen below; a note is read where it has room."""
        if item.of == "note":
            self.console.push_screen(TextScreen("note", item.words.split("\n"), wrap=True))
            return
        if not item.action or item.action in ("back", "keys"):
            self.say("press it there; Esc goes back")
            return
        self.console.pop_screen()
        await self.below.action_act(item.action)


def keys_of(screen: DeckScreen) -> list[Key]:
    """All keys of a screen."""
    can: list[Key] = []
    cannot: list[Key] = []
    for action in ACTIONS:
        reason = screen.why_not(action.id)
        if not hasattr(screen, f"do_{action.id}"):
            reason = "not on this screen"
        shown = ", ".join(dict.fromkeys([action.shown, *_names(action.keys)]))
        found = Key(shown, action.words, reason, "action", action.id)
        (cannot if reason else can).append(found)
    if list(screen.query(Table)):
        can += [Key(keys, words, "", "table") for keys, words in TABLE_KEYS]
    if any(type(widget).__name__ == "Chart" for widget in screen.query("*")):
        can += [Key(keys, words, "", "chart") for keys, words in CHART_KEYS]
    return [*can, *cannot]


def _names(keys: str) -> list[str]:
    """The other keys of an action, as one writes them."""
    written = {"escape": "Esc", "left": "Left", "tab": "Tab", "shift+tab": "shift+Tab"}
    others = keys.split(",")[1:]
    return [written.get(key, key.replace("ctrl+", "^")) for key in others]
