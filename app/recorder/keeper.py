"""From the run directory into the registry: live, at the end, or after a crash."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.ingest import Batch, Problem, RunRecord
from modeldeck.backends.api.runs import Points, Run, Status, Usage

from . import child, rundir
from .follow import Reader
from .gather import STORE, Kept, clear, to_keep
from .home import Home
from .mlflow import take_mlflow
from .output import last_line

_TRIES = 6


class Keeper:
    """Takes what one run writes into a registry. Whoever uses one holds the run directory.

    `resumed`: others have read a part before. `run` is what is known of it.
    """

    def __init__(
        self, registry: Home, run: Run, run_dir: Path, cwd: Path, *, resumed: bool = False
    ) -> None:
        self._registry = registry
        self.run = run
        self._dir = run_dir
        self._cwd = cwd
        self._resumed = resumed
        self._reader = None if resumed else Reader(run_dir, {}, base=cwd)
        self.problems: list[Problem] = []

    async def take(self, *, finish: bool = False) -> bool:
        """Take what is new; gives whether there was anything.

        When the registry cannot be written now, the next call begins where that one stood.
        """
        found = False
        while True:
            reader = self._reader
            if reader is None:
                reader = self._reader = await self._positioned()
            before = dict(reader.positions)
            batch, problems = await asyncio.to_thread(reader.read, finish=finish)
            self.problems.extend(p for p in problems if p not in self.problems)
            ended = finish and not reader.behind
            if ended or dict(batch.positions) != before or _holds(batch):
                try:
                    await self._registry.log(self.run.id, batch, last=ended)
                except BaseException:
                    self._reader = None
                    raise
                found = True
            if not reader.behind:
                return found

    async def add(self, points: Mapping[str, Points]) -> None:
        """Take points that the script did not write. A registry that cannot now does without."""
        if points:
            with contextlib.suppress(ModeldeckError):
                await self._registry.log(self.run.id, Batch(points=points))

    async def follow(self) -> None:
        """`take`, where others may have taken something since the last time."""
        if self._reader is not None:
            there = await self._registry.positions(self.run.id)
            if dict(self._reader.positions) != {k: v for k, v in there.items() if k != STORE}:
                self._reader = None
        await self.take()

    async def end(
        self,
        ended: child.Ended,
        actor: Actor,
        context: str,
        *,
        killed: str = "",
        at: datetime | None = None,
    ) -> Run:
        """Take the rest, keep the files, write how it ended; then empty the directory.

        Its end was `at`; else it is told from its files.
        """
        await self._take_rest()
        run = self._closed(ended, killed, at)
        await take_mlflow(self._registry, run, self._dir, self.problems, actor, context)
        kept = await asyncio.to_thread(to_keep, self._dir, self.problems, raw=self._resumed)
        artifacts = await asyncio.to_thread(self._keep_files, kept)
        usage = Usage(
            wall_seconds=_seconds(run),
            cpu_seconds=ended.cpu_seconds,
            peak_memory_bytes=ended.peak_memory_bytes,
        )
        record = RunRecord(run=run, artifacts=artifacts, usage=usage)
        await self._registry.end_run(record, actor, context)
        left = {artifact.path for artifact in artifacts}
        gone = [one for one in kept if one.path in left]
        await asyncio.to_thread(clear, self._dir, gone)
        return run

    async def _positioned(self) -> Reader:
        """A reader that goes on where the registry says that reading stopped."""
        positions = await self._registry.positions(self.run.id)
        return Reader(self._dir, positions, base=self._cwd)

    async def _take_rest(self) -> None:
        for left in reversed(range(_TRIES)):
            try:
                await self.take(finish=True)
            except ModeldeckError:
                # Each try waits for whoever holds the registry.
                if not left:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    def _closed(self, ended: child.Ended, killed: str, at: datetime | None) -> Run:
        status, reason = Status.FINISHED, None
        if killed or ended.code is None:
            status, reason = Status.KILLED, killed or child.words_of(None)
        elif ended.code != 0:
            status, reason = Status.FAILED, child.words_of(ended.code)
        if reason and (line := last_line(self._dir)):
            reason = f"{reason}; last line: {line[:500]}"
        return msgspec.structs.replace(
            self.run,
            status=status,
            reason=reason,
            exit_code=ended.code,
            ended_at=at or self._ended_at(),
        )

    def _ended_at(self) -> datetime:
        """When the shell wrote the code down, else when the last file was written."""
        exit_file = self._dir / child.EXIT
        files = [exit_file] if exit_file.exists() else list(self._dir.iterdir())
        # The lock file is as old as the looking.
        times = [file.lstat().st_mtime for file in files if file.name != rundir.KEEPER]
        return datetime.fromtimestamp(max(times), UTC) if times else datetime.now(UTC)

    def _keep_files(self, kept: Sequence[Kept]) -> Sequence[Artifact]:
        found = []
        for one in kept:
            try:
                with one.location.open("rb") as file:
                    found.append(self._registry.keep(file, one.path))
            except FileNotFoundError:
                self.problems.append(Problem(one.path, "left out: it vanished"))
        return found


def _holds(batch: Batch) -> bool:
    return bool(batch.points or batch.params or batch.tags or batch.datasets or batch.evaluations)


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    return max((run.ended_at - run.started_at).total_seconds(), 0.0)
