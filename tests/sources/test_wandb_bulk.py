"""Histories read together are what they are read one by one, for whatever bytes they are."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.sources import columns, wandb_history
from modeldeck.backends.sources.columns import Columns
from modeldeck.backends.sources.wandb_bulk import Table, table_of
from modeldeck.backends.sources.wandb_history import History, Items

NUMBERS = ["0", "-0", "-0.0", "1", "-1", "0.1", "1e5", "1E+5", "1e-400", "-1e-400", "5e-324"]
NUMBERS += ["0.30000000000000004", "1.7976931348623159e308", "9007199254740993"]
NUMBERS += ["18446744073709551617", "NaN", "Infinity", "-Infinity"]
ODD = ["1e400", "-NaN", "Infinit", "NaNs", "01", "1.", ".5", "-", "--", "1-1", "1,2", "[1]", "true"]
ODD += ["null", "{}", '"1"', '"a,b"', "1\0", "1\n", " 1", ""]
WORDS = NUMBERS + ODD
KEYS = ["a", "b", "train/loss", "a" * 70, "k" * 17, "k" * 16 + "l", "_runtime", "_wandb.x", "é", ""]
TIMES = ["1.7e9", "1700000000.123456", "0", "-1.5", "1e300", "NaN", "1795914675.2410338", "x"]
STEPS = ["0", "1", "2.9", "-7", "1e300", "NaN", "9223372036854775807", "130", "1e18", "true"]


def length(data, field=1):
    size = len(data)
    return bytes([field << 3 | 2]) + (
        bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    )


def item(key, word, tag=2):
    raw, value = key.encode(), word.encode()
    inside = length(raw, tag) + raw + b"\x82\x01" + length(value, 0)[1:] + value
    return length(inside) + inside


def step_of(number):
    low = bytes([number & 127 | 128, number >> 7]) if number > 127 else bytes([number])
    return b"\x12" + bytes([len(low) + 1]) + b"\x08" + low


def bits(values):
    return struct.pack(f"<{len(values)}d", *values)


def read(payloads, few):
    """All that reading gives: the series bit by bit, and what was said."""
    kept, items, said = Columns(), Items(), []
    history = History(kept, items, lambda *what: said.append(what))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wandb_history, "FEW", few)
        for place, payload in enumerate(payloads):
            history.take(payload, place)
        history.flush()
    series = {
        key: (list(points.steps), list(points.times), bits(points.values))
        for key, points in kept.points.items()
    }
    return series, items.skipped, said, history._step, kept.count, kept.left


def same(payloads):
    quick = read(payloads, 1)
    assert quick == read(payloads, 1 << 60)
    return quick


def row(step, time, pairs, tail, seed):
    found = [item("_step", step), item("_timestamp", time), *(item(k, w, 1) for k, w in pairs)]
    random.Random(seed).shuffle(found)
    return b"".join(found) + tail


rows = st.builds(
    row,
    st.sampled_from(STEPS),
    st.sampled_from(TIMES),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(WORDS)), max_size=4),
    st.sampled_from([b"", step_of(5), step_of(130), step_of(16641), b"\x12\x00", b"\x1a\x00"]),
    st.integers(0, 99),
)


def plain(number, words=("0.5", "-0"), keys=("a", "train/loss")):
    pairs = list(zip(keys, words, strict=True))
    return row(str(number), "1.7e9", pairs, step_of(number % 16384), number)


@given(st.lists(rows, max_size=6))
def test_odd_records(payloads):
    same(payloads)


@given(st.lists(rows, max_size=3), st.lists(st.sampled_from(NUMBERS), min_size=2, max_size=2))
def test_odd_records_among_plain_ones(payloads, words):
    some = [plain(number, words) for number in range(5)]
    same(some + payloads + some + payloads[:1] + some)


@given(st.integers(0, 2000), st.integers(0, 255), st.booleans())
def test_a_wrong_byte_or_a_cut(at, byte, cut):
    payloads = [plain(number) for number in range(20)]
    which, at = at % 20, at // 20
    data = bytearray(payloads[which])
    at %= len(data)
    data[at:] = b"" if cut else bytes([byte]) + data[at + 1 :]
    payloads[which] = bytes(data)
    same(payloads)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes(payloads):
    same(payloads)
    same([plain(1), *payloads, plain(2)])


@given(st.lists(st.floats(), min_size=1), st.lists(st.floats(allow_infinity=False), min_size=1))
def test_any_numbers(values, times):
    spelled = [repr(v).replace("nan", "NaN").replace("inf", "Infinity") for v in values]
    rows = [
        row(str(n), repr(times[n % len(times)]).replace("nan", "NaN"), [("a", word)], b"", n)
        for n, word in enumerate(spelled)
    ]
    series, *_ = same(rows)
    assert series["a"][2] == bits([float(word) for word in spelled])


@pytest.mark.parametrize("few", [1, 1 << 60])
def test_what_plain_records_say(few):
    payloads = [plain(number, ("NaN", "-0")) for number in range(300)]
    series, skipped, said, *_ = read(payloads, few)
    assert (skipped, said) == (0, [])
    assert series == {
        key: (list(range(300)), [1_700_000_000_000_000] * 300, bits([value] * 300))
        for key, value in (("a", float("nan")), ("train/loss", -0.0))
    }


def test_plain_records_are_read_together_and_odd_ones_do_not_stop_them():
    payloads = [plain(number) for number in range(40)]
    assert isinstance(table_of(payloads), Table)
    for odd in (item("a", "{}"), item("a", '"x"'), b"", payloads[0][:-6], item("a", "1") * 2):
        payloads[20] = odd
        assert table_of(payloads).sum() == 39


def test_bounds_are_kept(monkeypatch):
    payloads = [plain(number) for number in range(40)]
    for bound in (0, 30, 79, 80, 81):
        monkeypatch.setattr(columns, "MAX_POINTS", bound)
        assert same(payloads)[4] == min(bound, 80)
    monkeypatch.setattr(columns, "MAX_KEYS", 1)
    assert len(same(payloads)[0]) == 1


@given(st.lists(st.one_of(st.integers(0, 60), st.just(-1)), min_size=1, max_size=60))
def test_series_that_come_and_go(said):
    keys = [("a", "b"), ("a",), ("b", "c")]
    same(
        [
            row(str(n), "1.7e9", [(key, str(n)) for key in keys[part % 3]], b"", n)
            if part >= 0
            else item("a", "{}")
            for n, part in enumerate(said)
        ]
    )
