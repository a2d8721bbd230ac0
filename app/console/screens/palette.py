"""Verbs, nouns and known names, found by a few letters of their words."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from modeldeck.app.actions import ACTIONS
from modeldeck.app.key_names import key_name, shown_key
from modeldeck.app.nouns import NOUNS
from modeldeck.widgets.table import Cell, Column, Row

from ..goto import OF, quoted
from ..hands import BUILT_IN
from ..user_commands import hidden, why_not
from .base import DeckScreen
from .choosing import ChoosingScreen
from .keys import sources
from .short import words_of

HIDDEN = ("back", "palette", "goto", "open")


class Entry(NamedTuple):
    """What can be done: an action's id, or a text for `:`."""

    key: str
    words: str
    action: str = ""
    goes: str = ""
    command: str = ""
    source: str = BUILT_IN


class PaletteScreen(ChoosingScreen):
    """Typed words narrow the list, Up and Down choose, Enter does it on the screen below."""

    noun: ClassVar[str] = "verbs"
    crumb = "verbs"
    offers = ("open", "filter", "back")
    letters = "letters of a verb, a noun or a name; Up and Down choose"

    def __init__(self, below: DeckScreen) -> None:
        super().__init__()
        self.below = below

    def entries(self) -> Sequence[Entry]:
        """Actions that apply below, the nouns, the names that were seen."""
        hands = self.console.hands
        found = [
            Entry(hands.shown(action), action.words, action.id, source=hands.source(action))
            for action in ACTIONS
            if action.id not in HIDDEN and not self.below.why_not(action.id)
        ]
        found += [
            Entry(
                shown_key(key_name(one.key)) if one.key else name,
                f"{name}: {one.description}" if one.description else name,
                command=name,
                source="config.toml",
            )
            for name, one in hands.commands.items()
            if not hidden(self.below, one) and not why_not(self.below, one)
        ]
        found += [
            Entry(f":{name}", text, goes=name, source="config.toml")
            for name, text in hands.aliases.items()
        ]
        found += [Entry(f":{noun}", f"go to {noun}", goes=noun) for noun in NOUNS if noun != "quit"]
        for noun, of in OF.items():
            found += [
                Entry(f":{noun} {quoted(name)}", "", goes=f"{noun} {quoted(name)}")
                for name in self.console.known_names(of)
            ]
        wanted = self.where.casefold()
        return sorted(found, key=lambda entry: _rank(entry, wanted)) if wanted else found

    def columns(self) -> Sequence[Column]:
        """The key or what one types, what it does."""
        return [
            Column("key", "KEY", pinned=True, min_width=8, max_width=44, priority=9),
            Column("words", "DOES", min_width=20, max_width=0, priority=8, grow=1),
            *sources(self.console),
        ]

    def row(self, item: Entry) -> Row:
        """One entry."""
        key = item.action or (f"command/{item.command}" if item.command else f":{item.goes}")
        return Row(key, [Cell(item.key, "strong"), item.words, Cell(item.source, "dim")])

    async def open_item(self, item: Any) -> None:
        """Do it below."""
        self.console.pop_screen()
        if item.action:
            await self.below.action_act(item.action)
        elif item.command:
            self.console.start_command(self.below, item.command)
        else:
            self.console.go(item.goes)


def _rank(entry: Entry, wanted: str) -> tuple[int, int]:
    """What begins with the typed letters comes first, then what has a word that does."""
    text = words_of(Row("", [entry.key, entry.words])).casefold()
    words = text.replace(":", " ").split()
    if entry.key.casefold().lstrip(":").startswith(wanted) or entry.words.startswith(wanted):
        return 0, len(text)
    return (1 if any(word.startswith(wanted) for word in words) else 2), len(text)
