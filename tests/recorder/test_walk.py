"""Files below a folder: all that are its own, none that are not."""

from __future__ import annotations

import os

import pytest

from modeldeck.app.recorder.walk import TooMuchError, digest, files


def test_files_come_with_their_paths_and_sizes(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "x").write_text("12")
    (tmp_path / "a").write_text("")
    problems = []
    found = list(files(tmp_path, problems))
    assert [(file.path, file.size) for file in found] == [("a", 0), ("b/c/x", 2)]
    assert found[1].location.read_text() == "12"
    assert problems == []


def test_what_is_not_the_folders_own_is_left_out_and_named(tmp_path):
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (tmp_path / "secret").write_text("s")
    (root / "own").write_text("o")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "same").symlink_to("own")
    (root / "loop").symlink_to(root)
    (root / "dead").symlink_to("nothing")
    (root / "inner" / "up").symlink_to("../own")
    os.mkfifo(root / "pipe")
    problems = []
    assert [file.path for file in files(root, problems)] == ["inner/up", "own", "same"]
    assert sorted(problem.where for problem in problems) == ["dead", "loop", "out", "pipe"]


def test_names_that_are_no_text_do_not_meet(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("1")
    (tmp_path / "caf\\xe9").write_text("22")
    (tmp_path / "new\nline").write_text("")
    problems = []
    found = [file.path for file in files(tmp_path, problems)]
    assert found == ["caf\\xe9", "new\nline"]
    assert [problem.where for problem in problems] == ["caf\\xe9"]


def test_there_is_an_end_to_it(tmp_path):
    for number in range(5):
        (tmp_path / str(number)).write_text("x")
    problems = []
    assert len(list(files(tmp_path, problems, limit=3))) == 3
    assert "first 3" in problems[0].what
    with pytest.raises(TooMuchError):
        digest(tmp_path, limit=4)


def test_a_digest_of_a_folder_is_of_names_sizes_and_bytes(tmp_path):
    (tmp_path / "a").write_text("1")
    first = digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = digest(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, digest(tmp_path)}) == 3


def test_nothing_there_is_nothing(tmp_path):
    assert list(files(tmp_path / "gone")) == []
