"""One try of a call."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from ..api.errors import DamagedError, ModeldeckError, UsageError
from ..api.exchanges import Exchange
from .addresses import shown
from .answers import Answer
from .bodies import Incoming
from .calls import Call, Pace, Take
from .faults import Fault, Progress, fault, slow

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
ERROR_BODY = 256 << 10


class Try(Generic[T]):
    """What became of it: something `taken`, an `answer` that is not 2xx, or a `fault`."""

    def __init__(self, call: Call, url: str, *, deadline: float, attempt: int, proxy: str) -> None:
        self.where = shown(url)
        self.taken: list[T] = []
        self.answer: Answer | None = None
        self.fault: Fault | None = None
        self.incoming: Incoming | None = None
        self._call = call
        self._url = url
        self._deadline = deadline
        self._attempt = attempt
        self._proxy = proxy
        self._at: datetime | None = None
        self._began = 0.0
        self._progress = Progress()
        self._outcome = "broken off"

    @property
    def sent(self) -> bool:
        """Whether anything of the request may have reached the server."""
        return self._progress.sent

    @property
    def received(self) -> int:
        """Bytes of the body that came."""
        return self.incoming.received if self.incoming else 0

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    async def run(
        self,
        transport: "httpx.AsyncHTTPTransport",
        headers: Mapping[str, str],
        at: datetime,
        take: Take[T],
    ) -> None:
        """Send it, and take what comes within the deadline: by one clock from connection to end."""
        import httpx

        self._at, self._began = at, time.monotonic()

        try:
            async with asyncio.timeout(self._deadline) as guard:
                pace = Pace(guard, self._deadline, patient=self._call.patient)
                content = self._call.content
                request = httpx.Request(
                    self._call.method,
                    self._url,
                    headers=headers,
                    content=pace.watched(content()) if callable(content) else content,
                    extensions={"trace": self._progress.trace},
                )
                response = await transport.handle_async_request(request)
                try:
                    await self._receive(Incoming(response, self.where, pace.moved), take)
                finally:
                    await response.aclose()
        except asyncio.CancelledError:
            self._outcome = "cancelled"
            raise
        except ModeldeckError as error:
            self._outcome = error.what
            raise
        except TimeoutError:
            patient = self._call.patient
            self.fault = slow(self._deadline, self._progress, self.received, patient=patient)
        except httpx.InvalidURL:
            raise UsageError("this is no address of a server", where=self.where) from None
        except httpx.TransportError as problem:
            self.fault = fault(problem, self._proxy, secure=self._url.startswith("https:"))
        finally:
            await self._progress.abandon()
        if self.fault is not None:
            self._outcome = self.fault.kind

    async def _receive(self, incoming: Incoming, take: Take[T]) -> None:
        self.incoming = incoming
        if 200 <= incoming.status < 300 or incoming.status in self._call.accepts:
            self.taken = [await take(incoming)]
            self._outcome = "ok"
            return
        try:
            body = await incoming.whole(ERROR_BODY, self._call.limits.ratio, cut=True)
        except DamagedError:
            body = b""  # the status says enough
        self.answer = Answer(incoming.status, incoming.headers, body, self.seconds, self.where)
        self._outcome = f"status {incoming.status}"

    def exchange(self) -> Exchange:
        """Its line in the log."""
        assert self._at is not None
        return Exchange(
            at=self._at,
            method=self._call.method,
            url=self.where,
            status=self.incoming.status if self.incoming else None,
            seconds=self.seconds,
            received=self.received,
            attempt=self._attempt,
            outcome=self._outcome,
        )
