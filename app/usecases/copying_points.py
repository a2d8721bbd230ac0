"""Whether points came over as they are: a mark of them that does not depend on their order."""

import hashlib

from msgspec import Struct

from modeldeck.backends.api.runs import Points


class Mark(Struct, frozen=True):
    """How many points there are, and a digest of all of them."""

    count: int
    digest: str


def mark_of(points: Points, *, exactly: bool) -> Mark:
    """The mark of points; where they are not kept exactly, of what a server keeps of them.

    That is: times in milliseconds, one NaN, one zero, the largest float for an infinity, and of
    equal points one.
    """
    import numpy as np

    steps = np.frombuffer(points.steps, np.int64)
    times = np.frombuffer(points.times, np.int64)
    values = np.frombuffer(points.values, np.float64)
    if not exactly:
        times = times // 1000
        largest = np.finfo(np.float64).max
        values = np.where(np.isnan(values), np.nan, np.clip(values, -largest, largest)) + 0.0
    rows = np.stack([steps, times, values.view(np.int64)], axis=1)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    if not exactly and len(rows):
        kept = np.ones(len(rows), bool)
        kept[1:] = (rows[1:] != rows[:-1]).any(axis=1)
        rows = rows[kept]
    return Mark(len(rows), hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest())
