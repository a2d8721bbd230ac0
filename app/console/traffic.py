"""How many bytes went to the terminal, and a line to it that may be lost at any time."""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any

from textual.driver import Driver

from modeldeck.app.config.settings import Settings

MINUTE = 60.0
SLOW_OFFER = "over a slow line --low-bandwidth, or low_bandwidth in config.toml, sends less"


def far_line() -> bool:
    """Whether the terminal is at the other end of an SSH connection."""
    return any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))


def slow_line(settings: Settings) -> bool:
    """Whether to send as little as can be."""
    wanted = settings.low_bandwidth
    return far_line() if wanted == "auto" else wanted


class Traffic:
    """Bytes sent: all of them, and those of the last minute. Counted where they leave."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self._clock = clock
        self._seconds: deque[tuple[int, int]] = deque()

    def sent(self, text: str) -> None:
        """Count what is sent."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self.total += size
        second = int(self._clock())
        if self._seconds and self._seconds[-1][0] == second:
            size += self._seconds.pop()[1]
        self._seconds.append((second, size))
        self._forget(second)

    def last_minute(self) -> int:
        """Bytes of the last 60 seconds."""
        self._forget(int(self._clock()))
        return sum(size for _, size in self._seconds)

    def _forget(self, now: int) -> None:
        while self._seconds and self._seconds[0][0] <= now - MINUTE:
            self._seconds.popleft()


class Wire:
    """The terminal as a file. Once it is lost all that is written goes nowhere, and `lost` is told.

    A writer that raises would end the thread that writes, and then everybody who waits for it.
    """

    def __init__(self, file: IO[str], lost: Callable[[], None]) -> None:
        self._file = file
        self._lost = lost
        self._gone = threading.Event()

    def write(self, text: str) -> None:
        """Write, as long as there is somebody."""
        self._do(lambda: self._file.write(text))

    def flush(self) -> None:
        """Send what was written."""
        self._do(self._file.flush)

    def fileno(self) -> int:
        """The number of the file below."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._file.isatty()

    def give_up(self) -> None:
        """There is nobody at the other end."""
        if not self._gone.is_set():
            self._gone.set()
            self._lost()

    def _do(self, work: Callable[[], object]) -> None:
        if self._gone.is_set():
            return
        try:
            work()
        except (OSError, ValueError):
            self.give_up()


def hung_up(fileno: int) -> bool:
    """Whether the other end of a terminal is gone."""
    poll = select.poll()
    try:
        poll.register(fileno, 0)
        return any(
            mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, mask in poll.poll(0)
        )
    except (OSError, ValueError):
        return True


def careful(driver: type[Driver], traffic: Traffic, lost: Callable[[], None]) -> type[Driver]:
    """`driver` with its bytes counted, which tells when its line is `lost`."""

    class Careful(driver):  # type: ignore[misc, valid-type]
        _file: Any

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._wire = self._file = Wire(self._file, lost)

        def write(self, data: str) -> None:
            traffic.sent(data)
            super().write(data)

        def run_input_thread(self) -> None:
            try:
                super().run_input_thread()
            except OSError:
                self._wire.give_up()

    return Careful
