"""The experiments of a server, all of them at once: runs are asked for by their ids."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches

from ..api.ages import asked_at
from ..api.errors import NotFoundError
from ..api.runs import Experiment, Shelf
from . import wire
from .client import Client
from .kept import Kept
from .mapping import Trouble, experiment_of

PAGE = 5000
AGE = 30.0
"""Seconds for which the list of experiments is taken for what is there."""


class Names:
    """Experiments by id and name."""

    def __init__(
        self, client: Client, log: Trouble, clock: Callable[[], datetime], *, keep: bool
    ) -> None:
        self._client = client
        self._clock = clock
        self._log = log
        self._age = AGE if keep else 0.0
        self._kept: Kept[Sequence[Experiment]] = Kept(1)
        self._last: Sequence[Experiment] = ()
        self._asking = asyncio.Lock()

    def forget(self) -> None:
        """Ask the server the next time."""
        self._kept.clear()
        self._last = ()

    async def all(self, *, fresh: bool = False) -> Sequence[Experiment]:
        """All experiments, deleted ones too, newest first."""
        async with self._asking:
            found = None if fresh else self._kept.get("")
            if found is None:
                asked = asked_at(self._clock())
                found = await self._read()
                self._kept.put("", found, self._age, asked)
                if self._age:
                    self._last = found
            return found

    def lately(self, names: Sequence[str] | None = None) -> Sequence[Experiment]:
        """What was read last, of all or of these names, however long ago; empty when not known.

        To ask with while `all` or `named` is on its way, whose answer alone holds. Empty also while
        the server is away, since of two requests one would be refused.
        """
        if self._client.away:
            return ()
        if names is None:
            return self._last
        found = [one for one in self._last if one.name in names]
        return found if {one.name for one in found} == set(names) else ()

    async def by_id(self, needed: str = "") -> Mapping[str, str]:
        """Names by id; read again when `needed` is none of them."""
        names = {one.id: one.name for one in await self.all()}
        if needed and needed not in names:
            names = {one.id: one.name for one in await self.all(fresh=True)}
        return names

    async def named(self, names: Sequence[str]) -> Sequence[Experiment]:
        """The experiments of these names; read again when one is not among them."""
        found = [one for one in await self.all() if one.name in names]
        if {one.name for one in found} != set(names):
            found = [one for one in await self.all(fresh=True) if one.name in names]
        return found

    async def find(self, ref: str) -> Experiment:
        """The experiment of that id or name; an active one before a deleted one."""
        for fresh in (False, True):
            found = await self.all(fresh=fresh)
            named = [one for one in found if one.id == ref] or [e for e in found if e.name == ref]
            active = [one for one in named if one.deleted_at is None] or named
            if active:
                return active[0]
        near = get_close_matches(ref[:200], [one.name[:200] for one in found], 3)
        hint = f"Near it: {', '.join(near)}. " if near else ""
        raise NotFoundError(
            f"no experiment {ref!r}", way_out=f"{hint}`modeldeck experiments ls` lists them"
        )

    async def _read(self) -> Sequence[Experiment]:
        items: dict[str, Experiment] = {}
        pages = self._client.pages(
            "experiments/search", wire.ExperimentsPage, max_results=PAGE, view_type="ALL"
        )
        async for page in pages:
            for item in page.experiments:
                items[item.experiment_id] = experiment_of(item, self._log)
        return sorted(items.values(), key=_newest, reverse=True)


def on_shelf(items: Sequence[Experiment], shelf: Shelf) -> Sequence[Experiment]:
    """Those on a shelf."""
    if shelf is Shelf.ALL:
        return items
    return [one for one in items if (one.deleted_at is None) == (shelf is Shelf.ACTIVE)]


def _newest(item: Experiment) -> tuple[float, int, str]:
    made = item.created_at.timestamp() if item.created_at else 0.0
    return made, int(item.id) if item.id.isdecimal() else 0, item.id
