"""Programs that give a secret on their first line."""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

from .threads import in_time

_LARGEST = 1 << 16
_TICK = 0.05


async def first_line(argv: Sequence[str], seconds: float) -> tuple[bytes, int]:
    """The first line that the program writes, and its exit code; TimeoutError.

    No shell, nothing to read, no terminal to ask at. What it says on stderr may hold anything,
    and is dropped. OSError or ValueError when it cannot be started.
    """
    stop = threading.Event()
    try:
        return await in_time(lambda: _run(argv, time.monotonic() + seconds, stop), seconds + 5)
    finally:
        stop.set()


def _run(argv: Sequence[str], until: float, stop: threading.Event) -> tuple[bytes, int]:
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        with child.stdout:
            text = _read(child, child.stdout.fileno(), until, stop)
            return text.partition(b"\n")[0], child.wait(max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _read(
    child: "subprocess.Popen[bytes]", handle: int, until: float, stop: threading.Event
) -> bytes:
    """What it writes, as far as a line needs it; the rest is dropped, so that it can end."""
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        while not stop.is_set() and time.monotonic() < until:
            if not selector.select(_TICK):
                # Something that it left behind may hold the pipe open.
                if child.poll() is not None:
                    return text
                continue
            piece = os.read(handle, _LARGEST)
            if not piece:
                return text
            if b"\n" not in text and len(text) < _LARGEST:
                text += piece
    raise TimeoutError
