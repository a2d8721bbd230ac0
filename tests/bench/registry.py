"""A generated registry: 50 experiments, 20 metrics and 20 params a run, 3 % missing, 2 % NaN.

It is written through the public write path: `create_registry`, then `take` in batches of 1,000
records, as an import does. Metrics named 0, 4, 8 ... are uniform in [0, 1), 1, 5 ... the same in
steps of 0.001 (many tie), 2, 6 ... log-normal, 3, 7 ... normal. Even params are numbers (few
whole ones, or logarithmic), odd ones one of seven texts, the last one is different in each run.
The same number of runs always gives the same rows.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from modeldeck.backends.api.ingest import RunRecord
from modeldeck.backends.api.runs import Experiment, Metric, Run, Status
from modeldeck.backends.local.opening import create_registry
from modeldeck.backends.local.schema import REGISTRY, TELEMETRY

METRICS = [f"metric_{n:02}" for n in range(20)]
PARAMS = [f"param_{n:02}" for n in range(20)]
CHOICES = ["adam", "adamw", "sgd", "rmsprop", "lion", "adagrad", "lbfgs"]
EXPERIMENTS = 50
MISSING, NAN = 0.03, 0.02
START = datetime(2025, 1, 1, tzinfo=UTC)
BATCH = 1000
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835


def key() -> bytes:
    """What a registry depends on: the schemas, and this file."""
    steps = "".join([*REGISTRY.steps, *TELEMETRY.steps])
    return steps.encode() + Path(__file__).read_bytes()


def name(at: int) -> str:
    """The name of a run; the last one is the newest."""
    return f"{['xgb', 'cnn', 'mlp', 'gru'][at % 4]}-{at:06}"


def make(folder: Path, runs: int) -> None:
    """Write it into `folder/.modeldeck`."""
    asyncio.run(_make(folder, runs))


async def _make(folder: Path, runs: int) -> None:
    backend = create_registry(folder, clock=lambda: START)
    try:
        sets = [Experiment(id=str(n), name=f"exp-{n:02}") for n in range(EXPERIMENTS)]
        await backend.take("generated", "bench", experiments=sets)
        for start in range(0, runs, BATCH):
            batch = list(records(start, min(start + BATCH, runs)))
            await backend.take("generated", "bench", runs=batch)
    finally:
        await backend.close()


def records(start: int, stop: int) -> Iterator[RunRecord]:
    """Runs `start` to before `stop`; `start` is a multiple of the batch."""
    random = np.random.default_rng(start + 1)
    shape = (stop - start, len(METRICS))
    uniform, normal = random.random(shape), random.normal(size=shape)
    drawn = [uniform, np.round(uniform, 3), np.exp(normal), normal]
    values = np.stack([drawn[n % 4][:, n] for n in range(shape[1])], axis=1)
    values[random.random(shape) < NAN] = np.nan
    texts = random.random(shape)
    there = random.random((2, *shape)) >= MISSING
    for at in range(start, stop):
        row = at - start
        began = START + timedelta(seconds=300 * at)
        failed = at % 20 == 0
        yield RunRecord(
            experiment_id=str(at % EXPERIMENTS),
            latest={
                METRICS[n]: Metric(float(values[row, n]), 100, began)
                for n in range(shape[1])
                if there[0, row, n]
            },
            run=Run(
                id=f"{(at + 1) * _ODD % 2**128:032x}",
                name=name(at),
                experiment=f"exp-{at % EXPERIMENTS:02}",
                status=Status.FAILED if failed else Status.FINISHED,
                started_at=began,
                ended_at=began + timedelta(seconds=30 + at % 3600),
                user="ada",
                reason="exit 1: CUDA out of memory" if failed else None,
                exit_code=1 if failed else 0,
                git=f"{at // 100 * _ODD % 2**160:040x}",
                params={
                    PARAMS[n]: _param(n, at, float(texts[row, n]))
                    for n in range(shape[1])
                    if there[1, row, n]
                },
                tags={"team": ("risk", "ads", "search")[at % 3]},
            ),
        )


def _param(number: int, at: int, share: float) -> str:
    if number == len(PARAMS) - 1:
        return f"seed-{at}"
    if number % 2:
        return CHOICES[int(share * len(CHOICES))]
    return str(1 + int(share * 12)) if number % 4 else f"{10 ** (-5 * share):.6g}"
