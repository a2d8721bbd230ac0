"""Which editor, and what becomes of the file it is given."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.app import SuspendNotSupported

from modeldeck.app.console.editor import edit_text, editor_command
from modeldeck.backends.api.errors import ModeldeckError, UsageError


@pytest.fixture
def programs(tmp_path):
    """A folder of programs, as PATH."""

    def make(*names):
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o700)
        return str(tmp_path)

    return make


def test_the_setting_goes_before_the_variables_and_those_before_vi(programs):
    path = programs("mine", "visual", "editor", "vi", "nano")
    both = {"VISUAL": "visual -x", "EDITOR": "editor", "PATH": path}
    assert editor_command("mine -w 'a b'", both) == ["mine", "-w", "a b"]
    assert editor_command("", both) == ["visual", "-x"]
    assert editor_command(" ", {"EDITOR": "editor", "PATH": path}) == ["editor"]
    assert editor_command("", {"PATH": path}) == ["vi"]


def test_nano_where_there_is_no_vi_and_words_where_there_is_none(programs, tmp_path):
    assert editor_command("", {"PATH": programs("nano")}) == ["nano"]
    with pytest.raises(UsageError, match="no editor was found"):
        editor_command("", {"PATH": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("text", ["gone --wait", "'unclosed", "''"])
def test_one_that_is_named_and_not_there_is_no_reason_to_take_another(programs, text):
    with pytest.raises(UsageError, match="EDITOR") as told:
        editor_command("", {"EDITOR": text, "PATH": programs("vi")})
    assert told.value.where == "EDITOR"


def test_nothing_is_run_by_a_shell(programs):
    path = programs("editor")
    with pytest.raises(UsageError, match="editor;"):
        editor_command("", {"EDITOR": "editor; touch x", "PATH": path})


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Edit with a script as the editor."""

    def work(script, text, name="card.md", suspend=contextlib.nullcontext):
        path = tmp_path / "script"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setenv("EDITOR", f"{path} --wait")
        monkeypatch.delenv("VISUAL", raising=False)
        console = SimpleNamespace(settings=SimpleNamespace(editor=""), suspend=suspend)
        return edit_text(console, text, name)

    return work


def test_what_was_left_is_taken_exactly(edit):
    assert edit("""printf 'a\\r\\nb' > "$2" """, "x") == "a\r\nb"


def test_unchanged_is_none_even_when_the_editor_ends_the_last_line(edit):
    assert edit("exit 0", "as it was") is None
    assert edit("""echo >> "$2" """, "as it was") is None
    assert edit("""echo >> "$2" """, "as it was\n") == "as it was\n\n"


def test_the_file_is_private_named_and_gone_afterwards(edit, tmp_path):
    seen = tmp_path / "seen"
    edit(f"""stat -c '%a %n' "$2" "$(dirname "$2")" > {seen}""", "secret", "fraud-v3.md")
    file, folder = (line.split(" ", 1) for line in seen.read_text().splitlines())
    assert (file[0], folder[0]) == ("600", "700")
    assert file[1].endswith("/fraud-v3.md")
    assert not Path(folder[1]).exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 2", "ended with 2"),
        ('rm "$2"', "left no file"),
        ("""printf 'a\\200' > "$2" """, "no UTF-8, at byte 1"),
    ],
)
def test_what_cannot_be_taken_is_said(edit, script, words):
    with pytest.raises(ModeldeckError, match=words):
        edit(script, "text")


def test_a_terminal_that_cannot_be_lent_is_said(edit):
    def suspend():
        raise SuspendNotSupported

    with pytest.raises(ModeldeckError, match="cannot be lent"):
        edit("exit 0", "text", suspend=suspend)
