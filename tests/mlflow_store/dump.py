"""Reads an MLflow store back with MLflow's own client, as JSON that can be compared exactly.

Run by the Python of a server environment: `dump.py --uri URI --out FILE`. It is the measure of
the product's own readers, so it takes every value from the client and none from the files.

    {"format": 1, "mlflow": "3.17.2",
     "experiments": [{id, name, lifecycle_stage, artifact_location, created_at, updated_at,
                      tags{}}],
     "runs": [{id, experiment_id, name, status, lifecycle_stage, user, started_at, ended_at,
               artifact_uri, params{}, tags{},
               "latest": {key: [step, time, value]},
               "series": {key: [[step, time, value], ...]},
               "datasets": [{name, digest, source_type, source, schema, profile, tags{}}],
               "model_inputs": [id], "model_outputs": [[id, step]],
               "artifacts": [{path, size, sha256}] or null, "artifacts_error": text or null}],
     "logged_models": [{id, experiment_id, run_id, name, status, artifact_location, created_at,
                        params{}, tags{}, "metrics": [[key, step, time, value, run_id]],
                        "artifacts": [{path, size, sha256}]}],
     "models": [{name, description, created_at, updated_at, tags{}, aliases{},
                 "versions": [{version, source, download_uri, run_id, model_id, description,
                               status, stage, created_at, updated_at, tags{}, aliases[]}]}],
     "prompts": [name]}

Times are epoch milliseconds or null. A metric's value is text, so that equal text is equal bits:
`float.hex()` ("-0x0.0p+0" is minus zero), or "nan", "inf", "-inf". Series are sorted by (step,
time, value), since the order that the client gives depends on the store; points that are there
twice stay twice. Experiments, runs and the like are sorted by id or name.
"""
# ruff: noqa: E402 - MLflow reads its environment when it is imported.

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    MLFLOW_ALLOW_FILE_STORE="true",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_LOGGING_LEVEL="ERROR",
    GIT_PYTHON_REFRESH="quiet",
)
warnings.simplefilter("ignore")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

MAJOR = int(mlflow.__version__.split(".")[0])


def exact(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return float(value).hex() if math.isfinite(value) else str(float(value))


def fingerprint(path: str, file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def everything(search: Callable[..., Any], **arguments: Any) -> Iterable[Any]:
    token = None
    while True:
        page = search(page_token=token, **arguments)
        yield from page
        token = page.token
        if not token:
            return


class Dump:
    def __init__(self, *, artifacts: bool, series: bool) -> None:
        self.client = MlflowClient()
        self.with_artifacts = artifacts
        self.with_series = series

    def all(self) -> dict[str, Any]:
        experiments = sorted(
            everything(self.client.search_experiments, view_type=ViewType.ALL),
            key=lambda e: e.experiment_id,
        )
        ids = [e.experiment_id for e in experiments]
        runs = everything(
            self.client.search_runs,
            experiment_ids=ids,
            run_view_type=ViewType.ALL,
            max_results=1000,
        )
        models = everything(self.client.search_registered_models)
        return {
            "format": 1,
            "mlflow": mlflow.__version__,
            "experiments": [self.experiment(e) for e in experiments],
            "runs": sorted((self.run(r) for r in runs), key=lambda r: r["id"]),
            "logged_models": self.logged_models(ids) if MAJOR >= 3 else [],
            "models": sorted((self.model(m) for m in models), key=lambda m: m["name"]),
            "prompts": sorted(self.prompts()),
        }

    def experiment(self, experiment: Any) -> dict[str, Any]:
        return {
            "id": experiment.experiment_id,
            "name": experiment.name,
            "lifecycle_stage": experiment.lifecycle_stage,
            "artifact_location": experiment.artifact_location,
            "created_at": experiment.creation_time,
            "updated_at": experiment.last_update_time,
            "tags": dict(experiment.tags),
        }

    def run(self, run: Any) -> dict[str, Any]:
        info = run.info
        artifacts, error = self.artifacts(info.run_id)
        latest = {m.key: [m.step, m.timestamp, exact(m.value)] for m in run.data._metric_objs}
        return {
            "id": info.run_id,
            "experiment_id": info.experiment_id,
            "name": info.run_name,
            "status": info.status,
            "lifecycle_stage": info.lifecycle_stage,
            "user": info.user_id,
            "started_at": info.start_time,
            "ended_at": info.end_time,
            "artifact_uri": info.artifact_uri,
            "params": run.data.params,
            "tags": run.data.tags,
            "latest": latest,
            "series": self.series(info.run_id, latest),
            "datasets": self.datasets(run.inputs.dataset_inputs if run.inputs else []),
            "model_inputs": [m.model_id for m in getattr(run.inputs, "model_inputs", None) or []],
            "model_outputs": [
                [m.model_id, m.step]
                for m in getattr(getattr(run, "outputs", None), "model_outputs", None) or []
            ],
            "artifacts": artifacts,
            "artifacts_error": error,
        }

    def series(self, run_id: str, keys: Iterable[str]) -> dict[str, list[list[Any]]]:
        if not self.with_series:
            return {}
        history = self.client.get_metric_history
        return {
            key: sorted([m.step, m.timestamp, exact(m.value)] for m in history(run_id, key))
            for key in keys
        }

    def datasets(self, inputs: Iterable[Any]) -> list[dict[str, Any]]:
        found = [
            {
                "name": i.dataset.name,
                "digest": i.dataset.digest,
                "source_type": i.dataset.source_type,
                "source": i.dataset.source,
                "schema": i.dataset.schema,
                "profile": i.dataset.profile,
                "tags": {tag.key: tag.value for tag in i.tags},
            }
            for i in inputs
        ]
        return sorted(found, key=lambda d: (d["name"], d["digest"]))

    def artifacts(self, run_id: str) -> tuple[list[dict[str, Any]] | None, str | None]:
        if not self.with_artifacts:
            return None, None
        try:
            return self.files(run_id), None
        except (MlflowException, ImportError, OSError) as error:
            return None, type(error).__name__

    def files(self, run_id: str) -> list[dict[str, Any]]:
        """What the client lists of a run, with the digest of what it downloads."""
        found, folders = [], [None]
        with tempfile.TemporaryDirectory() as scratch:
            while folders:
                for item in self.client.list_artifacts(run_id, folders.pop()):
                    if item.is_dir:
                        folders.append(item.path)
                        continue
                    local = self.client.download_artifacts(run_id, item.path, scratch)
                    found.append(fingerprint(item.path, Path(local)))
                    assert found[-1]["size"] == item.file_size
        return sorted(found, key=lambda f: f["path"])

    def model_files(self, location: str) -> list[dict[str, Any]] | None:
        """The files of a logged model; asked for by its id, MLflow would add one of its own."""
        if not self.with_artifacts:
            return None
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(mlflow.artifacts.download_artifacts(location, dst_path=scratch))
            files = [file for file in root.rglob("*") if file.is_file()]
            found = [fingerprint(file.relative_to(root).as_posix(), file) for file in files]
        return sorted(found, key=lambda f: f["path"])

    def logged_models(self, experiment_ids: list[str]) -> list[dict[str, Any]]:
        found = [
            {
                "id": m.model_id,
                "experiment_id": m.experiment_id,
                "run_id": m.source_run_id,
                "name": m.name,
                "status": str(getattr(m.status, "value", m.status)),
                "artifact_location": m.artifact_location,
                "created_at": m.creation_timestamp,
                "params": m.params,
                "tags": m.tags,
                "metrics": sorted(
                    [x.key, x.step, x.timestamp, exact(x.value), x.run_id] for x in m.metrics or []
                ),
                "artifacts": self.model_files(m.artifact_location),
            }
            for m in everything(self.client.search_logged_models, experiment_ids=experiment_ids)
        ]
        return sorted(found, key=lambda m: m["id"])

    def model(self, model: Any) -> dict[str, Any]:
        name = model.name.replace("'", "''")
        search = self.client.search_model_versions
        versions = everything(search, filter_string=f"name='{name}'")
        aliases = {alias: str(version) for alias, version in model.aliases.items()}
        return {
            "name": model.name,
            "description": model.description,
            "created_at": model.creation_timestamp,
            "updated_at": model.last_updated_timestamp,
            "tags": model.tags,
            "aliases": aliases,
            "versions": sorted(
                (self.version(v, aliases) for v in versions), key=lambda v: int(v["version"])
            ),
        }

    def version(self, version: Any, aliases: dict[str, str]) -> dict[str, Any]:
        number = str(version.version)
        return {
            "version": number,
            "source": version.source,
            "download_uri": self.client.get_model_version_download_uri(version.name, number),
            "run_id": version.run_id,
            "model_id": getattr(version, "model_id", None),
            "description": version.description,
            "status": version.status,
            "stage": version.current_stage,
            "created_at": version.creation_timestamp,
            "updated_at": version.last_updated_timestamp,
            "tags": version.tags,
            "aliases": sorted(alias for alias, of in aliases.items() if of == number),
        }

    def prompts(self) -> list[str]:
        if hasattr(self.client, "search_prompts"):
            return [p.name for p in self.client.search_prompts()]
        return [
            model.name
            for model in self.client.search_registered_models(
                filter_string="tags.`mlflow.prompt.is_prompt` = 'true'"
            )
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True, help="sqlite:///… or the path of a folder")
    parser.add_argument("--out", required=True, type=Path, help="the JSON file")
    parser.add_argument("--no-artifacts", action="store_true")
    parser.add_argument("--no-series", action="store_true")
    args = parser.parse_args()
    began = time.perf_counter()
    out = args.out.resolve()
    mlflow.set_tracking_uri(args.uri)
    # A SQL store makes an empty ./mlruns when it is opened.
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        dump = Dump(artifacts=not args.no_artifacts, series=not args.no_series).all()
    out.write_text(json.dumps(dump, indent=1, sort_keys=True), encoding="utf-8")
    print(json.dumps({"runs": len(dump["runs"]), "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
