"""Answers kept in memory for a short while, with the time at which they were asked for."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from ..api.ages import is_old, kept_since

T = TypeVar("T")


class _Value(NamedTuple, Generic[T]):
    until: float
    value: T
    asked: datetime | None


class Kept(Generic[T]):
    """Values by key, the latest `most` of them, each for as long as it is said to be good.

    Whoever is given one is told how old it is, see `api.ages`. What is from before the server went
    away is asked for again each time, unless `even_old`.
    """

    def __init__(
        self, most: int, clock: Callable[[], float] = time.monotonic, *, even_old: bool = False
    ) -> None:
        self._most = most
        self._even_old = even_old
        self._clock = clock
        self._values: OrderedDict[Hashable, _Value[T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        """The value, None when there is none or it is too old."""
        found = self._values.get(key)
        if found is None:
            return None
        if self._clock() < found.until:
            self._values.move_to_end(key)
            if found.asked is not None:
                kept_since(found.asked)
            return found.value
        del self._values[key]
        return None

    def put(self, key: Hashable, value: T, seconds: float, asked: datetime | None = None) -> None:
        """Keep for so many seconds what was `asked` for then."""
        if is_old() and not self._even_old:
            return
        self._values[key] = _Value(self._clock() + seconds, value, asked)
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
