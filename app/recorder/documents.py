"""Files that a script writes whole: params.json, tags.json, datasets.json.

They are read again when their time or size changes. A half-written one is tried again, and said to
be wrong only at the end.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modeldeck.backends.api.runs import Dataset
from modeldeck.backends.api.text import exact

from . import loose
from .rundir import StrayError, opened
from .tally import Tally
from .walk import TooMuchError, digest

SIZE_LIMIT = 16 << 20


class Document:
    """One such file. `read` gives what is in it when that may have changed, else None."""

    def __init__(self, root: Path, name: str, tally: Tally) -> None:
        self.name = name
        self._root = root
        self._tally = tally
        self._stamp: tuple[int, ...] | None = None

    def read(self, *, finish: bool = False) -> Any:
        """What the file says, or None: not there, not changed, not whole yet."""
        try:
            file = opened(self._root, self.name)
        except FileNotFoundError:
            return None
        except StrayError as error:
            self._tally.note(self.name, f"not read: {error}")
            return None
        except OSError as error:
            self._tally.note(self.name, f"not read: {error.strerror}")
            return None
        with open(file, "rb") as opened_file:  # noqa: PTH123
            state = os.fstat(file)
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
            if stamp == self._stamp and not finish:
                return None
            self._stamp = stamp
            data = opened_file.read(SIZE_LIMIT + 1)
        return self._decoded(data, finish=finish)

    def _decoded(self, data: bytes, *, finish: bool) -> Any:
        if len(data) > SIZE_LIMIT:
            self._tally.note(self.name, f"not read: it has more than {SIZE_LIMIT} bytes")
            return None
        try:
            found = loose.decode(data)
        except ValueError as error:
            if finish:
                self._tally.note(self.name, str(error) if data.strip() else "it is empty")
            return None
        for key in found.twice:
            self._tally.note(self.name, f"{key!r} stands twice, the last one counts")
        return found.value


class Texts:
    """Params or tags: flattened with ".", texts as they are, all else as JSON."""

    def __init__(self, document: Document, tally: Tally) -> None:
        self._document = document
        self._tally = tally
        self._given: dict[str, str] = {}

    def read(self, *, finish: bool = False) -> Mapping[str, str]:
        """Those that are new or have changed."""
        found = self._document.read(finish=finish)
        if found is None:
            return {}
        name = self._document.name
        if not isinstance(found, dict):
            self._tally.note(name, "no JSON object")
            return {}
        fresh: dict[str, str] = {}
        for key, value in _leaves(found):
            if key in fresh:
                self._tally.note(name, f"{key!r} stands twice, the last one counts")
            fresh[key] = value
        changed = {key: text for key, text in fresh.items() if self._given.get(key) != text}
        self._given |= changed
        return changed


class Datasets:
    """The data sets that a run names. Those with a path and no digest are read for one.

    Relative paths start at `base`, the directory that the command runs in.
    """

    def __init__(self, document: Document, tally: Tally, base: Path) -> None:
        self._document = document
        self._tally = tally
        self._base = base
        self._given: set[str] = set()
        self._digests: dict[tuple[Any, ...], str] = {}

    def read(self, *, finish: bool = False) -> list[Dataset]:
        """Those that are new or have changed."""
        found = self._document.read(finish=finish)
        if found is None:
            return []
        items = [found] if isinstance(found, dict) else found
        if not isinstance(items, list):
            self._note("no list of objects")
            return []
        fresh = []
        for place, item in enumerate(items):
            dataset = self._dataset(item, f"item {place + 1}")
            if dataset is not None and repr(dataset) not in self._given:
                self._given.add(repr(dataset))
                fresh.append(dataset)
        return fresh

    def _dataset(self, item: Any, where: str) -> Dataset | None:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            self._note(f"{where} is no object with a name")
            return None
        path = item.get("path")
        labels = item.get("labels")
        texts = {
            key: text(item[key])
            for key in ("source", "source_type", "schema", "profile", "context")
            if item.get(key) is not None
        }
        if isinstance(path, str):
            texts.setdefault("source", exact(path))
            texts.setdefault("source_type", "local")
        return Dataset(
            name=exact(item["name"]),
            digest=self._digest(item.get("digest"), path, where),
            labels=dict(_leaves(labels)) if isinstance(labels, dict) else {},
            **texts,
        )

    def _digest(self, given: Any, path: Any, where: str) -> str:
        """The digest; "" when it cannot be known, and then said so."""
        if isinstance(given, str):
            return exact(given)
        if not isinstance(path, str):
            self._note(f"{where} has neither a digest nor a path")
            return ""
        try:
            place = self._base / path
            state = place.stat()
            key = (place, state.st_mtime_ns, state.st_size, state.st_ino, place.is_dir())
            if key not in self._digests or place.is_dir():
                self._digests[key] = digest(place)
            return self._digests[key]
        except (OSError, TooMuchError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else str(error)
            self._note(f"{where} has no digest: {path!r}: {what}")
            return ""

    def _note(self, what: str) -> None:
        self._tally.note(self._document.name, what)


def text(value: Any) -> str:
    """A value as text: text as it is, all else as JSON."""
    if isinstance(value, str):
        return exact(value)
    if isinstance(value, loose.Beyond):
        return value.text
    return exact(json.dumps(value, ensure_ascii=False, default=lambda beyond: beyond.text))


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = above + exact(key)
        if isinstance(value, dict) and value:
            yield from _leaves(value, name + ".")
        else:
            yield name, text(value)
