"""From screens to use cases and back: work runs in workers, answers come as messages.

Every question has a slot on its screen. A newer question in the same slot makes the older one
stale: it is cancelled, and its answer dropped. Every call is timed for the `@` screen.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from textual.dom import DOMNode
from textual.message import Message
from textual.worker import Worker

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.ages import Age
from modeldeck.backends.api.errors import ModeldeckError

Work = Callable[[], Awaitable[Any]]
KEPT_CALLS = 500
SLOW = 0.3
"""Seconds after which a person is told that an answer is awaited."""


class Call(NamedTuple):
    """A finished question: when, what, how long, how it ended.

    `sent` bytes had gone to the terminal before it.
    """

    at: datetime
    words: str
    seconds: float
    outcome: str
    sent: int = 0


class Loaded(Message):
    """An answer, and when the oldest part of it was asked of the backend.

    `missed` is why that part was not asked for again: the server is away.
    """

    def __init__(
        self, slot: str, value: Any, at: datetime, missed: ModeldeckError | None = None
    ) -> None:
        super().__init__()
        self.slot, self.value, self.at, self.missed = slot, value, at, missed


class Failed(Message):
    """No answer, and why."""

    def __init__(self, slot: str, error: ModeldeckError) -> None:
        super().__init__()
        self.slot, self.error = slot, error


class Bridge:
    """The questions of one session. `on_late` is called with the owner of one that takes long."""

    def __init__(self, session: Session, on_late: Callable[[DOMNode], None] | None = None) -> None:
        self.session = session
        self.on_late = on_late
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.answered_at: datetime | None = None
        self.sent: Callable[[], int] = lambda: 0
        self._running: dict[tuple[int, str], Worker[None]] = {}
        self._late: set[tuple[int, str]] = set()

    def ask(self, owner: DOMNode, slot: str, words: str, work: Work, *, old: bool = False) -> None:
        """Do `work` for `owner`, which gets Loaded or Failed with `slot`.

        `words` name the call in the log; without any it is not logged. With `old` an answer from
        before the server went away will do: who says that shows how old it is, and changes nothing.
        """
        key = (id(owner), slot)
        self.cancel(owner, slot)
        # Not the coroutine itself: cancelled before its first step, it would be left over.
        do = partial(self._do, owner, key, words, work, old)
        worker: Worker[None] = owner.run_worker(do, name=words, exit_on_error=False)
        self._running[key] = worker

    def cancel(self, owner: DOMNode, slot: str | None = None) -> bool:
        """Cancel one question of `owner`, or all; gives whether there was any."""
        keys = [k for k in self._running if k[0] == id(owner) and slot in (None, k[1])]
        for key in keys:
            self._late.discard(key)
            self._running.pop(key).cancel()
        return bool(keys)

    def asked(self, owner: DOMNode, slot: str) -> bool:
        """Whether the answer of a slot is still to come."""
        return (id(owner), slot) in self._running

    def asks(self, owner: DOMNode) -> bool:
        """Whether any answer to `owner` is still to come."""
        return any(key[0] == id(owner) for key in self._running)

    def busy(self, owner: DOMNode) -> bool:
        """Whether `owner` has waited for an answer so long that it should say so."""
        return any(key[0] == id(owner) for key in self._late)

    async def _do(
        self, owner: DOMNode, key: tuple[int, str], words: str, work: Work, old: bool
    ) -> None:
        begin, at, sent = time.monotonic(), self.session.clock(), self.sent()
        message: Message | None = None
        age = Age(at, old=old)
        outcome = "cancelled"
        mine = self._running.get(key)
        late = asyncio.get_running_loop().call_later(SLOW, self._tell_late, owner, key)
        try:
            with age:
                value = await work()
            message, outcome = Loaded(key[1], value, age.at, age.missed), "ok"
        except ModeldeckError as error:
            message, outcome = Failed(key[1], error), error.what
        except Exception as error:  # noqa: BLE001 - a defect ends a question, not the console
            message = Failed(key[1], self.unexpected(error))
            outcome = message.error.what
        finally:
            late.cancel()
            if words:
                self.calls.append(Call(at, words, time.monotonic() - begin, outcome, sent))
            if self._running.get(key) is mine:
                self._running.pop(key, None)
                self._late.discard(key)
        if outcome == "ok":
            self.answered_at = self.session.clock()
        if owner.is_attached:
            owner.post_message(message)

    def _tell_late(self, owner: DOMNode, key: tuple[int, str]) -> None:
        if key in self._running and owner.is_attached:
            self._late.add(key)
            if self.on_late:
                self.on_late(owner)

    def unexpected(self, error: Exception) -> ModeldeckError:
        """What nobody foresaw as an error for the person, with a report for a developer."""
        from .crash import write_report

        path = write_report(error)
        return ModeldeckError(
            f"a defect: {type(error).__name__}", way_out=f"Where it happened is in {path}"
        )
