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

from . import processes
from .rundir import VARIABLE

OUTPUT = "output.log"
STATE = ".run.json"
EXIT = ".exit"
RUN_ID = "MODELDECK_RUN_ID"
REGISTRY = "MODELDECK_REGISTRY"
# Descriptor 2 is a pipe at first: without a word from us nothing is started, since then nobody
# could find the command again. What the shell itself would say ("Killed") goes nowhere. It survives
# signals to write down what the command made of them. The command stands in the foreground, since
# what a shell starts with & ignores interrupts, and below a shell of its own, which resets traps.
_SHELL = (
    "read -r go <&2 || exit 125; exec 2>/dev/null; trap : HUP INT QUIT TERM; "
    '(exec "$@" 2>&1); code=$?; cd "$MODELDECK_RUN_DIR" && '
    'echo "$code" >.exit.new && mv .exit.new .exit; exit "$code"'
)


class State(Struct, frozen=True, kw_only=True):
    """What one must know to find a command again. `born` tells its process from later ones."""

    run_id: str
    pid: int
    born: str
    host: str
    cwd: str


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended. Seconds and bytes are None where nobody could measure them."""

    code: int | None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None


class Child:
    """A command that was started by us."""

    def __init__(
        self,
        run_id: str,
        command: Sequence[str],
        run_dir: Path,
        cwd: Path,
        extra: Mapping[str, str],
    ) -> None:
        environment = dict(os.environ) | dict(extra)
        environment[VARIABLE] = str(run_dir)
        # A file as output would make Python hold lines back for minutes.
        environment.setdefault("PYTHONUNBUFFERED", "1")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        output = os.open(run_dir / OUTPUT, flags, 0o600)
        word, gate = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _SHELL, "modeldeck", *command],
                cwd=cwd,
                env=environment,
                stdin=_stdin(),
                stdout=output,
                stderr=word,
                start_new_session=True,
            )
            pid = self._process.pid
            state = State(
                run_id=run_id,
                pid=pid,
                born=processes.birth(pid),
                host=processes.host(),
                cwd=str(cwd),
            )
            _write(run_dir, state)
            os.write(gate, b"go\n")
        finally:
            for descriptor in (output, word, gate):
                os.close(descriptor)

    @property
    def pid(self) -> int:
        """The number of the shell that the command runs below."""
        return self._process.pid

    def send(self, number: int) -> None:
        """Send a signal to the command and all it started; nothing once it has ended."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):
                return

    def reap(self) -> Ended | None:
        """How the command ended, None while it runs."""
        try:
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
        except ChildProcessError:
            return Ended(code=self._process.returncode)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        scale = 1 if sys.platform == "darwin" else 1024
        return Ended(
            code=code if code >= 0 else 128 - code,
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_memory_bytes=used.ru_maxrss * scale,
        )


def _stdin() -> int | None:
    """What the command reads: what we were given, but no terminal, which is not its own."""
    try:
        return subprocess.DEVNULL if sys.stdin is None or os.isatty(0) else None
    except OSError:
        return subprocess.DEVNULL


def _write(run_dir: Path, state: State) -> None:
    path = run_dir / STATE
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(state))
    draft.replace(path)


def read_state(run_dir: Path) -> State | None:
    """What was left; None when there is nothing readable."""
    try:
        return msgspec.json.decode((run_dir / STATE).read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def exit_code(run_dir: Path) -> int | None:
    """The code that the shell wrote down; None when it has not."""
    try:
        return int((run_dir / EXIT).read_text())
    except (OSError, ValueError):
        return None


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
