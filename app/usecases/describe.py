"""A run with all that it holds."""

from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.query import Compare, Field
from modeldeck.backends.api.runs import Dataset, Evaluation, Lock, Run, SeriesInfo, Usage

from .runs import find_run
from .session import Session


class RunDetail(Struct, frozen=True, kw_only=True):
    """A run, what it used, logged and left, and the versions that came from it."""

    run: Run
    usage: Usage
    series: Sequence[SeriesInfo]
    datasets: Sequence[Dataset]
    evaluations: Sequence[Evaluation]
    artifacts: Sequence[Artifact]
    lock: Lock | None
    versions: Sequence[Version]


async def describe_run(session: Session, ref: str) -> RunDetail:
    """Everything that is known of a run."""
    registry = session.registry
    run = await find_run(session, ref)
    came = Compare(Field("run"), "=", run.id)
    return RunDetail(
        run=run,
        usage=await registry.usage(run.id),
        series=await registry.series(run.id),
        datasets=await registry.datasets(run.id),
        evaluations=await registry.evaluations(run.id),
        artifacts=await registry.artifacts(address(run.id)),
        lock=await registry.lock(run.lock) if run.lock else None,
        versions=await all_of(await registry.versions(None, came)),
    )
