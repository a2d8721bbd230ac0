"""What of a log could not be read: the first is named, the rest counted."""

from pathlib import Path

from .problems import ProblemLog


class Damage:
    """The records of one file that are left out."""

    def __init__(self, path: Path) -> None:
        self.good = 0
        self.bad = 0
        self._path = path
        self._first: tuple[int, str] = 0, ""

    def add(self, offset: int, what: str) -> None:
        """Note that the record at byte `offset` cannot be read."""
        if not self.bad or offset < self._first[0]:
            self._first = offset, what
        self.bad += 1

    def tell(self, log: ProblemLog) -> None:
        """Put what was noted into the log, in one line."""
        if self.bad:
            offset, what = self._first
            total = self.good + self.bad
            records = f"{self.bad:,} of {total:,} records" if total > 1 else "its only record"
            log.add(
                str(self._path),
                f"{records} could not be read: the first at byte {offset:,}, {what}",
            )
