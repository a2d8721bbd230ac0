"""What was deleted, removed for good: rows in one transaction, then series and folders of runs.

A crash in between leaves series of runs that are not there, which `gc` removes; blobs that nothing
names any more go by its rule too. The numbers of versions are remembered for ever: none is used
again.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from shutil import rmtree
from typing import Any

from ..api import address
from ..api.address import Address
from ..api.errors import ConflictError, RefusedError
from ..api.locks import LOCKED, Held
from ..api.purging import model_record, run_record, version_record
from ..api.times import from_micros, rfc3339
from . import leaving, series
from .database import Connection, Database
from .files import Layout

_PURGED = "purged "


def held(connection: Connection) -> Sequence[Held]:
    """All locked versions."""
    rows = connection.execute(
        "SELECT m.name, v.number, t.value, v.run_uid FROM version_tag t"
        " JOIN version v ON v.id = t.version_id JOIN model m ON m.id = v.model_id"
        " WHERE t.name = ? ORDER BY m.name, v.number",
        (LOCKED,),
    )
    return [Held(*row) for row in rows]


def _run(connection: Connection, place: Address) -> tuple[int, Mapping[str, Any]] | None:
    row = connection.execute(
        "SELECT r.id, r.name, e.name, r.status, r.deleted_at FROM run r"
        " JOIN experiment e ON e.id = r.experiment_id WHERE r.uid = ?",
        (place.name,),
    ).fetchone()
    return row and (row[0], run_record(row[1], row[2], row[3], _time(row[4])))


def _version(connection: Connection, place: Address) -> tuple[int, int, Mapping[str, Any]] | None:
    row = connection.execute(
        "SELECT v.id, m.id, v.digest, v.format, v.run_uid, v.deleted_at FROM version v"
        " JOIN model m ON m.id = v.model_id WHERE m.name = ? AND v.number = ?",
        (place.name, place.version),
    ).fetchone()
    return row and (row[0], row[1], version_record(row[2], row[3], row[4], _time(row[5])))


def _model(connection: Connection, place: Address) -> tuple[int, Mapping[str, Any]] | None:
    row = connection.execute(
        "SELECT id, deleted_at FROM model WHERE name = ?", (place.name,)
    ).fetchone()
    if row is None:
        return None
    numbers = connection.execute("SELECT number FROM version WHERE model_id = ?", (row[0],))
    return row[0], model_record((one[0] for one in numbers), _time(row[1]))


def read_record(connection: Connection, place: Address, _: str = "") -> Any:
    """What a plan says of something before it is purged; None where it is not there."""
    found: Any
    if place.version is not None:
        found = _version(connection, place)
    else:
        found = (_run if place.noun == "runs" else _model)(connection, place)
    return None if found is None else found[-1]


def purge(connection: Connection, place: Address, _: str, value: Any, __: datetime) -> None:
    """Remove the rows of something that is deleted."""
    found = read_record(connection, place)
    if value is not None or found is None:
        raise RefusedError("what was purged is gone for good", where=str(place))
    if found["deleted"] is None:
        raise RefusedError("is not deleted", where=str(place), way_out="Delete it first")
    if place.version is not None:
        _purge_version(connection, place)
    elif place.noun == "runs":
        _purge_run(connection, place)
    else:
        _purge_model(connection, place, found["versions"])


def _purge_run(connection: Connection, place: Address) -> None:
    found = _run(connection, place)
    assert found is not None
    used = connection.execute("SELECT dataset_id FROM run_dataset WHERE run_id = ?", (found[0],))
    datasets = [(one[0],) for one in used.fetchall()]
    leaving.drop_runs(connection, [(found[0], place.name)])
    connection.executemany(
        "DELETE FROM dataset WHERE id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM run_dataset WHERE dataset_id = ?1)",
        datasets,
    )


def _purge_version(connection: Connection, place: Address) -> None:
    found = _version(connection, place)
    assert found is not None
    row, model, _ = found
    named = connection.execute(
        "SELECT name FROM alias WHERE model_id = ? AND number = ?", (model, place.version)
    ).fetchone()
    if named is not None:
        raise RefusedError(
            f"the alias {named[0]!r} is on it",
            where=str(place),
            way_out="Move or remove the alias first",
        )
    _drop_evaluations(connection, place.name, [place.version or 0])
    connection.execute("DELETE FROM version_tag WHERE version_id = ?", (row,))
    connection.execute("DELETE FROM version WHERE id = ?", (row,))
    connection.execute("DELETE FROM artifact WHERE owner = ?", (str(place),))
    _remember(connection, place.name, [place.version or 0])


def _purge_model(connection: Connection, place: Address, numbers: Sequence[int]) -> None:
    found = _model(connection, place)
    assert found is not None
    _drop_evaluations(connection, place.name, numbers)
    leaving.drop_models(connection, [(found[0], place.name)])
    _remember(connection, place.name, numbers)


def _drop_evaluations(connection: Connection, model: str, numbers: Iterable[int]) -> None:
    # Those of a run are the run's.
    connection.executemany(
        "DELETE FROM evaluation WHERE model = ? AND version = ? AND run_id IS NULL",
        [(model, number) for number in numbers],
    )


def numbers_of(connection: Connection, model: str) -> Sequence[int]:
    """The numbers of a model's versions that were purged."""
    row = connection.execute(
        "SELECT value FROM meta WHERE key = ?", (_PURGED + address.model(model),)
    ).fetchone()
    return json.loads(row[0]) if row else []


def _remember(connection: Connection, model: str, numbers: Iterable[int]) -> None:
    known = sorted({*numbers_of(connection, model), *numbers})
    connection.execute(
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (_PURGED + address.model(model), json.dumps(known)),
    )


def check_number(connection: Connection, model: str, number: int) -> None:
    """Raise ConflictError for the number of a version that was purged."""
    if number in numbers_of(connection, model):
        raise ConflictError(
            "a version of that number was purged, and no number is used again",
            where=address.version(model, number),
            way_out="Plan again: it gets the next number",
        )


def sizes(connection: Connection, owners: Collection[str]) -> Mapping[str, int]:
    """The bytes of the files of these addresses; those without any are left out."""
    rows = connection.execute(
        "SELECT owner, sum(size) FROM artifact"
        " WHERE owner IN (SELECT value FROM json_each(?)) GROUP BY owner",
        (json.dumps(list(owners)),),
    )
    return {owner: size for owner, size in rows if size is not None}


def sweep(telemetry: Database, layout: Layout, subjects: Iterable[str]) -> None:
    """Remove the series and folders of purged runs; blocks."""
    places = map(address.parse_address, subjects)
    runs = [place.name for place in places if place.noun == "runs"]
    if runs and layout.telemetry.exists():
        telemetry.write_now(lambda c: series.forget(c, runs))
    for run in runs:
        folder = layout.runs / run
        # A run's id is foreign text: ".." and what has a slash in it is no folder of its own.
        own = run not in ("", ".", "..") and folder.name == run and folder.parent == layout.runs
        if own and folder.is_dir() and not folder.is_symlink():
            rmtree(folder, ignore_errors=True)


def _time(value: int | None) -> str | None:
    return None if value is None else rfc3339(from_micros(value))
