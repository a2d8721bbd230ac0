"""What a run said: its output, live while it runs, from the artifact when it has ended."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.runs import Run, Status

from .runs import find_run
from .session import Session

NAME = "output.log"
PIECE = 1 << 20
PAUSE = 0.25
"""Seconds between two looks at a log that grows."""

_UNDER_WAY = (Status.RUNNING, Status.SCHEDULED)
Wait = Callable[[float], Awaitable[None]]


async def read_log(
    session: Session, ref: str, *, follow: bool = False, wait: Wait = asyncio.sleep
) -> AsyncIterator[bytes]:
    """The bytes of a run's output in pieces; with `follow` until the run has ended."""
    run = await find_run(session, ref)
    at, found = 0, False
    while True:
        under_way = run.status in _UNDER_WAY
        while (piece := await read_piece(session, run, at)) is not None:
            found = True
            if not piece:
                break
            at += len(piece)
            yield piece
        if not (follow and under_way):
            break
        await wait(PAUSE)
        run = await session.registry.run(run.id)
    if not found:
        raise NotFoundError(
            "no output was kept", where=address(run.id), way_out="`modeldeck run` keeps it"
        )


async def read_piece(session: Session, run: Run, start: int) -> bytes | None:
    """A run's output from byte `start` on, at most PIECE bytes; None when there is none."""
    live = await asyncio.to_thread(_live, session.folder, run.id, start)
    if live is not None:
        return live
    try:
        return await session.registry.read_artifact(address(run.id), NAME, start, PIECE)
    except NotFoundError:
        return None


def _live(folder: Path | None, run_id: str, start: int) -> bytes | None:
    # An imported id is foreign text: it names a folder only when it is one plain component.
    if folder is None or run_id in {"", ".", ".."} or "/" in run_id or "\0" in run_id:
        return None
    from modeldeck.app.recorder.rundir import opened

    try:
        handle = opened(folder / "runs" / run_id, NAME)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        file.seek(start)
        return file.read(PIECE)
