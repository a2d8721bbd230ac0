"""From the run directory into the registry: live, at the end, or after a crash.

Whoever keeps a run holds a lock on its directory, so that two never take the same lines.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.ingest import Problem, RunRecord
from modeldeck.backends.api.protocols import Recording
from modeldeck.backends.api.runs import Run, Status, Usage

from . import child, rundir
from .follow import Reader
from .output import last_line
from .walk import files

DIFF = "git.diff"
_OWN = (child.OUTPUT, child.STATE, child.EXIT, DIFF, ".keeper")
_READ = (rundir.METRICS, rundir.PARAMS, rundir.TAGS, rundir.DATASETS, rundir.EVALUATIONS)


@contextmanager
def keeping(run_dir: Path) -> Iterator[bool]:
    """Hold the run directory; gives False when somebody else does."""
    handle = os.open(run_dir / ".keeper", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


class Keeper:
    """Takes what one run writes into a registry."""

    def __init__(self, registry: Recording, run: Run, run_dir: Path, reader: Reader) -> None:
        self._registry = registry
        self._run = run
        self._dir = run_dir
        self._reader = reader
        self.problems: list[Problem] = []

    @classmethod
    async def resume(cls, registry: Recording, run: Run, run_dir: Path, cwd: Path) -> "Keeper":
        """Go on where the registry says that reading stopped."""
        positions = await registry.positions(run.id)
        return cls(registry, run, run_dir, Reader(run_dir, positions, base=cwd))

    async def take(self, *, finish: bool = False) -> bool:
        """Take what is new; gives whether there was anything."""
        found = False
        while True:
            before = dict(self._reader.positions)
            batch, problems = await asyncio.to_thread(self._reader.read, finish=finish)
            self.problems.extend(problems)
            ended = finish and not self._reader.behind
            moved = batch.positions != before
            rest = batch.points or batch.params or batch.tags or batch.datasets or batch.evaluations
            if moved or rest or ended:
                await self._registry.log(self._run.id, batch, last=ended)
                found = True
            if not self._reader.behind:
                return found

    async def end(self, ended: child.Ended, actor: Actor, context: str, *, killed: str = "") -> Run:
        """Take the rest, keep the files, write how it ended; then empty the directory."""
        await self.take(finish=True)
        run = self._closed(ended, killed)
        artifacts = await asyncio.to_thread(self._keep_files)
        wall = (
            (run.ended_at - run.started_at).total_seconds()
            if run.started_at and run.ended_at
            else None
        )
        usage = Usage(
            wall_seconds=wall,
            cpu_seconds=ended.cpu_seconds,
            peak_memory_bytes=ended.peak_memory_bytes,
        )
        record = RunRecord(run=run, artifacts=artifacts, usage=usage)
        await self._registry.end_run(record, actor, context)
        await asyncio.to_thread(self._empty, artifacts)
        return run

    def _closed(self, ended: child.Ended, killed: str) -> Run:
        status, reason = Status.FINISHED, None
        if killed:
            status, reason = Status.KILLED, killed
        elif ended.code != 0:
            status = Status.FAILED if ended.code is not None else Status.KILLED
            reason = child.words_of(ended.code)
            line = last_line(self._dir)
            if line:
                reason = f"{reason}; last line: {line[:500]}"
        return msgspec.structs.replace(
            self._run,
            status=status,
            reason=reason,
            exit_code=ended.code,
            ended_at=self._ended_at(),
        )

    def _ended_at(self) -> datetime:
        # A run that nobody watched ended when its last file was written.
        try:
            return datetime.fromtimestamp((self._dir / child.EXIT).stat().st_mtime, UTC)
        except OSError:
            pass
        if child.read_state(self._dir) is None:
            return datetime.now(UTC)
        times = [f.stat().st_mtime for f in self._dir.iterdir() if f.name != ".keeper"]
        return datetime.fromtimestamp(max(times), UTC) if times else datetime.now(UTC)

    def _keep_files(self) -> Sequence[Artifact]:
        kept = [
            self._keep(file.location, prefix + file.path)
            for below, prefix in ((rundir.ARTIFACTS, ""), (rundir.MODEL, "model/"))
            for file in files(self._dir / below, self.problems)
        ]
        names = [child.OUTPUT, DIFF]
        if self.problems:
            # What could not be read in full is kept as it was written.
            names.extend(name for name in _READ if (self._dir / name).is_file())
        kept.extend(
            self._keep(self._dir / name, name)
            for name in names
            if (self._dir / name).is_file() and (self._dir / name).stat().st_size
        )
        return kept

    def _keep(self, place: Path, path: str) -> Artifact:
        with place.open("rb") as file:
            return self._registry.keep(file, path)

    def _empty(self, artifacts: Sequence[Artifact]) -> None:
        """Remove what the registry now holds; what else the script left stays."""
        for artifact in artifacts:
            for place in (self._dir / rundir.ARTIFACTS / artifact.path, self._dir / artifact.path):
                place.unlink(missing_ok=True)
        for name in (*_OWN, *_READ):
            (self._dir / name).unlink(missing_ok=True)
        for folder, _, _ in os.walk(self._dir, topdown=False):
            try:
                os.rmdir(folder)  # noqa: PTH106
            except OSError:
                continue
