"""What a script logged with MLflow into the store of its run directory, taken into its run.

The one run there that is nobody's child is this run here; of several, each becomes a child of it,
as those below them stay below them.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.ingest import Batch, Problem, RunRecord
from modeldeck.backends.api.runs import Points, Run, Status, Usage

from .child import OUTPUT
from .gather import DIFF, STORE
from .home import Home
from .times import NAME as TIMES

if TYPE_CHECKING:
    from modeldeck.backends.sources.mlflow_db import MlflowDb

_EXPERIMENT = "mlflow.experimentName"
_UNENDED = (Status.RUNNING, Status.SCHEDULED)


def store_uri(run_dir: Path) -> str:
    """The tracking URI of the store in a run directory."""
    return f"sqlite:///{run_dir / STORE}"


async def take_mlflow(
    registry: Home, run: Run, run_dir: Path, problems: list[Problem], actor: Actor, context: str
) -> None:
    """Take everything from the store in `run_dir` into `run`; nothing when there is none.

    It may be called again after it was interrupted.
    """
    path = run_dir / STORE
    if path.is_symlink() or not path.is_file():
        return
    try:
        source = await asyncio.to_thread(_opened, path)
        try:
            await _Taking(registry, run, source, problems, actor, context).take()
        finally:
            await asyncio.to_thread(source.close)
    except (ModeldeckError, sqlite3.Error) as error:
        problems.append(Problem(STORE, f"not taken in: {error}"))


def _opened(path: Path) -> "MlflowDb":
    # Imported only where a script used MLflow.
    from modeldeck.backends.sources.mlflow_db import MlflowDb

    return MlflowDb(path)


class _Taking:
    def __init__(
        self,
        registry: Home,
        run: Run,
        source: "MlflowDb",
        problems: list[Problem],
        actor: Actor,
        context: str,
    ) -> None:
        self.registry = registry
        self.run = run
        self.source = source
        self.problems = problems
        self.actor = actor
        self.context = context
        self.experiments: Mapping[str, str] = {}

    async def take(self) -> None:
        source = self.source
        records = await asyncio.to_thread(lambda: list(source.runs()))
        self.experiments = {e.id: e.name for e in source.experiments()}
        tops = [record for record in records if not record.run.parent_id]
        # The only one that is nobody's child is this run.
        own = tops[0].run.id if len(tops) == 1 else None
        for record in records:
            if record.run.id == own:
                await self._merge(record)
            else:
                parent = record.run.parent_id
                above = self.run.id if parent in (None, own) else parent
                await self._child(record, above or self.run.id)
        for model in await asyncio.to_thread(lambda: list(source.models())):
            what = "it is registered in the run's own store alone; `modeldeck register` does it"
            self.problems.append(Problem(f"model {model.model.name}", what))
        self.problems.extend(source.problems)

    async def _merge(self, record: RunRecord) -> None:
        registry, there = self.registry, record.run
        points: Mapping[str, Points] = {}
        # Points and this mark are written together: a second call finds it, and adds none again.
        if STORE not in await registry.positions(self.run.id):
            points = await asyncio.to_thread(self.source.history, there.id)
        batch = Batch(
            points=points,
            params=there.params,
            tags=self._tags(record),
            datasets=record.datasets,
            positions={STORE: 1},
        )
        await registry.log(self.run.id, batch, last=True)
        artifacts = await asyncio.to_thread(self._kept, there.id)
        await registry.take_artifacts(address(self.run.id), artifacts)

    async def _child(self, record: RunRecord, parent: str) -> None:
        registry, there, run = self.registry, record.run, self.run
        status, reason = there.status, there.reason
        if status in _UNENDED:
            status, reason = Status.KILLED, "the command ended before it did"
        child = msgspec.structs.replace(
            there,
            experiment=run.experiment,
            parent_id=parent,
            status=status,
            reason=reason,
            ended_at=there.ended_at or run.ended_at,
            tags=self._tags(record),
            git=run.git,
            dirty=run.dirty,
            lock=run.lock,
        )
        history = await asyncio.to_thread(self.source.history, there.id)
        artifacts = await asyncio.to_thread(self._kept, there.id)
        await registry.take_histories({there.id: history})
        record = msgspec.structs.replace(
            record, run=child, native_id=None, artifacts=artifacts, usage=Usage()
        )
        # Written as ended at once: a run that is open would be looked for and never found.
        await registry.begin_run(record, self.actor, self.context)
        await registry.end_run(record, self.actor, self.context)

    def _tags(self, record: RunRecord) -> Mapping[str, str]:
        name = self.experiments.get(record.experiment_id, "Default")
        if name in ("Default", self.run.experiment):
            return record.run.tags
        return {**record.run.tags, _EXPERIMENT: name}

    def _kept(self, run_id: str) -> Sequence[Artifact]:
        kept = []
        for artifact in [*self.source.artifacts(address(run_id)), *self.source.logged(run_id)]:
            try:
                own = artifact.path in (OUTPUT, TIMES, DIFF)
                with self.source.open(artifact) as file:
                    path = f"mlflow/{artifact.path}" if own else artifact.path
                    kept.append(self.registry.keep(file, path))
            except ModeldeckError as error:
                self.problems.append(Problem(artifact.path, f"left out: {error}"))
        return kept
