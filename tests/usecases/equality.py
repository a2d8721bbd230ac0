"""What a registry holds, in the shape of the dump that MLflow's own client gives of a store."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.runs import Fields, Points, Shelf
from modeldeck.backends.local import LocalBackend

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTEXT = "mlflow.data.context"


def millis(time: datetime | None) -> int | None:
    return None if time is None else (time - EPOCH) // timedelta(milliseconds=1)


def bits(value: float) -> str:
    return "nan" if math.isnan(value) else value.hex() if math.isfinite(value) else str(value)


def triples(points: Points) -> list[list[Any]]:
    columns = zip(points.steps, points.times, points.values, strict=True)
    return sorted([step, time // 1000, bits(value)] for step, time, value in columns)


async def every(window: Any) -> list[Any]:
    return list(await window.page(0, window.at_least))


async def held(registry: LocalBackend) -> dict[str, Any]:
    """All that can be compared."""
    shelf = Shelf.ALL
    experiments = await every(await registry.experiments(shelf=shelf))
    runs = await every(await registry.runs(RunQuery(shelf=shelf, fields=Fields())))
    models = await every(await registry.models())
    return {
        "experiments": [
            {
                "id": e.id,
                "name": e.name,
                "lifecycle_stage": "deleted" if e.deleted_at else "active",
                "created_at": millis(e.created_at),
                "updated_at": millis(e.updated_at),
                "tags": e.tags,
            }
            for e in sorted(experiments, key=lambda e: e.id)
        ],
        "runs": [await run_of(registry, r) for r in sorted(runs, key=lambda run: run.id)],
        "models": [await model_of(registry, m) for m in sorted(models, key=lambda m: m.name)],
    }


async def run_of(registry: LocalBackend, run: Any) -> dict[str, Any]:
    keys = [info.key for info in await registry.series(run.id)]
    datasets = [
        {
            "name": d.name,
            "digest": d.digest,
            "source_type": d.source_type,
            "source": d.source,
            "schema": d.schema,
            "profile": d.profile,
            "tags": dict(d.labels) | ({} if d.context is None else {CONTEXT: d.context}),
        }
        for d in await registry.datasets(run.id)
    ]
    return {
        "id": run.id,
        "experiment": run.experiment,
        "name": run.name,
        "status": run.status.upper(),
        "lifecycle_stage": "deleted" if run.deleted_at else "active",
        "started_at": millis(run.started_at),
        "ended_at": millis(run.ended_at),
        "params": run.params,
        "tags": run.tags,
        "latest": {key: bits(value) for key, value in run.metrics.items()},
        "series": {key: triples(await registry.points(run.id, key)) for key in keys},
        "datasets": sorted(datasets, key=lambda d: (d["name"], d["digest"])),
        "artifacts": await files(registry, run_address(run.id)),
    }


async def model_of(registry: LocalBackend, model: Any) -> dict[str, Any]:
    versions = await every(await registry.versions(model.name))
    return {
        "name": model.name,
        "description": model.note,
        "created_at": millis(model.created_at),
        "updated_at": millis(model.updated_at),
        "tags": model.tags,
        "aliases": {alias: str(number) for alias, number in model.aliases.items()},
        "versions": [
            {
                "version": str(v.version),
                "source": v.source,
                "run_id": v.run_id,
                "description": v.note,
                "status": v.status.upper(),
                "stage": v.stage or "None",
                "created_at": millis(v.created_at),
                "updated_at": millis(v.updated_at),
                "tags": v.tags,
                "aliases": sorted(v.aliases),
                "files": await files(registry, version_address(model.name, v.version)),
            }
            for v in sorted(versions, key=lambda v: v.version)
        ],
    }


async def files(registry: LocalBackend, owner: str) -> list[dict[str, Any]]:
    """Path, size and SHA-256 of the files that can be read, told from their bytes."""
    found = []
    for artifact in await registry.artifacts(owner):
        if artifact.size is None:
            continue
        data = await registry.read_artifact(owner, artifact.path, limit=1 << 30)
        digest = hashlib.sha256(data).hexdigest()
        assert artifact.digest in (None, f"sha256:{digest}")
        found.append({"path": artifact.path, "size": len(data), "sha256": digest})
    return found


def wanted(dump: dict[str, Any]) -> dict[str, Any]:
    """The same of a dump."""
    names = {e["id"]: e["name"] for e in dump["experiments"]}
    logged = {model["run_id"]: model["artifacts"] for model in dump["logged_models"]}
    below = {
        run["id"]: [
            file | {"path": file["path"].removeprefix("model/")}
            for file in run["artifacts"] or ()
            if file["path"].startswith("model/")
        ]
        for run in dump["runs"]
    }
    # No client lists these, though they lie where the server would have kept them.
    served = {"path": "served.txt", "size": 17, "sha256": ""}
    served["sha256"] = hashlib.sha256(b"kept by a server\n").hexdigest()
    return {
        "experiments": [
            {k: v for k, v in e.items() if k != "artifact_location"} for e in dump["experiments"]
        ],
        "runs": [
            {
                key: run[key]
                for key in (
                    *("id", "status", "lifecycle_stage", "started_at", "ended_at"),
                    *("params", "tags", "series", "datasets"),
                )
            }
            | {
                "experiment": names[run["experiment_id"]],
                "name": run["name"] or "",
                "latest": {key: value for key, (_, _, value) in run["latest"].items()},
                "artifacts": [served]
                if run["name"] == "behind a server"
                else run["artifacts"] or [],
            }
            for run in dump["runs"]
        ],
        "models": [
            {k: model[k] for k in ("name", "created_at", "updated_at", "tags", "aliases")}
            | {
                "description": model["description"] or "",
                "versions": [
                    {
                        k: v
                        for k, v in version.items()
                        if k not in ("model_id", "download_uri", "description")
                    }
                    | {
                        "description": version["description"] or "",
                        "files": (logged.get(version["run_id"]) or below[version["run_id"]])
                        if version["run_id"]
                        else [],
                    }
                    for version in model["versions"]
                ],
            }
            for model in dump["models"]
        ],
    }
