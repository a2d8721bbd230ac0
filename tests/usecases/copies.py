"""A registry with one of everything that is hard to copy, and all that a registry holds as data."""

from __future__ import annotations

import asyncio
import io
import math
import struct
from array import array
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Dataset, Evaluation, Points, Run, Shelf, Status, Usage
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local import LocalBackend, create_registry, open_registry
from tests.usecases.project import (
    ACTOR,
    NOW,
    START,
    Clock,
    add_run,
    alias_change,
    lock,
    plan_of,
    session_of,
    version_change,
)

ODD = "a\tb\x1b[31m\u202e\U0001f600 \u0000 'x' \\ %s"
DEEP = "0d" * 16
PARENT, CHILD, GRANDCHILD = "1a" * 16, "2b" * 16, "3c" * 16
LOCK = "sha256:" + "1f" * 32
BIG = bytes(range(256)) * 17_000
"""Larger than the pieces that files are copied in."""


def float_of(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


# A NaN with a payload, a signalling one, both infinities, a negative zero, the smallest of all.
FLOATS = [
    float_of(0x7FF8000000000123),
    float_of(0xFFF8000000000001),
    math.inf,
    -math.inf,
    -0.0,
    5e-324,
    0.1,
    1.7976931348623157e308,
]


def odd_points() -> Points:
    """Steps that go back and repeat, times of odd microseconds."""
    steps = [5, 5, 5, -3, 0, 2**40, 7, 7]
    times = [to_micros(START) + 1_000_001 * at for at in (9, 9, 9, 1, 2, 3, 4, 4)]
    return Points(array("q", steps), array("q", times), array("d", FLOATS))


def many_points(count: int) -> Points:
    steps = array("q", range(count))
    times = array("q", (to_micros(START) + at * 1_000_003 for at in range(count)))
    return Points(steps, times, array("d", (math.sin(at) for at in range(count))))


async def fill_odd(backend: LocalBackend) -> None:
    """Nested runs, files, a model folder, versions."""
    log = backend.keep(io.BytesIO(b"done\n"), "output.log")
    big = backend.keep(io.BytesIO(BIG), "deep/er/big.bin")
    empty = backend.keep(io.BytesIO(b""), ODD)
    away = Artifact(path="away.txt", size=3, location="s3://bucket/away.txt")
    await add_run(
        backend,
        Run(
            id=PARENT,
            name=ODD,
            experiment="odd",
            status=Status.FAILED,
            started_at=START + timedelta(microseconds=1),
            ended_at=START + timedelta(hours=1),
            user="op1",
            reason="it broke",
            exit_code=3,
            git="a91c" * 10,
            dirty=True,
            lock=LOCK,
            note="first\nsecond",
        ),
        points={"odd": odd_points(), "many": many_points(5000), ODD: odd_points()},
        params={"lr": "0.10", ODD: ODD, "long": "x" * 7000},
        tags={"team": "risk", ODD: ODD},
        datasets=[
            Dataset(
                name="d",
                digest="1",
                source="s",
                source_type="t",
                schema='{"a": 1}',
                profile="p",
                context="training",
                labels={"k": ODD},
            ),
            Dataset(name="d", digest="2"),
        ],
        evaluations=[
            Evaluation(metric="auc", value=FLOATS[0], dataset="d", dataset_digest="1", n=5),
            Evaluation(metric="auc", value=-0.0, dataset="d", slice="eu", artifact="output.log"),
        ],
        lock=lock(),
        usage=Usage(wall_seconds=3600.5, cpu_seconds=2.25, peak_memory_bytes=3 << 30),
        artifacts=[log, big, empty, away],
    )
    for run_id, parent in ((CHILD, PARENT), (GRANDCHILD, CHILD)):
        await add_run(
            backend,
            Run(
                id=run_id,
                name=f"fold-{run_id[:2]}",
                experiment="odd",
                status=Status.FINISHED,
                started_at=START,
                ended_at=START + timedelta(minutes=1),
                parent_id=parent,
            ),
            points={"loss": many_points(3)},
        )
    files = [
        backend.keep(io.BytesIO(b"flavors: {}\n"), "MLmodel"),
        backend.keep(io.BytesIO(BIG), "data/weights.bin"),
    ]
    told = [msgspec.to_builtins(file) for file in files]
    for plan in (
        plan_of(
            "version.register",
            version_change(
                "fraud",
                1,
                run_id=PARENT,
                lock=LOCK,
                files=told,
                size=len(BIG) + 12,
                unsafe=["it is a pickle"],
                signature={"inputs": [1]},
                user="op1",
                note=ODD,
                card="# card",
                tags={ODD: ODD},
            ),
        ),
        plan_of("version.register", version_change("fraud", 2, source="/models/2")),
        plan_of("model.note", Change("models/fraud", "note", "", "which card is stolen")),
        plan_of("model.tag", Change("models/fraud", "tag:owner", None, "risk")),
        plan_of("alias.set", alias_change("fraud", "champion", None, 1)),
    ):
        await backend.apply(plan, ACTOR, "bank")


def make_odd(folder: Path) -> Path:
    """A new registry in `folder` that `fill_odd` filled; gives the folder."""

    async def make() -> None:
        backend = create_registry(folder, clock=Clock())
        await fill_odd(backend)
        await backend.close()

    asyncio.run(make())
    return folder


def opened(folder: Path, context: str = "bank") -> Session:
    return session_of(open_registry(folder, clock=Clock(NOW)), context=context)


def empty_session(folder: Path, context: str = "prod") -> Session:
    return session_of(create_registry(folder, clock=Clock(NOW)), context=context)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


async def run_facts(session: Session, run: Run, *, with_bytes: bool = True) -> dict[str, Any]:
    """All of a run but where it came from, floats as bits."""
    registry, owner = session.registry, address.run(run.id)
    series = {}
    for info in await registry.series(run.id):
        points = await registry.points(run.id, info.key)
        series[info.key] = (points.steps, points.times, points.values.tobytes())
    return {
        "run": msgspec.structs.replace(run, origin=None, metrics={}, children=0),
        "metrics": {key: bits(value) for key, value in run.metrics.items()},
        "series": series,
        "datasets": await registry.datasets(run.id),
        "evaluations": [
            (bits(one.value), msgspec.structs.replace(one, value=0.0))
            for one in await registry.evaluations(run.id)
        ],
        "usage": await registry.usage(run.id),
        "lock": await registry.lock(run.lock) if run.lock else None,
        "artifacts": await registry.artifacts(owner),
        "bytes": await bytes_of(session, owner) if with_bytes else {},
    }


async def bytes_of(session: Session, owner: str) -> dict[str, bytes]:
    registry = session.registry
    return {
        file.path: await registry.read_artifact(owner, file.path, limit=1 << 30)
        for file in await registry.artifacts(owner)
        if file.digest is not None
    }


async def all_facts(session: Session, *, with_bytes: bool = True) -> dict[str, Any]:
    """All runs and versions, by address; without origins, and without where aliases are."""
    found: dict[str, Any] = {}
    for run in await all_of(await session.registry.runs(RunQuery(shelf=Shelf.ALL))):
        found[address.run(run.id)] = await run_facts(session, run, with_bytes=with_bytes)
    for version in await all_of(await session.registry.versions(shelf=Shelf.ALL)):
        owner = address.version(version.model, version.version)
        found[owner] = {
            "version": msgspec.structs.replace(version, origin=None, aliases=()),
            "lock": await session.registry.lock(version.lock) if version.lock else None,
            "artifacts": await session.registry.artifacts(owner),
            "bytes": await bytes_of(session, owner) if with_bytes else {},
        }
    return found
