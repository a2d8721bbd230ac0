"""Ids of things from other stores: kept as they are unless something else here has them."""

import hashlib

from .database import Connection


def run_uid(connection: Connection, source: int, origin: str, native: str) -> str:
    """The id here of a run of that origin."""
    return _uid(connection, "run", source, origin, native)


def experiment_uid(connection: Connection, source: int, origin: str, native: str) -> str:
    """The id here of an experiment of that origin."""
    return _uid(connection, "experiment", source, origin, native)


def _uid(connection: Connection, table: str, source: int, origin: str, native: str) -> str:
    row = connection.execute(f"SELECT origin_id FROM {table} WHERE uid = ?", (native,)).fetchone()
    if row is None or row[0] == source:
        return native
    return hashlib.sha256(f"{origin}\0{native}".encode()).hexdigest()[:32]
