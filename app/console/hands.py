"""Keys, aliases and commands as a person has set them, taken anew when the file changes."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modeldeck.app.actions import ACTIONS, BY_ID, Action
from modeldeck.app.config.hands import UserCommand
from modeldeck.app.config.paths import config_file, system_config_file
from modeldeck.app.config.settings import Settings, read_settings
from modeldeck.app.key_names import key_name, shown_key
from modeldeck.app.keymap import names_of
from modeldeck.backends.api.errors import ModeldeckError

if TYPE_CHECKING:
    from .deck import Deck

LOOK = 2.0
"""Seconds between two looks at the file."""
BUILT_IN = "built-in"


class Hands:
    """What the keys do now. A file with a mistake leaves them as they were."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stamp = _stamp()
        self._keys: Mapping[str, Sequence[str]] = {}
        self.by_key: Mapping[str, str] = {}
        self.take(settings)

    def take(self, settings: Settings) -> None:
        """Use these from now on."""
        self.settings = settings
        self._keys = {one: names_of(value) for one, value in settings.keys.items()}
        self.by_key = {key_name(one.key): name for name, one in self.commands.items() if one.key}

    @property
    def commands(self) -> Mapping[str, UserCommand]:
        """The person's own commands by name."""
        return self.settings.commands

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other words for `:`."""
        return self.settings.aliases

    def keymap(self) -> dict[str, str]:
        """The keys of actions that have others than their own, as Textual takes them.

        Every action is in it, so that what is left out of the file gets its own key again.
        """
        return {one.id: ",".join(self.keys(one)) for one in ACTIONS} if self._keys else {}

    def keys(self, action: Action) -> Sequence[str]:
        """The names of the keys of an action."""
        return self._keys.get(action.id) or action.keys.split(",")

    def shown(self, action: Action) -> str:
        """How the first of them is written."""
        return shown_key(self._keys[action.id][0]) if action.id in self._keys else action.shown

    def shown_of(self, action: str) -> str:
        """The same, by the id of the action."""
        return self.shown(BY_ID[action])

    def source(self, action: Action) -> str:
        """Where the key of an action comes from."""
        return "config.toml" if action.id in self._keys else BUILT_IN

    def expand(self, text: str) -> str:
        """What was typed after `:` with an alias at its beginning spelled out, once."""
        head, space, tail = text.strip().partition(" ")
        found = self.aliases.get(head)
        return text if found is None else f"{found}{space}{tail}"

    def complete(self, text: str) -> list[str]:
        """The aliases that begin so."""
        return [name for name in self.aliases if name.startswith(text) and name != text]

    def look(self) -> str | None:
        """Take the file anew if it has changed; gives what to say of it, None when it has not.

        One stat of each file. ModeldeckError for a mistake, of which one is told once.
        """
        stamp = _stamp()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        self.take(read_settings())
        return "keys, aliases and commands are those of config.toml now"


def _stamp() -> tuple[tuple[int, int, int] | None, ...]:
    found: list[tuple[int, int, int] | None] = []
    for path in (config_file(), system_config_file()):
        try:
            there = os.stat(path)  # noqa: PTH116 - every two seconds, without an object each
        except OSError:
            found.append(None)
        else:
            found.append((there.st_mtime_ns, there.st_size, there.st_ino))
    return tuple(found)


def look_again(deck: "Deck", hands: Hands) -> tuple[str, str] | None:
    """Have the program use a file that has changed; gives what to say and in which style."""
    try:
        said = hands.look()
    except ModeldeckError as error:
        return f"the keys stay as they were: {error}", "bad"
    if said is None:
        return None
    deck.set_keymap(hands.keymap())
    return said, "ok"
