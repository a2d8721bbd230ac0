"""Pages of a list on the command line: a limit, and a token that continues after a page."""

import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.lists import Window

T = TypeVar("T")


async def page_of(
    window: Window[T], limit: int, after: str | None, key: Callable[[T], str]
) -> tuple[Sequence[T], str | None]:
    """At most `limit` items (0: all) after those of token `after`, and the token that goes on."""
    start = 0
    if after is not None:
        place = await window.index_of(_key_of(after))
        if place is None:
            raise UsageError("the item that --next goes on from is gone", way_out="List again")
        start = place + 1
    if limit:
        items = await window.page(start, limit + 1) if start else window.first[: limit + 1]
        return items[:limit], _token(key(items[limit - 1])) if len(items) > limit else None
    await window.whole()
    return await window.page(start, window.at_least), None


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _key_of(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        raise UsageError(f"{token!r} is no token of --next", way_out="List again") from None
