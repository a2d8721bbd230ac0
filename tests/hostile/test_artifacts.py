"""Files that bite whoever opens them: looked at, registered, saved; none runs or gets out."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from modeldeck.app.usecases.preview import look
from modeldeck.backends.formats import inspect
from tests.cli.conftest import run_cli
from tests.console.dump import dump, press, settled
from tests.hostile.place import RUN
from tests.hostile.screens import console_of, every_screen, session_of
from tests.hostile.strings import PATHS

CANARY = Path("/tmp") / f"modeldeck-canary-{os.getpid()}"


class Evil:
    def __reduce__(self):
        return os.system, (f"touch {CANARY}",)


def archived(kind: str) -> bytes:
    """An archive of a link out of it and a file below that, and of what is no file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=kind) as archive:
        for name, sort, target in (
            ("link", tarfile.SYMTYPE, "/etc"),
            ("link/passwd", tarfile.REGTYPE, ""),
            ("hard", tarfile.LNKTYPE, "../../x"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("disk", tarfile.BLKTYPE, ""),
            ("../../x", tarfile.REGTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = sort, target
            archive.addfile(info)
    return held.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def arrays() -> bytes:
    held = io.BytesIO()
    np.save(held, np.array([Evil()], dtype=object), allow_pickle=True)
    return held.getvalue()


EVIL = pickle.dumps(Evil())
OLD = pickle.dumps(Evil(), protocol=0)
LAYER = {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEAAA==", None, None]}}
KERAS = {"class_name": "Sequential", "config": {"layers": [LAYER]}}
SKOPS = {"__class__": "system", "__module__": "posix", "__loader__": "TypeNode", "__id__": 1}
FALSE_SIZE = zipped({"a": b"x" * 100}).replace(struct.pack("<I", 100), struct.pack("<I", 1 << 30))
TRAPS = {
    "model.pkl": EVIL,
    "cut.pkl": EVIL[: EVIL.index(b"R") + 1],
    "old.pkl": OLD,
    "renamed.txt": EVIL,
    "nested.pkl": b"(" * 500_000,
    "memo.pkl": b"\x80\x04" + b"2" * 500_000 + b".",
    "model.pkl.gz": gzip.compress(EVIL),
    "model.joblib": zlib.compress(EVIL),
    "object.npy": arrays(),
    "header.npy": b"\x93NUMPY\x01\x00\xff\xff{'descr': __import__('os')",
    "arrays.npz": zipped({"a.npy": arrays()}),
    "model.pt": zipped({"archive/data.pkl": EVIL, "archive/version": b"3\n"}),
    "lambda.keras": zipped({"config.json": json.dumps(KERAS).encode(), "metadata.json": b"{}"}),
    "posix.skops": zipped({"schema.json": json.dumps(SKOPS).encode()}),
    "huge.safetensors": struct.pack("<Q", 1 << 63) + b"{}",
    "odd.safetensors": struct.pack("<Q", 2) + b"[]",
    "paths.zip": zipped({"../../x": b"", "/etc/x": b"", "C:\\x": b""}),
    "bomb.zip": zipped({"a": b"\x00" * (64 << 20)}),
    "false.zip": FALSE_SIZE,
    "bomb.gz": gzip.compress(b"\x00" * (64 << 20)),
    "links.tar": archived("w:"),
    "links.tar.gz": archived("w:gz"),
    "deep.json": b"[" * 200_000,
    "digits.json": b'{"a": ' + b"9" * 10_000 + b"}",
    "odd.json": b'{"a": NaN, "a": 1e999, "b": "\\ud800\\u001b]52;c;zq7\\u0007"}',
    "wide.csv": b"a," * 100_000 + b"\n" + b"=1+1,\x1b[5m\n" * 10,
    "quote.csv": b'"' + b"x" * 300_000,
    "escape.md": b"# \x1b]52;c;zq7\x07\n[x](javascript:alert)\n" + b"*" * 100_000,
    "escape.log": b"\x1b[2J\x9b5m\r\n\x00\xff\xfe" * 1000,
    "image.png": b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
    "image.jpg": b"\xff\xd8\xff\xe0\x00\x00" * 100,
    "conda.yaml": b"a: &a [x]\nb: &b [*a,*a]\nc: !!python/object/apply:os.system ['touch x']\n",
    "MLmodel": b"flavors:\n  python_function: !!python/object/new:os.system [x]\n",
    "empty.onnx": b"",
    "cut.onnx": b"\x08\x07\x3a\xff\xff\xff\xff\x0f",
}


@pytest.fixture(autouse=True)
def _nothing_runs():
    yield
    assert not CANARY.exists(), "a file ran"


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_looked_at(tmp_path, name):
    found = look(name, TRAPS[name][: 1 << 20], whole=len(TRAPS[name]) <= 1 << 20)
    assert found.lines or not TRAPS[name]
    place = tmp_path / name
    place.write_bytes(TRAPS[name])
    told = inspect(place)
    assert told.size == len(TRAPS[name])
    assert [path.name for path in tmp_path.rglob("*")] == [name]
    if TRAPS[name] in (EVIL, OLD):
        assert told.unsafe


async def test_each_is_opened_in_the_console(registry):
    session = session_of(registry)
    console = console_of(session)
    text_screen = every_screen()["TextScreen"]
    try:
        async with console.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            for name, data in TRAPS.items():
                found = look(name, data[:50_000], whole=len(data) <= 50_000)
                console.push_screen(text_screen(name, found.lines, wrap=True, numbers=True))
                await settled(pilot)
                await press(pilot, "end")
                assert all(line.isprintable() for line in dump(console).splitlines())
                console.pop_screen()
            assert console._exception is None
    finally:
        await session.registry.close()


def test_all_of_them_are_registered_without_being_run(registry, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in TRAPS.items():
        (folder / name).write_bytes(data)
    (folder / "out").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    done = run_cli("--registry", registry, "register", folder, "--model", "traps", "--yes",
                   "--reason", "x")  # fmt: skip
    assert done.code == 0, done.err
    shown = run_cli("--registry", registry, "versions", "show", "traps/1")
    assert shown.code == 0
    assert "UNSAFE" in shown.out
    assert "/etc/hostname" not in shown.out
    back = run_cli("--registry", registry, "artifacts", "get", "traps/1", "--to", tmp_path / "back")
    assert back.code == 0, back.err
    saved = {path.name: path.read_bytes() for path in (tmp_path / "back").rglob("*")
             if path.is_file()}  # fmt: skip
    assert saved == TRAPS


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_no_path_leads_out_of_the_folder_it_is_saved_in(registry, tmp_path, path):
    before = {one for one in tmp_path.rglob("*") if registry not in one.parents}
    folder = tmp_path / "in" / "here"
    done = run_cli("--registry", registry, "artifacts", "get", RUN, "--to", folder, "--", path)
    assert done.code in (0, 2, 4), done.err
    assert all(line.isprintable() for line in (done.out + done.err).splitlines())
    made = {one for one in tmp_path.rglob("*") if registry not in one.parents} - before
    assert all(one.is_relative_to(tmp_path / "in") for one in made)
    assert not [one for one in made if one.is_file() and folder not in one.parents]
    assert not any(one.is_symlink() for one in made)
