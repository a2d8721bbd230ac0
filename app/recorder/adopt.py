"""Runs whose recorder is gone: followed on while they run, closed when they have ended."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.ingest import Source
from modeldeck.backends.api.protocols import Recording, Runs

from . import child
from .keeper import Keeper, keeping
from .mlflow import STORE, take_mlflow


class Home(Recording, Runs, Protocol):
    """A registry that records and lists."""


async def adopt(
    registry: Home,
    actor: Actor,
    context: str,
    open_mlflow: Callable[[Path], Source] | None = None,
) -> Sequence[str]:
    """Take care of every open run that nobody else follows; gives the ids of those closed."""
    closed = []
    for run_id in await registry.open_runs():
        run_dir = registry.run_folder(run_id)
        if not run_dir.is_dir():
            continue
        with keeping(run_dir) as ours:
            if ours and await _take_care(registry, run_id, actor, context, open_mlflow):
                closed.append(run_id)
    return closed


async def _take_care(
    registry: Home,
    run_id: str,
    actor: Actor,
    context: str,
    open_mlflow: Callable[[Path], Source] | None,
) -> bool:
    run_dir = registry.run_folder(run_id)
    state = child.read_state(run_dir)
    if state is not None and state.host != socket.gethostname():
        return False
    try:
        run = await registry.run(run_id)
    except NotFoundError:
        return False
    cwd = Path(state.cwd) if state else run_dir
    code = child.exit_code(run_dir)
    keeper = await Keeper.resume(registry, run, run_dir, cwd)
    if code is None and state is not None and child.alive(state):
        await keeper.take()
        return False
    if open_mlflow and (run_dir / STORE).exists():
        await take_mlflow(registry, run, open_mlflow(run_dir / STORE))
    await keeper.end(child.Ended(code=code), actor, context)
    return True
