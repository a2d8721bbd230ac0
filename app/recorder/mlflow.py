"""What a script logged with MLflow into the store of its run directory, taken into its run.

One run there is this run here. Of several, each becomes a child of it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.ingest import Batch, RunRecord, Source
from modeldeck.backends.api.protocols import Collecting, Recording
from modeldeck.backends.api.runs import Points, Run

STORE = "mlflow.db"
_PLUMBING = "mlflow."


class Taker(Recording, Collecting, Protocol):
    """A registry that records runs and takes in others'."""


async def take_mlflow(registry: Recording, run: Run, source: Source) -> Sequence[str]:
    """Take everything from `source` into `run`; gives the ids of child runs that were made."""
    try:
        records = await asyncio.to_thread(lambda: list(source.runs()))
        if len(records) == 1:
            await _merge(registry, run, records[0], source)
            return ()
        if not records or not isinstance(registry, Collecting):
            return ()
        return await _children(registry, run, records, source)
    finally:
        await asyncio.to_thread(source.close)


async def _merge(registry: Recording, run: Run, record: RunRecord, source: Source) -> None:
    there = record.run
    points: Mapping[str, Points] = await asyncio.to_thread(source.history, there.id)
    artifacts = await asyncio.to_thread(_kept, registry, source, f"runs/{there.id}")
    tags = {k: v for k, v in there.tags.items() if not k.startswith(_PLUMBING)}
    batch = Batch(points=points, params=there.params, tags=tags, datasets=record.datasets)
    await registry.log(run.id, batch)
    if isinstance(registry, Collecting):
        await registry.take_artifacts(f"runs/{run.id}", artifacts)


async def _children(
    registry: Recording, run: Run, records: Sequence[RunRecord], source: Source
) -> Sequence[str]:
    assert isinstance(registry, Collecting)
    origin = f"run:{run.id}"
    experiments = await asyncio.to_thread(lambda: list(source.experiments()))
    await registry.take(origin, "mlflow", experiments=experiments, runs=records)
    ids = await registry.native_ids(origin)
    histories = {}
    for record in records:
        here = ids[record.run.id]
        histories[here] = await asyncio.to_thread(source.history, record.run.id)
        artifacts = await asyncio.to_thread(_kept, registry, source, f"runs/{record.run.id}")
        await registry.take_artifacts(f"runs/{here}", artifacts)
    await registry.take_histories(histories)
    tops = [r for r in records if not r.run.parent_id]
    adopted = [
        msgspec.structs.replace(r, run=msgspec.structs.replace(r.run, parent_id=run.id))
        for r in tops
    ]
    await registry.take(origin, "mlflow", runs=adopted)
    return [ids[r.run.id] for r in records]


def _kept(registry: Recording, source: Source, owner: str) -> Sequence[Artifact]:
    kept = []
    for artifact in source.artifacts(owner):
        with source.open(artifact) as file:
            kept.append(registry.keep(file, artifact.path))
    return kept
