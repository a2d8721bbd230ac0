"""A list on a server, read a page at a time as it is looked at, each page once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
LARGEST = 1000
SMALLEST = 100
SECONDS = 1.5
"""About so long a page may take; how large it is follows from the pages before."""
OPENING = 2
"""Requests for the first page at most, however little of them fits a filter."""
ENOUGH = 10
"""With so many rows there is something to look at: the first page is not waited for longer."""


class Fetched(NamedTuple, Generic[T]):
    """A page: the rows that fit, the keys of all that were looked at, where it goes on."""

    rows: Sequence[T]
    keys: Sequence[str]
    token: str | None


Fetch = Callable[[str | None, int], Awaitable[Fetched[T]]]


class RemoteWindow(Generic[T]):
    """A window over pages that `fetch` gives by token and size.

    How long the list is comes out at its end, and rows are found by what was fetched of them.
    `describe` says in words what was done where, given how many were looked at and whether that
    was all; `finish` completes a row when it is handed over.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        key: Callable[[T], str],
        describe: Callable[[int, bool], Sequence[str]],
        finish: Callable[[T], T],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._key = key
        self._describe = describe
        self._finish = finish
        self._timer = timer
        self._rate = 0.0
        self._rows: list[T] = []
        self._places: dict[str, int] = {}
        self._seen: set[str] = set()
        self._tokens: set[str] = set()
        self._token: str | None = None
        self._ended = False
        self._trouble = ""
        self._again = 0
        self._asking = asyncio.Lock()
        self.first: Sequence[T] = ()

    @property
    def notes(self) -> Sequence[str]:
        """What was done where, and what was odd about the server's pages."""
        again = f"{self._again:,} rows came twice: the list changed while it was read"
        odd = [again if self._again else "", self._trouble]
        return [*self._describe(len(self._seen), self._ended), *filter(None, odd)]

    @property
    def count(self) -> int | None:
        return len(self._rows) if self._ended else None

    @property
    def at_least(self) -> int:
        return len(self._rows)

    async def open(self, size: int) -> None:
        """Fetch the first `size` rows, as far as a few requests bring them."""
        await self._reach(size, OPENING)
        self.first = self._given(0, size)

    async def whole(self) -> None:
        """Nothing: it would mean to fetch all of it."""

    async def page(self, start: int, limit: int) -> Sequence[T]:
        """The rows from `start`; fetches as far as that needs."""
        await self._reach(start + limit)
        return self._given(start, limit)

    async def index_of(self, key: str) -> int | None:
        """The place of the row of that key among those that were fetched."""
        return self._places.get(key)

    async def keys(self) -> Sequence[str]:
        """The keys of the rows that were fetched."""
        return list(self._places)

    def _given(self, start: int, limit: int) -> Sequence[T]:
        return [self._finish(row) for row in self._rows[start : start + limit]]

    async def _reach(self, wanted: int, requests: int | None = None) -> None:
        async with self._asking:
            asked = 0
            while not self._ended and len(self._rows) < wanted and asked != requests:
                if requests and asked and len(self._rows) >= ENOUGH:
                    break
                began = self._timer()
                page = await self._fetch(self._token, self._size(wanted))
                self._rate = (self._timer() - began) / max(len(page.keys), 1)
                self._take(page)
                asked += 1

    def _size(self, wanted: int) -> int:
        """How many to ask for: what is missing, judged by what of the pages before fitted."""
        missing = max(wanted - len(self._rows), 1)
        if not self._seen:
            return min(missing, LARGEST)
        share = len(self._rows) / len(self._seen)
        needed = missing if share == 1.0 else missing / share if share else LARGEST
        affordable = SECONDS / self._rate if self._rate else LARGEST
        return int(max(SMALLEST, min(max(needed, SMALLEST), affordable, LARGEST)))

    def _take(self, page: Fetched[T]) -> None:
        fresh = {key for key in page.keys if key not in self._seen}
        nothing_new = bool(page.keys) and not fresh
        self._again += len(page.keys) - len(fresh)
        self._seen |= fresh
        for row in page.rows:
            key = self._key(row)
            if key in fresh:
                fresh.discard(key)
                self._places[key] = len(self._rows)
                self._rows.append(row)
        self._token = page.token or None
        if self._token is None:
            self._ended = True
        elif self._token in self._tokens:
            self._break_off("the server gave the same page token twice")
        elif not page.keys:
            self._break_off("the server gave an empty page with more to come")
        elif nothing_new:
            self._break_off("the server gave nothing but rows that it had given before")
        else:
            self._tokens.add(self._token)

    def _break_off(self, why: str) -> None:
        self._trouble = f"the list breaks off after {len(self._seen):,}: {why}"
        self._ended = True
