"""Each kind of error is one clear line on stderr, with the exit code of its kind."""

from __future__ import annotations

import sqlite3

import pytest

from modeldeck.app.cli import failing
from modeldeck.backends.api.errors import BusyError
from modeldeck.backends.local import LocalBackend
from tests.cli.conftest import run_cli
from tests.usecases.project import FIRST

WRONG = {
    "an unknown command": (["runz"], "'runz' is neither a command nor a path. Did you mean run"),
    "an unknown verb": (["runs", "lst"], "No such command 'lst'"),
    "an unknown option": (["runs", "ls", "--sorted"], "No such option"),
    "a missing argument": (["runs", "show"], "Missing argument 'RUN'"),
    "a limit that is no number": (["runs", "ls", "--limit", "-1"], "Invalid value for '--limit'"),
    "no such run": (["runs", "show", "nobody"], "no run 'nobody'. `modeldeck runs ls` lists them"),
    "no such model": (["models", "show", "x"], "no model 'x'. `modeldeck models ls` lists them"),
    "no such version": (["versions", "show", "fraud", "9"], "model 'fraud' has no version 9"),
    "no such alias": (["versions", "show", "fraud@old"], "model 'fraud' has no alias 'old'"),
    "no version": (["versions", "show", "fraud"], "'fraud' names no version"),
    "two versions": (["versions", "show", "fraud/1", "fraud/2"], "2 versions were named"),
    "no such experiment": (["runs", "ls", "-e", "nix"], "no experiment 'nix'"),
    "a token of another list": (["runs", "ls", "--next", "IjEi"], "is gone. List again"),
    "no token": (["runs", "ls", "--next", "%%"], "'%%' is no token of --next"),
    "one run to compare": (["runs", "compare", FIRST], "2 to 20 runs can be compared"),
    "the same run twice": (["runs", "compare", FIRST, "xgb-base"], "2 to 20 runs"),
    "no tags": (["runs", "tag", FIRST], "no tags given. Give them as KEY=VALUE"),
    "a tag without a name": (["runs", "tag", FIRST, "=x"], "a tag needs a name"),
    "tags of nothing": (["runs", "tag", "a=b"], "nothing was named"),
    "no such context": (["--context", "prod", "runs", "ls"], ""),
    "a registry that is none": (["--registry", "no/such", "runs", "ls"], "no/such: no such file"),
    "a version that is no number": (["alias", "set", "fraud", "x", "new"], "'new' is no version"),
    "an alias that reads as a version": (
        ["alias", "set", "fraud", "v3", "1"],
        "reads as a version",
    ),
    "the reserved alias": (["alias", "set", "fraud", "Latest", "1"], "reads as a version"),
    "an alias with a slash": (["alias", "set", "fraud", "a/b", "1"], "/ separates it"),
    "an alias of nothing": (["alias", "set", "fraud", "", "1"], "an alias needs a name"),
    "no log": (["runs", "logs", "fold-1"], "no output was kept"),
    "no address": (["open", "nothing-here"], "neither an address nor a path"),
    "no terminal": (["open", "models/fraud/2"], "`modeldeck versions show fraud/2` prints it"),
    "an unknown shell": (["completion", "tcsh"], "Invalid value for"),
}


@pytest.mark.parametrize("about", WRONG)
def test_a_wrong_request_exits_2(cli, about):
    argv, words = WRONG[about]
    result = run_cli(*argv) if "--registry" in argv else cli(*argv)
    if "--context" in argv:
        result = run_cli(*argv)
        words = "there is no context 'prod'"
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("modeldeck: ")


def test_a_filter_that_does_not_parse_is_shown_with_a_caret(cli):
    result = cli("runs", "ls", "--filter", "status = failed and auc >> 1")
    assert (result.code, result.out) == (2, "")
    line, text, caret = result.err.splitlines()
    assert line.startswith("modeldeck: filter, character 21: runs have no field 'auc'. Expected")
    assert text == "  status = failed and auc >> 1"
    assert text[caret.index("^")] == "a"


def test_so_is_a_sort(cli):
    result = cli("runs", "ls", "--sort", "started,-statsu")
    assert result.code == 2
    line, text, caret = result.err.splitlines()
    assert line.startswith("modeldeck: sort, character 10: runs have no field 'statsu'")
    assert text[caret.index("^") :] == "statsu"


def test_the_caret_finds_its_place_among_wide_and_foreign_characters(cli):
    result = cli("runs", "ls", "--filter", "name = 表\x1b and nix = 1")
    text, caret = result.err.splitlines()[1:]
    assert text == r"  name = 表\u{1b} and nix = 1"
    assert caret.index("^") == len(r"  name = XX\u{1b} and ")


def test_a_long_filter_shows_what_is_around_the_place(cli):
    result = cli("runs", "ls", "--filter", f"name = {'x' * 300} and nix = 1 and {'y' * 300}")
    text, caret = result.err.splitlines()[1:]
    assert len(text) < 130
    assert text[caret.index("^") :].startswith("nix = 1")


def test_nothing_found_says_what_was_looked_for_and_the_way_out():
    result = run_cli("runs", "ls")
    assert result.code == 2
    for words in (
        "MODELDECK_REGISTRY",
        ".modeldeck in",
        "./mlflow.db",
        "./mlruns",
        "modeldeck init",
    ):
        assert words in result.err


def test_a_registry_that_is_none(tmp_path):
    path = tmp_path / "registry.db"
    path.write_bytes(b"no database at all" * 100)
    result = run_cli("--registry", path, "runs", "ls")
    assert (result.code, result.out) == (2, "")
    assert f"{path}: is not a SQLite database" in result.err
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t(x)")
    connection.close()
    result = run_cli("--registry", other, "runs", "ls")
    assert result.code == 2
    assert "Give the path of an mlflow.db" in result.err


def test_what_may_be_tried_again_exits_3(cli, monkeypatch):
    def busy(*_args, **_options):
        raise BusyError("is locked by another process", way_out="Try again")

    monkeypatch.setattr(LocalBackend, "runs", busy)
    result = cli("runs", "ls")
    assert (result.code, result.err) == (3, "modeldeck: is locked by another process. Try again\n")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/x/\x1b[31m"), 4, r"/x/\u{1b}[31m: Permission"),
        (FileNotFoundError(2, "No such file", "/x"), 2, "/x: No such file. Check the path"),
        (OSError(28, "No space left on device", "/x"), 3, "/x: No space left on device"),
        (OSError("odd"), 3, "odd. Try again"),
    ],
)
def test_an_error_of_the_system(cli, monkeypatch, error, code, words):
    def fails(*_args, **_options):
        raise error

    monkeypatch.setattr(LocalBackend, "runs", fails)
    result = cli("runs", "ls")
    assert result.code == code
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_ctrl_c_exits_130(cli, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalBackend, "runs", interrupted)
    assert cli("runs", "ls") == (130, "", "")


def test_an_error_of_our_own_leaves_a_report_without_values(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def fails(*_args, **_options):
        secret = "s3cr3t" + "-of-the-user"
        raise LookupError(f"{len(secret)} \x1b]0;owned\x07")

    monkeypatch.setattr(LocalBackend, "runs", fails)
    result = cli("runs", "ls")
    assert (result.code, result.out) == (1, "")
    (report,) = (tmp_path / "state" / "modeldeck" / "crashes").iterdir()
    assert str(report) in result.err
    assert len(result.err.splitlines()) == 1
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text(encoding="utf-8")
    assert "LookupError" in text
    assert "modeldeck 0.1.0, Python" in text
    assert "s3cr3t-of-the-user" not in text
    assert "\x1b" not in text + result.err


def test_a_report_that_cannot_be_written_is_no_second_error(cli, monkeypatch, tmp_path):
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(LocalBackend, "runs", lambda *_a, **_k: 1 / 0)
    result = cli("runs", "ls")
    assert result.code == 1
    assert result.err == (
        "modeldeck: an error of modeldeck itself (ZeroDivisionError). Please report it\n"
    )


def test_a_reader_that_has_gone_is_no_error(monkeypatch):
    def gone():
        raise BrokenPipeError

    monkeypatch.setattr(failing, "_drop_stdout", lambda: None)
    assert failing.guarded(gone) == 0
