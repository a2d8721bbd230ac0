"""The output of a recorded command: passed on as it grows, its last line remembered."""

import os
from pathlib import Path

from .child import OUTPUT

PIECE = 1 << 16
_LAST = 4096


class Output:
    """Reads `output.log` of a run directory on from `position`."""

    def __init__(self, run_dir: Path, position: int = 0) -> None:
        self._path = run_dir / OUTPUT
        self.position = position

    def read(self, limit: int = 1 << 20) -> bytes:
        """What has been written since, at most `limit` bytes."""
        try:
            with self._path.open("rb") as file:
                file.seek(self.position)
                found = file.read(limit)
        except OSError:
            return b""
        self.position += len(found)
        return found


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
