"""What a run said: its output, live while it runs, from the artifact when it has ended."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.runs import Run, Status

from .runs import find_run
from .session import Session

if TYPE_CHECKING:
    from modeldeck.app.recorder.times import Written

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


async def read_timed(
    session: Session, ref: str, *, follow: bool = False, wait: Wait = asyncio.sleep
) -> AsyncIterator[tuple[bytes, "Written | None"]]:
    """`read_log`, and with each piece what is known of when the output was written."""
    run, read = await find_run(session, ref), 0
    written: Written | None = None
    async for piece in read_log(session, run.id, follow=follow, wait=wait):
        read += len(piece)
        if written is None or written.end < read:
            written = await read_times(session, run)
        if follow and (written is None or written.end < read):
            # Who notes the times looks a little later than we did.
            await wait(PAUSE)
            written = await read_times(session, run)
        yield piece, written


async def read_times(session: Session, run: Run) -> "Written | None":
    """When a run's output was written; None where nobody noted it, or what was noted is not of it.

    What comes after its end has no time: nobody watched any more.
    """
    from modeldeck.app.recorder import times

    data = await _read(session, run, times.NAME, 0, times.SIZE)
    written = times.parse(data) if data else None
    if written is None or not await _read(session, run, NAME, written.end - 1, 1):
        return None
    return written


async def read_piece(session: Session, run: Run, start: int) -> bytes | None:
    """A run's output from byte `start` on, at most PIECE bytes; None when there is none."""
    return await _read(session, run, NAME, start, PIECE)


async def _read(session: Session, run: Run, name: str, start: int, most: int) -> bytes | None:
    live = await asyncio.to_thread(_live, session.folder, run.id, name, start, most)
    if live is not None:
        return live
    try:
        return await session.registry.read_artifact(address(run.id), name, start, most)
    except NotFoundError:
        return None


def _live(folder: Path | None, run_id: str, name: str, start: int, most: int) -> bytes | None:
    # An imported id is foreign text: it names a folder only when it is one plain component.
    if folder is None or run_id in {"", ".", ".."} or "/" in run_id or "\0" in run_id:
        return None
    from modeldeck.app.recorder.rundir import opened

    try:
        handle = opened(folder / "runs" / run_id, name)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        file.seek(start)
        return file.read(most)
