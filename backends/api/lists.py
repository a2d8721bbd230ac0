"""How lists are asked for and how they are walked."""

from collections.abc import AsyncIterator, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from .query import Expression, Sort
from .runs import Fields, Shelf

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
PIECE = 500


class RunQuery(Struct, frozen=True, kw_only=True):
    """Which runs, in which order, with which keys.

    `experiments` are names; None means all. `top` leaves out runs whose parent is not deleted;
    `parent` asks for the children of one run.
    """

    experiments: Sequence[str] | None = None
    where: Expression | None = None
    sort: Sequence[Sort] = ()
    shelf: Shelf = Shelf.ACTIVE
    top: bool = False
    parent: str | None = None
    fields: Fields = Fields()


class Window(Protocol[T_co]):
    """A list of any length, of which only what is looked at is loaded.

    `first` is the first page. `count` is None until it is known: after `whole()` on a backend that
    can count. Rows keep their places as long as the window lives. `keys` are what `index_of` finds
    them by, in order: of all rows, or of those that are known where the count is not. `notes` say
    in words what the backend did otherwise than the lists of a local registry: what was filtered or
    ordered where, as far as that makes a difference to a reader.
    """

    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def first(self) -> Sequence[T_co]: ...
    @property
    def count(self) -> int | None: ...
    @property
    def at_least(self) -> int: ...
    async def whole(self) -> None: ...
    async def page(self, start: int, limit: int) -> Sequence[T_co]: ...
    async def index_of(self, key: str) -> int | None: ...
    async def keys(self) -> Sequence[str]: ...


class ListWindow(Generic[T]):
    """A window over a list that is already whole."""

    notes: Sequence[str] = ()

    def __init__(self, rows: Sequence[T], keys: Sequence[str], *, first: int = 100) -> None:
        self._rows = rows
        self._keys = keys
        self._places = {key: place for place, key in enumerate(keys)}
        self.first = rows[:first]
        self.count = len(rows)
        self.at_least = len(rows)

    async def whole(self) -> None:
        """Nothing to wait for."""

    async def page(self, start: int, limit: int) -> Sequence[T]:
        """The rows from `start`, at most `limit`."""
        return self._rows[start : start + limit]

    async def index_of(self, key: str) -> int | None:
        """The place of the row with that key."""
        return self._places.get(key)

    async def keys(self) -> Sequence[str]:
        """The keys of all rows."""
        return self._keys


async def pages_of(window: Window[T], start: int = 0) -> AsyncIterator[Sequence[T]]:
    """All rows from `start` on, a page at a time, be their count known or not."""
    await window.whole()
    while window.count is None or start < window.count:
        page = await window.page(start, PIECE)
        if page:
            yield page
        elif window.count is None:
            return
        start += PIECE


async def all_of(window: Window[T]) -> Sequence[T]:
    """All rows."""
    return [row async for page in pages_of(window) for row in page]
