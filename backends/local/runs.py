"""Runs in registry.db: single ones, and pages of them with the keys that were asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..api.errors import NotFoundError
from ..api.lists import RunQuery
from ..api.runs import (
    Dataset,
    Evaluation,
    Fields,
    Keys,
    Lock,
    Run,
    Status,
    Usage,
)
from ..api.times import maybe_time
from .database import Connection
from .filters import KINDS, TABLES, key_id
from .series import float_of, restored

_ROWS = """
SELECT run.id, run.uid, run.name, experiment.name, run.status, run.started_at, run.ended_at,
    run.deleted_at, run.parent_uid, run.user, run.reason, run.exit_code, run.note, run.git,
    run.dirty, run.lock_digest, origin.uri
FROM run JOIN experiment ON experiment.id = run.experiment_id
LEFT JOIN origin ON origin.id = run.origin_id
"""
_NAMED = 2000


def runs_by_id(connection: Connection, ids: Sequence[int], fields: Fields) -> Sequence[Run]:
    """The runs of these row ids, in this order; those that are gone are left out."""
    wanted = json.dumps(list(ids))
    inside = "(SELECT value FROM json_each(?))"
    rows = connection.execute(f"{_ROWS} WHERE run.id IN {inside}", (wanted,)).fetchall()
    maps = {of: _maps(connection, of, wanted, getattr(fields, of)) for of in KINDS}
    children = dict(
        connection.execute(
            "SELECT parent_uid, count(*) FROM run WHERE +deleted_at IS NULL AND parent_uid IN"
            f" (SELECT uid FROM run WHERE id IN {inside}) GROUP BY parent_uid",
            (wanted,),
        ).fetchall()
    )
    found = {
        row[0]: Run(
            id=row[1],
            name=row[2],
            experiment=row[3],
            status=Status(row[4]),
            started_at=maybe_time(row[5]),
            ended_at=maybe_time(row[6]),
            deleted_at=maybe_time(row[7]),
            parent_id=row[8],
            children=children.get(row[1], 0),
            user=row[9],
            reason=row[10],
            exit_code=row[11],
            note=row[12],
            git=row[13],
            dirty=None if row[14] is None else bool(row[14]),
            lock=row[15],
            origin=row[16],
            metrics=maps["metrics"].get(row[0], {}),
            params=maps["params"].get(row[0], {}),
            tags=maps["tags"].get(row[0], {}),
        )
        for row in rows
    }
    return [found[i] for i in ids if i in found]


def _maps(
    connection: Connection, of: str, ids: str, keys: Sequence[str] | None
) -> Mapping[int, dict[str, Any]]:
    if keys is not None and not keys:
        return {}
    extra = ", m.nan_bits" if of == "metrics" else ", NULL"
    only = ""
    if keys is not None:
        wanted = [key_id(connection, of, name) for name in keys]
        only = f" AND m.key_id IN ({', '.join(map(str, wanted))})"
    rows = connection.execute(
        f"SELECT m.run_id, k.name, m.value{extra} FROM {TABLES[of]} m JOIN key k ON k.id = m.key_id"
        f" WHERE m.run_id IN (SELECT value FROM json_each(?)){only} ORDER BY m.run_id, k.name",
        (ids,),
    )
    found: dict[int, dict[str, Any]] = {}
    for run, name, value, bits in rows:
        found.setdefault(run, {})[name] = value if bits is None else float_of(bits)
    return found


def find_run(connection: Connection, ref: str) -> int:
    """The row id of the run of that id, of that name, or of that unique beginning of an id.

    A name that several runs have means the one that is not deleted, if that is one.
    """
    row = connection.execute("SELECT id FROM run WHERE uid = ?", (ref,)).fetchone()
    if row:
        return int(row[0])
    named = "SELECT id, uid FROM run WHERE deleted_at {} AND name = ? COLLATE NOCASE AND name = ?"
    begins = "SELECT id, uid FROM run WHERE uid >= ? AND uid < ?"
    for select, values in (
        (named.format("IS NULL"), (ref, ref)),
        (named.format("IS NOT NULL"), (ref, ref)),
        (begins, (ref, ref + "\U0010ffff")),
    ):
        found = connection.execute(f"{select} LIMIT 3", values).fetchall() if ref else []
        if len(found) == 1:
            return int(found[0][0])
        if found:
            some = ", ".join(uid[:12] for _, uid in found)
            raise NotFoundError(
                f"{ref!r} is more than one run", way_out=f"Name one by id: {some} ..."
            )
    near = connection.execute(
        "SELECT name FROM run WHERE deleted_at IS NULL AND instr(lower(name), ?) > 0 LIMIT 3",
        (ref.lower(),),
    ).fetchall()
    hint = f"Near it: {', '.join(row[0] for row in near)}. " if ref and near else ""
    raise NotFoundError(f"no run {ref!r}", way_out=f"{hint}`modeldeck runs ls` lists them")


def keys_of(connection: Connection, query: RunQuery) -> Keys:
    """The keys that runs of the query's experiments have; of all runs when it names none."""
    where = ""
    if query.experiments is not None:
        names = ", ".join("?" * len(query.experiments))
        rows = connection.execute(
            f"SELECT id FROM experiment WHERE name COLLATE NOCASE IN ({names})"
            f" AND name IN ({names})",
            [*query.experiments, *query.experiments],
        )
        inside = ", ".join(str(int(row[0])) for row in rows)
        where = f" AND run_id IN (SELECT id FROM run WHERE experiment_id IN ({inside}))"
    found = {}
    for of, kind in KINDS.items():
        rows = connection.execute(
            f"SELECT name FROM key k WHERE kind = ? AND EXISTS (SELECT 1 FROM {TABLES[of]}"
            f" WHERE key_id = k.id{where}) ORDER BY name",
            (kind,),
        )
        found[of] = [row[0] for row in rows]
    return Keys(**found)


def datasets_of(connection: Connection, uid: str) -> Sequence[Dataset]:
    """The datasets of a run, in the order of their names."""
    rows = connection.execute(
        "SELECT d.name, d.digest, d.source_type, d.source, d.schema, d.profile, d.labels,"
        " rd.context FROM run_dataset rd JOIN dataset d ON d.id = rd.dataset_id"
        " JOIN run ON run.id = rd.run_id WHERE run.uid = ? ORDER BY d.name, rd.context",
        (uid,),
    )
    return [
        Dataset(
            name=row[0],
            digest=row[1],
            source_type=row[2],
            source=row[3],
            schema=row[4],
            profile=row[5],
            labels=json.loads(row[6]) if row[6] else {},
            context=row[7] or None,
        )
        for row in rows
    ]


def evaluations_of(connection: Connection, uid: str) -> Sequence[Evaluation]:
    """The evaluations of a run."""
    rows = connection.execute(
        "SELECT e.metric, e.value, e.nan_bits, e.dataset, e.dataset_digest, e.slice, e.n,"
        " e.artifact, e.model, e.version FROM evaluation e JOIN run ON run.id = e.run_id"
        " WHERE run.uid = ? ORDER BY e.dataset, e.slice, e.metric",
        (uid,),
    )
    return [
        Evaluation(
            metric=row[0],
            value=restored(row[1], row[2]),
            dataset=row[3],
            dataset_digest=row[4],
            slice=row[5],
            n=row[6],
            artifact=row[7],
            run_id=uid,
            model=row[8] or None,
            version=row[9],
        )
        for row in rows
    ]


def usage_of(connection: Connection, uid: str) -> Usage:
    """What a run used."""
    row = connection.execute(
        "SELECT wall_seconds, cpu_seconds, peak_memory FROM run WHERE uid = ?", (uid,)
    ).fetchone()
    return (
        Usage(wall_seconds=row[0], cpu_seconds=row[1], peak_memory_bytes=row[2]) if row else Usage()
    )


def lock_of(connection: Connection, digest: str) -> Lock | None:
    """The lock of that digest."""
    row = connection.execute("SELECT body FROM lock WHERE digest = ?", (digest,)).fetchone()
    return msgspec.json.decode(row[0], type=Lock) if row else None
