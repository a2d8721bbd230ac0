"""Other programs asked a question: bounded in time and in what they may answer."""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

_CHUNK = 1 << 16


class Answer(Struct, frozen=True):
    """What a program wrote. `code` is None when it was stopped; `cut` says that it wrote more."""

    code: int | None
    output: bytes
    cut: bool = False

    @property
    def good(self) -> bool:
        """Whether it came to its own end and was content."""
        return self.code == 0


def program(name: str) -> str | None:
    """Where a program lies. A relative place on PATH is not trusted: it would be the project's."""
    found = shutil.which(name)
    return found if found is not None and os.path.isabs(found) else None  # noqa: PTH117


def ask(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    limit: int = 1 << 20,
    seconds: float = 5.0,
) -> Answer | None:
    """Run `command` and return what it wrote to stdout; None when it could not be started.

    It gets no input, its stderr goes nowhere, and it stands in a process group of its own, which is
    ended as a whole when it takes longer or writes more than it may.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    assert process.stdout is not None
    output = bytearray()
    deadline = time.monotonic() + seconds
    code: int | None = None
    with process.stdout as pipe:
        ended = _collect(pipe.fileno(), output, limit, deadline)
        if ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(max(0.0, deadline - time.monotonic()))
        if code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Answer(code, bytes(output[:limit]), len(output) > limit)


def _collect(pipe: int, output: bytearray, limit: int, deadline: float) -> bool:
    """Gather up to one byte more than `limit`; whether the writer closed its end in time."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(output) <= limit:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return False
            chunk = os.read(pipe, min(_CHUNK, limit + 1 - len(output)))
            if not chunk:
                return True
            output += chunk
    return False
