"""Damaged logs: what can be read is given, what cannot is counted, and memory has an end."""

import ctypes
import os
import struct
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.runs import Status
from modeldeck.backends.memory import give_back
from modeldeck.backends.sources import blocks, log_source, tfrecords
from modeldeck.backends.sources.blocks import BLOCK, MAGIC
from modeldeck.backends.sources.crc32c import ROW, checksums, crc32c, masked
from modeldeck.backends.sources.detect import detect
from modeldeck.backends.sources.json_values import flat
from modeldeck.backends.sources.tensorboard import TensorBoard
from modeldeck.backends.sources.wandb import Wandb
from modeldeck.backends.sources.wire import Message, WireError

LATER = 4e9


def varint(value):
    value &= (1 << 64) - 1
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def field(number, value):
    """One field: an integer, a float (64 bits), or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def history(step, **values):
    pairs = {"_step": step, "_timestamp": 1.7e9 + step, **values}
    items = [field(1, field(2, k.encode()) + field(16, str(v).encode())) for k, v in pairs.items()]
    return field(2, b"".join(items))


def run_record(**texts):
    return field(17, b"".join(field(n, texts[k].encode()) for k, n in NUMBERS if k in texts))


NUMBERS = (("run_id", 1), ("project", 3), ("name", 8), ("notes", 9))


def log_of(records):
    """A transaction log of W&B, and where each record begins."""
    out, starts = bytearray(MAGIC + b"\0"), []
    for record in records:
        starts.append(len(out))
        rest, first = record, True
        while first or rest:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                continue
            piece, rest = rest[: room - 7], rest[room - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            body = bytes([kind]) + piece
            out += struct.pack("<IH", zlib.crc32(body), len(piece)) + body
            first = False
    return bytes(out), starts


def event(tag, value, step, time=1.7e9):
    inner = field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value)
    return field(1, time) + field(2, step) + field(5, field(1, inner))


def framed(records):
    out = b""
    for record in records:
        head = struct.pack("<Q", len(record))
        out += head + struct.pack("<I", masked(crc32c(head)))
        out += record + struct.pack("<I", masked(crc32c(record)))
    return out


def wandb_at(root, data, clock=lambda: LATER):
    path = root / "offline-run-1-abc" / "run-abc.wandb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Wandb(root, clock=clock)


def logs_at(root, data):
    path = root / "events.out.tfevents.1.host"
    path.write_bytes(data)
    return TensorBoard(root, clock=lambda: LATER)


def read(source):
    """All that a source gives, and what it says was wrong."""
    records = list(source.runs())
    for record in records:
        source.history(record.run.id)
        source.series(record.run.id)
    source.stamp()
    return records, [problem.what for problem in source.problems]


RECORDS = [run_record(project="p", name="n")] + [history(n, loss=n / 3) for n in range(3000)]
LOG, STARTS = log_of(RECORDS)
EVENTS = framed([event("loss", n, n) for n in range(100)])


def test_a_log_made_here_is_read(tmp_path):
    source = wandb_at(tmp_path, LOG)
    (record,), said = read(source)
    assert len(LOG) > 2 * BLOCK
    assert (record.run.name, record.run.experiment, said) == ("n", "p", [])
    points = source.points("abc", "loss")
    assert list(points.values) == [n / 3 for n in range(3000)]
    assert points.times[5] == 1_700_000_005_000_000


def test_the_memory_that_a_long_reading_took_is_given_back(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(log_source, "give_back", lambda: given.append(True))
    monkeypatch.setattr(log_source, "MANY_POINTS", 20)
    for points, times in ((20, 0), (21, 1)):
        path = tmp_path / f"run-{points}.wandb"
        path.write_bytes(log_of([history(step, a=step) for step in range(points)])[0])
        (record,) = Wandb(path).runs()
        assert record.latest["a"].value == points - 1
        assert len(given) == times


def test_memory_is_given_back_where_the_system_can_be_asked(monkeypatch):
    asked = []
    for library in (SimpleNamespace(malloc_trim=asked.append), SimpleNamespace()):
        monkeypatch.setattr(ctypes, "CDLL", lambda _, library=library: library)
        give_back()
    assert asked == [0]


def test_a_wrong_checksum_costs_one_record(tmp_path):
    data = bytearray(LOG)
    data[STARTS[10] + 30] ^= 1
    data[STARTS[20] + 30] ^= 1
    source = wandb_at(tmp_path, bytes(data))
    _, said = read(source)
    assert said == [
        f"2 of 3,001 records could not be read: the first at byte {STARTS[10]:,},"
        " its checksum is wrong"
    ]
    assert len(source.points("abc", "loss")) == 2998


def test_a_wrong_length_costs_no_more_than_its_block(tmp_path):
    data = bytearray(LOG)
    data[STARTS[10] + 4 : STARTS[10] + 6] = b"\xff\xff"
    source = wandb_at(tmp_path, bytes(data))
    _, said = read(source)
    assert "its length goes beyond its block" in said[0]
    assert len(source.points("abc", "loss")) > 3000 - BLOCK // 60
    assert source.points("abc", "loss").steps[-1] == 2999


@pytest.mark.parametrize("end", [STARTS[50] + 20, BLOCK + 11, BLOCK + 3, len(LOG) - 1])
def test_a_log_that_was_cut(tmp_path, end):
    source = wandb_at(tmp_path, LOG[:end])
    (record,), said = read(source)
    whole = sum(start < end for start in STARTS) - 2
    assert abs(len(source.points("abc", "loss")) - whole) <= 1
    assert len(said) == 1
    assert said[0].startswith("ends within a record")
    assert record.run.status is Status.KILLED


def test_the_end_of_a_young_log_is_waited_for(tmp_path):
    now = [LATER]
    source = wandb_at(tmp_path, LOG[: STARTS[50] + 20], clock=lambda: now[0])
    path = next(tmp_path.glob("*/*.wandb"))
    now[0] = path.stat().st_mtime + 1
    (record,), said = read(source)
    assert (record.run.status, said) == (Status.RUNNING, [])
    now[0] += 10_000
    (record,), said = read(source)
    assert record.run.status is Status.KILLED
    assert len(said) == 1


def test_zeros_at_the_end_and_within(tmp_path):
    source = wandb_at(tmp_path, LOG[: STARTS[50]] + bytes(3 * BLOCK))
    _, said = read(source)
    assert said == [f"ends within a record: nothing can be read from byte {STARTS[50]:,} on"]
    assert len(source.points("abc", "loss")) == 49
    data = bytearray(LOG)
    data[BLOCK : 2 * BLOCK] = bytes(BLOCK)
    (tmp_path / "b").mkdir()
    source = wandb_at(tmp_path / "b", bytes(data))
    _, said = read(source)
    assert "could not be read: the first at byte 32," in said[0]
    assert source.points("abc", "loss").steps[-1] == 2999


def test_a_record_without_end_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_RECORD", 100_000)
    log, _ = log_of([RECORDS[0], field(2, bytes(300_000)), RECORDS[1]])
    source = wandb_at(tmp_path, log)
    _, said = read(source)
    assert said[0].startswith("1 of 3 records could not be read")
    assert "it has more than 100,000 bytes" in said[0]
    assert len(source.points("abc", "loss")) == 1


@pytest.mark.parametrize(
    "record",
    [
        field(2, b"\x0a\xff\xff\xff\xff\x0f"),
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        field(2, field(1, b"\x07")),
        b"\x0b" * 50,
        field(17, 5) + b"\xff",
    ],
)
def test_records_that_are_no_messages(tmp_path, record):
    log, _ = log_of([*RECORDS[:5], record, *RECORDS[5:10]])
    source = wandb_at(tmp_path, log)
    _, said = read(source)
    assert said[0].startswith("1 of 11 records could not be read")
    assert len(source.points("abc", "loss")) == 9


@pytest.mark.parametrize(
    "value", ["[" * 50_000, '{"a":' * 50_000, "1e999", "-", "1.2.3", "nan", '"\ud800"', "{}"]
)
def test_values_that_are_no_numbers(tmp_path, value):
    item = field(2, b"x") + field(16, value.encode("utf-8", "surrogatepass"))
    step = field(1, field(2, b"_step") + field(16, b"7"))
    log, _ = log_of([RECORDS[0], field(2, step + field(1, item)), RECORDS[1]])
    source = wandb_at(tmp_path, log)
    (record,), _ = read(source)
    assert list(source.points("abc", "loss").steps) == [0]
    assert record.run.status is Status.KILLED


def test_fields_of_another_type_are_not_there():
    message = Message(field(1, 5) + field(2, b"text") + field(2, 7) + field(3, 1.5))
    assert (message.text(1), message.integer(2), message.text(2)) == ("", 7, "text")
    assert (message.double(1), message.double(3), message.single(3)) == (None, 1.5, None)
    assert Message(field(1, -3)).integer(1) == -3


def test_a_message_of_very_many_fields():
    with pytest.raises(WireError, match="more than 200,000 fields"):
        Message(b"\x08\x01" * 200_001)


def test_mappings_are_flattened_so_deep_and_no_deeper():
    nested = current = {}
    for _ in range(1000):
        current["a"] = {}
        current = current["a"]
    ((name, _),) = flat(nested)
    assert name.count(".") == 15
    assert len(list(flat({str(n): n for n in range(20_000)}))) == 10_000


# TFRecord files.


def test_events_made_here_are_read(tmp_path):
    source = logs_at(tmp_path, EVENTS)
    (record,), said = read(source)
    assert (record.run.id, said) == (".", [])
    assert list(source.points(".", "loss").values) == list(range(100))


@pytest.mark.parametrize(
    ("damage", "words", "left"),
    [
        (lambda data, at: data[:at] + b"\0" + data[at + 1 :], "its checksum is wrong", 99),
        (lambda data, at: data[: at - 20] + b"\xff" * 8 + data[at - 12 :], "nothing after", 50),
        (lambda data, at: data[:at], "ends within a record", 50),
        (lambda data, at: data[: at - 20] + bytes(5000), "nothing after it can be found", 50),
    ],
)
def test_damaged_events(tmp_path, damage, words, left):
    size = len(EVENTS) // 100
    at = len(framed([event("loss", n, n) for n in range(50)])) + 20
    source = logs_at(tmp_path, damage(EVENTS, at))
    _, said = read(source)
    assert size > 20
    assert words in said[0]
    assert len(source.points(".", "loss")) == left


def test_a_length_that_no_file_has(tmp_path, monkeypatch):
    head = struct.pack("<Q", 1 << 62)
    giant = head + struct.pack("<I", masked(crc32c(head)))
    source = logs_at(tmp_path, EVENTS + giant + b"x" * 100)
    _, said = read(source)
    assert said == [f"ends within a record: nothing can be read from byte {len(EVENTS):,} on"]
    monkeypatch.setattr(tfrecords, "MAX_RECORD", 1000)
    monkeypatch.setattr(tfrecords, "CHUNK", 2000)
    (tmp_path / "b").mkdir()
    source = logs_at(tmp_path / "b", framed([bytes(5000)]) + EVENTS)
    _, said = read(source)
    assert said == [
        "1 of 101 records could not be read: the first at byte 0, it has 5,000 bytes, too many"
        " to read"
    ]


def test_a_record_longer_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(tfrecords, "CHUNK", 100)
    long = event("long", 1.0, 1) + field(9, bytes(5000))
    source = logs_at(tmp_path, EVENTS + framed([long]) + EVENTS)
    _, said = read(source)
    assert said == []
    assert set(source.history(".")) == {"loss", "long"}


# What is no file of its kind.


@pytest.mark.parametrize("name", ["offline-run-1-abc/run-abc.wandb", "events.out.tfevents.1.h"])
def test_pipes_links_and_nothing(tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(LOG if "wandb" in name else EVENTS)
    for kind in ("pipe", "link", "empty"):
        path = tmp_path / kind / name
        path.parent.mkdir(parents=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "link":
            path.symlink_to(outside / "secret")
        else:
            path.touch()
    for kind in ("pipe", "link"):
        with pytest.raises(ModeldeckError):
            detect(tmp_path / kind)
    (one,) = detect(tmp_path / "empty")
    source = one.open()
    source._clock = lambda: LATER
    (record,), said = read(source)
    assert said == ["is empty"]
    assert record.latest == {}


def test_files_of_a_run_do_not_lead_out(tmp_path):
    source = wandb_at(tmp_path / "wandb", LOG)
    (tmp_path / "secret").write_text("s")
    files = tmp_path / "wandb" / "offline-run-1-abc" / "files"
    files.mkdir()
    (files / "link").symlink_to(tmp_path / "secret")
    (files / "kept").write_text("k")
    assert [file.path for file in source.artifacts("runs/abc")] == ["kept"]


# Laws.


@given(st.binary(max_size=300))
def test_any_bytes_are_no_crash(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("any")
    for log in (MAGIC + b"\0" + data, log_of([data])[0], LOG[:3000] + data, data):
        read(wandb_at(root, log))
    (root / "logs").mkdir(exist_ok=True)
    for log in (data, framed([data]), framed([field(5, data)]), EVENTS[:500] + data):
        read(logs_at(root / "logs", log))


@given(st.integers(0, len(LOG) - 1), st.integers(0, 255))
def test_one_wrong_byte_costs_little(tmp_path_factory, at, byte):
    data = bytearray(LOG)
    data[at] = byte
    source = wandb_at(tmp_path_factory.mktemp("one"), bytes(data))
    _, said = read(source)
    left = len(source.points("abc", "loss"))
    assert left >= 3000 - BLOCK // 50
    assert left == 3000 or said or LOG[at] == byte


@given(st.lists(st.binary(max_size=3 * ROW), max_size=40))
def test_checksums_of_many_are_those_of_each(pieces):
    assert checksums(pieces) == [slowly(piece) for piece in pieces]


def slowly(data):
    state = 0xFFFF_FFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFF_FFFF


def test_the_checksum_of_the_standard():
    # RFC 3720, B.4, and the check value of the polynomial.
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert checksums([bytes(32)] * 20) == [0x8A9136AA] * 20
    long = bytes(range(256)) * 40 + b"tail"
    assert crc32c(long) == slowly(long)
