"""From screens to use cases and back: work runs in workers, answers come as messages.

Every question has a slot on its screen. A newer question in the same slot makes the older one
stale: it is cancelled, and its answer dropped. Every call is timed for the `@` screen.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import ModeldeckError

Work = Callable[[], Awaitable[Any]]
KEPT_CALLS = 500


class Call(NamedTuple):
    """A finished question: when, what, how long, how it ended."""

    at: datetime
    words: str
    seconds: float
    outcome: str


class Loaded(Message):
    """An answer."""

    def __init__(self, slot: str, value: Any) -> None:
        super().__init__()
        self.slot, self.value = slot, value


class Failed(Message):
    """No answer, and why."""

    def __init__(self, slot: str, error: ModeldeckError) -> None:
        super().__init__()
        self.slot, self.error = slot, error


class Bridge:
    """The questions of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self.answered_at: datetime | None = None
        self._running: dict[tuple[int, str], Worker[None]] = {}

    def ask(self, owner: Widget, slot: str, words: str, work: Work) -> None:
        """Do `work` for `owner`, which gets Loaded or Failed with `slot`. `words` name the call."""
        key = (id(owner), slot)
        self.cancel(owner, slot)
        worker = owner.run_worker(
            self._do(owner, key, words, work), name=words, exit_on_error=False, exclusive=False
        )
        self._running[key] = worker

    def cancel(self, owner: Widget, slot: str | None = None) -> bool:
        """Cancel one question of `owner`, or all; gives whether there was any."""
        keys = [k for k in self._running if k[0] == id(owner) and slot in (None, k[1])]
        for key in keys:
            self._running.pop(key).cancel()
        return bool(keys)

    def busy(self, owner: Widget) -> bool:
        """Whether an answer to `owner` is still to come."""
        return any(key[0] == id(owner) for key in self._running)

    async def _do(self, owner: Widget, key: tuple[int, str], words: str, work: Work) -> None:
        begin, at = time.monotonic(), self.session.clock()
        message: Message | None = None
        outcome = "cancelled"
        try:
            value = await work()
            message, outcome = Loaded(key[1], value), "ok"
        except ModeldeckError as error:
            message, outcome = Failed(key[1], error), error.what
        except Exception as error:  # noqa: BLE001 - a defect ends a question, not the console
            unexpected = ModeldeckError(f"unexpected: {type(error).__name__}: {error}")
            message, outcome = Failed(key[1], unexpected), unexpected.what
            self.unexpected(error)
        finally:
            self.calls.append(Call(at, words, time.monotonic() - begin, outcome))
        self._running.pop(key, None)
        if outcome == "ok":
            self.answered_at = self.session.clock()
        if owner.is_attached:
            owner.post_message(message)

    def unexpected(self, error: Exception) -> None:
        """Keep what nobody foresaw where a developer can find it."""
        import logging

        logging.getLogger("modeldeck").error("unexpected", exc_info=error)
