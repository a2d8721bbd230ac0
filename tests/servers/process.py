"""One way to start any server: in the background, waited for, and ended with the session."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import psutil

GUARD = Path(__file__).with_name("guard.py")
DEADLINE_S = 180
# In a process namespace of its own a server takes all that it started with it when it ends.
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")

_started: list[subprocess.Popen[bytes]] = []


class ServerFailedError(Exception):
    """A server ended before it was ready, or was not ready in time; with the end of its log."""


@cache
def namespace() -> Sequence[str]:
    """What to write before a command, nothing where this machine does not allow it."""
    try:
        done = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return () if done.returncode else NAMESPACE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    """Whether `http://127.0.0.1:port/path` says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tail(log: Path, most: int = 4000) -> str:
    """The end of a log, as far as there is one."""
    try:
        return log.read_bytes()[-most:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def start(
    command: Callable[[int], Sequence[str | Path]],
    *,
    lock: Path,
    folder: Path,
    ready: Callable[[int], bool],
    env: Mapping[str, str] | None = None,
) -> int:
    """Start `command(port)` in `folder` and wait until `ready(port)`: the port.

    It runs under `guard.py` until nobody holds `lock`. Its output goes to `folder/log`, the id of
    the guard's process to `folder/pid`. It has none of our environment but what is named here.
    """
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    kept |= {"HOME": str(folder), **(env or {})}
    log = folder / "log"
    for _ in range(3):
        port = free_port()
        argv = [*namespace(), sys.executable, "-I", "-S", GUARD, lock, log, *command(port)]
        process = subprocess.Popen(
            argv, cwd=folder, env=kept, stdin=subprocess.DEVNULL, start_new_session=True
        )
        # Kept, or Python complains about a process that nobody waited for.
        _started.append(process)
        (folder / "pid").write_text(str(process.pid), encoding="utf-8")
        until = time.monotonic() + DEADLINE_S
        while process.poll() is None and time.monotonic() < until:
            if ready(port):
                return port
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
            process.wait()
            raise ServerFailedError(f"not ready after {DEADLINE_S} s:\n{tail(log)}")
        # Somebody else may have taken the port between asking for it and using it.
        if "address already in use" not in tail(log).lower():
            break
    raise ServerFailedError(f"ended with {process.returncode} before it was ready:\n{tail(log)}")


def wait_until_gone(pids: Sequence[int], patience_s: float) -> None:
    """Wait for the guards of a session that is over; kill those that take longer."""
    until = time.monotonic() + patience_s
    while alive := [pid for pid in pids if _is_guard(pid)]:
        if time.monotonic() > until:
            for pid in alive:
                psutil.Process(pid).kill()
            return
        time.sleep(0.05)


def _is_guard(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(GUARD) in process.cmdline()
    except psutil.Error:
        return False
