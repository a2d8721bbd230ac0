"""What a run said and logged, as it leaves."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime

import pytest

from modeldeck.app.cli.log_lines import LONGEST, Lines
from modeldeck.app.usecases import export
from modeldeck.backends.api.times import to_micros
from tests.usecases.project import FAILED, FIRST, RUNNING, SECOND

NOON = to_micros(datetime(2026, 1, 1, 12, tzinfo=UTC))


def lines(*pieces: bytes) -> list[str]:
    reader = Lines()
    found = [line for piece in pieces for line in reader.feed(piece)]
    return [line.text for line in [*found, *reader.feed(b"", last=True)]]


def test_a_log_that_was_kept(cli):
    assert cli("runs", "logs", FIRST).out == "epoch 0\nepoch 1\ndone\n"


def test_a_log_that_grows(cli, project):
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"epoch 0\nepoch")
    assert cli("runs", "logs", RUNNING).out == "epoch 0\nepoch\n"


def noted(folder, *pairs):
    """Times of a log: so many bytes were there so many seconds after noon."""
    data = b"".join(struct.pack("<QQ", size, NOON + at * 1_000_000) for size, at in pairs)
    (folder / "output.times").write_bytes(b"mdtimes\x01" + data)


@pytest.fixture
def live(project):
    """The folder of the run that goes on, with two lines and the beginning of a third."""
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"epoch 0\nepoch 1\nepoch")
    return folder


def test_lines_with_the_time_at_which_they_were_written(cli, live):
    noted(live, (8, 0), (16, 61))
    result = cli("runs", "logs", RUNNING, "--timestamps")
    times = [line.split(" epoch")[0] for line in result.out.splitlines()]
    assert [datetime.fromisoformat(one) for one in times[:2]] == [
        datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC),
        datetime(2026, 1, 1, 12, 1, 1, tzinfo=UTC),
    ]
    assert times[2].strip() == "-", "nobody saw it come"
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("pairs", [None, (), [(8, 0), (2, 5)], [(8, 0), (999, 5)]])
def test_times_that_are_not_there_or_not_of_this_log(cli, live, pairs):
    if pairs is not None:
        noted(live, *pairs)
    result = cli("runs", "logs", RUNNING, "--timestamps")
    assert [line.split()[0] for line in result.out.splitlines()] == ["-"] * 3
    assert result.err == "modeldeck: when these lines were written is not known\n"
    assert result.code == 0


def test_bytes_as_they_are_have_no_times(cli):
    result = cli("runs", "logs", FIRST, "--raw", "--timestamps")
    assert (result.code, result.out) == (2, "")


def test_a_log_outside_of_its_run_is_not_read(cli, project, tmp_path):
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "output.log").symlink_to(tmp_path / "secret")
    result = cli("runs", "logs", RUNNING)
    assert (result.code, result.out) == (2, "")


def test_a_log_byte_for_byte(cli, project):
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"\x1b[31mred\x1b[0m\r\n")
    assert cli("runs", "logs", RUNNING, "--raw").out == "\x1b[31mred\x1b[0m\r\n"


def test_raw_bytes_never_reach_a_terminal(cli, monkeypatch):
    monkeypatch.setattr("modeldeck.app.cli.streams.is_terminal", lambda _: True)
    result = cli("runs", "logs", FIRST, "--raw")
    assert (result.code, result.out) == (2, "")
    assert "--raw: a log may hold bytes that steer the terminal" in result.err


def test_lines_are_as_a_terminal_would_leave_them():
    assert lines(b"10%\r 50%\r100%\r\nend") == ["100%", "end"]
    assert lines(b"\x1b[1;31mred\x1b[0m \x1b[Kok\n") == ["red ok"]
    assert lines(b"\x1b]0;owned\x07\n") == [r"\u{1b}]0;owned\u{07}"]
    assert lines(b"a\tb\n\xff\xfe\n") == ["a       b", "\ufffd\ufffd"]


def test_a_character_may_come_in_pieces():
    assert lines("größe".encode()[:3], "größe".encode()[3:] + b"\n") == ["größe"]


def test_a_line_without_an_end_does_not_fill_the_memory():
    reader = Lines()
    found = [line for _ in range(10) for line in reader.feed(b"x" * LONGEST)]
    assert len(found) == 9
    assert {len(line.text) for line in found} == {LONGEST}


def test_a_line_knows_where_what_is_left_of_it_begins():
    reader = Lines()
    found = [*reader.feed(b"one\n10%\r"), *reader.feed(b"20%\r\nend"), *reader.feed(b"", last=True)]
    assert found == [(0, "one"), (8, "20%"), (13, "end")]
    letters = "é" * LONGEST
    reader = Lines()
    found = [*reader.feed(b"x" + letters.encode()), *reader.feed(b"", last=True)]
    assert "".join(line.text for line in found) == "x" + letters
    assert [line.at for line in found] == [0, LONGEST - 1, 2 * LONGEST - 1]


def test_export_of_runs_is_their_json(cli):
    out = cli("runs", "export", SECOND, FIRST).out
    listed = {
        json.loads(line)["id"]: line for line in cli("runs", "ls", "-o", "jsonl").out.splitlines()
    }
    assert out.splitlines() == [listed[SECOND], listed[FIRST]]


@pytest.mark.parametrize("piece", [1, 2, 500_000])
def test_export_of_points_is_whole_in_any_pieces(cli, monkeypatch, piece):
    monkeypatch.setattr(export, "PIECE", piece)
    out = cli("runs", "export", FIRST, FAILED, "--series", "-o", "json").out
    items = json.loads(out)["items"]
    assert [(p["key"], p["step"], p["value"]) for p in items if p["run"] == FIRST] == [
        ("auc", 0, 0.5),
        ("auc", 1, 0.9),
        ("auc", 2, 0.93),
        ("loss", 0, 0.9),
        ("loss", 1, 0.3),
        ("loss", 2, 0.2),
    ]
    assert [p["value"] for p in items if p["run"] == FAILED] == ["Infinity"]


def test_export_of_one_metric_of_ids_from_stdin(cli):
    ids = cli("runs", "ls", "-o", "jsonl").out
    out = cli("runs", "export", "-", "--metric", "auc", stdin=ids).out
    assert {json.loads(line)["key"] for line in out.splitlines()} == {"auc"}


def test_export_without_points_is_an_empty_list(cli):
    assert json.loads(cli("runs", "export", "fold-1", "--series", "-o", "json").out)["items"] == []
    assert (
        cli("runs", "export", "fold-1", "--series", "-o", "csv").out == "run,key,step,time,value\n"
    )
