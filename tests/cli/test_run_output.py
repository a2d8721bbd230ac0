"""What a run said and logged, as it leaves."""

from __future__ import annotations

import json

import pytest

from modeldeck.app.cli.log_lines import LONGEST, Lines
from modeldeck.app.usecases import export
from tests.usecases.project import FAILED, FIRST, RUNNING, SECOND


def lines(*pieces: bytes) -> list[str]:
    reader = Lines()
    found = [line for piece in pieces for line in reader.feed(piece)]
    return [*found, *reader.feed(b"", last=True)]


def test_a_log_that_was_kept(cli):
    assert cli("runs", "logs", FIRST).out == "epoch 0\nepoch 1\ndone\n"


def test_a_log_that_grows(cli, project):
    folder = project / ".modeldeck" / "runs" / RUNNING
    folder.mkdir(parents=True)
    (folder / "output.log").write_bytes(b"epoch 0\nepoch")
    assert cli("runs", "logs", RUNNING).out == "epoch 0\nepoch\n"


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
    assert {len(line) for line in found} == {LONGEST}


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
