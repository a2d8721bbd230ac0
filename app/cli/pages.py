"""Pages of a list on the command line: a limit, a token that goes on, lists of any length."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Generic, TypeVar

from modeldeck.app.usecases import encode
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.lists import PIECE, Window, pages_of

from . import output, streams

T = TypeVar("T")
MakeColumns = Callable[[Sequence[T]], output.Columns]


def first_of(limit: int) -> int:
    """How many items a window shall load at once for that `--limit`."""
    return limit + 1 if limit else PIECE


async def print_list(
    window: Window[T],
    key: Callable[[T], str],
    columns: MakeColumns[T],
    *,
    limit: int,
    after: str | None,
    form: str,
) -> None:
    """A window in one of the formats: at most `limit` items (0: all) after those of `after`."""
    listing = Listing(window, limit, after, key)
    if limit or form == "table":
        items, following = await listing.page()
        output.write_list(items, columns(items), form, following=following)
    elif form == "json":
        await _print_json(listing)
    elif form == "jsonl":
        async for page in listing.pages():
            output.write_lines(page)
    else:
        names: dict[str, None] = {}
        async for page in listing.pages():
            for item in page:
                names |= dict.fromkeys(encode.flat(encode.encode(item)))
        output.write_csv_row(names)
        async for page in listing.pages():
            for item in page:
                row = encode.flat(encode.encode(item))
                output.write_csv_row([row.get(name) for name in names])
    for note in window.notes:
        streams.say(note)


async def _print_json(listing: "Listing[Any]") -> None:
    print(f'{{"schema": {encode.SCHEMA}, "items": [', end="")
    first = True
    async for page in listing.pages():
        for item in page:
            print("" if first else ", ", encode.line(item), sep="", end="")
            first = False
    print('], "next": null}')


class Listing(Generic[T]):
    """What of a window is wanted."""

    def __init__(
        self, window: Window[T], limit: int, after: str | None, key: Callable[[T], str]
    ) -> None:
        self._window = window
        self._limit = limit
        self._after = None if after is None else _key_of(after)
        self._key = key

    async def page(self) -> tuple[Sequence[T], str | None]:
        """The items, and the token that goes on after them, None at the end."""
        window, limit = self._window, self._limit
        start = await self._start()
        if not limit:
            return [item async for page in self.pages() for item in page], None
        if not start and window.count is None and len(window.first) > limit:
            items = window.first[: limit + 1]
        else:
            items = await window.page(start, limit + 1)
        more = len(items) > limit
        return items[:limit], _token(self._key(items[limit - 1])) if more else None

    async def pages(self) -> AsyncIterator[Sequence[T]]:
        """All items, a page at a time."""
        async for page in pages_of(self._window, await self._start()):
            yield page

    async def _start(self) -> int:
        if self._after is None:
            return 0
        place = await self._window.index_of(self._after)
        if place is None and self._window.count is None:
            # A server's list is known only as far as it was walked.
            async for _ in pages_of(self._window):
                if (place := await self._window.index_of(self._after)) is not None:
                    break
        if place is None:
            raise UsageError("the item that --next goes on from is gone", way_out="List again")
        return place + 1


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _key_of(token: str) -> str:
    try:
        return str(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    except ValueError:
        raise UsageError(f"{token!r} is no token of --next", way_out="List again") from None
