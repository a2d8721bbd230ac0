"""How old what is shown is, in words, and when it is time to ask for it again."""

from datetime import datetime, timedelta

from modeldeck.backends.api.errors import ModeldeckError

from .frame import clock_time

SLOWEST = 16
"""Times the usual pause that is waited after many failures in a row."""


class Freshness:
    """What one screen shows: when it was read, why it was not read again, how often that failed.

    `far` is what somebody else may change without our being told: its age is counted.
    """

    def __init__(self) -> None:
        self.far = False
        self.at: datetime | None = None
        self.missed: ModeldeckError | None = None
        self.failures = 0
        self.tried = 0.0

    def read(self, at: datetime) -> None:
        """It was read."""
        self.at, self.missed, self.failures = at, None, 0

    def miss(self, error: ModeldeckError) -> None:
        """It could not be read again."""
        self.missed = error
        self.failures += 1

    def due(self, now: float, every: float) -> bool:
        """Whether to ask again, a pause of `every` seconds after the last time; 0 is never.

        The pause is doubled with every failure.
        """
        pause = every * float(min(2**self.failures, SLOWEST))
        return 0 < pause <= now - self.tried

    def words(self, name: str, now: datetime) -> str:
        """`mlflow 12s`, `lab 08:05:12`, `mlflow 08:05:12 (4m old)`; nothing before it was read."""
        if self.at is None:
            return ""
        clock = clock_time(self.at.astimezone(now.tzinfo))
        if self.missed is not None:
            return f"{name} {clock} ({ago(now - self.at)} old)"
        return f"{name} {ago(now - self.at)}" if self.far else f"{name} {clock}"

    def why(self) -> str:
        """Why it is as old as that; empty where it is not."""
        return self.missed.what if self.missed is not None and self.at is not None else ""


def ago(span: timedelta) -> str:
    """`12s`, `4m`, `3h`, `2d`; never less than nothing."""
    seconds = max(int(span.total_seconds()), 0)
    for size, unit in ((172_800, "d"), (7200, "h"), (120, "m")):
        if seconds >= size:
            return f"{seconds // {'d': 86400, 'h': 3600, 'm': 60}[unit]}{unit}"
    return f"{seconds}s"
