"""A model with a past: versions from runs with locks, aliases moved by plans, a pickle, odd names.

`python -m tests.console.releases FOLDER` makes it to be looked at.
"""

import asyncio
import io
import sys
from datetime import timedelta
from pathlib import Path

import msgspec

from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.plans import apply_plan, make_plan
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.ingest import RunRecord
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Lock,
    Metric,
    Package,
    Run,
    Status,
)
from modeldeck.backends.local.opening import create_registry
from tests.console.dump import ACTOR, NOW, clock

HOSTILE = "\x1b]52;c;x\x07[/] [@click=app.quit]x"
CARD = """\
# fraud 2

## Intended use

Score card payments **before** they are authorised. Not for `refunds`, see
[the policy](https://example.org/policy).

## Data

- tx_2026w46, weeks 1 to 46
- no `name` and no address
  1. masked at the source

| slice | auc |
|---|---|
| new customers | 0.88 |

## Limitations

> Drifts in December.

```
score = model.predict_proba(x)[:, 1]  # \x1b[31mred\x1b[0m
```

## Owners

risk team
"""
SIGNATURE = {
    "inputs": [
        {"name": "amount", "type": "double"},
        {"name": "country", "type": "string"},
        {"name": "hour", "type": "long"},
    ],
    "outputs": [{"type": "double"}],
}


def lock(**versions: str) -> Lock:
    """A lock with a few packages."""
    packages = {"numpy": "2.1.3", "scikit-learn": "1.6.0", "xgboost": "2.1.1", **versions}
    return Lock(
        python="3.11.9",
        implementation="CPython",
        system="Linux 6.1",
        machine="x86_64",
        cpu="EPYC",
        cpus=16,
        memory_bytes=64_000_000_000,
        packages=[Package(name, version) for name, version in packages.items() if version],
    )


LOCKS = {"sha256:aa": lock(), "sha256:bb": lock(xgboost="2.1.3", pandas="2.2.3", numpy="2.1.3")}


def _run(at: int, name: str, auc: float, loss: float, digest: str, data: str, **params: str):
    started = NOW - timedelta(hours=at)
    run = Run(
        id=f"{at:032x}",
        name=name,
        experiment="fraud-xgb",
        status=Status.FINISHED,
        started_at=started,
        ended_at=started + timedelta(minutes=39),
        user="ada",
        git=f"{at:x}7be2" * 8,
        dirty=False,
        lock=digest,
        params={"depth": "6", "eta": "0.10", "seed": "7", **params},
    )
    return RunRecord(
        run=run,
        experiment_id="1",
        latest={k: Metric(v, 2000, started) for k, v in (("auc", auc), ("logloss", loss))},
        datasets=[
            Dataset(
                name=data,
                digest=f"sha256:{at:x}77aa",
                context="training",
                labels={"class": "PERSONAL"},
            )
        ],
        evaluations=[
            Evaluation(metric="auc", value=auc, dataset=data, n=48_210),
            Evaluation(
                metric="auc", value=auc - 0.05, dataset=data, slice="new customers", n=2_104
            ),
        ],
        lock=LOCKS[digest],
    )


RUNS = [
    _run(200, "xgb-w46-02", 0.9301, 0.2140, "sha256:aa", "tx_2026w46"),
    _run(170, "xgb-w47-01", 0.9312, 0.2104, "sha256:aa", "tx_2026w46"),
    _run(5, "xgb-w48-07", 0.9355, 0.2051, "sha256:bb", "tx_2026w47", depth="8", eta="0.05"),
]


def session_on(registry, **options) -> Session:
    """A session of nobody in particular."""
    return Session(
        **{"context": "lab", "registry": registry, "actor": ACTOR, "clock": clock, **options}
    )


async def _version(session: Session, model: str, number: int, **content) -> None:
    data = f"{model} {number}".encode() * 100
    name = content.pop("file", "model.skops")
    kept = session.registry.keep(io.BytesIO(data), name)
    notes = session.registry.keep(io.BytesIO(b"# read me\n\x1b[31mred\n"), "README.md")
    files = [msgspec.to_builtins(one) for one in (kept, notes)]
    whole = {
        "digest": kept.digest,
        "size": kept.size,
        "format": "skops",
        "unsafe": [],
        "signature": SIGNATURE,
        "user": "ada",
        "files": files,
        **content,
    }
    changes = [Change(address(model, number), "content", None, whole)]
    plan = make_plan(session, "version.register", {}, changes, command=["modeldeck", "register"])
    await apply_plan(session, plan)


async def _make(folder: Path) -> Path:
    registry = create_registry(folder, clock=clock)
    session = session_on(registry)
    try:
        await registry.take(
            "test:sample",
            "test",
            experiments=[Experiment(id="1", name="fraud-xgb", created_at=NOW, updated_at=NOW)],
            runs=RUNS,
        )
        ids = [record.run.id for record in RUNS]
        await _version(session, "fraud", 1, run_id=ids[0], lock="sha256:aa")
        await _version(session, "fraud", 2, run_id=ids[1], lock="sha256:aa", card=CARD)
        await _version(
            session, "fraud", 3, run_id=ids[2], lock="sha256:bb", tags={"team": "risk", "tier": "1"}
        )
        await _version(
            session,
            "fraud",
            4,
            format="pickle",
            unsafe=["builtins.eval at byte 12", "os.system at byte 40"],
            signature=None,
            file="model.pkl",
        )
        await _version(session, HOSTILE, 1, note=HOSTILE, tags={HOSTILE: HOSTILE}, card=HOSTILE)
        for alias, number, reason in (
            ("champion", 1, "the first one"),
            ("champion", 2, "retrain week 47, auc +.0011"),
            ("candidate", 3, "retrain week 48"),
        ):
            plan = await plan_set(session, "fraud", alias, number, reason=reason, ticket="CHG0412")
            await apply_plan(session, plan)
    finally:
        await registry.close()
    return folder / ".modeldeck"


def make(folder: Path) -> Path:
    """Make the registry in `folder`; gives its path."""
    return asyncio.run(_make(folder))


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
