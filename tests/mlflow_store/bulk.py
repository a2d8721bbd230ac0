"""Many equal runs in a SQLite store: for measuring, and for imports of a real size.

MLflow's client makes the schema and the experiments, SQL the rows in MLflow's tables, since the
client writes no more than some 20,000 points a second. The same arguments give the same rows.
"""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path

from mlflow import MlflowClient

EPOCH_MS = 1_700_000_000_000


def bulk(path: Path, args: argparse.Namespace) -> None:
    """Many equal runs, by SQL, in the tables that MLflow has just made."""
    client = MlflowClient()
    names = [f"bulk {i}" for i in range(args.experiments)]
    ids = [int(client.create_experiment(name)) for name in names]
    root = path.parent / "mlruns"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;")
    db.create_function(
        "uid", 1, lambda i: f"{(i + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
    )
    db.executescript(
        "CREATE TEMP TABLE r(i INTEGER PRIMARY KEY, uid TEXT, exp INTEGER, at INTEGER);"
        "CREATE TEMP TABLE k(i INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TEMP TABLE p(i INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TEMP TABLE s(i INTEGER PRIMARY KEY);"
    )
    span_ms = (args.points + 1) * 100
    for i in range(args.runs):
        row = (i, ids[i % len(ids)], EPOCH_MS + i * span_ms)
        db.execute("INSERT INTO r SELECT ?1, uid(?1), ?2, ?3", row)
    db.executemany(
        "INSERT INTO k VALUES (?, ?)", [(i, f"metric_{i:02}") for i in range(args.metrics)]
    )
    db.executemany(
        "INSERT INTO p VALUES (?, ?)", [(i, f"param_{i:02}") for i in range(args.params)]
    )
    db.executemany("INSERT INTO s VALUES (?)", [(i,) for i in range(args.points)])
    # A hash of (run, key, step), so that a build is the same each time.
    mix = "((r.i * 2654435761 + k.i * 40503 + {step} * 69069) % 1000003)"
    missing, nan = int(args.missing * 1000), int(args.nan * 1000)
    kept = f"((r.i * 7919 + k.i * 104729) % 1000 >= {missing})"
    is_nan = f"((r.i * 6007 + k.i * 15485863) % 1000 < {nan})"
    value = f"CASE WHEN {is_nan} THEN 0.0 ELSE 1.0 / (1 + {{step}} * 0.01) + {mix} * 1e-6 END"

    def columns(table: str, values: dict[str, str]) -> str:
        """INSERT head and SELECT list, with the columns that this version's table has."""
        have = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        used = [name for name in have if name in values]
        return (
            f"INSERT INTO {table} ({', '.join(used)}) SELECT {', '.join(values[n] for n in used)}"
        )

    indexes = db.execute(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'index' AND tbl_name = 'metrics' AND sql NOTNULL"
    ).fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    run = {
        "run_uuid": "uid",
        "name": "'run ' || i",
        "source_type": "'LOCAL'",
        "source_name": "'train.py'",
        "entry_point_name": "''",
        "user_id": "'ada'",
        "status": "CASE i % 20 WHEN 0 THEN 'FAILED' WHEN 1 THEN 'KILLED' ELSE 'FINISHED' END",
        "start_time": "at",
        "end_time": f"at + {span_ms}",
        "deleted_time": "NULL",
        "source_version": "''",
        "lifecycle_stage": "'active'",
        "artifact_uri": f"'{root}/' || exp || '/' || uid || '/artifacts'",
        "experiment_id": "exp",
    }
    db.execute(columns("runs", run) + " FROM r")
    tags = "(SELECT 'mlflow.runName' AS key UNION ALL SELECT 'mlflow.user' UNION ALL SELECT 'team')"
    tag = {
        "key": "t.key",
        "value": "CASE t.key WHEN 'team' THEN 'team ' || (r.i % 5) WHEN 'mlflow.user' THEN 'ada' "
        "ELSE 'run ' || r.i END",
        "run_uuid": "r.uid",
    }
    db.execute(columns("tags", tag) + f" FROM r, {tags} t")
    param = {
        "key": "k.name",
        "value": f"CASE WHEN k.i % 2 THEN 'choice ' || ({mix.format(step=0)} % 7) "
        f"ELSE {mix.format(step=0)} / 1000.0 END",
        "run_uuid": "r.uid",
    }
    db.execute(columns("params", param) + f" FROM r, p k WHERE {kept}")
    point = {
        "key": "k.name",
        "value": value.format(step="s.i"),
        "timestamp": "r.at + s.i * 100",
        "run_uuid": "r.uid",
        "step": "s.i",
        "is_nan": is_nan,
    }
    db.execute(columns("metrics", point) + f" FROM r, k, s WHERE {kept} ORDER BY r.i, s.i, k.i")
    last = args.points - 1
    point |= {
        "value": value.format(step=last),
        "timestamp": f"r.at + {last} * 100",
        "step": str(last),
    }
    db.execute(columns("latest_metrics", point) + f" FROM r, k WHERE {kept}")
    for _, sql in indexes:
        db.execute(sql)
    db.commit()
    db.close()
