"""What the console remembers between sessions: JSON in the state folder, one file a context."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from modeldeck.app.config.paths import state_folder

VERSION = 1
LARGEST_FILE = 1 << 20
MOST_VALUES, MOST_ITEMS, LONGEST_TEXT = 500, 500, 1000


class Memory:
    """Named values of one place. Damaged or foreign content counts as nothing remembered."""

    def __init__(self, place: str) -> None:
        name = hashlib.sha256(place.encode()).hexdigest()[:24]
        self._path = state_folder() / "console" / f"{name}.json"
        self._values: dict[str, str | list[str]] = {}
        with suppress(OSError, ValueError, RecursionError):
            self._values = _read(self._path)

    def texts(self, key: str) -> list[str] | None:
        """A remembered list of texts."""
        found = self._values.get(key)
        return list(found) if isinstance(found, list) else None

    def text(self, key: str) -> str | None:
        """A remembered text."""
        found = self._values.get(key)
        return found if isinstance(found, str) else None

    def keys(self, start: str) -> list[str]:
        """The names that begin so."""
        return [key for key in self._values if key.startswith(start)]

    def drop(self, key: str) -> None:
        """Forget a value."""
        if self._values.pop(key, None) is not None:
            with suppress(OSError):
                self._write()

    def put(self, key: str, value: list[str] | str) -> None:
        """Remember a value; written at once, whole or not at all."""
        good = _clamped(value)
        if good is None or self._values.get(key) == good:
            return
        self._values.pop(key, None)
        self._values[key] = good
        while len(self._values) > MOST_VALUES:
            self._values.pop(next(iter(self._values)))
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        text = json.dumps({"version": VERSION, "values": self._values})
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


def _read(path: Path) -> dict[str, str | list[str]]:
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        return {}
    found = json.loads(data, parse_constant=_refuse)
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return {}
    values = found.get("values")
    if not isinstance(values, dict):
        return {}
    good = {key: _clamped(value) for key, value in list(values.items())[-MOST_VALUES:]}
    return {key: value for key, value in good.items() if value is not None}


def _clamped(value: Any) -> str | list[str] | None:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item[:LONGEST_TEXT] for item in value[:MOST_ITEMS]]
    return None


def _refuse(_: str) -> NoReturn:
    raise ValueError
