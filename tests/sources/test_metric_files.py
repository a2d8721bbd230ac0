"""Lines of metric files, whole and damaged."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.sources import metric_files, series, store_files
from modeldeck.backends.sources.metric_files import read_points
from modeldeck.backends.sources.problems import ProblemLog
from modeldeck.backends.sources.series import figures, latest_logged, ordered

from .making import write

doubles = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
points = st.tuples(st.integers(0, 2**43), doubles, st.integers(-(2**53), 2**53))


@pytest.fixture
def read(tmp_path):
    """What is read of a file, and the problems."""

    def read(data):
        log = ProblemLog()
        path = write(tmp_path / "loss", data)
        found = read_points(path, log)
        told = [(p.where.removeprefix(str(path)), p.what) for p in log]
        triples = list(zip(found.steps, found.times, map(float.hex, found.values), strict=True))
        return triples, told

    return read


@given(st.lists(points, max_size=30))
def test_every_float_is_read_bit_for_bit(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("m") / "loss"
    write(path, "".join(f"{time} {value!r} {step}\n" for time, value, step in lines))
    found = read_points(path, ProblemLog())
    assert list(found.steps) == [step for _, _, step in lines]
    assert list(found.times) == [time * 1000 for time, _, _ in lines]
    assert [value.hex() for value in found.values] == [value.hex() for _, value, _ in lines]


def test_old_lines_have_no_step(read):
    assert read("5 0.5\n6 1.0\n")[0] == [(0, 5000, (0.5).hex()), (0, 6000, (1.0).hex())]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ('{"step": 1}', "its time, value or step is no number"),
        ("nonsense", "it has 1 words and not time, value, step"),
        ("5 0.5 1 x", "it has 4 words and not time, value, step"),
        ("", "it has 1 words and not time, value, step"),
        ("five 0.5 1", "its time, value or step is no number"),
        ("5 half 1", "its time, value or step is no number"),
        ("5 0.5 1.5", "its time, value or step is no number"),
        ("5 0.5 99999999999999999999", "its time or step is too large"),
        ("99999999999999999 0.5 1", "its time or step is too large"),
        ("5 0.5 " + "1" * 5000, "it has more than 4096 bytes"),
        ("\x00\x1b[31m \u202e 1", "its time, value or step is no number"),
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_read(read, bad, what):
    found, told = read(f"5 0.5 0\n{bad}\n6 0.5 1\n")
    assert [step for step, _, _ in found] == [0, 1]
    assert told == [(": line 2", f"is left out: {what}")]


def test_many_damaged_lines_are_one_problem(read):
    found, told = read("x\n" * 500 + "5 0.5 7\n")
    assert [step for step, _, _ in found] == [7]
    assert told == [
        (
            ": line 1",
            "is left out: it has 1 words and not time, value, step; 499 more lines are left out",
        )
    ]


@pytest.mark.parametrize("half", ["6 0.5 1", "6 0.2", "6"])
def test_a_half_written_last_line_is_left_out(read, half):
    found, told = read(f"5 0.5 0\n{half}")
    assert [step for step, _, _ in found] == [0]
    assert told == [(": line 2", "is left out: it has no end, so it may be half-written")]


def test_bytes_that_are_no_text(read):
    found, told = read(b"5 0.5 0\n\xff\xfe\x00\n6 0.5 1\r\n")
    assert [step for step, _, _ in found] == [0, 1]
    assert [where for where, _ in told] == [": line 2"]


def test_an_empty_file_is_named(read):
    assert read("") == ([], [("", "is empty: a metric without points")])


def test_lines_with_a_dataset_have_the_step_that_mlflow_reads(read):
    found, told = read("5 0.5 3 train abc\n5 0.5 4 my train abc\n")
    assert [step for step, _, _ in found] == [0, 4]
    assert told == [
        (": line 1", "was measured on a dataset; its step is read as 0, as MLflow reads it")
    ]


@pytest.mark.parametrize("chunk", [1, 7, 10, 4096])
def test_blocks_of_any_size_give_the_same(read, monkeypatch, chunk):
    data = "".join(f"{i} {i / 7!r} {i}\n" for i in range(50)) + "x\n" + "8" * 9000 + "\n5 1.0 99\n6"
    wanted = read(data)
    monkeypatch.setattr(store_files, "CHUNK", chunk)
    assert read(data) == wanted
    assert len(wanted[0]) == 51


def test_a_huge_line_is_not_kept_in_memory(tmp_path, monkeypatch):
    kept = []
    blocks = metric_files._blocks
    monkeypatch.setattr(
        metric_files, "_blocks", lambda path: (kept.append(len(b)) or b for b in blocks(path))
    )
    path = write(tmp_path / "loss", b"1" * (9 << 20))
    log = ProblemLog()
    assert not read_points(path, log)
    assert kept == [4097]
    assert len(log) == 1


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3), doubles), min_size=1),
    st.sampled_from([0, series.MANY]),
)
def test_order_and_figures(triples, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "MANY", many)
        check_order_and_figures(triples)


def check_order_and_figures(triples):
    found = metric_files.Points()
    for step, time, value in triples:
        found.append(step, time, value)
    latest = latest_logged(found)
    best = max(triples, key=lambda t: (t[0], t[1], t[2]))
    assert (latest.step, latest.value.hex()) == (best[0], best[2].hex())
    put = ordered(found)
    rows = list(zip(put.steps, put.times, put.values, strict=True))
    assert sorted(map(repr, rows)) == sorted(repr(t) for t in triples)
    ranks = [(s, t, math.isnan(v), 0.0 if math.isnan(v) else v) for s, t, v in rows]
    assert ranks == sorted(ranks)
    info = figures("loss", put)
    finite = [v for _, _, v in triples if math.isfinite(v)]
    assert (info.count, info.finite) == (len(triples), len(finite))
    assert (info.low, info.high) == (min(finite, default=None), max(finite, default=None))
    assert (info.first_step, info.last_step) == (min(ranks)[0], max(ranks)[0])
