"""Which format a file is in and what it says: by its bytes, by its name where they do not tell."""

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from . import arrays, keras, onnx, pickles, skops_file
from .archive import Archive
from .content import DamagedBytesError, Finding
from .stream import Inflated, Readable, compression

PICKLED: Final = frozenset([".pkl", ".pickle", ".joblib", ".p", ".dill", ".cloudpickle"])
_HEAD: Final = 4096
_MEMBERS: Final = 20


def described(file: BinaryIO, name: str, size: int) -> tuple[Finding, str | None]:
    """What a file says of itself, and what is wrong with it if it is not what its name says."""
    suffix = PurePath(name).suffix.lower()
    head = file.read(_HEAD)
    file.seek(0)
    try:
        found = _by_bytes(file, head, suffix, size)
    except DamagedBytesError as error:
        if suffix in PICKLED:
            return _unread(str(error)), None
        return Finding(), f"it {error}"
    if found is None and suffix in PICKLED:
        found = _pickle(file, suffix)
    return found or Finding(), None


def _by_bytes(file: BinaryIO, head: bytes, suffix: str, size: int) -> Finding | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(file, suffix)
    if head.startswith(arrays.MAGIC):
        return arrays.npy(file)
    if pickles.looks_pickled(head) or pickles.looks_old(head):
        return _pickle(file, suffix)
    kind = compression(head)
    if kind is not None and (found := _compressed(file, kind, suffix)) is not None:
        return found
    file.seek(0)
    if suffix == ".safetensors" or head[8:9] == b"{":
        return _tried(lambda: arrays.safetensors(file, size), must=suffix == ".safetensors")
    if suffix == ".onnx" or head[:1] == b"\x08":
        return _tried(lambda: onnx.described(file, size), must=suffix == ".onnx")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Finding(format="hdf5")
    if head.startswith(b"tree\nversion="):
        return Finding(format="lightgbm-text", unsafe=())
    if suffix == ".json" and _BOOSTED.match(head):
        return Finding(format="xgboost-json", unsafe=())
    return None


_BOOSTED = re.compile(rb'\s*\{\s*"(?:learner|version)"\s*:\s*[\[{]')


def _zipped(file: BinaryIO, suffix: str) -> Finding:
    archive = Archive(file)
    names = set(archive.names)
    if skops_file.SCHEMA in names or suffix == ".skops":
        return skops_file.described(archive)
    if {keras.CONFIG, "metadata.json"} <= names or suffix == ".keras":
        return keras.described(archive)
    if names and all(name.endswith(".npy") for name in names):
        return arrays.npz(archive)
    inner = [name for name in archive.names if PurePath(name).suffix in PICKLED]
    if not inner:
        return Finding()
    # A torch file keeps its objects in data.pkl; any other zip with pickles is as bad.
    unsafe = [f"it {odd}" for odd in archive.odd]
    details: dict[str, Any] = {"container": "zip"}
    for name in inner[:_MEMBERS]:
        found = pickles.scan(archive.open(name)).finding("pickle")
        unsafe += [f"{name}: {reason}" for reason in found.unsafe or ()]
        details[name] = found.details
    if len(inner) > _MEMBERS:
        unsafe.append(f"only {_MEMBERS} of its {len(inner)} pickles were looked at")
    return Finding(format="pickle", unsafe=tuple(unsafe), details=details)


def _compressed(file: BinaryIO, kind: str, suffix: str) -> Finding | None:
    """What lies in a compressed file when that is a pickle."""
    try:
        head = Inflated(file, kind).read(_HEAD)
    except DamagedBytesError as error:
        if suffix in PICKLED:
            return _unread(str(error))
        return None
    pickled = pickles.looks_pickled(head) or pickles.looks_old(head)
    if not pickled and suffix not in PICKLED:
        return None
    return _pickle(file, suffix, kind)


def _pickle(file: BinaryIO, suffix: str, kind: str | None = None) -> Finding:
    def opened() -> Readable:
        file.seek(0)
        return file if kind is None else Inflated(file, kind)

    name = "joblib" if suffix == ".joblib" else "pickle"
    compressed = {} if kind is None else {"compression": kind}
    return pickles.scan_both(opened).finding(name, **compressed)


def _tried(read: Callable[[], Finding], *, must: bool) -> Finding | None:
    """What `read` finds; None when it is something else and its name said nothing."""
    try:
        return read()
    except DamagedBytesError:
        if must:
            raise
        return None


def _unread(why: str) -> Finding:
    return Finding(format="pickle", unsafe=(f"it could not be looked into: it {why}",))
