"""Folders of artifacts: listed without following links, opened without leaving them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..api.artifacts import Artifact
from ..api.errors import NotFoundError, RefusedError
from ..api.text import exact
from .problems import ProblemLog
from .sqlite import unreadable
from .uris import file_uri, is_file, is_folder, local_path

MAX_FILES = 100_000
MAX_DEPTH = 64


def list_folder(root: Path, log: ProblemLog) -> list[Artifact]:
    """The files below `root`, by path. `root` may be one file: then that is the whole list.

    A link to a file below `root` is listed as that file; other links are left out and named.
    """
    if is_file(root):
        return [_artifact(root.name, root)]
    if not is_folder(root):
        return []
    found: list[Artifact] = []
    for entry, path in _walk(root, "", 0, log):
        if len(found) >= MAX_FILES:
            log.add(str(root), f"holds more than {MAX_FILES} files; the rest is left out")
            break
        if entry.is_symlink():
            target = _target(root, entry, log)
            if target is not None:
                found.append(_artifact(path, target))
        elif entry.is_file(follow_symlinks=False):
            found.append(_artifact(path, Path(entry.path)))
        else:
            log.add(entry.path, "is left out: it is no ordinary file")
    return sorted(found, key=lambda artifact: artifact.path)


def open_below(root: Path, path: Path) -> BinaryIO:
    """The bytes of the file at `path`, which must lie below `root` with no link on the way."""
    where = str(path)
    if path == root and is_file(root):
        root = root.parent
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if not parts or ".." in parts:
        raise outside(where)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = -1
    try:
        folder = os.open(root, flags | os.O_DIRECTORY)
        for part in parts[:-1]:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = inner
        # A pipe would wait for its writer.
        file = os.open(parts[-1], flags | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError as error:
        raise NotFoundError(
            "the file is no longer there", where=where, way_out="Look at the list again"
        ) from error
    except OSError as error:
        if any(part.is_symlink() for part in _between(root, path)):
            raise outside(where) from error
        raise unreadable(path, error) from error
    finally:
        if folder >= 0:
            os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise RefusedError("is no ordinary file", where=where, way_out="Only files can be opened")
    return os.fdopen(file, "rb")


def outside(where: str) -> RefusedError:
    """The error for a file that is not below the folder of its run or version."""
    return RefusedError(
        "is outside of the folder that it is listed in",
        where=where,
        way_out="Only files below the artifact folder of a run or version are opened",
    )


def check_artifact(artifact: Artifact) -> Path:
    """The path of an artifact of this machine; RefusedError when it climbs or is no file of it."""
    parts = artifact.path.split("/")
    if artifact.path.startswith("/") or ".." in parts or "\0" in artifact.path:
        raise outside(artifact.path)
    if artifact.location is None:
        raise RefusedError(
            "was not listed here", where=artifact.path, way_out="Open what a list of files named"
        )
    location = artifact.location
    path = local_path(location, Path("/")) if location.startswith("file:") else None
    if path is None:
        raise NotFoundError(
            "is not on this machine",
            where=location,
            way_out="Fetch it with the tool of the store that holds it",
        )
    return path


def _artifact(name: str, path: Path) -> Artifact:
    return Artifact(path=exact(name), size=path.stat().st_size, location=file_uri(path))


def _walk(
    folder: Path, prefix: str, depth: int, log: ProblemLog
) -> Iterator[tuple["os.DirEntry[str]", str]]:
    try:
        with os.scandir(folder) as entries:
            there = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        log.add(str(folder), f"cannot be read ({error.strerror})")
        return
    for entry in there:
        path = prefix + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield entry, path
        elif depth >= MAX_DEPTH:
            log.add(entry.path, f"is left out: folders are more than {MAX_DEPTH} deep")
        else:
            yield from _walk(Path(entry.path), path + "/", depth + 1, log)


def _target(root: Path, link: "os.DirEntry[str]", log: ProblemLog) -> Path | None:
    try:
        target = Path(link.path).resolve(strict=True)
    except (OSError, RuntimeError):
        log.add(link.path, "is a link to nothing or to itself")
        return None
    if not target.is_relative_to(root):
        log.add(link.path, "is left out: it is a link out of its folder")
    elif not is_file(target):
        log.add(link.path, "is left out: it is a link to a folder")
    else:
        return target
    return None


def _between(root: Path, path: Path) -> Iterator[Path]:
    while path != root:
        yield path
        path = path.parent
