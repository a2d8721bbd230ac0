"""Models, versions and aliases in registry.db."""

import json
from collections.abc import Sequence

from ..api.errors import NotFoundError
from ..api.models import Alias, Model, Version
from ..api.runs import Shelf
from ..api.times import maybe_time
from .database import Connection
from .experiments import near

_ON_SHELF = {
    Shelf.ACTIVE: "m.deleted_at IS NULL",
    Shelf.DELETED: "m.deleted_at IS NOT NULL",
    Shelf.ALL: "1",
}
_VERSIONS_ON_SHELF = {
    Shelf.ACTIVE: "v.deleted_at IS NULL AND m.deleted_at IS NULL",
    Shelf.DELETED: "(v.deleted_at IS NOT NULL OR m.deleted_at IS NOT NULL)",
    Shelf.ALL: "1",
}


def all_models(connection: Connection, shelf: Shelf, name: str | None = None) -> Sequence[Model]:
    """The models on a shelf by name; only the one of `name` if given."""
    tags: dict[int, dict[str, str]] = {}
    for owner, key, value in connection.execute("SELECT * FROM model_tag"):
        tags.setdefault(owner, {})[key] = value
    aliases: dict[int, dict[str, int]] = {}
    for owner, key, number in connection.execute(
        "SELECT model_id, name, number FROM alias ORDER BY name"
    ):
        aliases.setdefault(owner, {})[key] = number
    rows = connection.execute(
        "SELECT m.id, m.name, m.created_at, m.updated_at, m.deleted_at, m.note, o.uri,"
        " count(v.id), max(v.number) FROM model m LEFT JOIN origin o ON o.id = m.origin_id"
        " LEFT JOIN version v ON v.model_id = m.id AND v.deleted_at IS NULL"
        f" WHERE {_ON_SHELF[shelf]} AND (m.name = ?1 OR ?1 IS NULL) GROUP BY m.id ORDER BY m.name",
        (name,),
    )
    return [
        Model(
            name=row[1],
            created_at=maybe_time(row[2]),
            updated_at=maybe_time(row[3]),
            deleted_at=maybe_time(row[4]),
            note=row[5],
            tags=tags.get(row[0], {}),
            aliases=aliases.get(row[0], {}),
            versions=row[7],
            latest=row[8],
            origin=row[6],
        )
        for row in rows
    ]


def find_model(connection: Connection, name: str) -> Model:
    """The model of that name, deleted or not."""
    found = all_models(connection, Shelf.ALL, name)
    if found:
        return found[0]
    raise _no_model(connection, name)


def all_versions(
    connection: Connection, shelf: Shelf, model: str | None = None, number: int | None = None
) -> Sequence[Version]:
    """Versions on a shelf by model and falling number."""
    only = "(m.name = ?1 OR ?1 IS NULL) AND (v.number = ?2 OR ?2 IS NULL)"
    tags: dict[int, dict[str, str]] = {}
    for owner, key, value in connection.execute(
        "SELECT t.version_id, t.name, t.value FROM version_tag t"
        " JOIN version v ON v.id = t.version_id JOIN model m ON m.id = v.model_id"
        f" WHERE {only}",
        (model, number),
    ):
        tags.setdefault(owner, {})[key] = value
    aliases: dict[tuple[int, int], list[str]] = {}
    for owner, word, at in connection.execute(
        "SELECT a.model_id, a.name, a.number FROM alias a JOIN model m ON m.id = a.model_id"
        " WHERE (m.name = ?1 OR ?1 IS NULL) ORDER BY a.name",
        (model,),
    ):
        aliases.setdefault((owner, at), []).append(word)
    rows = connection.execute(
        "SELECT v.id, v.model_id, m.name, v.number, v.run_uid, v.digest, v.size, v.format,"
        " v.unsafe, v.signature, v.source, v.status, v.stage, v.lock_digest, v.user, v.note,"
        " v.card, v.created_at, v.updated_at, v.deleted_at, o.uri"
        " FROM version v JOIN model m ON m.id = v.model_id"
        " LEFT JOIN origin o ON o.id = coalesce(v.origin_id, m.origin_id)"
        f" WHERE {only} AND {_VERSIONS_ON_SHELF[shelf]} ORDER BY m.name, v.number DESC",
        (model, number),
    )
    return [
        Version(
            model=row[2],
            version=row[3],
            aliases=aliases.get((row[1], row[3]), []),
            run_id=row[4],
            digest=row[5],
            size=row[6],
            format=row[7],
            unsafe=json.loads(row[8]) if row[8] is not None else None,
            signature=json.loads(row[9]) if row[9] is not None else None,
            source=row[10],
            status=row[11],
            stage=row[12],
            lock=row[13],
            user=row[14],
            note=row[15],
            card=row[16],
            created_at=maybe_time(row[17]),
            updated_at=maybe_time(row[18]),
            deleted_at=maybe_time(row[19]),
            tags=tags.get(row[0], {}),
            origin=row[20],
        )
        for row in rows
    ]


def find_version(connection: Connection, model: str, number: int) -> Version:
    """That version, deleted or not."""
    found = all_versions(connection, Shelf.ALL, model, number)
    if found:
        return found[0]
    find_model(connection, model)
    raise NotFoundError(
        f"model {model!r} has no version {number}",
        way_out=f"`modeldeck versions ls {model}` lists them",
    )


def all_aliases(connection: Connection, model: str | None = None) -> Sequence[Alias]:
    """The aliases of one model or of all, by model and name."""
    rows = connection.execute(
        "SELECT m.name, a.name, a.number, a.moved_at FROM alias a JOIN model m ON m.id = a.model_id"
        " WHERE (m.name = ?1 OR ?1 IS NULL) ORDER BY m.name, a.name",
        (model,),
    )
    return [
        Alias(model=row[0], alias=row[1], version=row[2], moved_at=maybe_time(row[3]))
        for row in rows
    ]


def model_id(connection: Connection, name: str) -> int:
    """The row id of a model."""
    row = connection.execute("SELECT id FROM model WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise _no_model(connection, name)
    return int(row[0])


def _no_model(connection: Connection, name: str) -> NotFoundError:
    names = [row[0] for row in connection.execute("SELECT name FROM model")]
    return NotFoundError(
        f"no model {name!r}", way_out=f"{near(name, names)}`modeldeck models ls` lists them"
    )
