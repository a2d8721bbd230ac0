"""What a file is to a reader, told by its bytes and its name."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.preview import LOOKED_AT, dump, look, preview
from modeldeck.backends.api.artifacts import Artifact

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
JPEG = (
    b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08" + (48).to_bytes(2, "big") + (64).to_bytes(2, "big")
)


@pytest.mark.parametrize(
    ("path", "data", "kind", "first"),
    [
        ("a.txt", b"one\r\ntwo\n", "text", "one"),
        ("a.json", b'{"b":[1]}', "json", "{"),
        ("a.json", b"{broken", "text", "{broken"),
        ("a.csv", b"id,name\n1,Ada\n", "table", "id  name"),
        ("a.tsv", b"id\tname\n1\tAda\n", "table", "id  name"),
        ("a.md", b"# A\n", "markdown", "# A"),
        ("a.diff", b"+a\n", "diff", "+a"),
        ("a", "日本".encode(), "text", "日本"),
        (
            "a",
            b"\0\1\2",
            "binary",
            "00000000  00 01 02                                          ...",
        ),
        ("a", b"\xff\xfe", "binary", None),
        ("a.pkl", b"text", "pickle", None),
        ("a", pickle.dumps({"x": 1}), "pickle", None),
        ("a", b"", "text", ""),
        ("a.csv", b"", "table", None),
    ],
)
def test_kinds(path, data, kind, first):
    found = look(path, data)
    assert found.kind == kind
    if first is not None:
        assert found.lines[0] == first


def test_a_pickle_is_never_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    found = look("model.bin", pickle.dumps(Evil()))
    assert found.said.startswith("UNSAFE")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PNG, "a PNG image of 640x480 pixels"),
        (JPEG, "a JPEG image of 64x48 pixels"),
        (b"GIF89a\x40\0\x30\0", "a GIF image of 64x48 pixels"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP image"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff\xff\xff", "a JPEG image"),
    ],
)
def test_images_say_their_size(data, said):
    found = look("x", data)
    assert (found.kind, found.said) == ("image", said)


def test_wide_cells_and_ragged_rows_of_a_table():
    found = look("a.csv", b"a,b\n1\n" + b"x" * 90 + b',"two\nlines",3\n')
    assert found.lines[0] == f"{'a':<40}  b"
    assert found.lines[2].endswith("  two lines  3")


def test_text_that_is_cut_within_a_letter_is_still_text():
    data = "ab日".encode()
    assert look("a", data[:-1], whole=False).lines == ["ab"]
    assert look("a", data[:-1], whole=True).kind == "binary"


@given(st.binary(max_size=300), st.sampled_from([".json", ".csv", ".txt", ".md", ".png", ""]))
def test_no_bytes_break_it(data, ending):
    for whole in (True, False):
        found = look(f"x{ending}", data, whole=whole)
        assert all("\n" not in line for line in found.lines)


def test_a_dump_is_bounded():
    lines = dump(bytes(range(256)) * 100, 100)
    assert len(lines) == 7
    assert lines[2].endswith("   !\"#$%&'()*+,-./")


async def test_a_large_file_is_read_to_a_bound():
    class Registry:
        async def read_artifact(self, owner, path, start, limit):
            assert (owner, path, start) == ("runs/1", "a.txt", 0)
            return (b"x" * 99 + b"\n") * 20_000

    class Session:
        registry = Registry()

    found = await preview(Session(), "runs/1", Artifact(path="a.txt"))
    assert found.said == "the first 1 MiB"
    assert sum(len(line) + 1 for line in found.lines) <= LOOKED_AT + 1
