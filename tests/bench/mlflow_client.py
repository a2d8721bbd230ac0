"""Answers with MLflow's own client. Run by the Python of a server environment.

A line of JSON in (`filter`, `order`, `limit`; or `run`, `metric`), a line of JSON out: seconds, and
the runs, or the points.
"""
# ruff: noqa: E402 - MLflow reads its environment when it is imported.

from __future__ import annotations

import json
import os
import sys
import time
import warnings

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_LOGGING_LEVEL="ERROR",
    GIT_PYTHON_REFRESH="quiet",
)  # fmt: skip
warnings.simplefilter("ignore")

import mlflow
from mlflow import MlflowClient


def main() -> None:
    mlflow.set_tracking_uri(sys.argv[1])
    client = MlflowClient()
    experiments = [one.experiment_id for one in client.search_experiments()]
    print(json.dumps({"mlflow": mlflow.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "metric" in asked:
            print(json.dumps(history(client, **asked)), flush=True)
            continue
        cpu, begin = time.process_time(), time.perf_counter()
        found = client.search_runs(
            experiments, asked["filter"], order_by=asked["order"], max_results=asked["limit"]
        )
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        runs = [
            {
                "id": run.info.run_id,
                "name": run.info.run_name,
                "start": run.info.start_time,
                "metrics": {key: repr(value) for key, value in run.data.metrics.items()},
                "params": run.data.params,
            }
            for run in found
        ]
        print(json.dumps({"wall": wall, "cpu": cpu, "runs": runs}), flush=True)


def history(client: MlflowClient, run: str, metric: str) -> dict[str, object]:
    cpu, begin = time.process_time(), time.perf_counter()
    found = client.get_metric_history(run, metric)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    points = [(one.step, one.timestamp, repr(one.value)) for one in found]
    return {"wall": wall, "cpu": cpu, "points": points}


main()
