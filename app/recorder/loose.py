"""JSON as training scripts write it: NaN and infinities are numbers, the rest is strict.

The fast decoder takes what is plain; this is the slow one for lines and files that are not.
"""

import json
import re
from typing import Any, Final

from msgspec import Struct

DEPTH: Final = 64
_NUMBERS: Final = {
    sign + word: float(sign + word)
    for sign in ("", "+", "-")
    for word in ("nan", "inf", "infinity")
}
_DEEP = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_DIGITS: Final = 400


class Loose(Struct, frozen=True):
    """A document and the keys that stood twice in one of its objects; the last of them counts."""

    value: Any
    twice: tuple[str, ...] = ()


class Beyond(Struct, frozen=True):
    """A number that no float can hold, as it was written."""

    text: str


def decode(data: bytes) -> Loose:
    """The document in `data`; ValueError says what is wrong in words for people."""
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start + 1}") from None
    if _depth(text) > DEPTH:
        raise ValueError(f"nested deeper than {DEPTH}")
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            twice.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_float=_float, parse_int=_int)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON at character {error.pos + 1}: {error.msg}") from None
    return Loose(value, tuple(twice))


def number(text: str) -> float | None:
    """The float of "NaN", "Infinity" and their like; None for other text."""
    return _NUMBERS.get(text.lower()) if len(text) < 10 else None


def _depth(text: str) -> int:
    """How deep the text nests; counted before it is parsed, since parsing recurses."""
    if text.count("[") + text.count("{") <= DEPTH:
        return 0
    deepest = depth = 0
    for found in _DEEP.finditer(text):
        match found[0][0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest


def _float(text: str) -> float | Beyond:
    value = float(text)
    return Beyond(text) if value in (float("inf"), float("-inf")) else value


def _int(text: str) -> int | Beyond:
    # int() refuses very long ones as a guard against quadratic time, and no float holds them.
    return Beyond(text) if len(text) > _DIGITS else int(text)
