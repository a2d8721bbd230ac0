"""The recorded command: started so that it outlives us, and watched from outside.

It runs under a small shell in a session of its own, writes its output to a file and leaves its exit
code in another. So a lost line or a killed recorder neither stops it nor loses how it ended.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from .rundir import VARIABLE

OUTPUT = "output.log"
STATE = ".run.json"
EXIT = ".exit"
RUN_ID = "MODELDECK_RUN_ID"
REGISTRY = "MODELDECK_REGISTRY"
# The shell survives an interrupt to write down what the command made of it. The command stands in
# the foreground: what a shell starts with & ignores interrupts.
_SHELL = (
    'trap : INT TERM HUP; "$@"; code=$?; cd "$MODELDECK_RUN_DIR" && '
    'echo "$code" >.exit.new && mv .exit.new .exit; exit "$code"'
)


class State(Struct, frozen=True, kw_only=True):
    """What one must know to find a command again. `born` is the start of its process."""

    run_id: str
    pid: int
    born: float
    host: str
    started_at: float
    command: Sequence[str]
    cwd: str


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended. Seconds and bytes are None where nobody could measure them."""

    code: int | None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


def start(
    command: Sequence[str], run_dir: Path, cwd: Path, extra: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start `command` in `cwd`, its output going to the run directory."""
    environment = dict(os.environ) | dict(extra)
    environment[VARIABLE] = str(run_dir)
    # A file as output would make Python hold lines back for minutes.
    environment.setdefault("PYTHONUNBUFFERED", "1")
    inherited = None if not sys.stdin or not sys.stdin.isatty() else subprocess.DEVNULL
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    output = os.open(run_dir / OUTPUT, flags, 0o600)
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", _SHELL, "modeldeck-run", *command],
            cwd=cwd,
            env=environment,
            stdin=inherited,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    finally:
        os.close(output)


def write_state(run_dir: Path, state: State) -> None:
    """Leave what adoption needs."""
    path = run_dir / STATE
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(path)


def read_state(run_dir: Path) -> State | None:
    """What was left; None when there is nothing readable."""
    try:
        return msgspec.json.decode((run_dir / STATE).read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def exit_code(run_dir: Path) -> int | None:
    """The code that the shell wrote down; None when it has not."""
    try:
        return int((run_dir / EXIT).read_text())
    except (OSError, ValueError):
        return None


def birth(pid: int) -> float:
    """When a process was started; 0.0 when it is not there."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def alive(state: State) -> bool:
    """Whether the process of `state` is still that one and runs."""
    import psutil

    try:
        process = psutil.Process(state.pid)
        same = abs(float(process.create_time()) - state.born) < 1
        return same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def send(pid: int, number: int) -> None:
    """Send a signal to the command and all it started."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def reap(process: "subprocess.Popen[bytes]") -> Ended | None:
    """How the command ended, None while it runs."""
    try:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
    except ChildProcessError:
        return Ended(code=process.returncode)
    if pid == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    scale = 1 if sys.platform == "darwin" else 1024
    return Ended(
        code=code if code >= 0 else 128 - code,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_memory_bytes=used.ru_maxrss * scale,
    )


def words_of(code: int | None) -> str:
    """An exit code in words: `exit 1`, `exit 137, killed by SIGKILL`."""
    if code is None:
        return "ended while nobody watched; its exit code is not known"
    if 128 < code < 128 + 65:
        try:
            return f"exit {code}, killed by {signal.Signals(code - 128).name}"
        except ValueError:
            pass
    return f"exit {code}"
