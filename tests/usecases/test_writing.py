"""Files that appear whole or not at all, and never over another one unasked."""

import json

import pytest

from modeldeck.app.usecases.writing import Writing, csv_line, save_artifact, save_rows, target
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, RefusedError, UsageError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_private_and_appears_at_the_end(tmp_path):
    path = tmp_path / "out.csv"
    with Writing(path) as file:
        file.write(b"a")
        assert path.read_bytes() == b""
    assert path.read_bytes() == b"a"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["out.csv"]


def test_what_is_there_stays_unless_it_may_go(tmp_path):
    path = tmp_path / "out"
    path.write_text("mine")
    with pytest.raises(RefusedError, match="is there already"), Writing(path):
        pass
    assert path.read_text() == "mine"
    with Writing(path, replace=True) as file:
        file.write(b"new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("replace", [False, True])
def test_what_fails_leaves_nothing(tmp_path, replace):
    path = tmp_path / "out"
    if replace:
        path.write_text("mine")

    def half():
        with Writing(path, replace=replace) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert names(tmp_path) == (["out"] if replace else [])
    assert not replace or path.read_text() == "mine"


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError), Writing(tmp_path / "link"):
        pass
    with Writing(tmp_path / "link", replace=True) as file:
        file.write(b"x")
    assert names(tmp_path) == ["link"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="No such file"), Writing(tmp_path / "no" / "out"):
        pass


def test_where_a_name_leads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "folder").mkdir()
    assert target("", "x.csv") == tmp_path / "x.csv"
    assert target(" y.csv ", "x.csv") == tmp_path / "y.csv"
    assert target("folder", "x.csv") == tmp_path / "folder" / "x.csv"
    assert target("~/y", "x") == tmp_path / "home" / "y"
    assert target("folder/../z", "x") == tmp_path / "z"


ROWS = [{"id": "a", "tags": {"x": "=1+1"}}, {"id": "b\x1b", "tags": {"y": "-2"}, "n": None}]


async def pages():
    yield ROWS[:1]
    yield []
    yield ROWS[1:]


async def test_rows_in_every_form(tmp_path):
    for form in ("csv", "json", "jsonl"):
        assert await save_rows(pages(), tmp_path / form, form) == 2
    assert (tmp_path / "csv").read_text().split("\n") == [
        "id,tags.x,tags.y,n", "a,'=1+1,,", "b\\u{1b},,-2,", "",
    ]  # fmt: skip
    assert json.loads((tmp_path / "json").read_text()) == {
        "schema": 1, "items": ROWS, "next": None,
    }  # fmt: skip
    assert [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()] == ROWS
    await save_rows(pages(), tmp_path / "named", "csv", names=["n", "id"])
    assert (tmp_path / "named").read_text() == "n,id\n,a\n,b\\u{1b}\n"


async def nothing():
    return
    yield


async def test_no_rows_are_a_whole_file_too(tmp_path):
    assert await save_rows(nothing(), tmp_path / "json", "json") == 0
    assert json.loads((tmp_path / "json").read_text())["items"] == []


def test_cells():
    assert csv_line([None, True, 1.5, -2, "-x", "+1", 'a"b', "[b]"]) == (
        ',true,1.5,-2,\'-x,+1,"a""b",[b]\n'
    )


class Session:
    def __init__(self, data):
        self.registry, self.data = self, data

    async def read_artifact(self, owner, path, start, limit):
        return self.data[start : start + limit]


async def test_an_artifact_is_checked_by_its_digest(tmp_path):
    data = b"x" * 3_000_000
    digest = "sha256:1e8ce6ed0ed5a9d4ad2f02ad5a0fdc9cfe9a8c2f"
    done = []
    kept = Artifact(path="a", digest=None)
    assert await save_artifact(
        Session(data), "o", kept, tmp_path / "a", progress=done.append
    ) == len(data)
    assert done == [1 << 20, 2 << 20, 3_000_000]
    with pytest.raises(DamagedError, match="nothing was written"):
        await save_artifact(Session(data), "o", Artifact(path="a", digest=digest), tmp_path / "b")
    assert names(tmp_path) == ["a"]
