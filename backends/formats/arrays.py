"""Arrays and tensors in files: npy, npz, safetensors. Headers only."""

import ast
import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from .archive import Archive
from .content import DamagedBytesError, Finding
from .pickles import scan
from .stream import Readable

MAGIC: Final = b"\x93NUMPY"
HEADER_LIMIT: Final = 1 << 16
TENSORS_HEADER_LIMIT: Final = 100_000_000
_MEMBERS: Final = 10_000
_NAMED: Final = 100


def npy(source: Readable) -> Finding:
    """An npy file, standing at its start."""
    header, unsafe = _array(source, "it")
    return Finding(format="npy", unsafe=tuple(unsafe), details=header)


def npz(archive: Archive) -> Finding:
    """An npz file: a zip of npy files."""
    unsafe = [f"it {odd}" for odd in archive.odd]
    arrays: dict[str, Any] = {}
    if len(archive.names) > _MEMBERS:
        unsafe.append(f"only {_MEMBERS} of its {len(archive.names)} arrays were looked at")
    for name in archive.names[:_MEMBERS]:
        header, found = _array(archive.open(name), name)
        arrays[name.removesuffix(".npy")] = header
        unsafe += found
    return Finding(
        format="npz",
        unsafe=tuple(unsafe),
        details={"arrays": dict(list(arrays.items())[:_NAMED]), "count": len(arrays)},
    )


def safetensors(file: BinaryIO, size: int) -> Finding:
    """A safetensors file; DamagedBytesError when it is none."""
    head = file.read(8)
    length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
    if not 2 <= length <= min(size - 8, TENSORS_HEADER_LIMIT):
        raise DamagedBytesError("speaks of a header that it does not have")
    try:
        header = json.loads(file.read(length).decode())
    except (ValueError, RecursionError) as error:
        raise DamagedBytesError(f"has a header that is no JSON: {error}"[:200]) from None
    if not isinstance(header, dict):
        raise DamagedBytesError("has a header that is no object")
    metadata = header.pop("__metadata__", None)
    tensors: dict[str, Any] = {}
    parameters = 0
    for name, told in header.items():
        shape = _tensor_shape(told, size - 8 - length)
        if shape is None:
            raise DamagedBytesError(f"has a tensor {name[:100]!r} that does not fit")
        parameters += math.prod(shape)
        tensors[name] = {"dtype": told["dtype"], "shape": shape}
    details: dict[str, Any] = {
        "tensors": dict(list(tensors.items())[:_NAMED]),
        "count": len(tensors),
        "parameters": parameters,
        "dtypes": sorted({told["dtype"] for told in tensors.values()}),
    }
    if isinstance(metadata, Mapping):
        details["metadata"] = {k: v for k, v in metadata.items() if isinstance(v, str)}
    return Finding(format="safetensors", unsafe=(), details=details)


def _tensor_shape(told: Any, room: int) -> list[int] | None:
    try:
        start, stop = told["data_offsets"]
        shape = told["shape"]
        fits = (
            isinstance(told["dtype"], str)
            and isinstance(shape, list)
            and all(type(size) is int and 0 <= size < 1 << 63 for size in shape)
            and type(start) is int
            and type(stop) is int
            and 0 <= start <= stop <= room
        )
    except (TypeError, KeyError, ValueError):
        return None
    return shape if fits else None


def _array(source: Readable, name: str) -> tuple[dict[str, Any], list[str]]:
    """What the header of an npy says, and why loading it would be unsafe."""
    head = source.read(8)
    if head[:6] != MAGIC or len(head) < 8:
        raise DamagedBytesError(f"holds {name}, which is no npy")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(source.read(width), "little")
    if length > HEADER_LIMIT:
        raise DamagedBytesError("has an npy header that is too long")
    try:
        header = ast.literal_eval(source.read(length).decode("latin-1").strip())
        dtype, shape = header["descr"], header["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        raise DamagedBytesError("has an npy header that cannot be read") from None
    told = {
        "dtype": dtype if isinstance(dtype, str) else repr(dtype)[:1000],
        "shape": list(shape) if isinstance(shape, tuple) else repr(shape)[:1000],
    }
    if not _has_objects(dtype):
        return told, []
    found = scan(source).finding("npy")
    return told, [
        f"{name} is an array of objects, which is a pickle inside",
        *(f"{name}: {why}" for why in found.unsafe or ()),
    ]


def _has_objects(dtype: Any) -> bool:
    """Whether a dtype, as an npy header describes it, has Python objects in it."""
    if isinstance(dtype, str):
        return "O" in dtype
    if isinstance(dtype, list | tuple):
        # A field is (name, dtype[, shape]); all parts are looked at: that may ask too much.
        return any(_has_objects(part) for part in dtype)
    return False
