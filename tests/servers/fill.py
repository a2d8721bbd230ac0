"""A store of a real size: many runs, nested ones among them, and many models.

MLflow makes the schema and `tests/mlflow_store/bulk.py` the runs; what is here comes on top by SQL.
The same figures give the same rows. Each model has `VERSIONS` versions and the alias champion on
its second one.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.mlflow_store import HERE, ROOT, build

RUNS = 20_000
MODELS = 500
VERSIONS = 3
KEYS = 10
EXPERIMENTS = 4

# Of ten runs one is a root, three are its children, and six those of the first two of these.
PLACES = """
CREATE TEMP TABLE place (e, n, id, PRIMARY KEY (e, n)) WITHOUT ROWID;
INSERT INTO place SELECT experiment_id,
    ROW_NUMBER() OVER (PARTITION BY experiment_id ORDER BY start_time) - 1, run_uuid FROM runs;
"""
NEST = """
INSERT INTO tags (key, value, run_uuid)
SELECT 'mlflow.parentRunId', parent.id, child.id
FROM place AS child JOIN place AS parent
    ON parent.e = child.e AND parent.n = child.n - child.n % 10 + (child.n % 10 - 1) / 3
WHERE child.n % 10 > 0
"""
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :models - 1)"
VERSIONED = f"{NUMBERS}, v(v) AS (VALUES {', '.join(f'({v + 1})' for v in range(VERSIONS))})"
AT = "1700000000000 + n.i * 60000"
MODEL = f"""
INSERT INTO registered_models (name, creation_time, last_updated_time, description)
{NUMBERS}
SELECT printf('model %03d', i), {AT}, {AT}, printf('number %d of many', i) FROM n
"""
VERSION = f"""
INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, user_id,
    current_stage, source, run_id, status, status_message, run_link, storage_location)
{VERSIONED}
SELECT printf('model %03d', i), v, {AT} + v * 1000, {AT} + v * 1000, '', 'ada', 'None',
    r.artifact_uri || '/model', r.run_uuid, 'READY', '', '', r.artifact_uri || '/model'
FROM n, v JOIN runs AS r ON r.rowid = (SELECT min(rowid) FROM runs) + n.i * {VERSIONS} + v - 1
"""
ALIAS = f"""
INSERT INTO registered_model_aliases (name, alias, version)
{NUMBERS}
SELECT printf('model %03d', i), 'champion', 2 FROM n
UNION ALL SELECT printf('model %03d', i), 'challenger', 3 FROM n WHERE i % 2 = 0
"""
TAG = f"""
INSERT INTO registered_model_tags (name, key, value)
{NUMBERS}
SELECT printf('model %03d', i), 'team', 'team ' || (i % 5) FROM n
"""


def fill(database: Path, models: int = MODELS) -> None:
    """Nest the runs of a bulk store, and register models of them."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(PLACES)
        for statement in (NEST, MODEL, VERSION, ALIAS, TAG):
            db.execute(statement, {"models": models})


def filled(cache: Path, runs: int = RUNS, models: int = MODELS, keys: int = KEYS) -> Path:
    """The database of such a store below `cache`, made there by whoever comes first."""
    here = Path(__file__)
    parts = (HERE / "build.py", HERE / "bulk.py", here, ROOT / "constraints" / "mlflow3.txt")
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    folder = cache / f"filled-{runs}-{models}-{keys}-{digest}"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = cache / f"{folder.name}.new"
            shutil.rmtree(making, ignore_errors=True)
            figures = {"runs": runs, "experiments": EXPERIMENTS, "metrics": keys, "params": keys}
            options = [word for key, n in figures.items() for word in (f"--{key}", str(n))]
            fill(build("3-sqlite", making, "bulk", *options).path, models)
            making.rename(folder)
    return folder / "mlflow.db"
