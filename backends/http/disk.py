"""Answers kept on disk, for when the server cannot be reached."""

import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..api.errors import RefusedError
from ..api.times import from_micros, to_micros

MOST, FILES, LARGEST = 64 << 20, 2000, 4 << 20
"""Bytes of all answers, how many they are, and bytes of one."""
LEFT_OVER = 3600.0
"""Seconds after which a file that is no answer is nobody's draft any more."""
_NAME = re.compile(r"[0-9a-f]{64}")
_HEAD = re.compile(rb"modeldeck answer 1 ([0-9]{1,17}) ([0-9a-f]{64})")
_HEAD_SIZE = 128


class Stored(NamedTuple):
    """An answer, and when it was asked for."""

    asked: datetime
    body: bytes


class Disk:
    """The answers of one server as files of `folder`, which is ours alone.

    A file is named by what was asked and by `who` asked, of which it tells nothing: it holds the
    time and the body of an answer. What is damaged or not ours is removed unread, the oldest when
    there is too much. Where nothing can be written, nothing is kept, and no question fails with it.
    """

    def __init__(
        self, folder: Path, who: Sequence[str], *, most: int = MOST, largest: int = LARGEST
    ) -> None:
        self.folder = folder
        self._who = who
        self._most = most
        self._largest = largest
        with suppress(FileNotFoundError):
            self._check()

    def name(self, method: str, url: str, body: object | None) -> str:
        """What the answer to a question is called."""
        asked = msgspec.json.encode([self._who, method, url, body], order="sorted")
        return hashlib.sha256(asked).hexdigest()

    def holds(self, name: str) -> bool:
        """Whether there seems to be an answer."""
        return (self.folder / name).exists()

    def get(self, name: str) -> Stored | None:
        """The answer of that name; None when there is none that can be believed."""
        try:
            self._check()
            found = _parsed(name, self._read(name))
        except FileNotFoundError:
            return None
        except (OSError, RefusedError):
            found = None
        if found is None:
            self.drop(name)
        return found

    def put(self, name: str, answer: Stored) -> None:
        """Keep an answer; one that is too large is not kept, nor the one before it."""
        if len(answer.body) > self._largest:
            self.drop(name)
            return
        micros = to_micros(answer.asked)
        head = b"modeldeck answer 1 %d %s\n" % (micros, _digest(name, micros, answer.body))
        with suppress(OSError, RefusedError):
            self._make()
            handle, path = tempfile.mkstemp(prefix=".", dir=self.folder)  # 0600
            draft = Path(path)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(head + answer.body)
                draft.replace(self.folder / name)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            self._trim()

    def drop(self, name: str) -> None:
        """Remove an answer."""
        with suppress(OSError, RefusedError):
            self._check()
            (self.folder / name).unlink()

    def held(self) -> tuple[int, int]:
        """How many answers there are, and their bytes."""
        try:
            self._check()
            sizes = [size for _, size, _ in self._answers()]
        except (OSError, RefusedError):
            return 0, 0
        return len(sizes), sum(sizes)

    def _check(self) -> None:
        """RefusedError for a folder that is not ours; FileNotFoundError where there is none."""
        found = self.folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise RefusedError(
                "answers are kept in no folder but one of our own",
                where=str(self.folder),
                way_out='Remove it, or set cache = "memory" in the context',
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            self.folder.chmod(0o700)

    def _make(self) -> None:
        missing = [one for one in (self.folder, *self.folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
        self._check()

    def _read(self, name: str) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(self.folder / name, flags), "rb") as file:
            found = os.fstat(file.fileno())
            ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
            if not ours or found.st_mode & 0o077 or found.st_size > self._largest + _HEAD_SIZE:
                return b""
            return file.read(self._largest + _HEAD_SIZE)

    def _answers(self) -> Sequence[tuple[int, int, str]]:
        """Time, size and path of each; what else lies there for long is removed."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    known = entry.stat(follow_symlinks=False)
                    if _NAME.fullmatch(entry.name):
                        found.append((known.st_mtime_ns, known.st_size, entry.path))
                    elif time.time() - known.st_mtime > LEFT_OVER:
                        Path(entry.path).unlink()
        return found

    def _trim(self) -> None:
        total = 0
        for count, (_, size, path) in enumerate(sorted(self._answers(), reverse=True), 1):
            total += size
            if total > self._most or count > FILES:
                Path(path).unlink(missing_ok=True)


def _digest(name: str, micros: int, body: bytes) -> bytes:
    said = hashlib.sha256(f"{name} {micros}\n".encode())
    said.update(body)
    return said.hexdigest().encode()


def _parsed(name: str, data: bytes) -> Stored | None:
    head, _, body = data.partition(b"\n")
    found = _HEAD.fullmatch(head)
    if found is None or _digest(name, int(found[1]), body) != found[2]:
        return None
    return Stored(from_micros(int(found[1])), body)
