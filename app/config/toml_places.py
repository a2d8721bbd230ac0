"""Where the keys and items of a TOML text stand: what tomllib reads and does not tell."""

import contextlib
import re
from bisect import bisect_right
from collections.abc import Mapping

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both from 1."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'''"{3}(?:[^\\]|\\.)*?"{3,5}|'{3}.*?'{3,5}|'[^'\n]*'|"(?:[^"\\\n]|\\.)*"''', re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*")
_DEEPEST = 100


def places(text: str) -> Mapping[Path, Place]:
    """The place of each key, and of each item of an array, of a text that is valid TOML.

    A path names keys, and items of arrays by number. A table's own key stands where its head names
    it first. What the scanner cannot follow has no place, and neither has what comes after it.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_LostError, RecursionError):
        scanner.document()
    return scanner.found


def nearest(found: Mapping[Path, Place], path: Path) -> Place:
    """The place of `path`, or of what holds it; the first character where nothing is known."""
    for length in range(len(path), 0, -1):
        if path[:length] in found:
            return found[path[:length]]
    return 1, 1


class _LostError(Exception):
    """The text is not what was expected here."""


class _Scanner:
    """Goes over the text once; `found` grows."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Place] = {}
        self.counts: dict[Path, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def document(self) -> None:
        table: Path = ()
        while True:
            self._blank()
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                place = self._place(self.at + 2)
                table = self._head("[[", "]]")
                number = self.counts[table] = self.counts.get(table, -1) + 1
                table = (*table, number)
                self.found[table] = place
            elif self.text[self.at] == "[":
                table = self._head("[", "]")
            else:
                self._pair(table, 0)

    def _head(self, opening: str, closing: str) -> Path:
        self.at += len(opening)
        path = self._key(())
        self._expect(closing)
        return path

    def _pair(self, above: Path, depth: int) -> None:
        path = self._key(above)
        self._expect("=")
        self._value(path, depth)

    def _key(self, above: Path) -> Path:
        path = above
        while True:
            self._space()
            match = _KEY.match(self.text, self.at)
            if match is None:
                raise _LostError
            path = (*path, _plain(match[0]))
            self.found.setdefault(path, self._place(match.start()))
            self.at = match.end()
            self._space()
            if not self.text.startswith(".", self.at):
                return path
            self.at += 1
            if path in self.counts:
                path = (*path, self.counts[path])

    def _value(self, path: Path, depth: int) -> None:
        if depth > _DEEPEST:
            raise _LostError
        self._space()
        first = self.text[self.at : self.at + 1]
        if first == "[":
            self._array(path, depth)
        elif first == "{":
            self._inline(path, depth)
        elif first in {'"', "'"}:
            match = _STRING.match(self.text, self.at)
            if match is None:
                raise _LostError
            self.at = match.end()
        else:
            match = _BARE.match(self.text, self.at)
            self.at = match.end() if match else self.at

    def _array(self, path: Path, depth: int) -> None:
        self.at += 1
        number = 0
        while True:
            self._blank()
            if self._took("]"):
                return
            self.found[(*path, number)] = self._place(self.at)
            self._value((*path, number), depth + 1)
            number += 1
            self._blank()
            if not self._took(",") and not self.text.startswith("]", self.at):
                raise _LostError

    def _inline(self, path: Path, depth: int) -> None:
        self.at += 1
        while True:
            self._blank()
            if self._took("}"):
                return
            self._pair(path, depth + 1)
            self._blank()
            if not self._took(",") and not self.text.startswith("}", self.at):
                raise _LostError

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _space(self) -> None:
        while self.text[self.at : self.at + 1] in {" ", "\t"}:
            self.at += 1

    def _took(self, what: str) -> bool:
        if self.text.startswith(what, self.at):
            self.at += len(what)
            return True
        return False

    def _expect(self, what: str) -> None:
        self._space()
        if not self._took(what):
            raise _LostError

    def _place(self, at: int) -> Place:
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


def _plain(key: str) -> str:
    """A key as TOML means it."""
    if key[0] not in "\"'":
        return key
    import tomllib

    try:
        return next(iter(tomllib.loads(f"{key} = 0")))
    except tomllib.TOMLDecodeError:
        raise _LostError from None
