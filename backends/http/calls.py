"""What is sent, and how long it may take."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from ..api.connect import Limits
from .bodies import Incoming

T = TypeVar("T")
Take = Callable[[Incoming], Awaitable[T]]
MOVED = 16 << 10  # bytes within a deadline that show that a transfer goes on


class Call(Struct, kw_only=True):
    """One request as it is meant, however often it is tried.

    `headers` and `content` are asked for at each try; `rewind` says whether the content can be had
    again. A `patient` call moves a file: its deadline is for the next `MOVED` bytes, and a try that
    has moved them is no failure. `accepts` are statuses beside 2xx that its taker understands.
    """

    method: str
    url: str
    repeatable: bool
    limits: Limits
    headers: Callable[[], Mapping[str, str]] = dict
    content: bytes | Callable[[], AsyncIterator[bytes]] | None = None
    rewind: Callable[[], bool] = lambda: True
    patient: bool = False
    accepts: tuple[int, ...] = ()


class Pace:
    """The deadline of a try; a patient one is put off as long as bytes move."""

    def __init__(self, guard: asyncio.Timeout, deadline: float, *, patient: bool) -> None:
        self._guard = guard
        self._deadline = deadline
        self._patient = patient
        self._since = 0

    def moved(self, count: int) -> None:
        """Bytes came or went."""
        self._since += count
        if self._patient and self._since >= MOVED and not self._guard.expired():
            self._since = 0
            self._guard.reschedule(asyncio.get_running_loop().time() + self._deadline)

    async def watched(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """`content`, counted as it goes."""
        async for data in content:
            yield data
            self.moved(len(data))
