"""Follows what a run writes into its directory: each read gives what is new since the last.

A reader keeps no file open and writes nothing. All it needs to go on after a crash, of the script
or of itself, are the positions of the last batch that was stored. Metrics and evaluations come
exactly once; params, tags and datasets are given again by a new reader, and stand for themselves.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from modeldeck.backends.api.ingest import Batch, Problem

from .documents import Datasets, Document, Texts
from .metrics import Metrics
from .results import Evaluations
from .rundir import DATASETS, EVALUATIONS, METRICS, PARAMS, TAGS
from .tail import Tail
from .tally import Tally

LIMIT_BYTES = 4 << 20


def now() -> int:
    """The time in microseconds since 1970."""
    return time.time_ns() // 1000


class Reader:
    """Reads a run directory on from `positions`.

    `base` is where relative paths of datasets start (the command's working directory; the run
    directory if not given). `clock` gives the time for lines that have none, in microseconds.
    """

    def __init__(
        self,
        run_dir: Path,
        positions: Mapping[str, int],
        *,
        base: Path | None = None,
        clock: Callable[[], int] = now,
    ) -> None:
        self._tally = tally = Tally()
        self._metrics = Metrics(Tail(run_dir, METRICS, positions, tally), tally, clock)
        self._evaluations = Evaluations(Tail(run_dir, EVALUATIONS, positions, tally), tally)
        self._params = Texts(Document(run_dir, PARAMS, tally), tally)
        self._tags = Texts(Document(run_dir, TAGS, tally), tally)
        datasets = Document(run_dir, DATASETS, tally)
        self._datasets = Datasets(datasets, tally, base or run_dir)

    @property
    def behind(self) -> bool:
        """Whether the last read stopped at its limit: read again at once."""
        return self._metrics.tail.behind or self._evaluations.tail.behind

    @property
    def positions(self) -> Mapping[str, int]:
        """Where to go on: byte offsets by file name, and `NAME#first` to know the file again."""
        return self._metrics.tail.positions | self._evaluations.tail.positions

    def read(
        self, *, limit_bytes: int = LIMIT_BYTES, finish: bool = False
    ) -> tuple[Batch, list[Problem]]:
        """What is new, at most about `limit_bytes` of each file, and what was wrong with it.

        With `finish` nothing more will be written: last lines without an end are taken, what is
        half-written is a problem. Call it until it is no longer `behind`.
        """
        batch = Batch(
            points=self._metrics.read(limit_bytes, finish=finish),
            params=self._params.read(finish=finish),
            tags=self._tags.read(finish=finish),
            datasets=self._datasets.read(finish=finish),
            evaluations=self._evaluations.read(limit_bytes, finish=finish),
            positions=self.positions,
        )
        ended = finish and not self.behind
        return batch, self._tally.close() if ended else self._tally.take()
