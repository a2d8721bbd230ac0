"""JSON of a server that is not trusted: nothing deep, nothing twice, no number that is none."""

import json
import re
from itertools import accumulate
from typing import Any, NoReturn

import msgspec

from ..api.errors import DamagedError
from ..api.text import exact

DEPTH = 64
_DIGITS = 20  # as many as a 64-bit integer can have
_OTHERS = bytes(set(range(256)) - set(b'"[]{}:'))
_STEPS = bytes(
    1 if byte in b"[{" else 255 if byte in b"]}" else 0 for byte in range(256)
)  # 255 is -1 as a signed byte
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def loads_safe(data: bytes) -> object:
    """What `data` says, or `DamagedError` with the reason.

    At most `DEPTH` levels, no key twice in one object, no NaN or Infinity, no number beyond what 64
    bits hold (1e999, integers of thousands of digits). A lone surrogate becomes U+FFFD.
    """
    if not data.strip():
        raise DamagedError("the answer is empty")
    marks = _marks(data)
    if _depth(marks) > DEPTH:
        raise DamagedError(f"the JSON is nested more than {DEPTH} levels deep")
    try:
        value: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _loads_strict(data)
    # A key that came twice is there once, so that there are fewer keys than colons.
    return value if _keys(value) == marks.count(b":") else _loads_strict(data)


def _loads_strict(data: bytes) -> object:
    """The same, slowly, with a reason for whatever is not taken."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_int,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as problem:
        raise DamagedError(f"the JSON is not UTF-8 at byte {problem.start + 1}") from None
    except json.JSONDecodeError as problem:
        raise DamagedError(
            f"this is not JSON: {problem.msg} at character {problem.pos + 1}"
        ) from None
    except RecursionError:
        raise DamagedError("the JSON is nested too deep") from None
    return _mend(value) if _SURROGATE.search(data) else value


def _marks(data: bytes) -> bytes:
    """The brackets and colons outside of texts, without a step of Python for a byte.

    Escaped backslashes and quotes go first, so that every quote that is left begins or ends a text;
    what lies between is dropped, most of it being nothing by then.
    """
    marks = data.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHERS)
    return b"".join(marks.replace(b'""', b"").split(b'"')[::2])


def _depth(marks: bytes) -> int:
    """How deep brackets are nested at most."""
    return max(accumulate(memoryview(marks.translate(_STEPS)).cast("b")), default=0)


def _keys(value: Any) -> int:
    """How many keys all objects have; -1 when an integer is beyond 64 bits."""
    count, level = 0, [value]
    while level:
        below: list[object] = []
        for one in level:
            # By `type`, which is exact for what was just read and half as slow as isinstance.
            kind = type(one)
            if kind is dict:
                count += len(one)
                below.extend(one.values())
            elif kind is list:
                below.extend(one)
            elif kind is int and not -(2**63) <= one < 2**64:
                return -1
        level = below
    return count


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DamagedError(f"the JSON has the key {twice[:80]!r} twice in one object")
    return found


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise DamagedError("the JSON has a number that is too large")
    return value


def _int(text: str) -> int:
    if len(text) > _DIGITS or not -(2**63) <= (value := int(text)) < 2**64:
        raise DamagedError("the JSON has an integer that is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise DamagedError(f"the JSON has {name}, which is no number of JSON")


def _mend(value: object) -> object:
    if isinstance(value, str):
        return exact(value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {exact(key): _mend(item) for key, item in value.items()}
    return value
