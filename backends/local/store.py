"""Files by content: `artifacts/ab/cdef...` holds the bytes whose SHA-256 is abcdef..."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..api.errors import DamagedError, NotFoundError
from .errors import clear_errors

PIECE = 1 << 20
NEW = ".new-"


def digest_of(source: BinaryIO) -> str:
    """The digest of all bytes of `source`."""
    hasher = hashlib.sha256()
    while piece := source.read(PIECE):
        hasher.update(piece)
    return f"sha256:{hasher.hexdigest()}"


def copy(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """Write all bytes of `source` to `target` and to the disk; gives their digest and count."""
    hasher, size = hashlib.sha256(), 0
    while piece := source.read(PIECE):
        hasher.update(piece)
        size += len(piece)
        target.write(piece)
    target.flush()
    os.fsync(target.fileno())
    return f"sha256:{hasher.hexdigest()}", size


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Store:
    """The content-addressed files of one registry."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Where the bytes of a digest lie, whether they are there or not."""
        kind, _, name = digest.partition(":")
        if kind != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise DamagedError(f"{digest!r} is no digest")
        return self.root / name[:2] / name[2:]

    def add(self, source: BinaryIO) -> tuple[str, int]:
        """Keep all bytes of `source`; gives their digest and count. Whole or not at all."""
        with clear_errors(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.root, prefix=NEW)
            try:
                with os.fdopen(handle, "wb") as file:
                    digest, size = copy(source, file)
                self.place(Path(name), self.path(digest), size)
            finally:
                Path(name).unlink(missing_ok=True)
            return digest, size

    @contextlib.contextmanager
    def adding(self) -> Iterator["New"]:
        """A file that is kept once it is `done`; else nothing is left of it."""
        with clear_errors(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.root, prefix=NEW)
            try:
                with os.fdopen(handle, "wb") as file:
                    yield New(self, Path(name), file)
            finally:
                Path(name).unlink(missing_ok=True)

    def place(self, new: Path, target: Path, size: int) -> None:
        """Give a file that is whole its name."""
        if target.is_file() and target.stat().st_size == size:
            # Wanted again just now: not something to be collected.
            os.utime(target)
            return
        target.parent.mkdir(mode=0o700, exist_ok=True)
        new.chmod(0o400)
        new.replace(target)
        sync_folder(target.parent)

    def open(self, digest: str) -> BinaryIO:
        """The bytes of a digest."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise NotFoundError(
                f"the file {digest[:19]} is not in the store",
                where=str(self.root),
                way_out="`modeldeck restore` brings it back from a backup",
            ) from None

    def verify(self, digest: str) -> bool:
        """Whether the bytes still have their digest."""
        with self.open(digest) as file:
            return digest_of(file) == digest

    def digests(self) -> Iterator[tuple[str, int]]:
        """Each digest that is kept, with its size."""
        for folder in sorted(self.root.glob("??")):
            for file in sorted(folder.iterdir()):
                if len(file.name) == 62 and file.is_file():
                    yield f"sha256:{folder.name}{file.name}", file.stat().st_size

    def remove(self, digest: str) -> None:
        """Drop the bytes of a digest."""
        self.path(digest).unlink(missing_ok=True)


class New:
    """A file on its way into the store, piece by piece."""

    def __init__(self, store: Store, path: Path, file: BinaryIO) -> None:
        self._store, self._path, self._file = store, path, file
        self._hasher, self._size = hashlib.sha256(), 0

    def write(self, piece: bytes) -> None:
        """Add bytes."""
        self._hasher.update(piece)
        self._size += len(piece)
        self._file.write(piece)

    def done(self) -> tuple[str, int]:
        """Keep it; gives its digest and size."""
        self._file.flush()
        os.fsync(self._file.fileno())
        digest = f"sha256:{self._hasher.hexdigest()}"
        self._store.place(self._path, self._store.path(digest), self._size)
        return digest, self._size
