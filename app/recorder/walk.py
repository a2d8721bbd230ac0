"""The files below a folder, and digests of files and folders.

Links are followed only to files inside the folder, never to folders; pipes and devices, which
could block, are left out. Whatever is left out is a problem that names it.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from modeldeck.backends.api.ingest import Problem

from .rundir import regular

COUNT_LIMIT = 100_000
BYTES_LIMIT = 64 << 30
_DEPTH = 64
_CHUNK = 1 << 20


class File(NamedTuple):
    r"""A file: its path below the folder as text, where it lies, its size in bytes.

    Bytes of a name that are no UTF-8 stand in the text as `\xNN`.
    """

    path: str
    location: Path
    size: int


class TooMuchError(ValueError):
    """There is more to read than was allowed."""


def files(
    root: Path, problems: list[Problem] | None = None, *, limit: int = COUNT_LIMIT
) -> Iterator[File]:
    """All files below `root` in a fixed order, at most `limit`; none when it is not there."""
    told = [] if problems is None else problems
    whole = Path(os.path.realpath(root))
    seen: set[str] = set()
    count = 0
    for entry, parts in _entries(whole, (), told):
        path = "/".join(parts)
        found = _file(entry, path, whole, told)
        if found is None:
            continue
        if path in seen:
            told.append(Problem(path, "left out: another file has the same name as text"))
            continue
        if count == limit:
            told.append(Problem(str(root), f"only its first {limit} files were taken"))
            return
        count += 1
        if "\\x" in path:
            seen.add(path)
        yield found


def digest(path: Path, *, limit: int = BYTES_LIMIT) -> str:
    """SHA-256 of a file's bytes, or of a folder's manifest.

    The manifest has for each file, in order of path: path, NUL, size, NUL, SHA-256 in hex, newline.
    TooMuchError when there are more than `limit` bytes or anything was left out; OSError.
    """
    if not path.is_dir():
        return "sha256:" + _hashed(Path(os.path.realpath(path)), limit)[0]
    problems: list[Problem] = []
    manifest = hashlib.sha256()
    for file in sorted(files(path, problems)):
        text, size = _hashed(file.location, limit)
        limit -= size
        manifest.update(f"{file.path}\0{size}\0{text}\n".encode())
    if problems:
        raise TooMuchError(f"{problems[0].where}: {problems[0].what}")
    return "sha256:" + manifest.hexdigest()


def _entries(
    folder: Path, above: tuple[str, ...], problems: list[Problem]
) -> Iterator[tuple["os.DirEntry[bytes]", tuple[str, ...]]]:
    try:
        with os.scandir(os.fsencode(folder)) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(Problem("/".join(above) or str(folder), f"not read: {error.strerror}"))
        return
    for entry in entries:
        parts = (*above, entry.name.decode("utf-8", "backslashreplace"))
        if not entry.is_dir(follow_symlinks=False):
            yield entry, parts
        elif len(parts) > _DEPTH:
            problems.append(Problem("/".join(parts), f"left out: deeper than {_DEPTH} folders"))
        else:
            yield from _entries(Path(os.fsdecode(entry.path)), parts, problems)


def _file(
    entry: "os.DirEntry[bytes]", path: str, root: Path, problems: list[Problem]
) -> File | None:
    location = Path(os.fsdecode(entry.path))
    try:
        if entry.is_symlink():
            location = Path(os.path.realpath(location))
            if not location.is_relative_to(root):
                problems.append(Problem(path, "left out: a link that leads out of its folder"))
                return None
            if location.is_dir():
                problems.append(Problem(path, "left out: a link to a folder"))
                return None
        # Opened, not only looked at: what cannot be read is better known before it is counted on.
        descriptor = regular(location)
    except OSError as error:
        problems.append(Problem(path, f"left out: {error.strerror}"))
        return None
    if descriptor is None:
        problems.append(Problem(path, "left out: no regular file"))
        return None
    try:
        return File(path, location, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _hashed(path: Path, limit: int) -> tuple[str, int]:
    descriptor = regular(path)
    if descriptor is None:
        raise TooMuchError("it is no regular file")
    digest = hashlib.sha256()
    size = 0
    with open(descriptor, "rb") as file:  # noqa: PTH123
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise TooMuchError(f"more than {limit} bytes")
            digest.update(chunk)
    return digest.hexdigest(), size
