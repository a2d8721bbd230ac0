"""When output was written: noted beside the log, believed only where it can be true."""

from __future__ import annotations

import struct
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modeldeck.app.recorder import times
from modeldeck.app.recorder.times import MARK, NAME, SIZE, Times, parse
from tests.recorder.real import artifact, listed, run_program, script

SECOND = 1_000_000
BEGAN = 1_700_000_000 * SECOND


class Log:
    """A log that grows while the time goes on."""

    def __init__(self, folder, most=times.PAIRS):
        self.folder, self.now = folder, BEGAN
        self.times = Times(folder, clock=lambda: self.now, most=most)

    def write(self, data, after=SECOND):
        self.now += after
        with (self.folder / "output.log").open("ab") as file:
            file.write(data)
        self.times.look()

    def close(self):
        self.times.close()

    @property
    def written(self):
        return parse((self.folder / NAME).read_bytes())


@pytest.fixture
def log(tmp_path):
    with closing(Log(tmp_path)) as log:
        yield log


def packed(*pairs):
    return MARK + b"".join(struct.pack("<QQ", *pair) for pair in pairs)


def test_a_byte_has_the_time_at_which_it_was_first_seen(log):
    log.write(b"one\n")
    log.write(b"")
    log.write(b"two\nthree\n")
    written = log.written
    assert [written.at(at) for at in (0, 3)] == [BEGAN + SECOND] * 2
    assert [written.at(at) for at in (4, 13)] == [BEGAN + 3 * SECOND] * 2
    assert written.at(14) is None
    assert (written.end, written.first, written.last) == (14, BEGAN + SECOND, BEGAN + 3 * SECOND)
    assert (log.folder / NAME).stat().st_mode & 0o777 == 0o600


def test_a_log_that_says_nothing_has_no_file(log):
    log.times.look()
    assert not (log.folder / NAME).exists()


def test_a_clock_that_is_set_back_is_believed(log):
    log.write(b"a")
    log.write(b"b", after=-100 * SECOND)
    assert log.written.at(1) == BEGAN - 99 * SECOND


def test_a_log_that_was_cut_begins_anew(log):
    log.write(b"long ago\n" * 10)
    (log.folder / "output.log").write_bytes(b"")
    log.write(b"now\n")
    assert (log.written.end, log.written.at(0)) == (4, BEGAN + 2 * SECOND)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3 * SECOND)), min_size=1, max_size=90))
@example([(1, 3 * SECOND)] * 90)
@example([(1, 1), (1, 3 * SECOND)] * 45)
def test_however_much_is_written_it_stays_small_and_near(tmp_path_factory, steps):
    with closing(Log(tmp_path_factory.mktemp("log"), most=8)) as log:
        true = []
        for count, after in steps:
            log.write(b"x" * count, after)
            true += [log.now] * count
            assert log.written.end == len(true), "the newest is always there"
        assert (log.folder / NAME).stat().st_size <= len(MARK) + 16 * 8
        found = [log.written.at(at) for at in range(len(true))]
        assert found == sorted(found)
        assert all(0 <= told - was < log.times._gap for told, was in zip(found, true, strict=True))
        assert log.times._gap <= max(times._FIRST_GAP, true[-1] - true[0]), (
            "no coarser than it must be"
        )


def test_a_clock_that_is_set_back_again_and_again_keeps_it_small_too(tmp_path):
    with closing(Log(tmp_path, most=8)) as log:
        for _ in range(90):
            log.write(b"x", after=-SECOND)
        assert (log.folder / NAME).stat().st_size <= len(MARK) + 16 * 8
        assert log.written.end == 90


def test_the_most_is_read_at_once():
    assert SIZE <= 1 << 20


def test_a_last_pair_that_is_not_whole_is_passed_over():
    data = packed((4, BEGAN), (9, BEGAN + 1))
    for cut in range(1, 16):
        assert parse(data[:-cut]).end == 4
    assert parse(data).end == 9


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MARK,
        MARK[:-1],
        b"x" * 64,
        packed((0, BEGAN)),
        packed((4, 0)),
        packed((9, BEGAN), (4, BEGAN)),
        packed((4, BEGAN), (4, BEGAN)),
        packed((4, 2**63)),
        packed((4, BEGAN), (0, 0)),
    ],
)
def test_what_cannot_be_true_says_nothing(data):
    assert parse(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data):
    for found in (parse(data), parse(MARK + data)):
        assert found is None or found.at(found.end - 1) == found.last


def test_a_disk_that_takes_no_more_ends_it(log, monkeypatch):
    log.write(b"a")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(times.os, "pwrite", full)
    log.write(b"b")
    monkeypatch.undo()
    log.write(b"c")
    assert log.written.end == 1, "what comes after a hole has no time"


@pytest.mark.real
def test_a_recorded_run_keeps_them_beside_an_untouched_log(tmp_path):
    body = 'print("one", flush=True); time.sleep(0.4); print("two", flush=True)'
    assert run_program(tmp_path, "run", "--", *script(tmp_path, body)).returncode == 0
    (run,) = listed(tmp_path)
    assert artifact(tmp_path, run["id"], "output.log") == b"one\ntwo\n"
    written = parse(artifact(tmp_path, run["id"], NAME))
    assert written.end == 8
    assert written.at(4) - written.at(0) >= SECOND // 5
    assert not list(tmp_path.glob(".modeldeck/runs/*/*"))
    shown = run_program(tmp_path, "runs", "logs", run["id"], "--timestamps").stdout.splitlines()
    assert [line.split()[1] for line in shown] == ["one", "two"]
    assert [line.split()[0] for line in shown] == sorted(line.split()[0] for line in shown)


@pytest.mark.real
def test_a_file_of_that_name_which_the_script_keeps_is_kept_apart(tmp_path):
    body = '(run / "artifacts" / "output.times").write_text("mine"); print("x")'
    assert run_program(tmp_path, "run", "--", *script(tmp_path, body)).returncode == 0
    (run,) = listed(tmp_path)
    assert artifact(tmp_path, run["id"], "artifacts/output.times") == b"mine"
    assert parse(artifact(tmp_path, run["id"], NAME)).end == 2
