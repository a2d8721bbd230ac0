"""When a server fails again and again it is left alone for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from ..api.errors import UnreachableError
from ..api.times import rfc3339


class Breaker:
    """Counts failures in a row. After some it is open, and nobody asks until a pause is over.

    Then one request may try (half-open): an answer closes it, a failure opens it for twice as long.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        after: int = 5,
        pause: float = 5.0,
        longest: float = 120.0,
    ) -> None:
        self._clock = clock
        self._after = after
        self._first = self._pause = pause
        self._longest = longest
        self._failures = 0
        self._reason = ""
        self._opened: datetime | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether nobody may ask but who tries whether the server is back."""
        return self._opened is not None

    @contextmanager
    def turn(self, where: str) -> Iterator[None]:
        """Around one try; raises `UnreachableError` at once when it may not be made."""
        tries = False
        if self._opened is not None:
            until = self._opened + timedelta(seconds=self._pause)
            now = self._clock()
            # A clock that was set back must not keep it open.
            if self._trying or self._opened <= now < until:
                raise self._refusal(where, now, until)
            self._trying = tries = True
        try:
            yield
        finally:
            if tries:
                self._trying = False

    def _refusal(self, where: str, now: datetime, until: datetime) -> UnreachableError:
        if self._trying:
            way_out = "It is being tried right now"
        else:
            seconds = max(1, round((until - now).total_seconds()))
            moment = rfc3339(until.replace(microsecond=0))
            way_out = f"The next try is in {seconds} s, at {moment}"
        error = UnreachableError(
            f"not asked: it failed {self._failures} times in a row, at last: {self._reason}",
            where=where,
            way_out=way_out,
        )
        error.sent = False
        return error

    def success(self) -> None:
        """The server answered."""
        self._failures, self._opened, self._pause = 0, None, self._first

    def failure(self, reason: str) -> None:
        """It did not, or it or what stands before it said that it is out."""
        self._failures += 1
        self._reason = reason
        if self._trying:
            self._pause = min(self._pause * 2, self._longest)
            self._opened = self._clock()
        elif self._opened is None and self._failures >= self._after:
            self._opened = self._clock()
