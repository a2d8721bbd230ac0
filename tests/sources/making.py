"""Small stores made by hand, of the shape that MLflow gives them, for a test to damage."""

import os
import sqlite3
from contextlib import closing, contextmanager

RUN = "a" * 32
START = 1_700_000_000_000

# The columns of 2.x. 3.x adds a workspace, an index of metrics and logged models.
SCHEMA = """
CREATE TABLE experiments(experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256),
    artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), creation_time BIGINT,
    last_update_time BIGINT);
CREATE TABLE experiment_tags("key" VARCHAR(250), value VARCHAR(5000), experiment_id INTEGER);
CREATE TABLE runs(run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250),
    user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT, end_time BIGINT,
    lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER,
    deleted_time BIGINT);
CREATE TABLE params("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32),
    PRIMARY KEY("key", run_uuid));
CREATE INDEX index_params_run_uuid ON params(run_uuid);
CREATE TABLE tags("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32),
    PRIMARY KEY("key", run_uuid));
CREATE INDEX index_tags_run_uuid ON tags(run_uuid);
CREATE TABLE metrics("key" VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
    step BIGINT, is_nan BOOLEAN, PRIMARY KEY("key", timestamp, step, run_uuid, value, is_nan));
CREATE INDEX index_metrics_run_uuid ON metrics(run_uuid);
CREATE TABLE latest_metrics("key" VARCHAR(250), value FLOAT, timestamp BIGINT, step BIGINT,
    is_nan BOOLEAN, run_uuid VARCHAR(32), PRIMARY KEY("key", run_uuid));
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics(run_uuid);
CREATE TABLE datasets(dataset_uuid VARCHAR(36), experiment_id INTEGER, name VARCHAR(500),
    digest VARCHAR(36), dataset_source_type VARCHAR(36), dataset_source TEXT, dataset_schema TEXT,
    dataset_profile TEXT);
CREATE TABLE inputs(input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36),
    destination_type VARCHAR(36), destination_id VARCHAR(36));
CREATE TABLE input_tags(input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500));
CREATE TABLE registered_models(name VARCHAR(256) PRIMARY KEY, creation_time BIGINT,
    last_updated_time BIGINT, description VARCHAR(5000));
CREATE TABLE registered_model_tags("key" VARCHAR(250), value VARCHAR(5000), name VARCHAR(256));
CREATE TABLE registered_model_aliases(alias VARCHAR(256), version INTEGER, name VARCHAR(256));
CREATE TABLE model_versions(name VARCHAR(256), version INTEGER, creation_time BIGINT,
    last_updated_time BIGINT, description VARCHAR(5000), user_id VARCHAR(256),
    current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32), status VARCHAR(20),
    storage_location VARCHAR(500));
CREATE TABLE model_version_tags("key" VARCHAR(250), value TEXT, name VARCHAR(256),
    version INTEGER);
"""
THIRD = """
CREATE INDEX index_metrics_run_uuid_key_step ON metrics(run_uuid, "key", step);
ALTER TABLE registered_models ADD COLUMN workspace VARCHAR(63) DEFAULT 'default' NOT NULL;
CREATE TABLE logged_models(model_id VARCHAR(36), experiment_id INTEGER, name VARCHAR(500),
    artifact_location VARCHAR(1000), source_run_id VARCHAR(32));
"""


def put(connection, table, **values):
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table}({names}) VALUES({marks})", list(values.values()))


def put_run(connection, run_id=RUN, **values):
    row = {
        "run_uuid": run_id,
        "name": "first",
        "user_id": "ada",
        "status": "FINISHED",
        "start_time": START,
        "end_time": START + 1000,
        "lifecycle_stage": "active",
        "artifact_uri": f"/nowhere/mlruns/1/{run_id}/artifacts",
        "experiment_id": 1,
    }
    put(connection, "runs", **row | values)


def put_point(connection, key="loss", value=0.5, time=START, step=0, is_nan=0, run_id=RUN):
    row = {"key": key, "value": value, "timestamp": time, "step": step, "is_nan": is_nan}
    put(connection, "metrics", run_uuid=run_id, **row)


def make_db(path, *, third=False, fill=None):
    """An mlflow.db with experiment 1 and run RUN; `fill` may add to it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        if third:
            connection.executescript(THIRD)
        put(connection, "experiments", experiment_id=1, name="fraud", lifecycle_stage="active")
        put_run(connection)
        if fill is not None:
            fill(connection)
        connection.commit()
    return path


def run_meta(run_id=RUN, experiment="1", **values):
    rows = {
        "artifact_uri": f"/nowhere/mlruns/{experiment}/{run_id}/artifacts",
        "end_time": START + 1000,
        "experiment_id": f"'{experiment}'",
        "lifecycle_stage": "active",
        "run_id": run_id,
        "run_name": "first",
        "start_time": START,
        "status": 3,
        "tags": "[]",
        "user_id": "ada",
    }
    return "".join(f"{key}: {value}\n" for key, value in (rows | values).items())


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def make_run(root, run_id=RUN, experiment="1", **values):
    folder = root / experiment / run_id
    for name in ("params", "metrics", "tags", "artifacts"):
        (folder / name).mkdir(parents=True)
    write(folder / "meta.yaml", run_meta(run_id, experiment, **values))
    return folder


def make_files(root, experiment="1"):
    """An mlruns folder with experiment 1 and run RUN; gives the run's folder."""
    write(
        root / experiment / "meta.yaml",
        f"creation_time: {START}\nexperiment_id: '{experiment}'\nlifecycle_stage: active\n"
        "name: fraud\n",
    )
    (root / ".trash").mkdir()
    return make_run(root, experiment=experiment)


def fill_models(c):
    for name in ("fraud", "prompt", "none"):
        put(c, "registered_models", name=name, creation_time=START, description=None)
    put(c, "registered_model_tags", key="mlflow.prompt.is_prompt", value="true", name="prompt")
    put(c, "registered_model_tags", key="mlflow.prompt.is_prompt", value="false", name="none")
    for version, stage in ((1, "Deleted_Internal"), (2, "Staging"), (10, "None"), (0, "None")):
        gone = stage == "Deleted_Internal"
        put(c, "model_versions", name="fraud", version=version, current_stage=stage,
            creation_time=START, last_updated_time=START + 5, status="PENDING_REGISTRATION",
            source="REDACTED-SOURCE-PATH" if gone else "s3://b/m",
            run_id="REDACTED-RUN-ID" if gone else RUN)  # fmt: skip
    put(c, "model_versions", name="lost", version=1)
    put(c, "registered_model_aliases", alias="champion", version=2, name="fraud")
    put(c, "registered_model_aliases", alias="doomed", version=1, name="fraud")
    put(c, "registered_model_aliases", alias="nowhere", version=77, name="fraud")
    put(c, "model_version_tags", key="k", value="v", name="fraud", version=2)


def make_reachable(folder):
    """Let everybody pass through the folders that pytest made around `folder`."""
    for above in (folder, *folder.parents):
        if "pytest-" not in str(above):
            return
        above.chmod(0o755)


@contextmanager
def unprivileged():
    """Be somebody whom permissions hold back, also where the tests run as root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
