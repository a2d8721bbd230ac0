"""A program in a pseudo-terminal of a given size: send keys, count bytes, see the screen."""

import fcntl
import os
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from rich.cells import get_character_cell_size

# The child takes the terminal as its own, so that resizing and ctrl+c reach it.
_CLAIM = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)

_TOKEN = re.compile(
    r"\x1b\[([?<>=]?[0-9;:]*)[ -/]*([@-~])"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"  # OSC, DCS and other strings
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x1f\x7f]"
    r"|[^\x00-\x1f\x7f\x1b]+",
    re.DOTALL,
)


class Terminal:
    """A child process in a pseudo-terminal. Use as a context manager; it ends only its child."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 120,
        lines: int = 40,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.columns, self.lines = columns, lines
        self.output = bytearray()
        self._fd, slave = os.openpty()
        self._set_size(columns, lines)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(env or {}),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CLAIM, *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, keys: bytes) -> None:
        """Type."""
        while keys:
            keys = keys[os.write(self._fd, keys) :]

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; the child is told."""
        self.columns, self.lines = columns, lines
        self._set_size(columns, lines)

    def hang_up(self) -> None:
        """Go away with the terminal: the child finds nobody at the other end."""
        os.close(self._fd)
        self._fd = -1

    def lose(self, timeout: float = 20) -> tuple[int, float]:
        """Hang up and wait for the child to end: its exit code, and seconds of CPU until then."""
        times = psutil.Process(self.process.pid).cpu_times()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.hang_up()
        code = self.wait(timeout)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return code, whole - times.user - times.system

    @property
    def mark(self) -> int:
        """How many bytes have come so far; give it to `bytes_since`."""
        return len(self.output)

    def bytes_since(self, mark: int) -> bytes:
        """Return what has come since `mark`."""
        return bytes(self.output[mark:])

    def read_until_quiet(self, quiet: float = 0.3, timeout: float = 20) -> int:
        """Read until nothing has come for `quiet` seconds; return how many bytes came."""
        before, end = self.mark, time.monotonic() + timeout
        while self._read(min(quiet, end - time.monotonic())):
            if time.monotonic() >= end:
                message = f"not quiet within {timeout} s"
                raise TimeoutError(message)
        return self.mark - before

    def read_until(self, text: bytes, timeout: float = 20, since: int = 0) -> None:
        """Read until `text` has come after mark `since`."""
        end = time.monotonic() + timeout
        while text not in self.output[since:]:
            if not self._read(end - time.monotonic()) and (
                time.monotonic() >= end or self.process.poll() is not None
            ):
                message = f"{text!r} did not come; last: {bytes(self.output[-500:])!r}"
                raise TimeoutError(message)

    def press(self, keys: bytes, quiet: float = 0.3, timeout: float = 20) -> bytes:
        """Type, wait for an answer, then for quiet; return what was written."""
        mark = self.mark
        self.send(keys)
        if not self._read(timeout):
            message = f"no answer to {keys!r}"
            raise TimeoutError(message)
        self.read_until_quiet(quiet, timeout)
        return self.bytes_since(mark)

    def screen(self) -> list[str]:
        """Return what stands on the screen: plain text, one string a line."""
        return draw(self.output.decode("utf-8", "replace"), self.columns, self.lines)

    def wait(self, timeout: float = 20) -> int:
        """Read until the child has ended; return its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.05)
        return self.process.wait(max(end - time.monotonic(), 0.01))

    def close(self) -> None:
        """End the child and give back the terminal."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        if self._fd >= 0:
            os.close(self._fd)

    def _read(self, timeout: float) -> bool:
        if self._fd < 0:
            time.sleep(min(max(timeout, 0), 0.05))
            return False
        ready, _, _ = select.select([self._fd], [], [], max(timeout, 0))
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # the other side is closed
            return False
        self.output += data
        return bool(data)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def draw(output: str, columns: int, lines: int) -> list[str]:
    """Draw terminal output: text, cursor moves, erasing. Colours and modes are passed over."""
    rows = [[" "] * columns for _ in range(lines)]
    x = y = 0
    for token in _TOKEN.finditer(output):
        text = token.group()
        params, final = token.group(1), token.group(2)
        if final is not None:
            numbers = [int(part) if part.isdigit() else 0 for part in (params or "").split(";")]
            first = numbers[0]
            if final == "H":
                y = max(first, 1) - 1
                x = max(numbers[1] if len(numbers) > 1 else 1, 1) - 1
            elif final in "ABCD":
                by = max(first, 1)
                y += {"A": -by, "B": by}.get(final, 0)
                x += {"C": by, "D": -by}.get(final, 0)
            elif final == "J" and first == 2:
                rows = [[" "] * columns for _ in range(lines)]
            elif final == "K" and first == 0 and y < lines:
                rows[y][x:] = [" "] * (columns - x)
        elif text == "\r":
            x = 0
        elif text == "\n":
            x, y = 0, min(y + 1, lines - 1)
        elif text[0] >= " " and text[0] != "\x7f":
            for char in text:
                wide = get_character_cell_size(char)
                if wide and x + wide <= columns and 0 <= y < lines:
                    rows[y][x : x + wide] = [char] + [""] * (wide - 1)
                elif not wide and 0 < x <= columns and 0 <= y < lines:
                    rows[y][x - 1] += char
                x += wide
    return ["".join(row).rstrip() for row in rows]
