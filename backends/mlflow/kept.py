"""Answers kept in memory for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, the latest `most` of them, each for as long as it is said to be good."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """The value, None when there is none or it is too old."""
        found = self._values.get(key)
        if found is None:
            return None
        until, value = found
        if self._clock() < until:
            self._values.move_to_end(key)
            return value
        del self._values[key]
        return None

    def put(self, key: Hashable, value: T, seconds: float) -> None:
        """Keep it for so many seconds."""
        self._values[key] = (self._clock() + seconds, value)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def pop(self, key: Hashable) -> T | None:
        """The value, which is not kept any more."""
        value = self.get(key)
        self._values.pop(key, None)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
