"""Runs whose recorder is gone: followed on while they run, closed when they have ended."""

import time
from collections.abc import Sequence
from pathlib import Path

from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.runs import Run, Status

from . import child, processes
from .gather import DIFF, clear, to_keep
from .home import Home
from .keeper import Keeper
from .rundir import ARTIFACTS, KEEPER, MODEL, keeping, waiting

_YOUNG = 60
_UNSTARTED = "its recorder ended before the command was started"


class Adoption:
    """Cares for the runs of one registry that nobody else cares for."""

    def __init__(self, registry: Home, actor: Actor, context: str) -> None:
        self._registry = registry
        self._actor = actor
        self._context = context
        self._keepers: dict[str, Keeper] = {}

    async def settle(self) -> Sequence[str]:
        """Take what such runs have logged, close those that have ended; gives their ids."""
        closed = []
        for run_id in waiting(self._registry.run_folder("")):
            run_dir = self._registry.run_folder(run_id)
            with keeping(run_dir) as ours:
                if ours and await self._take_care(run_id, run_dir):
                    closed.append(run_id)
        return closed

    async def _take_care(self, run_id: str, run_dir: Path) -> bool:
        state = child.read_state(run_dir)
        if state is not None and state.host != processes.host():
            return False
        try:
            run = await self._registry.run(run_id)
        except NotFoundError:
            _discard(run_dir)
            return False
        if run.id != run_id:
            return False
        if run.status != Status.RUNNING:
            await self._clear(run, run_dir)
            return False
        code = child.exit_code(run_dir)
        if code is None and state is not None and processes.alive(state.pid, state.born):
            await self._keeper(run, run_dir, state).follow()
            return False
        keeper = self._keeper(run, run_dir, state)
        self._keepers.pop(run_id, None)
        killed = _UNSTARTED if state is None else ""
        await keeper.end(child.Ended(code=code), self._actor, self._context, killed=killed)
        return True

    def _keeper(self, run: Run, run_dir: Path, state: child.State | None) -> Keeper:
        keeper = self._keepers.get(run.id)
        if keeper is None:
            cwd = Path(state.cwd) if state else run_dir
            keeper = Keeper(self._registry, run, run_dir, cwd, resumed=True)
            self._keepers[run.id] = keeper
        return keeper

    async def _clear(self, run: Run, run_dir: Path) -> None:
        """Remove what an ended run left when whoever closed it was stopped before doing so."""
        known = {a.path: a.size for a in await self._registry.artifacts(f"runs/{run.id}")}
        kept = [
            one
            for one in to_keep(run_dir, [], raw=True)
            if known.get(one.path) == one.location.stat().st_size
        ]
        clear(run_dir, kept)


def _discard(run_dir: Path) -> None:
    """Remove what was made for a run that never began."""
    names = {path.name for path in run_dir.iterdir()}
    old = time.time() - run_dir.stat().st_mtime > _YOUNG
    if old and names <= {KEEPER, DIFF, ARTIFACTS, MODEL}:
        clear(run_dir, ())
