"""The client of a context, as adapters use it."""

import asyncio
import random as randomness
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from msgspec import structs

from ..api.ages import kept_since, old_will_do
from ..api.connect import Credentials, Limits, Trust
from ..api.errors import DamagedError, UnreachableError
from ..api.exchanges import Exchange
from .addresses import checked_base, joined, shown
from .answers import Answer, Explain, check_json
from .bodies import Incoming
from .calls import Call
from .disk import Disk, Stored
from .downloads import download, fetch
from .safe_json import loads_safe
from .sending import Sender
from .uploads import upload

T = TypeVar("T")

TRUST, LIMITS = Trust(), Limits()
THREAD = 256 << 10  # bytes of JSON from which a thread reads them


def utc_now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class Http:
    """One careful client, for one server.

    Requests are bounded in time and size, tried again only when they are `repeatable`, and never
    follow a redirect to another origin. `explain` turns an answer that is not 2xx into an error;
    whatever it explains by anything but an `UnreachableError` is not tried again. `disk` keeps the
    answers that `ask` is told to keep.
    """

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] = {},
        credentials: Credentials | None = None,
        trust: Trust = TRUST,
        limits: Limits = LIMITS,
        explain: Explain | None = None,
        disk: Disk | None = None,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.base = checked_base(base)
        self.limits = limits
        self.disk = disk
        self._clock = clock
        self._sender = Sender(
            self.base,
            headers=headers,
            credentials=credentials,
            trust=trust,
            explain=explain,
            clock=clock,
            sleep=sleep,
            random=random,
        )

    def __repr__(self) -> str:
        return f"Http({shown(self.base)!r})"

    @property
    def exchanges(self) -> deque[Exchange]:
        """The latest tries, oldest first."""
        return self._sender.exchanges

    @property
    def skew(self) -> timedelta | None:
        """How much the server's clock is ahead of ours, by its newest answer that says so."""
        return self._sender.skew

    @property
    def away(self) -> bool:
        """Whether nobody may ask but who tries whether the server is back."""
        return self._sender.away

    async def close(self) -> None:
        """Close what is open. A later request opens it again."""
        await self._sender.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object | None = None,
        repeatable: bool | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """The 2xx answer to a request; all others are errors.

        `path` is percent-encoded and begins with /. `query` values may be lists; None is left out.
        `body` is sent as JSON. `repeatable` None means GET and HEAD; a read that is sent as POST
        says True.
        """
        limits = limits or self.limits
        headers = {} if body is None else {"Content-Type": "application/json"}
        call = Call(
            method=method,
            url=joined(self.base, path, query),
            repeatable=method in ("GET", "HEAD") if repeatable is None else repeatable,
            limits=limits,
            headers=lambda: headers,
            content=None if body is None else msgspec.json.encode(body),
        )
        began = time.monotonic()

        async def take(incoming: Incoming) -> Answer:
            # The length that the answer to a HEAD names is that of what does not come.
            headed = method == "HEAD"
            body = await incoming.whole(limits.most, limits.ratio, cut=headed)
            seconds = time.monotonic() - began
            return Answer(incoming.status, incoming.headers, body, seconds, incoming.url)

        return await self._sender.send(call, take)

    async def ask(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        query: Mapping[str, object] | None = None,
        body: object | None = None,
        repeatable: bool | None = None,
        limits: Limits | None = None,
        keep: bool = False,
    ) -> T:
        """The answer to a request, read as JSON of that shape; `DamagedError` when it is not.

        With `keep` the answer to a read is kept on disk. Where the server cannot be reached that is
        the answer, for those alone who take an old one: see `api.ages`.
        """
        limits = limits or self.limits
        disk = self.disk if keep and old_will_do() else None
        name = "" if disk is None else disk.name(method, joined(self.base, path, query), body)
        if disk is not None and disk.holds(name):
            # Asked as always, but no second time after a whole deadline of silence.
            limits = structs.replace(limits, total=min(limits.total, limits.deadline))
        began = self._clock()
        try:
            answer = await self.request(
                method, path, query=query, body=body, repeatable=repeatable, limits=limits
            )
        except UnreachableError as error:
            stored = None if disk is None else await asyncio.to_thread(disk.get, name)
            if stored is None or stored.asked > began:
                raise
            try:
                found = await _read(stored.body, shape)
            except DamagedError:  # another version of us understood it
                raise error from None
            kept_since(stored.asked, error)
            return found
        check_json(answer)
        try:
            found = await _read(answer.body, shape)
        except DamagedError as error:
            error.where = answer.url
            raise
        if disk is not None:
            await asyncio.to_thread(disk.put, name, Stored(began, answer.body))
        return found

    async def download(
        self,
        path: str,
        target: Path,
        *,
        query: Mapping[str, object] | None = None,
        most: int | None = None,
    ) -> str:
        """Fetch a file to `target` and give its `sha256:...`.

        What has come stays in `target.part` until all is there, and the next download goes on from
        it, when the server says by its ETag that the file is the same.
        """
        url = joined(self.base, path, query)
        return await download(self._sender, url, target, self.limits, most)

    async def fetch(
        self,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        start: int = 0,
        limit: int,
    ) -> bytes:
        """At most `limit` bytes of a file from `start`; fewer at its end."""
        url = joined(self.base, path, query)
        return await fetch(self._sender, url, start, limit, self.limits)

    async def upload(self, path: str, source: BinaryIO | Path, *, method: str = "PUT") -> None:
        """Send a file, in pieces, once; from where it stands when it is open."""
        await upload(self._sender, joined(self.base, path, None), source, method, self.limits)


async def _read(body: bytes, shape: type[T]) -> T:
    if len(body) < THREAD:
        return _shaped(body, shape)
    return await asyncio.to_thread(_shaped, body, shape)


def _shaped(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.convert(loads_safe(body), shape)
    except msgspec.ValidationError as problem:
        raise DamagedError(
            f"the answer is not what it should be: {problem}",
            way_out="Another service or an unknown version may answer there",
        ) from None
