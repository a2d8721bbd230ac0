"""CRC-32C (Castagnoli's polynomial, RFC 3720) of many records at once, with numpy."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

POLYNOMIAL = 0x82F63B78
FEW = 16
"""So many records of one length are summed up one by one: columns of fewer gain nothing."""
ROW = 256
_MASK = 0xA282EAD8


def masked(crc: int) -> int:
    """A checksum as TFRecord files store it."""
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFF_FFFF


def crc32c(data: bytes) -> int:
    """The checksum of some bytes; long ones are cut into rows that are summed up side by side."""
    head = len(data) % ROW
    if len(data) < 2 * ROW:
        return _plain(data, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    import numpy as np

    state = _plain(data[:head], 0xFFFF_FFFF)
    rows = np.frombuffer(data, np.uint8, offset=head).reshape(-1, ROW)
    one, two, three, four = _after_a_row()
    for row in _columns(rows, 0).tolist():
        moved = one[state & 255] ^ two[state >> 8 & 255] ^ three[state >> 16 & 255]
        state = moved ^ four[state >> 24] ^ row
    return state ^ 0xFFFF_FFFF


def checksums(pieces: Sequence[bytes]) -> list[int]:
    """The checksum of each; many of one length are summed up together."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for at, piece in enumerate(pieces):
        by_length[len(piece)].append(at)
    found = [0] * len(pieces)
    for length, places in by_length.items():
        if len(places) < FEW or length > 8 * ROW or not length:
            for at in places:
                found[at] = crc32c(pieces[at])
            continue
        import numpy as np

        joined = b"".join([pieces[at] for at in places])
        rows = np.frombuffer(joined, np.uint8).reshape(-1, length)
        sums = (_columns(rows, 0xFFFF_FFFF) ^ np.uint32(0xFFFF_FFFF)).tolist()
        for at, value in zip(places, sums, strict=True):
            found[at] = value
    return found


def _plain(data: bytes, state: int) -> int:
    table = _table()
    for byte in data:
        state = table[(state ^ byte) & 255] ^ state >> 8
    return state


def _columns(rows: Any, state: int) -> Any:
    """The state after each row of bytes, all from the same one."""
    import numpy as np

    table = np.array(_table(), np.uint32)
    found = np.full(len(rows), state, np.uint32)
    for column in np.ascontiguousarray(rows.T):
        found = table[(found ^ column) & 255] ^ found >> np.uint32(8)
    return found


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return tuple(found)


@cache
def _after_a_row() -> tuple[tuple[int, ...], ...]:
    """What ROW zero bytes make of a state, by each of its four bytes: it is linear."""
    zeros = bytes(ROW)
    bits = [_plain(zeros, 1 << bit) for bit in range(32)]
    tables = []
    for place in range(4):
        table = [0] * 256
        for byte in range(1, 256):
            low = byte & -byte
            table[byte] = table[byte ^ low] ^ bits[8 * place + low.bit_length() - 1]
        tables.append(tuple(table))
    return tuple(tables)
