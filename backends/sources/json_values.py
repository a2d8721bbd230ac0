"""JSON values of trackers: flattened to names with dots, numbers told from text, bounded."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ..api.text import exact

MAX_DEPTH = 16
MAX_ENTRIES = 10_000
MAX_TEXT = 64 << 10
_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "-0": -0.0}


class JsonError(ValueError):
    """Text that is no JSON."""


def parse(text: bytes | str) -> Any:
    """The value of a JSON text, which may be NaN or an infinity as trackers write them."""
    word = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if word in _WORDS:
        return _WORDS[word]
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return _loose(word, error)


def _loose(word: str, error: Exception) -> Any:
    """What Python's own encoder wrote: NaN and infinities within lists and mappings."""
    if isinstance(error, RecursionError) or not any(name in word for name in ("NaN", "Infinity")):
        raise JsonError("it is no JSON") from error
    import json

    try:
        return json.loads(word)
    except (ValueError, RecursionError) as inner:
        raise JsonError("it is no JSON") from inner


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf below a mapping by its name, `a.b.c`; past MAX_DEPTH a mapping is a leaf."""
    count = 0
    stack: list[tuple[str, Any, int]] = [(prefix, value, 0)]
    while stack and count < MAX_ENTRIES:
        name, found, depth = stack.pop()
        if isinstance(found, dict) and depth < MAX_DEPTH and (found or not name):
            inner = [(f"{name}.{k}" if name else str(k), v, depth + 1) for k, v in found.items()]
            stack.extend(reversed(inner))
        else:
            count += 1
            yield name, found


def number(value: object) -> float | None:
    """The number that a JSON value is; true and false count as 1 and 0. None for anything else."""
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return None


def words(value: object) -> str:
    """A JSON value as the text of a parameter: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return exact(value[:MAX_TEXT])
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, "NaN")
    try:
        return exact(msgspec.json.encode(value).decode()[:MAX_TEXT])
    except (msgspec.EncodeError, RecursionError, ValueError):
        return ""
