"""How old an answer is, told by whoever keeps answers to whoever must know.

An adapter that answers from memory calls `kept_since` with the time at which what it has was asked
for. Whoever wants to know the age of an answer asks for it inside of an `Age`.
"""

from contextvars import ContextVar, Token
from datetime import datetime
from typing import Self

_CURRENT: ContextVar["Age | None"] = ContextVar("age", default=None)


class Age:
    """As a context: `at` is when the oldest part of what is read in it was asked for.

    Whoever asks around it is told too.
    """

    def __init__(self, now: datetime) -> None:
        self.at = now
        self._token: Token[Age | None] | None = None

    def __enter__(self) -> Self:
        self._token = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _CURRENT.reset(self._token)
            kept_since(self.at)


def kept_since(at: datetime) -> None:
    """Part of the answer that is being given was asked for at that time."""
    current = _CURRENT.get()
    if current is not None:
        current.at = min(current.at, at)


def asked_at(now: datetime) -> datetime:
    """When what is read here was asked for: to be kept with it."""
    current = _CURRENT.get()
    return now if current is None else min(current.at, now)
