"""Writes an MLflow store, with MLflow itself, for the tests to read.

Run by the Python of a server environment (`make servers`), never by the product's own:

    .venv-mlflow3/bin/python tests/mlflow_store/build.py --out DIR --uri sqlite:///DIR/mlflow.db
    .venv-mlflow3/bin/python tests/mlflow_store/build.py --out DIR --uri DIR/mlruns --profile small
    .venv-mlflow3/bin/python tests/mlflow_store/build.py --out DIR --uri sqlite:///DIR/mlflow.db \
        --profile bulk --runs 10000 --metrics 20 --params 20 --points 1

Profiles: `small` has one of everything, `full` adds a series of 100,000 points, `bulk` many equal
runs (`bulk.py`). It speaks to nobody: what it writes is the store, what it prints is one line of
JSON.

What surprises a reader of such stores, and is in them for that reason:
- SQL keeps NaN as 0.0 with `is_nan`, an infinity as the greatest float, and -0.0 as 0.0. Files
  keep all of them as Python prints them.
- A point logged twice is one row in SQL and two lines in a file. At equal step and time, NaN loses
  to a number in SQL; in a file the first line wins.
- A metric logged with a dataset is a line of five fields in a file, and MLflow 3 reads its step
  back as 0.
- A deleted version stays as a row or a folder of stage `Deleted_Internal`. MLflow 2 leaves its
  alias behind in SQL. In a file store the `aliases` folder is true, not `meta.yaml`.
- A logged model of MLflow 3 lies beside the runs, in `models/m-...`; the run only names it. A
  version then has the source `models:/m-...`, and its files are at `storage_location`.
- Prompts are registered models with the tag `mlflow.prompt.is_prompt`.
- A deleted experiment of a file store moves to `.trash`, its artifact paths do not.
- `inputs/*/meta.yaml` names the dataset twice and not the run: the run is the folder's.
"""
# ruff: noqa: E402 - MLflow reads its environment when it is imported.

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import struct
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    MLFLOW_ALLOW_FILE_STORE="true",
    MLFLOW_ENABLE_ASYNC_TRACE_LOGGING="false",
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    MLFLOW_LOGGING_LEVEL="ERROR",
    GIT_PYTHON_REFRESH="quiet",
)
warnings.simplefilter("ignore")

import mlflow
import numpy as np
import pandas as pd
from bulk import EPOCH_MS, bulk
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils import validation
from sklearn.linear_model import LogisticRegression

MAJOR = int(mlflow.__version__.split(".")[0])
PROFILES = ("small", "full", "bulk")
# Names that MLflow takes and that a terminal, a markup parser or a path may not.
ODD_TEXT = {
    "markup": "[bold red]not bold[/] [link=https://example.org]x[/link] \\[",
    "escape": "red \x1b[31mtext\x1b[0m bell \x07 c1 \x9b31m del \x7f",
    "bidi": "abc \u202e\u2066 zero\u200bwidth \ufeff",
    "unicode": "Größe 模型 🦊 e\u0301 عربى",
    "lines": "first\nsecond\r\nthird\rfourth\ttab\u2028line\x85next",
    "spaces": "  padded  ",
    "json": '{"a": [1, 2.50, "x"]}',
    "looks like NaN": "NaN",
}
ODD_VALUES = (
    0.0,
    -0.0,
    float("nan"),
    float("inf"),
    float("-inf"),
    5e-324,
    2.2250738585072009e-308,
    1e308,
    -1.7976931348623157e308,
    0.1 + 0.2,
    2.0**53 + 1,
)


def png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


class Store:
    """The parts of one store, written in order."""

    def __init__(self, *, full: bool) -> None:
        self.client = MlflowClient()
        self.full = full
        self.runs: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.model_id: str | None = None

    def write(self) -> None:
        self.experiments()
        self.nested()
        self.odd_text()
        self.odd_metrics()
        self.states()
        self.datasets()
        self.artifacts()
        self.model_folder()
        self.registry()
        self.attempt("prompts", self.prompts)
        if MAJOR >= 3:
            self.attempt("traces", self.traces)
        if self.full:
            self.long_series()

    def age(self, uri: str) -> None:
        """Runs with an empty name and with none, as releases before 1.30 left them."""
        emptied, gone = self.runs["name emptied"], self.runs["name gone"]
        if uri.startswith("sqlite:///"):
            with sqlite3.connect(uri.removeprefix("sqlite:///")) as db:
                db.execute("UPDATE runs SET name = '' WHERE run_uuid = ?", [emptied])
                db.execute("UPDATE runs SET name = NULL WHERE run_uuid = ?", [gone])
            db.close()
            return
        for run, line in ((emptied, "run_name: ''\n"), (gone, "")):
            (meta,) = Path(uri.removeprefix("file://")).glob(f"*/{run}/meta.yaml")
            lines = meta.read_text(encoding="utf-8").splitlines(keepends=True)
            lines = [line if old.startswith("run_name:") else old for old in lines]
            meta.write_text("".join(lines), encoding="utf-8")

    def attempt(self, what: str, write: Callable[[], object]) -> None:
        """Write a part that this version or this kind of store may not have."""
        try:
            write()
        except (MlflowException, NotImplementedError) as error:
            self.skipped[what] = str(error).splitlines()[0]

    def experiments(self) -> None:
        self.main = self.client.create_experiment("fraud", tags={"team": "risk", "quarter": "Q3"})
        self.client.set_experiment_tag(
            self.main, "mlflow.note.content", "# Fraud\n\nThe *main* job."
        )
        self.odd = self.client.create_experiment("[red]Größe[/] 模型 % _", tags=dict(ODD_TEXT))
        self.remote = self.client.create_experiment("in a bucket", "s3://bucket/prefix/remote")
        self.served = self.client.create_experiment("behind a server", "mlflow-artifacts:/served")
        self.client.create_experiment("empty")
        gone = self.client.create_experiment("abandoned", tags={"why": "superseded"})
        self.run(gone, "left behind", end="FINISHED")
        self.client.delete_experiment(gone)
        old = self.client.create_experiment("before renaming")
        self.client.rename_experiment(old, "after renaming")
        self.run("0", "in the default experiment", end="FINISHED")
        self.run(self.remote, "in a bucket", end="FINISHED")
        # Where `mlflow server`, started beside the store, keeps what this run's URI speaks of.
        run = self.run(self.served, "behind a server", end="FINISHED")
        folder = Path("mlartifacts/served", run, "artifacts")
        folder.mkdir(parents=True)
        (folder / "served.txt").write_text("kept by a server\n", encoding="utf-8")

    def run(
        self,
        experiment: str,
        name: str | None,
        *,
        end: str | None = None,
        parent: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> str:
        tags = dict(tags or {})
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        start = EPOCH_MS + 60_000 * len(self.runs)
        info = self.client.create_run(experiment, start, tags, run_name=name).info
        self.runs[name or info.run_id] = info.run_id
        self.client.log_batch(
            info.run_id,
            [Metric("auc", 0.5 + len(self.runs) / 100, start + 10, 0)],
            [Param("seed", str(len(self.runs)))],
            [RunTag("mlflow.user", "ada"), RunTag("mlflow.source.name", "train.py")],
        )
        if end is not None:
            self.client.set_terminated(info.run_id, end, start + 45_500)
        return info.run_id

    def nested(self) -> None:
        sweep = self.run(self.main, "sweep", end="FINISHED")
        for child in range(3):
            trial = self.run(self.main, f"trial {child}", parent=sweep, end="FINISHED")
            for fold in range(2):
                self.run(self.main, f"trial {child} fold {fold}", parent=trial, end="FINISHED")
        self.run(self.main, "orphan", parent="0" * 32, end="FINISHED")

    def odd_text(self) -> None:
        run = self.run(self.odd, "[bold]" + ODD_TEXT["escape"], end="FINISHED")
        self.client.log_batch(
            run,
            params=[Param(f"odd/{key}", value) for key, value in ODD_TEXT.items()]
            + [
                Param("empty", ""),
                Param("long", "ü" * validation.MAX_PARAM_VAL_LENGTH),
                Param("k" * validation.MAX_ENTITY_KEY_LENGTH, "long key"),
                Param("Größe.模型 - x/y_z", "odd key"),
            ],
            tags=[RunTag(f"odd.{key}", value) for key, value in ODD_TEXT.items()]
            + [
                RunTag(
                    "mlflow.note.content", "# Why\n\nA *note* with `code`.\n" + ODD_TEXT["escape"]
                ),
                RunTag("empty", ""),
                RunTag("long", "t" * validation.MAX_TAG_VAL_LENGTH),
            ],
        )

    def odd_metrics(self) -> None:
        run = self.run(self.odd, "odd metrics", end="FINISHED")
        at = EPOCH_MS + 1

        def series(key: str, points: list[tuple[int, float]]) -> list[Metric]:
            return [Metric(key, value, at + i, step) for i, (step, value) in enumerate(points)]

        self.client.log_batch(run, series("values", list(enumerate(ODD_VALUES))))
        for i, value in enumerate(ODD_VALUES):
            self.client.log_batch(run, [Metric(f"single/{i}", value, at, 0)])
        self.client.log_batch(run, series("negative steps", [(-3, 0.3), (-1, 0.1), (-2, 0.2)]))
        self.client.log_batch(
            run, series("steps go back", [(0, 1.0), (1, 0.5), (2, 0.4), (1, 9.0)])
        )
        self.client.log_batch(run, series("one step", [(7, 0.1), (7, 0.3), (7, 0.2)]))
        # Same step and time: the greatest value is the latest one. The same point twice is one.
        self.client.log_batch(run, [Metric("same time", v, at, 5) for v in (0.2, 0.9, 0.1, 0.9)])
        self.client.log_batch(run, series("nan last", [(0, 1.0), (1, float("nan"))]))
        self.client.log_batch(run, series("nan first", [(0, float("nan")), (1, 1.0)]))
        self.client.log_batch(run, [Metric("nan tie", v, at, 0) for v in (float("nan"), 1.0)])
        self.client.log_batch(
            run, series("gaps", [(s, s if s % 3 else float("nan")) for s in range(30)])
        )
        self.client.log_batch(
            run, series("far steps", [(0, 0.0), (2**31 - 1, 1.0), (-(2**31), -1.0)])
        )
        self.client.log_batch(run, [Metric("early", 1.0, 0, 0)])
        for key in ("train/loss", "train/epoch.loss", "train/deep/loss", "Größe 模型", "a-b_c.d e"):
            self.client.log_batch(run, series(key, [(s, 1 / (1 + s)) for s in range(20)]))

    def states(self) -> None:
        self.run(self.main, "running")
        for status in ("FINISHED", "FAILED", "KILLED"):
            self.run(self.main, status.lower(), end=status)
        self.client.update_run(self.run(self.main, "scheduled"), status="SCHEDULED")
        self.client.update_run(self.run(self.main, "no end time"), status="FINISHED")
        self.run(self.main, None, end="FINISHED")
        for name in ("name emptied", "name gone"):
            self.client.delete_tag(self.run(self.main, name, end="FINISHED"), "mlflow.runName")
        self.client.update_run(self.run(self.main, "old name", end="FINISHED"), name="new name")
        self.run(self.main, "n" * 250, end="FINISHED")
        self.run(self.main, "twin", end="FINISHED")
        self.run(self.main, "twin", end="FINISHED")
        bare = self.client.create_run(self.main, 0, run_name="no start, no data").info.run_id
        self.client.set_terminated(bare, "FINISHED", 0)
        for name in ("deleted", "deleted and restored"):
            self.client.delete_run(self.run(self.main, name, end="FINISHED"))
        self.client.restore_run(self.runs["deleted and restored"])
        overwritten = self.run(self.main, "tag overwritten", tags={"stage": "one"}, end="FINISHED")
        self.client.set_tag(overwritten, "stage", "two")

    def datasets(self) -> None:
        rng = np.random.default_rng(7)
        table = pd.DataFrame({"x": rng.normal(size=50), "y": rng.integers(0, 2, 50)})
        pair = [
            mlflow.data.from_pandas(table, source="data/train.csv", name="train set", targets="y"),
            mlflow.data.from_numpy(
                table[["x"]].to_numpy(), source="data/eval.npy", name="[b]eval[/b]"
            ),
        ]
        for name in ("with datasets", "with the same datasets"):
            self.run(self.main, name)
            with mlflow.start_run(run_id=self.runs[name]):
                for dataset, context in zip(pair, ("training", "evaluation"), strict=True):
                    mlflow.log_input(dataset, context=context, tags={"split": context[:5]})
                if MAJOR >= 3:
                    mlflow.log_metric("on dataset", 0.75, step=3, dataset=pair[1])

    def artifacts(self) -> None:
        run = self.run(self.main, "with artifacts", end="FINISHED")
        self.client.log_text(run, "plain\ntext \x1b[31mred\n", "notes.txt")
        self.client.log_text(run, "", "empty.txt")
        self.client.log_text(run, "deep", "a/b/c/deep [x].txt")
        self.client.log_text(run, "ü", "Größe 模型/ü.txt")
        self.client.log_dict(run, {"k": [1, 2, {"x": None}]}, "config/run.json")
        here = Path("scratch")
        here.mkdir(exist_ok=True)
        (here / "pixel.png").write_bytes(png())
        (here / "noise.bin").write_bytes(bytes(range(256)) * 256)
        for file in sorted(here.iterdir()):
            self.client.log_artifact(run, str(file), "files")
            file.unlink()
        here.rmdir()

    def model_folder(self) -> None:
        run = self.run(self.main, "with a model")
        rows = np.arange(40.0).reshape(20, 2)
        model = LogisticRegression().fit(rows, rows[:, 0] > 20)
        signature = mlflow.models.infer_signature(rows, model.predict(rows))
        with mlflow.start_run(run_id=run):
            # Requirements are given, so that none are guessed by starting another process.
            where = {"name": "model"} if MAJOR >= 3 else {"artifact_path": "model"}
            logged = mlflow.sklearn.log_model(
                model, **where, signature=signature, pip_requirements=["scikit-learn"]
            )
            self.model_uri = logged.model_uri
            if MAJOR >= 3:
                self.model_id = logged.model_id
                mlflow.log_metric("on model", 0.625, step=2, model_id=self.model_id)
                mlflow.set_logged_model_tags(self.model_id, {"flavour": "[i]linear[/i]"})

    def registry(self) -> None:
        client, run = self.client, self.runs["with a model"]
        note = "Scores *cards*.\n" + ODD_TEXT["escape"]
        client.create_registered_model("fraud", {"team": "risk", "odd": ODD_TEXT["escape"]}, note)
        for number in range(1, 5):
            client.create_model_version(
                "fraud",
                self.model_uri,
                run,
                tags={"n": str(number)},
                description=f"try **{number}**",
            )
        client.create_model_version("fraud", "s3://bucket/raw/model", description="from outside")
        client.set_registered_model_alias("fraud", "champion", "2")
        client.set_registered_model_alias("fraud", "challenger", "4")
        client.set_registered_model_alias("fraud", "also-champion", "2")
        client.set_model_version_tag("fraud", "2", "validation", "passed [green]ok[/]")
        client.set_registered_model_alias("fraud", "doomed", "3")
        client.delete_model_version("fraud", "3")
        self.attempt("stages", self.stages)
        client.create_registered_model("no versions")
        client.create_registered_model("[bold]odd 模型 \x1b[31m")
        client.create_model_version("[bold]odd 模型 \x1b[31m", "file:///nowhere/at/all", None)
        self.attempt("a slash in a name", lambda: client.create_registered_model("team/fraud"))
        client.create_registered_model("old name")
        client.create_model_version("old name", self.model_uri, run)
        client.set_registered_model_alias("old name", "live", "1")
        client.rename_registered_model("old name", "new name")
        client.create_registered_model("deleted")
        client.create_model_version("deleted", self.model_uri, run)
        client.delete_registered_model("deleted")
        if self.model_id is not None:
            client.create_registered_model("by id")
            client.create_model_version("by id", f"models:/{self.model_id}", model_id=self.model_id)

    def stages(self) -> None:
        self.client.transition_model_version_stage("fraud", "1", "Staging")

    def prompts(self) -> None:
        register = mlflow.genai.register_prompt if MAJOR >= 3 else mlflow.register_prompt
        register(name="greeting", template="Hello {{name}}", commit_message="first")
        register(name="greeting", template="Good day {{name}}", commit_message="second")
        set_alias = mlflow.genai.set_prompt_alias if MAJOR >= 3 else mlflow.set_prompt_alias
        set_alias("greeting", alias="production", version=2)

    def traces(self) -> None:
        mlflow.set_experiment(experiment_id=self.main)
        with mlflow.start_span("question") as span:
            span.set_inputs({"q": "why"})
            span.set_outputs({"a": "because"})

    def long_series(self) -> None:
        run = self.run(self.main, "long series", end="FINISHED")
        for start in range(0, 100_000, 1000):
            points = [
                Metric("loss", 1 / (1 + step) + (step % 97) * 1e-7, EPOCH_MS + step * 250, step)
                for step in range(start, start + 1000)
            ]
            self.client.log_batch(run, points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uri", required=True, help="sqlite:///… or the path of a folder")
    parser.add_argument("--out", required=True, type=Path, help="the folder it all lies in")
    parser.add_argument("--profile", choices=PROFILES, default="small")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--experiments", type=int, default=1)
    parser.add_argument("--metrics", type=int, default=20)
    parser.add_argument("--params", type=int, default=20)
    parser.add_argument("--points", type=int, default=1, help="a metric and run")
    parser.add_argument("--missing", type=float, default=0.0, help="share of metrics not logged")
    parser.add_argument("--nan", type=float, default=0.0, help="share of metrics that are NaN")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.chdir(args.out)
    began = time.perf_counter()
    mlflow.set_tracking_uri(args.uri)
    skipped: dict[str, str] = {}
    if args.profile == "bulk":
        if not args.uri.startswith("sqlite:///"):
            parser.error("bulk writes SQLite stores only")
        bulk(Path(args.uri.removeprefix("sqlite:///")), args)
    else:
        store = Store(full=args.profile == "full")
        store.write()
        store.age(args.uri)
        skipped = store.skipped
    seconds = round(time.perf_counter() - began, 1)
    json.dump({"mlflow": mlflow.__version__, "seconds": seconds, "skipped": skipped}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
