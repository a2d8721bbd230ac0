"""Runs as a recorder leaves them: series, files, locks. Made through the public write path."""

import asyncio
import io
import math
from array import array
from datetime import timedelta
from pathlib import Path

from modeldeck.backends.api.ingest import Batch, RunRecord
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Git,
    Lock,
    Package,
    Points,
    Run,
    Status,
    Usage,
)
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local.opening import create_registry
from tests.console.dump import ACTOR, NOW, clock

DIRECTIONS = {"val/auc": "higher", "val/loss": "lower"}
STEPS = 400
FILES = {
    "output.log": b"".join(b"epoch %d [b]ok[/b]\n" % at for at in range(200)) + b"done\n",
    "preds.csv": b"id,y\n1,0\n2,1\n",
    "report/metrics.json": b'{"auc": 0.93, "slices": {"a": 1}}',
    "report/card.md": b"# Card\n\nText\n",
    "model/model.pkl": b"\x80\x04\x95abc",
    "git.diff": b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n",
    "../../leaves.txt": b"hi\n",
}


def ident(at: int) -> str:
    """The id of the run of that number."""
    return f"{at:02x}" + "a91c7be2" * 3


def points(values, start=NOW) -> Points:
    """One value a step and second."""
    at, count = to_micros(start), len(values)
    times = [at + step * 1_000_000 for step in range(count)]
    return Points(array("q", range(count)), array("q", times), array("d", values))


def series(at: int) -> dict[str, Points]:
    """A curve each, with a gap and an infinity in one of them."""
    falls = [math.exp(-step / 100) + 0.2 + at / 100 for step in range(STEPS)]
    rises = [0.9 - math.exp(-step / 100) / 3 + at / 1000 for step in range(STEPS)]
    holes = list(falls)
    holes[50:60] = [math.nan] * 10
    holes[200] = math.inf
    return {
        "train/loss": points(falls),
        "val/loss": points(holes),
        "val/auc": points(rises),
        "lr": points([0.1, 0.01, 0.001]),
    }


def lock(at: int) -> Lock:
    """One package differs from run to run."""
    packages = [Package("numpy", "2.1.0", "ab" * 32), Package("xgboost", f"2.1.{at}", None)]
    git = Git(
        commit="7be2" * 10, branch="main", dirty=at == 1, diff="git.diff" if at == 1 else None
    )
    return Lock(
        python="3.11.7", implementation="CPython", system="Linux", machine="x86_64",
        cpu="EPYC", cpus=16, memory_bytes=64 << 30, packages=packages, git=git,
    )  # fmt: skip


async def write(registry, at: int, status: Status = Status.FINISHED, **more) -> Run:
    """Write a whole run; one that is running has no end and no files."""
    started = NOW - timedelta(hours=at + 1)
    run = Run(
        **{
            "id": ident(at), "name": f"run-{at}", "experiment": "fraud", "started_at": started,
            "status": Status.RUNNING, "user": "ada", "git": "7be2" * 10, "dirty": at == 1,
            "lock": f"sha256:{at:064x}", "params": {"depth": str(6 + at % 2), "eta": "0.1"},
            "note": "week 48\nsecond line", **more,
        }
    )  # fmt: skip
    await registry.begin_run(RunRecord(run=run, experiment_id="e", lock=lock(at)), ACTOR, "lab")
    batch = Batch(
        points=series(at),
        tags={"team": "risk", "odd": "a [b]c[/b] \x1b[31mred"},
        datasets=[Dataset(name="tx", digest=f"w{45 + at}", source="s3://tx", context="training")],
        evaluations=[
            Evaluation(metric="auc", value=0.93, dataset="tx_test", slice=part, n=48_210)
            for part in ("", "new customers")
        ],
    )
    await registry.log(run.id, batch, last=status != Status.RUNNING)
    if status != Status.RUNNING:
        await registry.end_run(_end(registry, run, status), ACTOR, "lab")
    return run


def _end(registry, run: Run, status: Status) -> RunRecord:
    failed = status == Status.FAILED
    ended = Run(
        id=run.id, name=run.name, experiment=run.experiment, status=status,
        ended_at=run.started_at + timedelta(minutes=39), exit_code=137 if failed else 0,
        reason='exit 137, killed; last line "hist"' if failed else None,
    )  # fmt: skip
    files = [registry.keep(io.BytesIO(data), path) for path, data in FILES.items()]
    usage = Usage(wall_seconds=2340, cpu_seconds=9000, peak_memory_bytes=31_800_000_000)
    return RunRecord(run=ended, experiment_id="e", artifacts=files, usage=usage)


def recorded(folder: Path) -> Path:
    """A registry with a finished, a dirty, a failed and a running run."""

    async def work() -> Path:
        registry = create_registry(folder, clock=clock)
        try:
            await write(registry, 0)
            await write(registry, 1, parent_id=ident(0))
            await write(registry, 2, Status.FAILED)
            await write(registry, 3, Status.RUNNING)
            bare = Run(id=ident(9), name="bare", experiment="empty", status=Status.RUNNING)
            await registry.begin_run(RunRecord(run=bare, experiment_id="x"), ACTOR, "lab")
            return registry.layout.folder
        finally:
            await registry.close()

    return asyncio.run(work())
