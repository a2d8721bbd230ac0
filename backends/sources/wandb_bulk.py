"""Many history records of W&B at once, with numpy; what is not plain is told and left alone.

Plain is a record whose items have one key of ASCII and one JSON number each, among them a step and
a time, and after which there is nothing but the step once more.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from .columns import MICROS
from .wandb_history import STEP, TIME

_MINUS = ord("-")
_KEY, _PART, _STEP, _VALUE = 0x0A, 0x12, 0x12, 0x82
"""Tags: of an item and of its key, of a part of a nested key, of the step, of a JSON value."""
_SHORT = 128
"""Lengths below this are one byte."""
_SPARE = bytes(512)
"""Behind the records, so that what a wrong length leads to can be looked at."""
_NUMBER = b"0123456789+-.eE,"
_WORDS = {b"NaN": np.nan, b"Infinity": np.inf, b"-Infinity": -np.inf}
_FLOATS = msgspec.json.Decoder(list[float])
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], "<u8")
_PRIME = np.uint64(0x9E37_79B9_7F4A_7C15)

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Table(NamedTuple):
    """The points of some records: steps and times of each, and each series' values.

    `series` has names, which records have a value (None: all) and the values.
    """

    steps: Ints
    times: Ints
    series: Sequence[tuple[str, Ints | None, NDArray[np.float64]]]


class _Items(NamedTuple):
    """The items of some records: where their keys and numbers are, and whose they are."""

    key: Ints
    key_size: Ints
    value: Ints
    value_size: Ints
    record: Ints


def table_of(records: Sequence[bytes]) -> Table | Flags:
    """The points of all the records when all are plain, else which of them may be."""
    data = np.frombuffer(b"".join((*records, _SPARE)), np.uint8)
    items, plain = _items(data, np.fromiter(map(len, records), np.int64, len(records)))
    if not plain.all():
        return plain
    none = np.zeros(len(records), np.bool_)
    odd, named = _named(data, items)
    strange = [at for at, number in zip(odd.tolist(), named, strict=True) if number is None]
    if strange:
        plain[items.record[strange]] = False
        return plain
    found = _keyed(data, items)
    values = _values(data, items, odd)
    if found is None or values is None:
        return none
    names, keys = found
    values[odd] = named
    order = np.argsort(keys, kind="stable")
    keys, record, values = keys[order], items.record[order], values[order]
    twice = (keys[1:] == keys[:-1]) & (record[1:] == record[:-1])
    if twice.any():
        plain[record[1:][twice]] = False
        return plain
    ends = np.bincount(keys, minlength=len(names)).cumsum().tolist()
    parts = dict(zip(names, zip([0, *ends], ends, strict=False), strict=True))
    columns = {name: (record[a:b], values[a:b]) for name, (a, b) in parts.items()}
    for name in (STEP, TIME):
        there, _ = columns.get(name, (record[:0], values[:0]))
        if len(there) < len(records):
            none[there] = True
            return none
    steps, times = columns.pop(STEP)[1], columns.pop(TIME)[1]
    placed = np.abs(steps) < 2.0**63
    if not placed.all():
        return placed
    return Table(
        steps.astype(np.int64),
        _micros(times),
        [
            (name, None if len(there) == len(records) else there, numbers)
            for name, (there, numbers) in columns.items()
        ],
    )


def _items(data: NDArray[np.uint8], sizes: Ints) -> tuple[_Items, Flags]:
    """The items, found by the tag of their values, and which records are a chain of them."""
    ends = sizes.cumsum()
    begins = ends - sizes
    tags = np.flatnonzero(data == _VALUE)
    tags = tags[data[tags + 1] == 1]
    firsts = np.searchsorted(tags, begins)
    counts = np.diff(firsts, append=len(tags))
    plain = counts > 0
    if not plain.all():
        return _Items(tags, tags, tags, tags, tags), plain
    record = np.repeat(np.arange(len(sizes)), counts)
    value = tags + 3
    value_size = data[tags + 2].astype(np.int64)
    after = value + value_size
    begin = np.empty_like(after)
    begin[1:] = after[:-1]
    begin[firsts] = begins
    size = data[begin + 1]
    kind = data[begin + 2]
    key_size = data[begin + 3].astype(np.int64)
    good = (data[begin] == _KEY) & (size < _SHORT) & (size == after - begin - 2)
    good &= ((kind == _KEY) | (kind == _PART)) & (key_size == tags - begin - 4)
    good &= (key_size > 0) & (value_size > 0)
    plain[record[~good]] = False
    last = after[firsts + counts - 1]
    rest = ends - last
    step = (data[np.minimum(last, ends)] == _STEP) & (rest >= 2) & (rest <= 13)
    step &= data[np.minimum(last, ends) + 1] == rest - 2
    plain &= (rest == 0) | step
    return _Items(begin + 4, key_size, value, value_size, record), plain


def _keyed(data: NDArray[np.uint8], items: _Items) -> tuple[list[str], NDArray[Any]] | None:
    """The different keys, and which of them each item has; None when they cannot be told apart."""
    eights: NDArray[np.uint64] = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))
    words = [
        eights[items.key + at] & _MASKS[np.clip(items.key_size - at, 0, 8)]
        for at in range(0, int(items.key_size.max()), 8)
    ]
    mixed = items.key_size.astype(np.uint64)
    for word in words:
        mixed = (mixed ^ word) * _PRIME
        mixed ^= mixed >> np.uint64(29)
    _, one, keys = np.unique(mixed, return_index=True, return_inverse=True)
    whose = one[keys]
    if any((word != word[whose]).any() for word in (items.key_size, *words)):
        return None
    ends = items.key + items.key_size
    raw = [data[items.key[at] : ends[at]].tobytes() for at in one]
    if not all(map(bytes.isascii, raw)):
        return None
    return [key.decode("ascii") for key in raw], keys.astype(np.min_scalar_type(len(raw)))


def _named(data: NDArray[np.uint8], items: _Items) -> tuple[Ints, list[float | None]]:
    """Which values begin as no number, and NaN or infinity where they are one."""
    at, size = items.value, items.value_size
    digit = data[np.stack((at, at + 1))] - np.uint8(ord("0")) < 10
    odd = np.flatnonzero(~(digit[0] | ((data[at] == _MINUS) & digit[1])))
    words = zip(at[odd].tolist(), size[odd].tolist(), strict=True)
    return odd, [_WORDS.get(data[begin : begin + n].tobytes()) for begin, n in words]


def _values(data: NDArray[np.uint8], items: _Items, odd: Ints) -> NDArray[np.float64] | None:
    """The numbers, 0 for the odd ones; None when one of them is none."""
    at, size = items.value, items.value_size.copy()
    text = data.copy()
    text[at - 1] = ord(",")
    text[at[odd]] = ord("0")
    size[odd] = 1
    # In turn what is before a number, and the number with its comma.
    turns = np.empty((len(at), 2), np.int64)
    turns[:, 1] = size + 1
    turns[:, 0] = np.diff(at, prepend=0) - 1
    turns[1:, 0] -= size[:-1]
    turns[0, 0] = at[0] - 1
    wanted = np.repeat(np.arange(2 * len(at)) % 2 == 1, turns.ravel())
    joined = text[: len(wanted)][wanted].tobytes()
    if joined.translate(None, _NUMBER):
        return None
    try:
        found = np.array(_FLOATS.decode(b"[%b]" % joined[1:]))
    except msgspec.DecodeError:
        return None
    if len(found) != len(at):
        return None
    found[(found == 0) & (data[at] == _MINUS)] = -0.0
    return found


def _micros(seconds: NDArray[np.float64]) -> Ints:
    """Whole microseconds, see `columns.micros`; 0 for what is no time."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.rint(seconds * 1e6)
        return np.where(np.abs(found) < MICROS, found, 0).astype(np.int64)
