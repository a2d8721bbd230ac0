"""Which key does what: the list of actions with what a person has set instead."""

from collections.abc import Mapping, Sequence

from .actions import ACTIONS
from .key_names import key_name

Keys = Mapping[str, str | tuple[str, ...]]


def names_of(value: str | Sequence[str]) -> list[str]:
    """Textual's names of the keys of one action, as a file holds them; empty where one is none."""
    return [key_name(one) for one in ([value] if isinstance(value, str) else value)]


def bound(keys: Keys) -> dict[str, str]:
    """Each key with the action that it does; the first one where two claim it."""
    found: dict[str, str] = {}
    for action in ACTIONS:
        given = keys.get(action.id)
        for name in action.keys.split(",") if given is None else names_of(given):
            found.setdefault(name, action.id)
    return found
