"""The files of a model folder. No link is followed; pipes and devices are left out."""

import hashlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from ..api.artifacts import Artifact
from ..api.ingest import Problem

COUNT_LIMIT = 100_000
_DEPTH = 64


def opened(path: str | os.PathLike[str]) -> BufferedReader | None:
    """A regular file, for reading; None when it is anything else (a link, a pipe, a device)."""
    if stat.S_ISLNK(os.lstat(path).st_mode):
        return None
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return open(descriptor, "rb")  # noqa: PTH123


def files(root: Path, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """Path as text and place of each file below `root`; what is left out goes to `problems`."""
    for count, found in enumerate(_below(root, (), problems)):
        if count == COUNT_LIMIT:
            problems.append(Problem(str(root), f"only its first {COUNT_LIMIT} files were read"))
            return
        yield found


def hashed(file: BufferedReader) -> tuple[str, int]:
    """SHA-256 in hex and size of a file, which then stands at its start again."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = file.tell()
    file.seek(0)
    return digest, size


def manifest_digest(artifacts: list[Artifact]) -> str:
    """The digest of a folder, as `Content` defines it."""
    manifest = hashlib.sha256()
    for file in sorted(artifacts, key=lambda one: one.path):
        text = (file.digest or "").removeprefix("sha256:")
        manifest.update(f"{file.path}\0{file.size}\0{text}\n".encode())
    return "sha256:" + manifest.hexdigest()


def _below(
    folder: Path, above: tuple[str, ...], problems: list[Problem]
) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(os.fsencode(folder)) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        problems.append(Problem("/".join(above) or str(folder), f"not read: {error.strerror}"))
        return
    for entry in entries:
        parts = (*above, entry.name.decode("utf-8", "backslashreplace"))
        path, place = "/".join(parts), Path(os.fsdecode(entry.path))
        if entry.is_symlink():
            problems.append(Problem(path, "left out: a link"))
        elif entry.is_dir(follow_symlinks=False):
            if len(parts) > _DEPTH:
                problems.append(Problem(path, f"left out: deeper than {_DEPTH} folders"))
            else:
                yield from _below(place, parts, problems)
        elif not entry.is_file(follow_symlinks=False):
            problems.append(Problem(path, "left out: no regular file"))
        else:
            yield path, place
