"""Points of a series <-> the bytes of a sealed chunk, bit for bit.

Steps and times are stored as differences of differences. Values are stored in the narrowest way
that gives back every bit: as decimal integers (most logs round), as 32-bit floats (most frameworks
compute in them), else as they are; each as what it differs from the one before. The bytes of all
numbers are then laid plane by plane, which puts the zeros together, and deflated.

Layout: version (u8), count (u32), way of the values (u8), three lengths (u32), three streams.
"""

import struct
import zlib
from array import array
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..api.errors import DamagedError
from ..api.runs import Points

VERSION = 1
_HEAD = struct.Struct("<BIBIII")
_BITS, _FLOAT32, _DECIMAL = 0, 1, 2
_DECIMALS = 10
_EXACT = float(1 << 53)
Words = npt.NDArray[np.uint64]


def encode(points: Points) -> bytes:
    """The chunk of `points`: at least one, at most 2**32 - 1."""
    way, values = _narrowed(np.frombuffer(points.values, np.float64))
    streams = [_axis(points.steps.tobytes()), _axis(points.times.tobytes()), _deflate(values)]
    return _HEAD.pack(VERSION, len(points), way, *map(len, streams)) + b"".join(streams)


@lru_cache(maxsize=256)
def _axis(numbers: bytes) -> bytes:
    # Series that are logged together have the same steps and times.
    return _deflate(_curved(np.frombuffer(numbers, np.int64)))


def decode(chunk: bytes) -> Points:
    """The points of a chunk; DamagedError when it is none."""
    try:
        version, count, way, *lengths = _HEAD.unpack_from(chunk)
        if version != VERSION or not count or _HEAD.size + sum(lengths) != len(chunk):
            raise ValueError(version)
        start, streams = _HEAD.size, []
        for length in lengths:
            streams.append(_inflate(chunk[start : start + length], count))
            start += length
        steps, times, values = _straight(streams[0]), _straight(streams[1]), streams[2]
        floats = _widened(way, values)
    except (struct.error, zlib.error, ValueError) as error:
        raise DamagedError(f"a chunk of points does not decode ({error})") from error
    return Points(
        array("q", steps.tobytes()), array("q", times.tobytes()), array("d", floats.tobytes())
    )


def _narrowed(values: npt.NDArray[np.float64]) -> tuple[int, Words]:
    bits = values.view(np.uint64)
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        if np.array_equal(single.astype(np.float64).view(np.uint64), bits):
            return _FLOAT32, _folded(single.view(np.uint32).astype(np.uint64))
        for decimals in range(_DECIMALS):
            scale = 10.0**decimals
            if not _decimal(values[:8], scale):
                continue
            if _decimal(values, scale):
                return _DECIMAL + decimals, _zigzag(
                    _stepped(np.rint(values * scale).astype(np.int64))
                )
    return _BITS, _folded(bits)


def _decimal(values: npt.NDArray[np.float64], scale: float) -> bool:
    whole = np.rint(values * scale)
    if not (np.abs(whole) < _EXACT).all():
        return False
    back = whole.astype(np.int64) / scale
    return np.array_equal(back.view(np.uint64), values.view(np.uint64))


def _widened(way: int, words: Words) -> npt.NDArray[np.float64]:
    if way == _BITS:
        return np.bitwise_xor.accumulate(words).view(np.float64)
    if way == _FLOAT32:
        single = np.bitwise_xor.accumulate(words).astype(np.uint32).view(np.float32)
        return single.astype(np.float64)
    if way >= _DECIMAL + _DECIMALS:
        raise ValueError(way)
    whole = np.cumsum(_unzigzag(words), dtype=np.int64)
    return whole / 10.0 ** (way - _DECIMAL)


def _stepped(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    out = numbers.copy()
    out[1:] -= numbers[:-1]
    return out


def _curved(numbers: npt.NDArray[np.int64]) -> Words:
    return _zigzag(_stepped(_stepped(numbers)))


def _straight(words: Words) -> npt.NDArray[np.int64]:
    return np.cumsum(np.cumsum(_unzigzag(words), dtype=np.int64), dtype=np.int64)


def _zigzag(numbers: npt.NDArray[np.int64]) -> Words:
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _unzigzag(words: Words) -> npt.NDArray[np.int64]:
    return (words >> np.uint64(1)).view(np.int64) ^ -(words & np.uint64(1)).view(np.int64)


def _folded(words: Words) -> Words:
    out = words.copy()
    out[1:] ^= words[:-1]
    return out


def _deflate(words: Words) -> bytes:
    planes = np.ascontiguousarray(words.view(np.uint8).reshape(-1, 8).T)
    return zlib.compress(planes.data, 1)


def _inflate(data: bytes, count: int) -> Words:
    inflater = zlib.decompressobj()
    planes = inflater.decompress(data, count * 8)
    if len(planes) != count * 8 or inflater.unconsumed_tail:
        raise ValueError(len(planes))
    flat = np.frombuffer(planes, np.uint8).reshape(8, -1)
    return np.ascontiguousarray(flat.T).view(np.uint64).reshape(-1)
