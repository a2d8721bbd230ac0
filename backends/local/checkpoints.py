"""Checkpoints of the trail: signed sayings of how long it is and what its root is."""

from datetime import datetime, timedelta
from secrets import token_hex

from ..api.errors import DamagedError
from ..api.times import from_micros, to_micros
from ..api.trail import HostKey, Kept
from ..tlog import merkle
from ..tlog.checkpoint import Checkpoint, read_checkpoint
from ..tlog.note import Ed25519Signer
from . import tree
from .database import Connection

EVERY = 100
"""Events after which the program writes one by itself."""
WITHIN = timedelta(minutes=15)
"""How old the first event that no checkpoint counts may be when the next one is written."""


def registry_uid(connection: Connection) -> str:
    """What names this registry for good; empty where nothing has named it yet."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'uid'").fetchone()
    return row[0] if row else ""


def name_registry(connection: Connection) -> str:
    """Its name, made now where there is none."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES('uid', ?)", (token_hex(16),))
    return registry_uid(connection)


def origin_of(uid: str) -> str:
    """The origin of the log of that registry."""
    return f"modeldeck/{uid}"


def newest(connection: Connection) -> Kept | None:
    """The last checkpoint."""
    row = connection.execute(
        "SELECT size, time, text FROM checkpoint ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return _kept(row) if row else None


def all_kept(connection: Connection) -> list[Kept]:
    """All checkpoints, the smallest first."""
    rows = connection.execute("SELECT size, time, text FROM checkpoint ORDER BY size")
    return [_kept(row) for row in rows]


def covering(connection: Connection, seq: int) -> Kept | None:
    """The first checkpoint that counts the event of that number."""
    row = connection.execute(
        "SELECT size, time, text FROM checkpoint WHERE size >= ? ORDER BY size LIMIT 1", (seq,)
    ).fetchone()
    return _kept(row) if row else None


def _kept(row: tuple[int, int, str]) -> Kept:
    return Kept(size=row[0], time=from_micros(row[1]), text=row[2])


def due(connection: Connection, now: datetime, *, at_once: bool = False) -> bool:
    """Whether the program should write one: `at_once` for whatever none counts yet."""
    last = newest(connection)
    counted, size = last.size if last else 0, tree.size(connection)
    if size <= counted:
        return False
    if at_once or size - counted >= EVERY:
        return True
    row = connection.execute(
        "SELECT time FROM audit_index WHERE seq > ? ORDER BY seq LIMIT 1", (counted,)
    ).fetchone()
    return row is not None and now - from_micros(row[0]) >= WITHIN


def nearly_due(connection: Connection, now: datetime) -> bool:
    """Whether one is due when something more has happened."""
    last = newest(connection)
    if tree.size(connection) + 1 - (last.size if last else 0) >= EVERY:
        return True
    return due(connection, now)


def make(connection: Connection, key: HostKey, now: datetime) -> Kept:
    """A checkpoint of the trail as it is. The registry must have its name already.

    Raises DamagedError where the trail does not go on from the last one: a log never signs two
    histories.
    """
    last, size, node = newest(connection), tree.size(connection), tree.node_of(connection)
    if last is not None:
        before, _ = read_checkpoint(last.text)
        if last.size > size or merkle.root(last.size, node) != before.root:
            raise DamagedError(
                f"the trail does not go on from its checkpoint of {last.size} events",
                where="audit trail",
                way_out="`modeldeck audit verify` says more",
            )
        if last.size == size:
            return last
    origin = origin_of(registry_uid(connection))
    said = Checkpoint(origin, size, merkle.root(size, node))
    return Kept(size=size, time=now, text=said.signed([Ed25519Signer(origin, key)]))


def write(connection: Connection, key: HostKey, now: datetime) -> Kept:
    """`make`, and keep it."""
    name_registry(connection)
    kept = make(connection, key, now)
    connection.execute(
        "INSERT INTO checkpoint SELECT ?1, ?2, ?3"
        " WHERE NOT EXISTS (SELECT 1 FROM checkpoint WHERE size = ?1)",
        (kept.size, to_micros(kept.time), kept.text),
    )
    return kept
