"""Listings of artifacts: bounded, and never outside of what was asked for."""

import pytest

from modeldeck.backends.api.connect import Limits
from modeldeck.backends.mlflow import artifacts, mapping, wire
from modeldeck.backends.mlflow.artifacts import Files, is_safe, proxied


class Client:
    limits = Limits()


@pytest.fixture
def files():
    return Files(Client(), None, None, mapping.Trouble(), keep=False)


def listing_of(tree):
    """A listing of a tree of folders (dicts), and which folders were asked for."""
    asked = []

    async def listing(folder, token):
        asked.append(folder)
        inside = tree
        for part in folder.split("/") if folder else ():
            inside = inside[part]
        below = f"{folder}/" if folder else ""
        return wire.FilesPage(
            root_uri="s3://b/root",
            files=[
                wire.File(path=f"{below}{name}", is_dir=isinstance(what, dict), file_size=what)
                if not isinstance(what, dict)
                else wire.File(path=f"{below}{name}", is_dir=True)
                for name, what in inside.items()
            ],
        )

    return listing, asked


async def test_folders_are_walked_and_files_named_from_the_top(files):
    listing, asked = listing_of({"model": {"a": 1, "sub": {"b": None}}, "x": 3})
    found = await files._walk(listing)
    assert [(one.path, one.size) for one in found] == [("model/a", 1), ("model/sub/b", 0), ("x", 3)]
    assert found[0].location == "s3://b/root/model/a"
    assert asked == ["", "model", "model/sub"]
    below = await files._walk(listing, "model")
    assert [one.path for one in below] == ["a", "sub/b"]


async def test_folders_that_are_too_many_stand_in_the_list_unopened(files):
    listing, asked = listing_of({f"f{n:03}": {"file": 1} for n in range(100)})
    found = await files._walk(listing)
    assert len(asked) == artifacts.MOST_FOLDERS
    assert [one.path for one in found if one.path.endswith("/file")] == [
        f"f{n:03}/file" for n in range(artifacts.MOST_FOLDERS - 1)
    ]
    left = [one for one in found if one.path.endswith("/")]
    assert len(left) == 100 - (artifacts.MOST_FOLDERS - 1)
    assert left[0].size is None


async def test_a_tree_without_end_is_left_at_some_depth(files):
    tree = {}
    tree["deeper"] = tree
    listing, asked = listing_of(tree)
    (found,) = await files._walk(listing)
    assert len(asked) == artifacts.DEEPEST
    assert found.path == "/".join(["deeper"] * artifacts.DEEPEST) + "/"


async def test_a_path_that_leaves_its_folder_is_left_out_and_noted(files):
    async def listing(folder, token):
        odd = ["../x", "/etc/passwd", "a/../../x", "a//b", "fine"]
        return wire.FilesPage(files=[wire.File(path=path, file_size=1) for path in odd])

    assert [one.path for one in await files._walk(listing)] == ["fine"]
    assert len(files._log.found) == 4


async def test_pages_of_a_folder_end_where_a_token_comes_again(files):
    async def listing(folder, token):
        number = int(token or 0)
        return wire.FilesPage(
            files=[wire.File(path=f"f{number}", file_size=1)], next_page_token=str((number + 1) % 3)
        )

    found = [one.path for one in await files._walk(listing)]
    assert found[-3:] == ["f0", "f1", "f2"]


@pytest.mark.parametrize(
    "path", ["a", "a/b c", "Größe/模型.txt", "a#b", "a;b", "50%", "..a", "%41"]
)
def test_odd_names_are_no_way_out(path):
    assert is_safe(path)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("mlflow-artifacts:/1/ab/artifacts", "1/ab/artifacts"),
        ("mlflow-artifacts://host:5000/1/ab", "1/ab"),
        ("mlflow-artifacts:///1/ab", "1/ab"),
        ("s3://bucket/1", None),
        ("/srv/mlruns/1", None),
    ],
)
def test_where_the_server_keeps_files_itself(uri, path):
    assert proxied(uri) == path
