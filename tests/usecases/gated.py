"""A model with a champion and a candidate, of which a test says what was measured."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from modeldeck.app.config.policy import Gate, Policy
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.gates.report import GateReport
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.plan import Change, Verdict
from modeldeck.backends.api.runs import Dataset, Evaluation, Run, Status
from modeldeck.backends.local import create_registry, open_registry
from tests.usecases.project import (
    ACTOR,
    CONTEXT,
    NOW,
    START,
    Clock,
    add_run,
    alias_change,
    plan_of,
    points,
    session_of,
    version_change,
)

DATA = "sha256:77aa"
CHAMPION, CANDIDATE = 1, 2
SIGNATURE = {
    "inputs": [{"name": "amount", "type": "double"}, {"name": "age", "type": "long"}],
    "outputs": [{"type": "double"}],
}


def measured(metric: str, value: float, part: str = "", **more: Any) -> Evaluation:
    """An evaluation on the test set."""
    given = {"dataset": "test", "dataset_digest": DATA, "n": 1000, **more}
    return Evaluation(metric=metric, value=value, slice=part, **given)


class Side(dict[str, Any]):
    """What is known of a version; of all that is not said, what is good."""

    def __init__(
        self,
        *evaluations: Evaluation,
        files: Mapping[str, bytes] | None = None,
        metrics: Mapping[str, float] | None = None,
        card: str = "",
        user: str = "ds1",
        model_file: bytes | None = b"weights",
        **version: Any,
    ) -> None:
        super().__init__(version)
        self.evaluations = evaluations
        self.files = files or {}
        self.metrics = metrics or {}
        self.card = card
        self.user = user
        self.model_file = model_file


async def registry_of(folder: Path, champion: Side | None, candidate: Side) -> Any:
    """A registry in which the candidate is fraud/2, and the champion, if there is one, fraud/1."""
    backend = create_registry(folder, clock=Clock())
    for number, side in (
        (CHAMPION, Side() if champion is None else champion),
        (CANDIDATE, candidate),
    ):
        run = f"{number}a" * 16
        kept = backend.keep(io.BytesIO(b"%s %d" % (side.model_file or b"", number)), "model.skops")
        await add_run(
            backend,
            Run(
                id=run,
                name=f"run-{number}",
                experiment="fraud",
                status=Status.FINISHED,
                started_at=START,
                ended_at=START + timedelta(minutes=1),
                user=side.user,
            ),
            points={name: points([value]) for name, value in side.metrics.items()},
            datasets=[Dataset(name="test", digest=DATA)],
            evaluations=list(side.evaluations),
            artifacts=[backend.keep(io.BytesIO(data), path) for path, data in side.files.items()],
        )
        content = {
            "run_id": run,
            "digest": kept.digest,
            "size": kept.size,
            "unsafe": [],
            "user": side.user,
            "signature": SIGNATURE,
            "files": [{"path": kept.path, "size": kept.size, "digest": kept.digest}]
            if side.model_file
            else [],
            **side,
        }
        made = version_change("fraud", number, **content)
        await backend.apply(plan_of("version.register", made), ACTOR, CONTEXT)
        if side.card:
            change = Change(f"models/fraud/{number}", "card", "", side.card)
            await backend.apply(plan_of("version.card", change), ACTOR, CONTEXT)
    if champion is not None:
        plan = plan_of("alias.set", alias_change("fraud", "champion", None, CHAMPION))
        await backend.apply(plan, ACTOR, CONTEXT)
    return backend


def with_rules(session: Session, *rules: Mapping[str, Any], **changed: Any) -> Session:
    """The session under a gate of these rules."""
    from msgspec.structs import replace

    gates = {"production": Gate(targets=("*@champion",), rules=rules)}
    return replace(session, policy=replace(session.policy, gates=gates), **changed)


async def asked(
    folder: Path,
    champion: Side | None,
    candidate: Side,
    *rules: Mapping[str, Any],
    clock: Any = lambda: NOW,
    how: Mapping[str, Any] | None = None,
    **session: Any,
) -> GateReport:
    """What the gate says of the candidate; the registry is made where `folder` has none."""
    made = (folder / ".modeldeck").exists() or (folder / "registry.db").exists()
    backend = open_registry(folder) if made else await registry_of(folder, champion, candidate)
    try:
        gated = with_rules(session_of(backend, clock=clock, policy=Policy(), **session), *rules)
        return await check_gate(gated, "fraud", "champion", CANDIDATE, **(how or {}))
    finally:
        await backend.close()


async def verdict_of(
    folder: Path, champion: Side | None, candidate: Side, *rules: Any, **more: Any
) -> Verdict:
    """What the only rule says."""
    (verdict,) = (await asked(folder, champion, candidate, *rules, **more)).rules
    return verdict


def rows(labels: Sequence[Any], *, ids: bool = True, **columns: Sequence[Any]) -> bytes:
    """A CSV file of predictions."""
    head = [*(["id"] if ids else []), "label", *columns]
    lines = [",".join(head)]
    for place, cells in enumerate(zip(labels, *columns.values(), strict=True)):
        lines.append(",".join(map(str, [*([f"r{place}"] if ids else []), *cells])))
    return ("\n".join(lines) + "\n").encode()


def scored(strength: float, count: int = 400, seed: int = 1, noise: int = 0) -> bytes:
    """A file with scores that tell the classes apart better the greater `strength` is."""
    random = np.random.default_rng(seed)
    labels = (random.random(count) < 0.4).astype(int)
    base = random.normal(size=count)
    other = np.random.default_rng(seed + noise).normal(size=count) if noise else 0
    scores = 1 / (1 + np.exp(-(strength * (labels - 0.5) + base + 0.3 * other)))
    shown = [f"{score:.6f}" for score in scores]
    return rows(labels, score=shown, prediction=(scores > 0.5).astype(int))
