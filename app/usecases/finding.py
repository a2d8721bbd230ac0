"""Names found by what is typed: a part of them, a glob, or a regular expression. Never for ever."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from typing import Literal

from msgspec import Struct

Kind = Literal["text", "glob", "regex"]
LONGEST, SHORTER = 100, 40
"""Characters of a name that a pattern is held against; one of more than two repeats sees fewer."""
SECONDS = 0.1
"""For which one search may go on."""
_OF_REGEX = re.compile(r"[\\^$|(){}+]|\.\*|\.\?|\]\*")


class Found(Struct, frozen=True):
    """The names that fit, and how the text was read; `wrong` says why it finds nothing."""

    names: Sequence[str]
    kind: Kind = "text"
    wrong: str = ""


def kind_of(text: str) -> Kind:
    """How a text is read: `loss`, `val/*`, `^val/(loss|auc)$`."""
    if _OF_REGEX.search(text):
        return "regex"
    return "glob" if any(char in text for char in "*?[") else "text"


def find(names: Iterable[str], text: str) -> Found:
    """The names that have `text` in them, case aside; a glob stands for the whole name.

    A regular expression is found anywhere in the first `LONGEST` characters, or `SHORTER` ones. One
    that could take for ever is not tried.
    """
    names, kind = list(names), kind_of(text)
    if kind == "text":
        wanted = text.casefold()
        return Found([name for name in names if wanted in name.casefold()])
    if kind == "regex":
        from .gates.ticket import wrong_pattern

        wrong = wrong_pattern(text)
        if wrong:
            return Found([], kind, f"{text} {wrong}")
        cut = LONGEST if sum(map(text.count, "*+{")) <= 2 else SHORTER
        return _within_time(names, re.compile(text, re.IGNORECASE).search, kind, cut)
    try:
        pattern = re.compile(translate(text), re.IGNORECASE)
    except re.error as error:
        return Found([], kind, f"{text} is no pattern: {error}")
    # `fnmatch` makes groups of it that never go back: its whole names are cheap.
    return _within_time(names, pattern.match, kind, 1 << 16)


def _within_time(
    names: Sequence[str], fits: Callable[[str], object], kind: Kind, cut: int
) -> Found:
    end = time.monotonic() + SECONDS
    found = []
    for place, name in enumerate(names):
        if fits(name[:cut]):
            found.append(name)
        if time.monotonic() > end:
            said = f"takes too long: {place + 1:,} of {len(names):,} names were looked at"
            return Found(found, kind, said)
    return Found(found, kind)
