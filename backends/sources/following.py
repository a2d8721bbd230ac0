"""Files that somebody may still be writing: opened with care, told when they grew."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from .store_files import UnreadError

YOUNG = 600.0
"""A run without a noted end that wrote within so many seconds is taken to be running."""


class Mark(Struct, frozen=True):
    """A file as it was last seen. `key` tells that it is still the same file."""

    key: tuple[int, int]
    size: int
    changed: float

    @classmethod
    def of(cls, path: Path) -> "Mark | None":
        """The mark of an ordinary file; None for anything else."""
        try:
            found = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return cls((found.st_dev, found.st_ino), found.st_size, found.st_mtime)

    def grown(self, now: "Mark | None") -> bool:
        """Whether `now` is this file with no less in it."""
        return now is not None and now.key == self.key and now.size >= self.size


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """An ordinary file and its size; UnreadError for any other. Links are not followed."""
    try:
        # A pipe would wait for its writer; a link may lead anywhere.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        words = "is a link" if path.is_symlink() else error.strerror
        raise UnreadError(f"cannot be read ({words})") from error
    with os.fdopen(handle, "rb", buffering=0) as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadError("is no ordinary file")
        try:
            yield file, found.st_size
        except OSError as error:
            raise UnreadError(f"cannot be read ({error.strerror})") from error
