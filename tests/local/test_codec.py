from __future__ import annotations

import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.api.runs import Points
from modeldeck.backends.local.codec import decode, encode

from .records import exact

WHOLE = st.integers(-(2**63), 2**63 - 1)
STEPS = WHOLE | st.integers(0, 100)
BITS = st.binary(min_size=8, max_size=8).map(lambda raw: struct.unpack("<d", raw)[0])
VALUES = st.one_of(
    BITS,
    st.floats(),
    st.floats(width=32),
    st.decimals(-1000, 1000, places=3).map(float),
    st.sampled_from([0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 1e308, 0.1]),
)


def rows(values):
    return st.lists(st.tuples(STEPS, WHOLE, values), min_size=1, max_size=40)


@given(
    rows(VALUES)
    | rows(st.floats(width=32))
    | rows(st.decimals(-1000, 1000, places=2).map(float))
    | rows(BITS)
)
def test_every_bit_comes_back(found):
    steps, times, values = zip(*found, strict=True)
    points = Points(array("q", steps), array("q", times), array("d", values))
    assert exact(decode(encode(points))) == exact(points)


def test_a_logged_curve_is_small():
    count = 1024
    points = Points(
        array("q", range(count)),
        array("q", [1_700_000_000_000_000 + 250_000 * n for n in range(count)]),
        array("d", [round(1 / (n + 1), 4) for n in range(count)]),
    )
    assert len(encode(points)) < 3 * count


@given(st.data())
def test_a_damaged_chunk_is_points_or_an_error_that_says_so(data):
    chunk = bytearray(
        encode(Points(array("q", range(9)), array("q", range(9)), array("d", [0.5] * 9)))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        chunk[data.draw(st.integers(0, len(chunk) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(chunk)))
    try:
        decode(bytes(chunk[:cut]))
    except DamagedError:
        return
    assert cut == len(chunk)


@pytest.mark.parametrize("chunk", [b"", b"\x01", b"\x02" * 40, bytes(18)])
def test_what_is_no_chunk_is_said_so(chunk):
    with pytest.raises(DamagedError):
        decode(chunk)
