"""Work on a thread that can be stopped: the thread's side and the event loop's side."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..api.errors import UnreachableError

T = TypeVar("T")
W = TypeVar("W")
AGAIN = 0.02
"""Seconds after which a job is interrupted once more: between two statements it is in vain."""


class Job:
    """One piece of work with a connection. Stopping it never touches whoever uses that next."""

    def __init__(self) -> None:
        self.stopped = False
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def start(self, connection: sqlite3.Connection) -> None:
        """Work on `connection` from here on, unless it was stopped before it began."""
        with self._lock:
            if self.stopped:
                raise UnreachableError("was interrupted")
            self._connection = connection

    def end(self) -> None:
        """The connection is somebody else's from here on."""
        with self._lock:
            self._connection = None

    def stop(self) -> bool:
        """Interrupt what runs now; whether there was something to interrupt."""
        with self._lock:
            self.stopped = True
            if self._connection is None:
                return False
            self._connection.interrupt()
            return True


async def finished(pool: ThreadPoolExecutor, job: Job, call: Callable[[W, Job], T], work: W) -> T:
    """The answer of `call(work, job)` on a thread of `pool`; cancelling stops the job."""
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(pool, call, work, job)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        future.cancel()
        _stop(loop, job)
        raise


def _stop(loop: asyncio.AbstractEventLoop, job: Job) -> None:
    if job.stop():
        loop.call_later(AGAIN, _stop, loop, job)
