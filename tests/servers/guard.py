"""Runs one server and ends it when the session of tests has ended, however that ended.

    python guard.py LOCK LOG COMMAND...

The session holds an exclusive lock on the file LOCK; whoever gets a shared one knows that it is
over. Then the folder of LOG goes too: a killed session cleans up nothing. Knows only the standard
library: it is run as a file, without anything installed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress

PATIENCE_S = 10


def tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the server and all that stayed in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def end(process: subprocess.Popen[bytes]) -> None:
    # PostgreSQL waits for its clients at SIGTERM; SIGINT ends it at once and cleanly.
    tell(process, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    tell(process, signal.SIGKILL)


def end_with(lock: str, process: subprocess.Popen[bytes], over: threading.Event) -> None:
    with open(lock, "rb") as file:  # noqa: PTH123
        fcntl.flock(file, fcntl.LOCK_SH)
        over.set()
        end(process)


def main() -> int:
    lock, log, *command = sys.argv[1:]
    # A shell that started the session in the background has SIGINT ignored, and so would we.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with open(log, "ab") as out:  # noqa: PTH123
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end(server))
    threading.Thread(target=end_with, args=(lock, server, over), daemon=True).start()
    code = server.wait()
    tell(server, signal.SIGKILL)
    if over.is_set():
        shutil.rmtree(os.path.dirname(log), ignore_errors=True)  # noqa: PTH120
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
