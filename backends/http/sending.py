"""Sending: the tries of a call, one after the other, and the log of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from ..api.connect import Credentials, Trust
from ..api.errors import DeniedError, ModeldeckError, UnreachableError
from ..api.exchanges import Exchange
from .account import Account, check_headers
from .addresses import followed, shown
from .answers import AGAIN, OUT, REDIRECTS, Answer, Explain, http_date, own_words, retry_after
from .breaker import Breaker
from .calls import MOVED, Call, Take
from .transport import make_transport, proxy_for
from .trying import Try

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

AT_ONCE = 6  # requests
FILES_AT_ONCE = 2  # downloads and uploads, which must not stand in the way of requests
LOGGED = 500
USUAL = {"User-Agent": "modeldeck", "Accept": "*/*", "Accept-Encoding": "gzip"}
REDIRECTS_AT_MOST = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0


class Verdict(Struct, frozen=True):
    """Why a try was in vain, whether another may be made, and how long the server asks to wait."""

    error: ModeldeckError
    again: bool = False
    pause: float | None = None


class Sender:
    """Sends calls to one server: so many at once, so often, so long, and logs each try."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str],
        credentials: Credentials | None,
        trust: Trust,
        explain: Explain | None,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[object]],
        random: Callable[[], float],
    ) -> None:
        self.exchanges: deque[Exchange] = deque(maxlen=LOGGED)
        self.skew: timedelta | None = None
        self._base = base
        self._headers = dict(headers)
        self._account = Account(credentials)
        self._trust = trust
        self._explain = explain
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._breaker = Breaker(clock)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._file_slots = asyncio.Semaphore(FILES_AT_ONCE)
        self._proxy = proxy_for(base, trust)
        self._transport: httpx.AsyncHTTPTransport | None = None

    @property
    def away(self) -> bool:
        """Whether nobody may ask but who tries whether the server is back."""
        return self._breaker.open

    async def close(self) -> None:
        """Close what is open. A later call opens it again."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def send(self, call: Call, take: Take[T]) -> T:
        """Try `call` until `take` has had the body of an answer, or there is no more hope.

        A 401 says that nothing was done, so what follows it is no second time: it is sent once more
        with other credentials. A redirect is followed by reads alone, and within the origin.
        """
        limits, url, hops, renewed = call.limits, call.url, 0, False
        attempt, failures, spent = 0, 0, 0.0
        authorization = await self._account.header()
        while True:
            attempt += 1
            deadline = limits.deadline
            if not call.patient:
                deadline = min(deadline, limits.total - spent)
            proxy = shown(self._proxy)
            one: Try[T] = Try(call, url, deadline=deadline, attempt=attempt, proxy=proxy)
            verdict = await self._turn(call, one, authorization, take)
            if verdict is None:
                return one.taken[0]
            if call.patient and one.received >= MOVED:
                failures, spent = 0, 0.0
            spent += one.seconds
            if one.answer is not None and spent < limits.total:
                if one.answer.status == 401 and not renewed and call.rewind():
                    renewed = True
                    other = await self._account.another(authorization)
                    if other is not None:
                        authorization = other
                        continue
                target = _redirected(call, url, one.answer, verdict.error)
                if target is not None and hops < REDIRECTS_AT_MOST:
                    url, hops = target, hops + 1
                    continue
            failures += 1
            wait = self._wait(failures, verdict.pause)
            hopeless = failures >= limits.tries or spent + wait >= limits.total
            if not verdict.again or hopeless or self._breaker.open:
                raise _last(verdict.error, call, failures)
            await self._sleep(wait)
            spent += wait

    async def _turn(
        self, call: Call, one: Try[T], authorization: str | None, take: Take[T]
    ) -> Verdict | None:
        """Make a try when there is a place for it and the server is not left alone."""
        async with self._file_slots if call.patient else self._slots:
            with self._breaker.turn(one.where):
                headers = {**USUAL, **self._headers, **call.headers()}
                if authorization is not None:
                    headers["Authorization"] = authorization
                check_headers(headers, one.where)
                transport = self._open()
                try:
                    await one.run(transport, headers, self._clock(), take)
                except ModeldeckError:
                    if one.incoming is not None:  # it answered, if with what is not to be taken
                        self._breaker.success()
                    raise
                finally:
                    self._note(one)
                return self._judge(call, one)

    def _open(self) -> "httpx.AsyncHTTPTransport":
        if self._transport is None:
            most = AT_ONCE + FILES_AT_ONCE
            self._transport = make_transport(self._base, self._trust, self._proxy, most)
        return self._transport

    def _note(self, one: Try[T]) -> None:
        self.exchanges.append(one.exchange())
        if one.incoming is not None:
            date = http_date(one.incoming.headers.get("date", ""))
            if date is not None:
                self.skew = date - self._clock()

    def _judge(self, call: Call, one: Try[T]) -> Verdict | None:
        """What a try came to; the breaker learns of it."""
        if one.fault is not None:
            if call.patient and one.received >= MOVED:
                self._breaker.success()
            else:
                self._breaker.failure(one.fault.what)
            away = UnreachableError(one.fault.what, where=one.where, way_out=one.fault.way_out)
            away.sent = one.sent
            return Verdict(away, one.fault.again and call.repeatable)
        answer = one.answer
        if answer is None:
            self._breaker.success()
            return None
        error = self._explain(answer) if self._explain else None
        now = self._clock()
        error = error or own_words(answer, call.method, self._account.describe(), now)
        waits = isinstance(error, UnreachableError)
        if waits and answer.status in OUT:
            self._breaker.failure(error.what)
        else:
            self._breaker.success()
        again = waits and answer.status in AGAIN and call.repeatable
        return Verdict(error, again, retry_after(answer, now))

    def _wait(self, failures: int, pause: float | None) -> float:
        """Seconds until the next try: a random part of a growing pause, after what is asked for."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (failures - 1))
        return self._random() * longest + (pause or 0.0)


def _redirected(call: Call, url: str, answer: Answer, error: ModeldeckError) -> str | None:
    """Where a redirect may be followed to: by a read, within the origin, and not to log in."""
    reads = call.method in ("GET", "HEAD")
    if answer.status not in REDIRECTS or not reads or isinstance(error, DeniedError):
        return None
    return followed(url, answer.headers.get("location", ""))


def _last(error: ModeldeckError, call: Call, failures: int) -> ModeldeckError:
    """The error of the last try, with what must be known beside it."""
    if failures > 1:
        error.what = f"{error.what} (tried {failures} times)"
    if isinstance(error, UnreachableError) and error.sent and not call.repeatable:
        doubt = "Whether it was done is not known: look before you try again"
        error.way_out = f"{error.way_out}. {doubt}" if error.way_out else doubt
    return error
