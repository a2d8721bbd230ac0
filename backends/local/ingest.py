"""Records into registry.db: what a run logs, what an import or an index brings in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from ..api import address
from ..api.artifacts import Artifact
from ..api.errors import ConflictError
from ..api.evaluate import number_of
from ..api.ingest import RunRecord
from ..api.runs import Dataset, Evaluation, Experiment, Lock, Metric
from ..api.text import exact
from ..api.times import maybe_micros, to_micros
from .database import Connection
from .filters import KINDS
from .series import stored
from .trail import changed_here

_LATEST = """
INSERT INTO metric(run_id, key_id, value, nan_bits, step, time) VALUES(?, ?, ?, ?, ?, ?)
ON CONFLICT(run_id, key_id) DO UPDATE SET value = excluded.value, nan_bits = excluded.nan_bits,
    step = excluded.step, time = excluded.time
WHERE (excluded.step, coalesce(excluded.time, 0), excluded.value IS NULL, excluded.value)
    > (step, coalesce(time, 0), value IS NULL, value)
"""
_TEXT = {
    "params": "INSERT INTO param VALUES(?, ?, ?, ?) ON CONFLICT(run_id, key_id)"
    " DO UPDATE SET value = excluded.value, number = excluded.number",
    "tags": "INSERT INTO tag VALUES(?, ?, ?, ?) ON CONFLICT(run_id, key_id)"
    " DO UPDATE SET value = excluded.value, number = excluded.number",
}
_TAGS_OF = "SELECT k.name, t.value FROM tag t JOIN key k ON k.id = t.key_id WHERE t.run_id = ?"
_RUN = """
INSERT INTO run(uid, experiment_id, name, status, started_at, ended_at, deleted_at, parent_uid,
    user, reason, exit_code, note, git, dirty, lock_digest, wall_seconds, cpu_seconds, peak_memory,
    origin_id, native_id)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(uid) DO UPDATE SET experiment_id = excluded.experiment_id, name = excluded.name,
    status = excluded.status, started_at = excluded.started_at, ended_at = excluded.ended_at,
    parent_uid = excluded.parent_uid, user = excluded.user,
    reason = excluded.reason, exit_code = excluded.exit_code,
    deleted_at = CASE WHEN ? THEN deleted_at ELSE excluded.deleted_at END,
    note = CASE WHEN ? THEN note ELSE excluded.note END,
    git = excluded.git, dirty = excluded.dirty,
    lock_digest = coalesce(excluded.lock_digest, lock_digest),
    wall_seconds = excluded.wall_seconds, cpu_seconds = excluded.cpu_seconds,
    peak_memory = excluded.peak_memory
WHERE origin_id IS excluded.origin_id
RETURNING id
"""


class KeyIds:
    """Ids of keys, made where they are missing. Lives as long as one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], int] = {}

    def __call__(self, of: str, name: str) -> int:
        found = self._known.get((of, name))
        if found is None:
            row = self._connection.execute(
                "INSERT INTO key(kind, name) VALUES(?, ?)"
                " ON CONFLICT(kind, name) DO UPDATE SET name = name RETURNING id",
                (KINDS[of], exact(name)),
            ).fetchone()
            found = self._known[of, name] = int(row[0])
        return found


def origin_id(connection: Connection, uri: str, kind: str) -> int:
    """The row id of where records come from."""
    row = connection.execute(
        "INSERT INTO origin(uri, kind) VALUES(?, ?)"
        " ON CONFLICT(uri) DO UPDATE SET kind = excluded.kind RETURNING id",
        (uri, kind),
    ).fetchone()
    return int(row[0])


def experiment_named(connection: Connection, name: str, uid: str, now: datetime) -> int:
    """The row id of the active experiment of that name, made with `uid` when there is none."""
    row = connection.execute(
        "SELECT id FROM experiment WHERE name = ?1 COLLATE NOCASE AND name = ?1"
        " AND deleted_at IS NULL ORDER BY id LIMIT 1",
        (exact(name),),
    ).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO experiment(uid, name, created_at, updated_at) VALUES(?, ?, ?, ?)"
            " RETURNING id",
            (uid, exact(name), to_micros(now), to_micros(now)),
        ).fetchone()
    return int(row[0])


def put_experiment(connection: Connection, experiment: Experiment, uid: str, origin: int) -> int:
    """Insert or bring up to date an experiment of another store; gives its row id."""
    kept = changed_here(connection, address.experiment(uid))
    row = connection.execute(
        "INSERT INTO experiment(uid, name, created_at, updated_at, deleted_at, note, origin_id,"
        " native_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(origin_id, native_id) DO UPDATE"
        " SET name = excluded.name, updated_at = excluded.updated_at,"
        " deleted_at = excluded.deleted_at,"
        " note = CASE WHEN ? THEN note ELSE excluded.note END RETURNING id",
        (
            uid,
            exact(experiment.name),
            maybe_micros(experiment.created_at),
            maybe_micros(experiment.updated_at),
            maybe_micros(experiment.deleted_at),
            exact(experiment.note),
            origin,
            experiment.id,
            kept,
        ),
    ).fetchone()
    put_tags(connection, "experiment", row[0], experiment.tags, kept=kept)
    return int(row[0])


def put_tags(
    connection: Connection, table: str, owner: int, tags: Mapping[str, str], *, kept: bool
) -> None:
    """Make the tags of an experiment, model or version `tags`; only add to those `kept`."""
    if not kept:
        connection.execute(f"DELETE FROM {table}_tag WHERE {table}_id = ?", (owner,))
    connection.executemany(
        f"INSERT OR IGNORE INTO {table}_tag VALUES(?, ?, ?)",
        [(owner, exact(k), exact(v)) for k, v in tags.items()],
    )


def put_runs(
    connection: Connection,
    records: Iterable[RunRecord],
    experiments: Mapping[str, int],
    origin: int | None = None,
) -> Sequence[int]:
    """Insert or bring up to date runs; `experiments` gives row ids by experiment id. In order.

    Of a run that a plan changed here, note, tags and deletion stay as they are.
    """
    keys = KeyIds(connection)
    metrics: list[tuple[object, ...]] = []
    texts: dict[str, list[tuple[object, ...]]] = {"params": [], "tags": []}
    ids = []
    for record in records:
        owner = address.run(record.run.id)
        kept = changed_here(connection, owner)
        row = _put_run(connection, record, experiments[record.experiment_id], origin, kept=kept)
        ids.append(row)
        metrics.extend(_latest_rows(row, record.latest, keys))
        found = {"params": record.run.params, "tags": record.run.tags}
        if origin is not None:
            connection.execute("DELETE FROM param WHERE run_id = ?", (row,))
            if not kept:
                connection.execute("DELETE FROM tag WHERE run_id = ?", (row,))
        if kept:
            mine = connection.execute(_TAGS_OF, (row,)).fetchall()
            found["tags"] = {**found["tags"], **dict(mine)}
        for of, values in found.items():
            texts[of].extend(_text_rows(row, of, values, keys))
        put_datasets(connection, row, record.datasets)
        put_evaluations(connection, row, record.evaluations)
        put_artifacts(connection, owner, record.artifacts)
    connection.executemany(_LATEST, metrics)
    for of, rows in texts.items():
        connection.executemany(_TEXT[of], rows)
    return ids


def _put_run(
    connection: Connection, record: RunRecord, experiment: int, origin: int | None, *, kept: bool
) -> int:
    run, usage = record.run, record.usage
    row = connection.execute(
        _RUN,
        (
            run.id,
            experiment,
            exact(run.name),
            run.status.value,
            maybe_micros(run.started_at),
            maybe_micros(run.ended_at),
            maybe_micros(run.deleted_at),
            run.parent_id,
            exact(run.user),
            None if run.reason is None else exact(run.reason),
            run.exit_code,
            exact(run.note),
            run.git,
            None if run.dirty is None else int(run.dirty),
            run.lock,
            usage.wall_seconds,
            usage.cpu_seconds,
            usage.peak_memory_bytes,
            origin,
            record.native_id,
            kept,
            kept,
        ),
    ).fetchone()
    if row is None:
        raise ConflictError(f"a run with the id {run.id!r} is already here and came from elsewhere")
    if record.lock is not None and run.lock is not None:
        put_lock(connection, run.lock, record.lock)
    return int(row[0])


def put_latest(connection: Connection, run: int, latest: Mapping[str, Metric]) -> None:
    """Take over latest values that are later than those known."""
    connection.executemany(_LATEST, _latest_rows(run, latest, KeyIds(connection)))


def _latest_rows(
    run: int, latest: Mapping[str, Metric], keys: KeyIds
) -> Iterable[tuple[object, ...]]:
    for name, metric in latest.items():
        yield (
            run,
            keys("metrics", name),
            *stored(metric.value),
            metric.step,
            maybe_micros(metric.time),
        )


def put_texts(connection: Connection, run: int, of: str, values: Mapping[str, str]) -> None:
    """Set params or tags of a run."""
    connection.executemany(_TEXT[of], _text_rows(run, of, values, KeyIds(connection)))


def _text_rows(
    run: int, of: str, values: Mapping[str, str], keys: KeyIds
) -> Iterable[tuple[object, ...]]:
    for name, value in values.items():
        yield run, keys(of, name), exact(value), number_of(value)


def set_tag(connection: Connection, run: int, key: str, value: str | None) -> None:
    """Set one tag of a run, or remove it with None."""
    if value is not None:
        put_texts(connection, run, "tags", {key: value})
        return
    connection.execute(
        "DELETE FROM tag WHERE run_id = ? AND key_id IN"
        " (SELECT id FROM key WHERE kind = 3 AND name = ?)",
        (run, exact(key)),
    )


def put_datasets(connection: Connection, run: int, datasets: Iterable[Dataset]) -> None:
    """Link datasets to a run, making those not known."""
    for one in datasets:
        labels = json.dumps(dict(one.labels), sort_keys=True) if one.labels else None
        row = connection.execute(
            "INSERT INTO dataset(name, digest, source_type, source, schema, profile, labels)"
            " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name, digest, source_type, source)"
            " DO UPDATE SET schema = coalesce(excluded.schema, schema),"
            " profile = coalesce(excluded.profile, profile),"
            " labels = coalesce(excluded.labels, labels) RETURNING id",
            (
                exact(one.name),
                exact(one.digest),
                exact(one.source_type),
                exact(one.source),
                None if one.schema is None else exact(one.schema),
                None if one.profile is None else exact(one.profile),
                labels,
            ),
        ).fetchone()
        connection.execute(
            "INSERT OR IGNORE INTO run_dataset VALUES(?, ?, ?)",
            (run, row[0], exact(one.context or "")),
        )


def put_evaluations(connection: Connection, run: int, evaluations: Iterable[Evaluation]) -> None:
    """Add evaluations of a run; a new one of the same kind takes the old place."""
    for one in evaluations:
        what = (exact(one.dataset), exact(one.dataset_digest), exact(one.slice), exact(one.metric))
        connection.execute(
            "DELETE FROM evaluation WHERE run_id = ? AND dataset = ? AND dataset_digest = ?"
            " AND slice = ? AND metric = ?",
            (run, *what),
        )
        connection.execute(
            "INSERT INTO evaluation(run_id, dataset, dataset_digest, slice, metric, value,"
            " nan_bits, model, version, n, artifact) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run,
                *what,
                *stored(one.value),
                None if one.model is None else exact(one.model),
                one.version,
                one.n,
                None if one.artifact is None else exact(one.artifact),
            ),
        )


def put_artifacts(connection: Connection, owner: str, artifacts: Iterable[Artifact]) -> None:
    """Name files of an owner; a digest that is known stays when none is given."""
    connection.executemany(
        "INSERT INTO artifact(owner, path, size, digest, location) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(owner, path) DO UPDATE SET size = excluded.size,"
        " digest = coalesce(excluded.digest, digest), location = excluded.location",
        [(owner, exact(a.path), a.size, a.digest, a.location) for a in artifacts],
    )


def put_lock(connection: Connection, digest: str, lock: Lock) -> None:
    """Keep a lock under its digest."""
    body = msgspec.json.encode(lock).decode()
    connection.execute("INSERT OR IGNORE INTO lock VALUES(?, ?)", (digest, body))
