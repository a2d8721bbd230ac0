"""Writes the SQL of the present schemas with a few rows in every table, once for each release.

A schema that is kept already is left as it is.

python -m tests.local.keep_schema
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
import tempfile
from pathlib import Path

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.receiving import Origin
from modeldeck.backends.api.runs import Dataset, Evaluation, Experiment, Lock, Status
from modeldeck.backends.local.schema import REGISTRY, TELEMETRY

from .records import ME, MICROS, NOW, ORIGIN, entry, fresh, model_record, plan, points, record

FIXTURES = Path(__file__).parent / "schemas"


async def fill(folder: Path) -> None:
    backend = fresh(folder)
    await backend.take(
        ORIGIN,
        "test",
        experiments=[Experiment(id="first", name="first", tags={"a": "1"})],
        runs=[record("old", metrics={"m": float("nan"), "n": -0.0}, lock=Lock(python="3.11"))],
        models=[model_record(numbers=[1], tags={"k": "v"}, aliases={"champion": 1})],
    )
    await backend.begin_run(record("r1", status=Status.RUNNING), ME, "here")
    await backend.log(
        "r1",
        Batch(
            points={"loss": points([(0, MICROS, 1.0), (1, MICROS, 0.7)])},
            params={"lr": "0.1"},
            tags={"team": "risk"},
            datasets=[Dataset(name="d", digest="1")],
            evaluations=[Evaluation(metric="auc", value=0.9, dataset="d")],
            positions={"metrics.jsonl": 40},
        ),
        last=True,
    )
    await backend.log("r1", Batch(points={"loss": points([(2, MICROS, 0.5)])}))
    kept = backend.keep(io.BytesIO(b"x"), "x")
    await backend.take_artifacts("runs/r1", [kept, Artifact(path="y", location="s3://y")])
    await backend.mark_loaded({"old": "stamp"})
    await backend.apply(plan(Change("models/fraud/1", "tag:t", None, "x")), ME, "here")
    await backend.receive_version(
        Origin("file:///copied.db", "models/fraud/7"),
        Model(name="fraud"),
        Version(model="fraud", version=7, digest="sha256:7"),
        [],
        None,
        None,
    )
    intent = await backend.note(
        entry(phase="intent", subject="models/x@a", before={"version": 1}, after={"version": 2})
    )
    await backend.note(
        entry(phase="done", subject="models/x@a", after={"version": 2}, caused_by=intent.seq)
    )
    seen = {"models/x@b": 1}
    await backend.observe(seen, NOW, field="version", context="here", below=["models/"])
    await backend.registry.write(lambda c: c.execute("INSERT INTO meta VALUES('k', 'v')").rowcount)
    await backend.registry.write(
        lambda c: c.execute("INSERT OR IGNORE INTO lock VALUES('sha256:1', '{}')").rowcount
    )
    for sql in (
        "INSERT OR IGNORE INTO audit_node VALUES(1, 0, zeroblob(32))",
        "INSERT INTO audit_signature VALUES(1, 'SHA256:key', x'00')",
        "INSERT INTO checkpoint VALUES(1, 0, 'modeldeck/x')",
        "INSERT INTO statement VALUES('s', 'approval', 'models/fraud/1', 0, x'7b7d', 0, NULL, '')",
    ):
        await backend.registry.write(lambda c, sql=sql: c.execute(sql).rowcount)
    await backend.close()


def keep() -> None:
    FIXTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(fill(Path(folder)))
        for schema in (REGISTRY, TELEMETRY):
            target = FIXTURES / f"{schema.name}-{schema.version}.sql"
            if target.exists():
                continue
            connection = sqlite3.connect(Path(folder) / ".modeldeck" / f"{schema.name}.db")
            lines = [line for line in connection.iterdump() if "sqlite_sequence" not in line]
            connection.close()
            lines = [f"PRAGMA page_size={schema.page_size};", *lines]
            lines += [f"PRAGMA application_id={schema.application_id};"]
            lines += [f"PRAGMA user_version={schema.version};"]
            target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    keep()
