"""The part of a file that has come."""

import asyncio
import fcntl
import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from ..api.errors import BusyError, UsageError


class Part:
    """`NAME.part`, and beside it in `NAME.part.etag` of which file at which address it is.

    One process at a time holds it. `have` bytes are there; `etag` is empty when nothing promises
    that more of the same can be had.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.have = 0
        self.etag = ""
        self._target = target
        self._path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.etag")
        self._url = url
        self._digest = hashlib.sha256()
        self._finished = False
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._path, flags, 0o666), "r+b")
        except OSError as problem:
            raise UsageError(
                f"cannot be written: {problem.strerror}",
                where=str(self._path),
                way_out="Name another place",
            ) from None
        if not self._held():
            self._file.close()
            raise BusyError(
                "somebody else is fetching it", where=str(target), way_out="Wait until it is there"
            )

    def _held(self) -> bool:
        """Whether we alone have it, and whoever had it has not just put it in its place."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.fstat(self._file.fileno()).st_ino == self._path.lstat().st_ino
        except OSError:
            return False

    async def measure(self) -> None:
        """Take into account what an earlier download left."""
        known = ""
        with suppress(OSError, UnicodeDecodeError):
            known = self._note.read_text("utf-8")
        etag, _, url = known.partition("\n")
        if url != self._url or not _strong(etag):
            self.start("")
            return
        self.etag = etag
        while data := await asyncio.to_thread(self._file.read, 1 << 20):
            self._digest.update(data)
            self.have += len(data)

    def start(self, etag: str) -> None:
        """Begin with nothing. The old note goes before the first new byte comes."""
        self._note.unlink(missing_ok=True)
        self._file.seek(0)
        self._file.truncate()
        self.have, self._digest = 0, hashlib.sha256()
        self.etag = etag if _strong(etag) else ""
        if self.etag:
            self._note.write_text(f"{self.etag}\n{self._url}", "utf-8")

    def write(self, data: bytes) -> None:
        """Put it to the end."""
        self._file.write(data)
        self._digest.update(data)
        self.have += len(data)

    def finish(self) -> str:
        """All is there: put it in its place; gives its digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(self._target)
        self._finished = True
        self._note.unlink(missing_ok=True)
        return "sha256:" + self._digest.hexdigest()

    def close(self) -> None:
        """Keep what has come, unless the next download could not go on with it."""
        if not self._finished and not (self.have and self.etag):
            self._path.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk was reported by what wrote
            self._file.close()


def _strong(etag: str) -> bool:
    """Whether an ETag promises the same bytes, and can stand in a header."""
    return bool(re.fullmatch(r'"[\x21\x23-\x7e]*"', etag))
