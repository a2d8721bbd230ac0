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


def _drop_runs(connection: Connection, origin: int, kept: Collection[str]) -> Sequence[str]:
    gone = []
    for number, native in _rows(connection, "run", origin):
        if native in kept:
            continue
        (uid,) = connection.execute("SELECT uid FROM run WHERE id = ?", (number,)).fetchone()
        for table in _RUN_TABLES:
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (number,))
        connection.execute("DELETE FROM artifact WHERE owner = ?", (address.run(uid),))
        connection.execute("DELETE FROM run WHERE id = ?", (number,))
        gone.append(uid)
    return gone


def _drop_models(connection: Connection, origin: int, kept: Mapping[str, Collection[int]]) -> None:
    for model, native in _rows(connection, "model", origin):
        numbers = kept.get(native, ())
        (name,) = connection.execute("SELECT name FROM model WHERE id = ?", (model,)).fetchone()
        versions = connection.execute("SELECT id, number FROM version WHERE model_id = ?", (model,))
        for version, number in versions.fetchall():
            if number not in numbers:
                connection.execute("DELETE FROM version_tag WHERE version_id = ?", (version,))
                connection.execute("DELETE FROM version WHERE id = ?", (version,))
                owner = address.version(name, number)
                connection.execute("DELETE FROM artifact WHERE owner = ?", (owner,))
        if native not in kept:
            for table in ("model_tag", "alias"):
                connection.execute(f"DELETE FROM {table} WHERE model_id = ?", (model,))
            connection.execute("DELETE FROM model WHERE id = ?", (model,))
