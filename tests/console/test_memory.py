import json

import pytest

from modeldeck.app.config.paths import state_folder
from modeldeck.app.console.memory import LONGEST_TEXT, MOST_ITEMS, MOST_VALUES, Memory


def path():
    (found,) = (state_folder() / "console").iterdir()
    return found


def test_what_is_put_is_there_the_next_time():
    Memory("a").put("columns/x", ["one", "two"])
    Memory("a").put("theme", "nord")
    assert Memory("a").texts("columns/x") == ["one", "two"]
    assert Memory("a").text("theme") == "nord"
    assert Memory("a").texts("theme") is None
    assert Memory("a").text("columns/x") is None
    assert Memory("b").texts("columns/x") is None
    assert path().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 1}',
        b'{"version": 1, "values": []}',
        b'{"version": 2, "values": {"k": ["x"]}}',
        b'{"version": 1, "values": {"k": NaN}}',
        b'{"version": 1, "values": {"k": 7}}',
        b'{"version": 1, "values": {"k": [1, 2]}}',
        b'{"version": 1, "values": {"k": ["' + b"x" * (1 << 20) + b'"]}}',
        b"[" * 100_000,
    ],
)
def test_foreign_content_is_nothing_remembered(content):
    Memory("a").put("k", ["x"])
    path().write_bytes(content)
    memory = Memory("a")
    assert memory.texts("k") is None
    memory.put("k", ["y"])
    assert Memory("a").texts("k") == ["y"]


def test_values_are_clamped():
    memory = Memory("a")
    memory.put("long", "x" * 5000)
    memory.put("many", ["y" * 5000] * 1000)
    for at in range(MOST_VALUES + 20):
        memory.put(f"k{at}", str(at))
    found = json.loads(path().read_text())["values"]
    assert len(found) == MOST_VALUES
    assert Memory("a").text("k519") == "519"
    other = Memory("b")
    other.put("long", "x" * 5000)
    other.put("many", ["y" * 5000] * 1000)
    assert len(other.text("long")) == LONGEST_TEXT
    assert [len(item) for item in other.texts("many")] == [LONGEST_TEXT] * MOST_ITEMS


def test_a_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    memory = Memory("a")
    memory.put("k", "v")
    assert memory.text("k") == "v"
