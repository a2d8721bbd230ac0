"""The output of a recorded command: passed on as it grows, its last line remembered."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from .child import OUTPUT

PIECE = 1 << 16
PAUSE = 0.05
_LAST = 4096


class Passing(threading.Thread):
    """Gives what is written to `output.log` to `show` until `finish`, then the rest; then `done`.

    A thread of its own: a terminal that was stopped, or a pipe that nobody reads, holds up only
    this. `show` raises OSError when nobody is there any more.
    """

    def __init__(
        self, run_dir: Path, show: Callable[[bytes], None], done: Callable[[], None]
    ) -> None:
        super().__init__(name="output", daemon=True)
        self._file = (run_dir / OUTPUT).open("rb")
        self._show = show
        self._done = done
        self._ended = threading.Event()
        self.start()

    def finish(self) -> None:
        """Nothing more will be written."""
        self._ended.set()

    def run(self) -> None:
        """Read and show."""
        try:
            with self._file as file:
                ended = False
                while True:
                    found = file.read(PIECE)
                    if found:
                        self._show(found)
                    elif ended:
                        return
                    else:
                        ended = self._ended.wait(PAUSE)
        except OSError:
            return
        finally:
            self._done()


def last_line(run_dir: Path) -> str:
    """The last line that is not blank, as text; empty when there is none."""
    try:
        with (run_dir / OUTPUT).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _LAST, 0))
            tail = file.read()
    except OSError:
        return ""
    lines = [line.strip() for line in tail.decode(errors="replace").replace("\r", "\n").split("\n")]
    return next((line for line in reversed(lines) if line), "")
