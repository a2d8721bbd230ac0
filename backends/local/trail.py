"""The audit trail in registry.db.

A leaf is RFC 8785 canonical JSON of what stays for ever; what a person wrote or is, is in the
payload, to which the leaf commits by SHA-256(salt || payload), so that erasing a payload breaks
nothing. link_n = SHA-256(link_{n-1} || SHA-256(0x00 || leaf_n)), from 32 zero bytes.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import rfc8785

from ..api.events import Actor, Event
from ..api.query import Expression, Field, Sort
from ..api.times import from_micros, rfc3339, to_micros
from .database import Connection
from .filters import EVENT_COLUMNS, Sql, condition, prepare

START = bytes(32)
VERSION = 1
_NEWEST = (Sort(Field("seq"), descending=True),)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event before it has its place in the trail."""

    actor: Actor
    tool: str
    context: str
    phase: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""
    ticket: str = ""
    plan: str | None = None
    caused_by: int | None = None
    undo_of: int | None = None


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 of a leaf with its prefix (RFC 6962)."""
    return hashlib.sha256(b"\0" + leaf).digest()


def chain(before: bytes, leaf: bytes) -> bytes:
    """The link after `leaf`."""
    return hashlib.sha256(before + leaf_hash(leaf)).digest()


def write(connection: Connection, entry: Entry, time: datetime) -> Event:
    """Append `entry` inside the transaction that also holds the change it speaks of."""
    last = connection.execute("SELECT seq, link FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = (last[0] + 1, last[1]) if last else (1, START)
    body = msgspec.json.encode(entry, order="sorted").decode()
    salt = os.urandom(32)
    leaf = rfc8785.dumps(
        {
            "v": VERSION,
            "seq": seq,
            "time": rfc3339(time),
            "actor_key": entry.actor.key or "",
            "session": _digest(entry.actor.session),
            "phase": entry.phase,
            "action": entry.action,
            "subject": _digest(entry.subject),
            "before": _digest(entry.before),
            "after": _digest(entry.after),
            "plan": entry.plan or "",
            "payload_commit": hashlib.sha256(salt + body.encode()).hexdigest(),
        }
    )
    link = chain(before, leaf)
    payload = connection.execute(
        "INSERT INTO audit_payload(salt, body) VALUES(?, ?) RETURNING id", (salt, body)
    ).fetchone()[0]
    connection.execute("INSERT INTO audit VALUES(?, ?, ?, ?)", (seq, leaf, payload, link))
    _index(connection, seq, time, entry)
    return _event(seq, time, entry, link)


def _index(connection: Connection, seq: int, time: datetime, entry: Entry) -> None:
    connection.execute(
        "INSERT INTO audit_index VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            to_micros(time),
            entry.actor.sudo_user or entry.actor.user,
            entry.actor.host,
            entry.phase,
            entry.action,
            entry.subject,
            entry.reason,
            entry.ticket,
        ),
    )


def _digest(value: Any) -> str:
    if value is None:
        return ""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _event(seq: int, time: datetime, entry: Entry, link: bytes) -> Event:
    return Event(seq=seq, time=time, link=link.hex(), **msgspec.structs.asdict(entry))


def events_by_seq(connection: Connection, seqs: Sequence[int]) -> Sequence[Event]:
    """The events of these numbers, in this order."""
    rows = connection.execute(
        "SELECT a.seq, i.time, p.body, a.link FROM audit a JOIN audit_index i ON i.seq = a.seq"
        " LEFT JOIN audit_payload p ON p.id = a.payload_id"
        " WHERE a.seq IN (SELECT value FROM json_each(?))",
        (json.dumps(list(seqs)),),
    )
    found = {}
    for seq, time, body, link in rows:
        entry = msgspec.json.decode(body, type=Entry) if body else _erased(connection, seq)
        found[seq] = _event(seq, from_micros(time), entry, link)
    return [found[seq] for seq in seqs if seq in found]


def _erased(connection: Connection, seq: int) -> Entry:
    phase, action, subject = connection.execute(
        "SELECT phase, action, subject FROM audit_index WHERE seq = ?", (seq,)
    ).fetchone()
    nobody = Actor(user="(erased)", host="(erased)")
    return Entry(
        actor=nobody, tool="", context="", phase=phase, action=action, subject=subject
    )  # fmt: skip


def event_segments(
    connection: Connection, where: Expression | None, sort: Sequence[Sort]
) -> Sequence[Sql]:
    """The select of the numbers of matching events, newest first unless sorted otherwise."""
    prepare(connection)
    test = condition(connection, where, EVENT_COLUMNS) if where is not None else Sql("1")
    order = ", ".join(
        f"{EVENT_COLUMNS[s.field.name]} IS NULL, {EVENT_COLUMNS[s.field.name]}"
        f" {'DESC' if s.descending else 'ASC'}"
        for s in sort or _NEWEST
    )
    return [
        Sql(f"SELECT seq FROM audit_index WHERE {test.text} ORDER BY {order}, seq", test.values)
    ]


def verify(connection: Connection, first: int = 1, before: bytes = START) -> int | None:
    """The number of the first event whose leaf, payload or link does not hold; None when all do."""
    expected, link = first, before
    rows = connection.execute(
        "SELECT a.seq, a.leaf, a.link, p.salt, p.body FROM audit a"
        " LEFT JOIN audit_payload p ON p.id = a.payload_id WHERE a.seq >= ? ORDER BY a.seq",
        (first,),
    )
    for seq, leaf, stored, salt, body in rows:
        link = chain(link, leaf)
        if seq != expected or link != stored:
            return min(int(seq), expected)
        if body is not None:
            commit = hashlib.sha256(salt + body.encode()).hexdigest()
            if json.loads(leaf)["payload_commit"] != commit:
                return int(seq)
        expected += 1
    return None
