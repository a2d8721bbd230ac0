"""Metric files of a file store: lines of time, value and step, in the order they were logged."""

import re
from array import array
from collections.abc import Iterator
from pathlib import Path

from ..api.runs import Points
from .problems import ProblemLog
from .store_files import UnreadError, chunks

MAX_LINE = 4096
# What MLflow writes; anything else goes the slow way, line by line.
_PLAIN = re.compile(rb"(?:[0-9]{1,15} [-+.0-9a-z]{1,40} -?[0-9]{1,18}\n)*+")
_STEPS = -(1 << 63), (1 << 63) - 1
_MILLIS = (1 << 63) // 1000 - 1


class BadLines:
    """The lines of one file that are left out: the first is named, the rest counted."""

    def __init__(self, path: Path, log: ProblemLog) -> None:
        self._path = path
        self._log = log
        self._first: tuple[int, str] | None = None
        self._count = 0
        self._datasets = 0

    def add(self, line: int, what: str) -> None:
        """Note that a line is left out."""
        self._count += 1
        if self._first is None:
            self._first = line, what

    def dataset(self, line: int) -> None:
        """Note that a line names the dataset that it was measured on."""
        self._datasets = self._datasets or line

    def tell(self) -> None:
        """Put what was noted into the log."""
        if self._first is not None:
            line, what = self._first
            more = f"; {self._count - 1} more lines are left out" if self._count > 1 else ""
            self._log.add(f"{self._path}: line {line}", f"is left out: {what}{more}")
        if self._datasets:
            self._log.add(
                f"{self._path}: line {self._datasets}",
                "was measured on a dataset; its step is read as 0, as MLflow reads it",
            )


def read_points(path: Path, log: ProblemLog) -> Points:
    """The points of a metric file in the order of its lines; what is damaged is left out."""
    found = Points()
    bad = BadLines(path, log)
    number = 1
    try:
        for block in _blocks(path):
            if _PLAIN.fullmatch(block) and _take(block, found):
                number += block.count(b"\n")
            else:
                number = _take_slowly(block, found, number, bad)
    except UnreadError as error:
        log.add(str(path), str(error))
    bad.tell()
    if not found and number == 1:
        log.add(str(path), "is empty: a metric without points")
    return found


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in whole lines; a last one without its end comes alone."""
    rest = b""
    for chunk in chunks(path):
        end = chunk.rfind(b"\n") + 1
        if not end:
            # Of a line without an end no more is kept than shows that it is too long.
            rest = (rest + chunk)[: MAX_LINE + 1]
            continue
        first = chunk.find(b"\n") + 1
        if rest:
            yield rest + chunk[:first]
            if first < end:
                yield chunk[first:end]
        else:
            yield chunk[:end]
        rest = chunk[end:]
    if rest:
        yield rest


def _take(block: bytes, found: Points) -> bool:
    words = block.split()
    try:
        values = array("d", map(float, words[1::3]))
    except ValueError:
        return False
    found.values.extend(values)
    found.times.extend([int(word) * 1000 for word in words[0::3]])
    found.steps.extend(map(int, words[2::3]))
    return True


def _take_slowly(block: bytes, found: Points, number: int, bad: BadLines) -> int:
    for line in block.splitlines(keepends=True):
        if not line.endswith((b"\n", b"\r")):
            bad.add(number, "it has no end, so it may be half-written")
        elif len(line) > MAX_LINE:
            bad.add(number, f"it has more than {MAX_LINE} bytes")
        else:
            _take_line(line.decode("utf-8", "replace"), found, number, bad)
        number += 1
    return number


def _take_line(line: str, found: Points, number: int, bad: BadLines) -> None:
    words = line.strip().split(" ")
    if len(words) < 2 or len(words) == 4:
        bad.add(number, f"it has {len(words)} words and not time, value, step")
        return
    try:
        time, value = int(words[0]), float(words[1])
        step = int(words[2]) if len(words) > 2 else 0
    except ValueError:
        bad.add(number, "its time, value or step is no number")
        return
    if not -_MILLIS <= time <= _MILLIS or not _STEPS[0] <= step <= _STEPS[1]:
        bad.add(number, "its time or step is too large")
        return
    if len(words) == 5 and step:
        bad.dataset(number)
        step = 0
    found.append(step, time * 1000, value)
