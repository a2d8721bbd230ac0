"""Protocol buffers as they lie in a file: read field by field, bounded, with no schema compiled.

The format: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator
from datetime import datetime

from ..api.text import exact
from ..api.times import from_micros

MAX_FIELDS = 200_000
"""A message of more is not taken apart: its fields would need far more memory than its bytes."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DOUBLE, _FLOAT = struct.Struct("<d"), struct.Struct("<f")
_SECONDS = 1 << 33

Value = int | bytes


class WireError(ValueError):
    """Bytes that are no message, and why."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends; its lowest 64 bits count."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise WireError("a number in it has no end")


def fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """Each field's number, wire type and value: an integer, or the bytes as they are."""
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"a field of it has wire type {kind}, which is none")
        if not number or length > end - at:
            raise WireError("a field of it is longer than what holds it")
        yield number, kind, data[at : at + length]
        at += length


class Message:
    """The fields of one message by number. What has another wire type than asked for is not there.

    As the format has it, of a field that comes twice the last one counts.
    """

    def __init__(self, data: bytes) -> None:
        self._found: dict[int, list[tuple[int, Value]]] = {}
        for count, (number, kind, value) in enumerate(fields(data)):
            if count == MAX_FIELDS:
                raise WireError(f"it has more than {MAX_FIELDS:,} fields")
            self._found.setdefault(number, []).append((kind, value))

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def many(self, number: int) -> list[bytes]:
        """The bytes of each field of that number."""
        return [v for k, v in self._found.get(number, ()) if k == BYTES and isinstance(v, bytes)]

    def bytes(self, number: int) -> bytes:
        """The bytes of a field; empty when it is not there."""
        found = self.many(number)
        return found[-1] if found else b""

    def text(self, number: int) -> str:
        """The text of a field; what is no UTF-8 becomes U+FFFD."""
        return as_text(self.bytes(number))

    def integer(self, number: int) -> int:
        """A signed integer; 0 when it is not there, as the format has it."""
        found = [v for k, v in self._found.get(number, ()) if k == VARINT and isinstance(v, int)]
        return signed(found[-1]) if found else 0

    def double(self, number: int) -> float | None:
        """A number of 64 bits."""
        found = [v for k, v in self._found.get(number, ()) if k == FIXED64]
        return float(_DOUBLE.unpack(found[-1])[0]) if found else None  # type: ignore[arg-type]

    def single(self, number: int) -> float | None:
        """A number of 32 bits."""
        found = [v for k, v in self._found.get(number, ()) if k == FIXED32]
        return float(_FLOAT.unpack(found[-1])[0]) if found else None  # type: ignore[arg-type]

    def message(self, number: int) -> "Message":
        """The message in a field; an empty one when it is not there."""
        return Message(self.bytes(number))

    def messages(self, number: int) -> Iterator["Message"]:
        """The messages of a repeated field."""
        return map(Message, self.many(number))

    def micros(self, number: int) -> int | None:
        """A `Timestamp` in microseconds since 1970."""
        if number not in self:
            return None
        time = self.message(number)
        seconds = time.integer(1)
        return seconds * 1_000_000 + time.integer(2) // 1000 if abs(seconds) < _SECONDS else None

    def moment(self, number: int) -> datetime | None:
        """A `Timestamp` as a time."""
        micros = self.micros(number)
        return None if micros is None else from_micros(micros)


def signed(value: int) -> int:
    """The signed integer that the 64 bits of a varint are."""
    return value - (1 << 64) if value >> 63 else value


def as_text(data: bytes) -> str:
    """Bytes as text; what is no UTF-8 becomes U+FFFD."""
    return exact(data.decode("utf-8", "replace"))
