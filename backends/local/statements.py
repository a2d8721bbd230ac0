"""Statements as they were signed, in the table `statement` of registry.db.

`origin` is the shared place that one came from, empty for what was signed here; that waits to be
sent as long as `sent_at` is NULL. What is known of a shared place is a row of `meta`.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from .database import Connection

_COLUMNS = "id, kind, subject, time, envelope, received_at, origin"


class Row(NamedTuple):
    """One statement; times in microseconds."""

    id: str
    kind: str
    subject: str
    time: int
    envelope: bytes
    received_at: int
    origin: str = ""


def keep(connection: Connection, rows: Iterable[Row]) -> Sequence[str]:
    """Add those that are not there yet; gives their ids."""
    new = []
    for row in rows:
        done = connection.execute(
            f"INSERT INTO statement({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(id) DO NOTHING",
            row,
        )
        if done.rowcount:
            new.append(row.id)
    return new


def found(connection: Connection, kinds: Collection[str], subject: str) -> Sequence[Row]:
    """Those of these kinds (of all where none is named) and of that subject, oldest first."""
    tests, values = [], []
    if kinds:
        tests.append("kind IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(kinds)))
    if subject:
        tests.append("subject = ?")
        values.append(subject)
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM statement{where} ORDER BY time, id", values)
    return [Row(*row) for row in rows]


def waiting(connection: Connection, most: int) -> Sequence[Row]:
    """Those that were signed here and are not sent yet, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM statement WHERE origin = '' AND sent_at IS NULL"
        " ORDER BY time, id LIMIT ?",
        (most,),
    )
    return [Row(*row) for row in rows]


def count_waiting(connection: Connection) -> int:
    """How many wait to be sent."""
    row = connection.execute(
        "SELECT count(*) FROM statement WHERE origin = '' AND sent_at IS NULL"
    ).fetchone()
    return int(row[0])


def known(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """Which of these are here."""
    rows = connection.execute(
        "SELECT id FROM statement WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return frozenset(row[0] for row in rows)


def sent(connection: Connection, ids: Collection[str], at: int) -> None:
    """These of ours are in the shared place."""
    connection.execute(
        "UPDATE statement SET sent_at = ? WHERE origin = '' AND sent_at IS NULL"
        " AND id IN (SELECT value FROM json_each(?))",
        (at, json.dumps(list(ids))),
    )


def unsent(connection: Connection) -> None:
    """All of ours are to be sent: to a place that we have not seen before."""
    connection.execute("UPDATE statement SET sent_at = NULL WHERE origin = ''")


def place_state(connection: Connection, place: str) -> bytes | None:
    """What was written down of a shared place."""
    row = connection.execute(
        "SELECT value FROM meta WHERE key = ?", (f"records {place}",)
    ).fetchone()
    return row[0].encode() if row else None


def put_place_state(connection: Connection, place: str, state: bytes) -> None:
    """Write it down."""
    connection.execute(
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (f"records {place}", state.decode()),
    )
