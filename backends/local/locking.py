"""One advisory lock around each write and checkpoint.

SQLite before 3.51.3 can lose a WAL that is reset while another connection checkpoints; with every
checkpoint under this lock it cannot. The same lock keeps migrations apart.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ..api.errors import BusyError
from .errors import of_system

WAIT = 5.0


class FileLock:
    """Exclusive between processes and between the threads of this one. Not reentrant."""

    def __init__(self, path: Path, wait: float = WAIT) -> None:
        self.path = path
        self._wait = wait
        self._thread = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; BusyError when it cannot be had within the wait."""
        deadline = time.monotonic() + self._wait
        if not self._thread.acquire(timeout=self._wait):
            raise self._busy()
        try:
            handle = self._take(deadline)
            try:
                yield
            finally:
                os.close(handle)
        finally:
            self._thread.release()

    def _take(self, deadline: float) -> int:
        pause = 0.001
        handle = _open(self.path)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise self._busy() from None
                    time.sleep(pause)
                    pause = min(pause * 2, 0.02)
                else:
                    return handle
        except OSError as error:
            os.close(handle)
            raise of_system(error, str(self.path)) from error
        except BaseException:
            os.close(handle)
            raise

    def _busy(self) -> BusyError:
        return BusyError(
            f"another process has been writing for {self._wait:g} s",
            where=str(self.path.with_suffix("")),
            way_out="Try again; `modeldeck doctor` names who holds it",
        )


@asynccontextmanager
async def alone(path: Path, wait: float) -> AsyncIterator[None]:
    """Hold a lock for as long as something takes, waiting for it without a thread."""
    deadline = time.monotonic() + wait
    handle = _open(path)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(
                        "another modeldeck is applying a plan there",
                        where=str(path.parent),
                        way_out="Try again when it has finished",
                    ) from None
                await asyncio.sleep(0.02)
            except OSError as error:
                raise of_system(error, str(path)) from error
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise of_system(error, str(path)) from error
