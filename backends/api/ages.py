"""How old an answer is, told by whoever keeps answers to whoever must know.

An adapter that answers from memory calls `kept_since` with the time at which what it has was asked
for. Whoever wants to know the age of an answer asks for it inside of an `Age`.

What is kept for longer, for when a server cannot be reached, is given to nobody but those who say
that they take it, and show that it is old.
"""

from contextvars import ContextVar, Token
from datetime import datetime
from typing import Self

from .errors import UnreachableError

_CURRENT: ContextVar["Age | None"] = ContextVar("age", default=None)


class Age:
    """As a context: `at` is when the oldest part of what is read in it was asked for.

    With `old`, answers from before the server went away will do; `missed` says then why it was not
    reached. Without a word of that it is as around it. Whoever asks around it is told too.
    """

    def __init__(self, now: datetime, *, old: bool | None = None) -> None:
        self.at = now
        self.old = old
        self.missed: UnreachableError | None = None
        self._token: Token[Age | None] | None = None

    def __enter__(self) -> Self:
        if self.old is None:
            self.old = old_will_do()
        self._token = _CURRENT.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _CURRENT.reset(self._token)
            kept_since(self.at, self.missed)


def kept_since(at: datetime, missed: UnreachableError | None = None) -> None:
    """Part of the answer that is being given was asked for at that time.

    `missed` is why it was not asked for again.
    """
    current = _CURRENT.get()
    if current is not None:
        current.at = min(current.at, at)
        current.missed = current.missed or missed


def asked_at(now: datetime) -> datetime:
    """When what is read here was asked for: to be kept with it."""
    current = _CURRENT.get()
    return now if current is None else min(current.at, now)


def old_will_do() -> bool:
    """Whether whoever asks takes an answer from before the server went away, and says so."""
    current = _CURRENT.get()
    return current is not None and bool(current.old)


def is_old() -> bool:
    """Whether part of what was read here is from before the server went away: not to be kept."""
    current = _CURRENT.get()
    return current is not None and current.missed is not None
