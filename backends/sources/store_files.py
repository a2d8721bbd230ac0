"""The small files of a file store: bounded, never through a link, odd bytes made text."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..api.text import exact
from .meta_yaml import parse
from .problems import ProblemLog
from .yaml_walk import MetaError

META = "meta.yaml"
META_BYTES = 1 << 20
VALUE_BYTES = 16 << 20
MAX_DEPTH = 64
CHUNK = 4 << 20


class UnreadError(Exception):
    """A file that cannot be read, and why."""


def chunks(path: Path, limit: int | None = None) -> Iterator[bytes]:
    """The bytes of an ordinary file; UnreadError for any other, or for more than `limit`."""
    try:
        # A pipe would wait for its writer; a link may lead anywhere.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        words = "is a link" if path.is_symlink() else error.strerror
        raise UnreadError(f"cannot be read ({words})") from error
    with os.fdopen(file, "rb", buffering=0) as raw:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadError("is no ordinary file")
        if limit is not None and found.st_size > limit:
            raise UnreadError(f"has {found.st_size} bytes, more than {limit} are not read")
        try:
            while chunk := raw.read(CHUNK):
                yield chunk
        except OSError as error:
            raise UnreadError(f"cannot be read ({error.strerror})") from error


def read_text(path: Path, limit: int, log: ProblemLog) -> str:
    """The text of a file; what is no UTF-8 becomes U+FFFD and is named."""
    data = b"".join(chunks(path, limit))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        log.add(str(path), f"byte {error.start} is not UTF-8, read with U+FFFD in its place")
        return data.decode("utf-8", "replace")


def read_meta(folder: Path, log: ProblemLog) -> dict[Any, Any] | None:
    """The mapping in a folder's meta.yaml; None, and a problem, when there is none to be read."""
    path = folder / META
    try:
        found = parse(read_text(path, META_BYTES, log))
    except MetaError as error:
        log.add(f"{path}: line {error.line}", error.what)
        return None
    except UnreadError as error:
        log.add(str(path), str(error))
        return None
    if isinstance(found, dict):
        return found
    log.add(str(path), "is empty" if found is None else "holds no `key: value` lines")
    return None


def read_values(folder: Path, log: ProblemLog) -> dict[str, str]:
    """One value a file, named by its path below `folder`: params and tags."""
    found: dict[str, str] = {}
    for key, path in files_below(folder, log):
        try:
            found[key] = read_text(path, VALUE_BYTES, log)
        except UnreadError as error:
            log.add(str(path), str(error))
    return found


def files_below(folder: Path, log: ProblemLog) -> Iterator[tuple[str, Path]]:
    """The files below a folder by name, with `/` where folders are nested. Links are left out."""
    names: set[str] = set()
    for name, path in _below(folder, "", 0, log):
        key = exact(name)
        if key in names:
            log.add(str(path), "is left out: its name reads as that of another file")
            continue
        names.add(key)
        yield key, path


def folders_in(folder: Path, log: ProblemLog) -> list[Path]:
    """The folders in a folder, by name. A link to a folder is left out and named."""
    found = []
    for entry in _entries(folder, log):
        if entry.is_dir(follow_symlinks=False):
            found.append(Path(entry.path))
        elif entry.is_symlink():
            log.add(entry.path, "is a link, which is not followed")
    return found


def _below(folder: Path, prefix: str, depth: int, log: ProblemLog) -> Iterator[tuple[str, Path]]:
    for entry in _entries(folder, log):
        if entry.is_dir(follow_symlinks=False):
            if depth >= MAX_DEPTH:
                log.add(entry.path, f"is left out: folders are more than {MAX_DEPTH} deep")
            else:
                yield from _below(Path(entry.path), f"{prefix}{entry.name}/", depth + 1, log)
        elif entry.is_symlink():
            log.add(entry.path, "is a link, which is not followed")
        else:
            yield prefix + entry.name, Path(entry.path)


def _entries(folder: Path, log: ProblemLog) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        log.add(str(folder), f"cannot be read ({error.strerror})")
        return []
