"""Models and versions written to registry.db: from records of other stores, from plans."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..api import address
from ..api.artifacts import Artifact
from ..api.errors import ConflictError
from ..api.ingest import ModelRecord
from ..api.models import Version
from ..api.text import exact
from ..api.times import maybe_micros, to_micros
from .database import Connection
from .ingest import put_artifacts, put_tags
from .purging import numbers_of
from .trail import changed_here


def put_model(
    connection: Connection, record: ModelRecord, origin: int, *, mirror: bool = False
) -> Sequence[str]:
    """Insert or bring up to date a model of another store with its versions.

    Gives the aliases that point elsewhere here than there, as words; those are left as they are,
    unless this registry is a `mirror` of that store.
    Raises ConflictError when a model of that name did not come from there.
    """
    model = record.model
    known = connection.execute(
        "SELECT id, origin_id FROM model WHERE name = ?", (exact(model.name),)
    ).fetchone()
    if known and known[1] != origin:
        raise ConflictError(
            f"a model called {model.name!r} is already here and came from elsewhere",
            way_out=f"Import it under another name: --as {record.native_name or model.name}=NAME",
        )
    kept = changed_here(connection, address.model(exact(model.name)))
    row = connection.execute(
        "INSERT INTO model(name, created_at, updated_at, deleted_at, note, origin_id, native_id)"
        " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
        " updated_at = excluded.updated_at,"
        " deleted_at = CASE WHEN ? THEN deleted_at ELSE excluded.deleted_at END,"
        " note = CASE WHEN ? THEN note ELSE excluded.note END RETURNING id",
        (
            exact(model.name),
            maybe_micros(model.created_at),
            maybe_micros(model.updated_at),
            maybe_micros(model.deleted_at),
            exact(model.note),
            origin,
            exact(record.native_name or model.name),
            kept,
            kept,
        ),
    ).fetchone()[0]
    put_tags(connection, "model", row, model.tags, kept=kept)
    gone = numbers_of(connection, exact(model.name))
    for version in record.versions:
        if version.version in gone:
            continue
        subject = address.version(exact(model.name), version.version)
        put_version(connection, row, version, kept=changed_here(connection, subject))
    if mirror:
        connection.execute("DELETE FROM alias WHERE model_id = ?", (row,))
    return _put_aliases(connection, row, record, first=mirror or known is None)


def _put_aliases(
    connection: Connection, model: int, record: ModelRecord, *, first: bool
) -> Sequence[str]:
    conflicts = []
    here = dict(
        connection.execute("SELECT name, number FROM alias WHERE model_id = ?", (model,)).fetchall()
    )
    for name, number in record.model.aliases.items():
        if name not in here and first:
            connection.execute(
                "INSERT INTO alias VALUES(?, ?, ?, ?)",
                (model, exact(name), number, maybe_micros(record.model.updated_at)),
            )
        elif here.get(name) != number:
            conflicts.append(
                f"{record.model.name}@{name} is {number} there, {here.get(name, 'not set')} here"
            )
    conflicts.extend(
        f"{record.model.name}@{name} is not set there, {number} here"
        for name, number in here.items()
        if name not in record.model.aliases
    )
    return conflicts


def put_version(connection: Connection, model: int, version: Version, *, kept: bool) -> int:
    """Insert or bring up to date a version of a model; gives its row id."""
    row = connection.execute(
        "INSERT INTO version(model_id, number, run_uid, digest, size, format, unsafe, signature,"
        " source, status, stage, lock_digest, user, note, card, created_at, updated_at, deleted_at)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(model_id, number) DO UPDATE SET status = excluded.status,"
        " stage = excluded.stage, updated_at = excluded.updated_at,"
        " note = CASE WHEN ? THEN note ELSE excluded.note END,"
        " deleted_at = CASE WHEN ? THEN deleted_at ELSE excluded.deleted_at END,"
        " digest = coalesce(excluded.digest, digest),"
        " size = coalesce(excluded.size, size), run_uid = coalesce(excluded.run_uid, run_uid)"
        " RETURNING id",
        (
            model,
            version.version,
            version.run_id,
            version.digest,
            version.size,
            version.format,
            None if version.unsafe is None else json.dumps(list(version.unsafe)),
            None if version.signature is None else json.dumps(version.signature),
            None if version.source is None else exact(version.source),
            version.status,
            version.stage,
            version.lock,
            exact(version.user),
            exact(version.note),
            exact(version.card),
            maybe_micros(version.created_at),
            maybe_micros(version.updated_at),
            maybe_micros(version.deleted_at),
            kept,
            kept,
        ),
    ).fetchone()[0]
    put_tags(connection, "version", row, version.tags, kept=kept)
    return int(row)


def write_version(
    connection: Connection, model: str, number: int, content: Mapping[str, Any], now: datetime
) -> None:
    """Make a version from what a plan says of it; the model too where there is none."""
    row, deleted = connection.execute(
        "INSERT INTO model(name, created_at, updated_at) VALUES(?, ?, ?)"
        " ON CONFLICT(name) DO UPDATE SET updated_at = excluded.updated_at"
        " RETURNING id, deleted_at",
        (exact(model), to_micros(now), to_micros(now)),
    ).fetchone()
    if deleted is not None:
        raise ConflictError(
            "the model is deleted", where=address.model(model), way_out="Restore it first"
        )
    files = msgspec.convert(content.get("files", ()), tuple[Artifact, ...])
    fields = {k: v for k, v in content.items() if k != "files"}
    fields |= {"model": model, "version": number, "created_at": now, "updated_at": now}
    put_version(connection, row, msgspec.convert(fields, Version), kept=False)
    put_artifacts(connection, address.version(model, number), files)
