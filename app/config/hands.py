"""Keys, aliases, commands and views of a person in `config.toml`: their shapes, what cannot be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from modeldeck.app.actions import ACTIONS, BY_ID
from modeldeck.app.key_names import FORMS, OF_WIDGETS, key_name
from modeldeck.app.keymap import Keys, names_of
from modeldeck.app.nouns import NOUNS
from modeldeck.backends.api.errors import UsageError

from .toml import read_text
from .toml_places import nearest, places

VIEWED = (
    "experiments", "runs", "models", "versions", "audit", "trash", "inbox", "approvals",
)  # fmt: skip
"""Nouns whose lists can be kept as a view."""
SCOPES = ("all", "experiments", "runs", "models", "versions", "events")
FIELDS = ("address", "context", "id", "model", "version", "alias", "registry")
"""What may stand in braces in an argument of a command."""
_OF = {
    "id": ("experiments", "runs", "events"),
    "model": ("models", "versions"),
    "version": ("versions",),
    "alias": ("versions",),
    "address": SCOPES[1:],
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class UserCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that a key starts, with what is under the cursor in its arguments.

    `command` is an argv: no shell reads it, and each `{FIELD}` stays within its argument. `scopes`
    are the nouns that it is for. `danger` hides it where nothing may be changed.
    """

    command: tuple[str, ...]
    key: str = ""
    scopes: tuple[str, ...] = ("all",)
    confirm: bool = False
    background: bool = False
    danger: bool = False
    description: str = ""


class SavedView(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is shown: which columns (of runs), in which order, which rows, nested or flat."""

    noun: str = "runs"
    columns: tuple[str, ...] = ()
    sort: str = ""
    where: str = ""
    nested: bool = True


class Mistake(NamedTuple):
    """The keys of what is wrong, and why."""

    path: tuple[str | int, ...]
    what: str
    way_out: str = ""


def check_hands(
    keys: Keys,
    aliases: Mapping[str, str],
    commands: Mapping[str, UserCommand],
    views: Mapping[str, SavedView],
    path: Path,
    text: str | None = None,
) -> None:
    """UsageError with file, line and column for the first thing that cannot be."""
    wrong = next(_mistakes(keys, aliases, commands, views), None)
    if wrong is None:
        return
    line, column = nearest(places(text if text is not None else read_text(path) or ""), wrong.path)
    raise UsageError(
        f"{'.'.join(map(str, wrong.path))}: {wrong.what}",
        where=f"{path}:{line}:{column}",
        way_out=wrong.way_out,
    )


def _mistakes(
    keys: Keys,
    aliases: Mapping[str, str],
    commands: Mapping[str, UserCommand],
    views: Mapping[str, SavedView],
) -> Iterator[Mistake]:
    yield from _of_keys(keys, commands)
    for name, text in aliases.items():
        yield from _of_alias(name, text)
    for name, command in commands.items():
        yield from _of_command(name, command)
    for name, view in views.items():
        at = ("views", name)
        if not _NAME.fullmatch(name):
            yield Mistake(at, "cannot name a view", "Use letters, digits, '.', '_' and '-'")
        if view.noun not in VIEWED:
            yield Mistake((*at, "noun"), f"{view.noun!r} has no views", near(view.noun, VIEWED))


def _of_keys(keys: Keys, commands: Mapping[str, UserCommand]) -> Iterator[Mistake]:
    for action, value in keys.items():
        at = ("keys", action)
        if action not in BY_ID:
            yield Mistake(at, "there is no such action", near(action, list(BY_ID)))
        given = [value] if isinstance(value, str) else value
        if not given:
            yield Mistake(at, "names no key", FORMS)
        for text, name in zip(given, names_of(value), strict=True):
            yield from _of_key(at, text, name)
    taken: dict[str, tuple[str, str]] = {
        name: ("action", one.id)
        for one in ACTIONS
        if one.id not in keys
        for name in one.keys.split(",")
    }
    claims: list[tuple[tuple[str, ...], str]] = [
        (("keys", one), name) for one, value in keys.items() for name in names_of(value)
    ]
    claims += [
        (("commands", one, "key"), key_name(command.key))
        for one, command in commands.items()
        if command.key
    ]
    for place, name in claims:
        kind, owner = taken.get(name, ("", ""))
        if kind:
            words = f"is the key of {owner}" + (
                f" ({BY_ID[owner].words})" if kind == "action" and owner in BY_ID else ""
            )
            yield Mistake(place, words, "Take another key, or give that one another")
        taken[name] = ("action" if place[0] == "keys" else "command", place[1])


def _of_key(at: tuple[str, ...], text: str, name: str) -> Iterator[Mistake]:
    if not name:
        yield Mistake(at, f"{text!r} is no key", FORMS)
    elif name in OF_WIDGETS and not (at[1] in BY_ID and name in BY_ID[at[1]].keys.split(",")):
        yield Mistake(at, f"{text} {OF_WIDGETS[name]} in lists or charts", "Take another key")


def _of_alias(name: str, text: str) -> Iterator[Mistake]:
    at = ("aliases", name)
    if not _NAME.fullmatch(name):
        yield Mistake(at, "cannot be typed after `:`", "Use letters, digits, '.', '_' and '-'")
    if any(name == noun or name in also for noun, also in NOUNS.items()):
        yield Mistake(at, "is a noun of its own", "Take another name")
    head = text.split(" ", 1)[0]
    spellings = [*NOUNS, *(word for also in NOUNS.values() for word in also)]
    if not text.strip():
        yield Mistake(at, "goes nowhere", 'Write it as "runs /status = failed"')
    elif not head.startswith("@") and not any(noun.startswith(head) for noun in spellings):
        yield Mistake(at, f"there is no {head!r} to go to", near(head, list(NOUNS)))


def _of_command(name: str, command: UserCommand) -> Iterator[Mistake]:
    at: tuple[str | int, ...] = ("commands", name)
    if not _NAME.fullmatch(name):
        yield Mistake(at, "cannot name a command", "Use letters, digits, '.', '_' and '-'")
    if command.key:
        yield from _of_key(("commands", name, "key"), command.key, key_name(command.key))
    if not command.command or not command.command[0]:
        yield Mistake((*at, "command"), "names no program", 'Write it as ["git", "log"]')
    for place, scope in enumerate(command.scopes):
        if scope not in SCOPES:
            yield Mistake((*at, "scopes", place), f"there is no {scope!r}", near(scope, SCOPES))
    scopes = SCOPES[1:] if "all" in command.scopes else command.scopes
    for place, argument in enumerate(command.command):
        here = (*at, "command", place)
        for found in _BRACES.finditer(argument):
            field = found[1]
            if found[0] in ("{{", "}}"):
                continue
            if field is None:
                yield Mistake(here, "has a brace without its other", "Write {{ for a brace")
            elif field not in FIELDS:
                yield Mistake(here, f"there is no {{{field}}}", near(field, FIELDS))
            elif place == 0:
                yield Mistake(here, "the program itself cannot depend on what is shown")
            elif "all" not in command.scopes and not set(scopes) & set(_OF.get(field, SCOPES)):
                yield Mistake(here, f"{', '.join(scopes)} have no {field}")


def near(word: str, known: Sequence[str]) -> str:
    """The suggestion for a word that is not one of `known`."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, 1, 0.5)
    return f"Did you mean {found[0]}?" if found else f"One of {', '.join(known)}"


def filled(argument: str, values: Mapping[str, str]) -> str:
    """An argument with the values in place of their names; KeyError for one that is not there."""
    return _BRACES.sub(
        lambda found: found[0][0] if found[1] is None else values[found[1]], argument
    )


def begins_with_field(argument: str) -> bool:
    """Whether what an argument begins with is a value."""
    found = _BRACES.match(argument)
    return found is not None and found[1] is not None
