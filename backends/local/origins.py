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
    known = connection.execute(
        f"SELECT uid FROM {table} WHERE origin_id = ? AND native_id = ?", (source, native)
    ).fetchone()
    if known:
        return str(known[0])
    taken = connection.execute(f"SELECT 1 FROM {table} WHERE uid = ?", (native,)).fetchone()
    if not taken:
        return native
    return hashlib.sha256(f"{origin}\0{native}".encode()).hexdigest()[:32]
