"""What the console remembers between sessions: JSON in the state folder, one file a context."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from modeldeck.app.config.paths import state_folder

VERSION = 1


class Memory:
    """Named values of one place. Damaged or foreign content counts as nothing remembered."""

    def __init__(self, place: str) -> None:
        name = hashlib.sha256(place.encode()).hexdigest()[:24]
        self._path = state_folder() / "console" / f"{name}.json"
        self._values: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text())
            if isinstance(found, dict) and found.get("version") == VERSION:
                values = found.get("values")
                self._values = values if isinstance(values, dict) else {}

    def texts(self, key: str) -> list[str] | None:
        """A remembered list of texts."""
        found = self._values.get(key)
        good = isinstance(found, list) and all(isinstance(item, str) for item in found)
        return list(found) if good and found is not None else None

    def put(self, key: str, value: list[str] | str) -> None:
        """Remember a value; written at once, whole or not at all."""
        self._values[key] = value
        with suppress(OSError):
            self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        text = json.dumps({"version": VERSION, "values": self._values})
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(draft).replace(self._path)
