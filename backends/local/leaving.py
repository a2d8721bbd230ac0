"""What has left another store, dropped from the registry that mirrors it."""

from collections.abc import Collection, Mapping, Sequence

from ..api import address
from .database import Connection

_RUN_TABLES = ("metric", "param", "tag", "run_dataset", "evaluation")


def drop(
    connection: Connection,
    origin: str,
    experiments: Collection[str],
    runs: Collection[str],
    models: Mapping[str, Collection[int]],
) -> Sequence[str]:
    """Drop what came from `origin` and is not named; gives the ids of the runs that went."""
    row = connection.execute("SELECT id FROM origin WHERE uri = ?", (origin,)).fetchone()
    if row is None:
        return []
    gone = _drop_runs(connection, row[0], runs)
    _drop_models(connection, row[0], models)
    for number, native in _rows(connection, "experiment", row[0]):
        if native not in experiments:
            connection.execute("DELETE FROM experiment_tag WHERE experiment_id = ?", (number,))
            connection.execute("DELETE FROM experiment WHERE id = ?", (number,))
    return gone


def _rows(connection: Connection, table: str, origin: int) -> Sequence[tuple[int, str]]:
    sql = f"SELECT id, native_id FROM {table} WHERE origin_id = ?"
    return connection.execute(sql, (origin,)).fetchall()


def drop_runs(connection: Connection, runs: Sequence[tuple[int, str]]) -> None:
    """Drop runs, named by row and id, with all that they hold here."""
    for row, uid in runs:
        for table in _RUN_TABLES:
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (row,))
        connection.execute("DELETE FROM artifact WHERE owner = ?", (address.run(uid),))
        connection.execute("DELETE FROM run WHERE id = ?", (row,))


def _drop_runs(connection: Connection, origin: int, kept: Collection[str]) -> Sequence[str]:
    rows = connection.execute(
        "SELECT id, uid, native_id FROM run WHERE origin_id = ?", (origin,)
    ).fetchall()
    gone = [(row, uid) for row, uid, native in rows if native not in kept]
    drop_runs(connection, gone)
    return [uid for _, uid in gone]


def drop_models(connection: Connection, models: Sequence[tuple[int, str]]) -> None:
    """Drop models, named by row and name, with their versions and aliases."""
    for row, name in models:
        drop_versions(connection, row, name, ())
        for table in ("model_tag", "alias"):
            connection.execute(f"DELETE FROM {table} WHERE model_id = ?", (row,))
        connection.execute("DELETE FROM model WHERE id = ?", (row,))


def drop_versions(connection: Connection, model: int, name: str, kept: Collection[int]) -> None:
    """Drop the versions of a model but for those `kept`."""
    versions = connection.execute("SELECT id, number FROM version WHERE model_id = ?", (model,))
    for version, number in versions.fetchall():
        if number not in kept:
            connection.execute("DELETE FROM version_tag WHERE version_id = ?", (version,))
            connection.execute("DELETE FROM version WHERE id = ?", (version,))
            owner = address.version(name, number)
            connection.execute("DELETE FROM artifact WHERE owner = ?", (owner,))


def _drop_models(connection: Connection, origin: int, kept: Mapping[str, Collection[int]]) -> None:
    rows = connection.execute(
        "SELECT id, name, native_id FROM model WHERE origin_id = ?", (origin,)
    ).fetchall()
    for row, name, native in rows:
        if native in kept:
            drop_versions(connection, row, name, kept[native])
        else:
            drop_models(connection, [(row, name)])
