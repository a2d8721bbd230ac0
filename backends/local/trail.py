"""The audit trail in registry.db.

A leaf is RFC 8785 canonical JSON of what stays for ever; what a person wrote or is, is in the
payload, to which the leaf commits by SHA-256(salt || payload), so that erasing a payload breaks
nothing; subject, session, before and after stand in the leaf as digests with the same salt. The
leaf of an outcome names its intent.
link_n = SHA-256(link_{n-1} || SHA-256(0x00 || leaf_n)), from 32 zero bytes.
Who has a key signs the leaf, which names the key.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from ..api.events import ELSEWHERE, Actor, Entry, Event
from ..api.query import Expression, Field, Sort
from ..api.statements import Signer
from ..api.text import exact
from ..api.times import rfc3339, to_micros
from ..api.trail import NAMESPACE
from ..tlog.merkle import leaf_hash
from . import tree
from .checking import START, first_broken
from .database import Connection
from .filters import EVENT_COLUMNS, Sql, condition, prepare

ERASED = "(erased)"
VERSION = 1
PROMOTIONS = ("alias.set", "alias.rm")
"""Actions after which a checkpoint is written at once."""
_PIECE = 1000
_SORTED = msgspec.json.Encoder(order="sorted")
_NEWEST = (Sort(Field("seq"), descending=True),)


class Leaf(msgspec.Struct, gc=False):
    """What stays of an event. Its fields stand in the order of RFC 8785.

    Of a flat object with ASCII names, text without lone surrogates and small integers, `msgspec`
    writes what RFC 8785 wants: no space, the shortest escapes, in lower case.
    """

    action: str
    actor_key: str
    after: str
    before: str
    caused_by: int | msgspec.UnsetType
    payload_commit: str
    phase: str
    plan: str
    seq: int
    session: str
    subject: str
    time: str
    v: int


encoded_leaf = msgspec.json.Encoder().encode


def chain(before: bytes, leaf: bytes) -> bytes:
    """The link after `leaf`."""
    return sha256(before + leaf_hash(leaf)).digest()


def write(
    connection: Connection, entry: Entry, time: datetime, signer: Signer | None = None
) -> Event:
    """Append `entry` inside the transaction that also holds the change it speaks of.

    `signer` is the key of whoever acts; what was only observed nobody signs. The leaf names the key
    only where it has signed: an actor may have one that is not asked each time.
    """
    if signer is not None and entry.phase not in ELSEWHERE:
        keyed = msgspec.structs.replace(entry.actor, key=signer.fingerprint)
        entry = msgspec.structs.replace(entry, actor=keyed)
    else:
        signer = None

    last = connection.execute("SELECT seq, link FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = (last[0] + 1, last[1]) if last else (1, START)
    entry, body = _encoded(entry)
    salt = os.urandom(32)
    leaf = encoded_leaf(
        Leaf(
            action=entry.action,
            actor_key=signer.fingerprint if signer is not None else "",
            after=_digest(salt, entry.after),
            before=_digest(salt, entry.before),
            caused_by=msgspec.UNSET if entry.caused_by is None else entry.caused_by,
            payload_commit=sha256(salt + body).hexdigest(),
            phase=entry.phase,
            plan=entry.plan or "",
            seq=seq,
            session=_digest(salt, entry.actor.session),
            subject=_digest(salt, entry.subject),
            time=rfc3339(time),
            v=VERSION,
        )
    )
    link = chain(before, leaf)
    payload = connection.execute(
        "INSERT INTO audit_payload(salt, body) VALUES(?, ?)", (salt, body.decode())
    ).lastrowid
    connection.execute("INSERT INTO audit VALUES(?, ?, ?, ?)", (seq, leaf, payload, link))
    tree.append(connection, seq)
    if signer is not None:
        connection.execute(
            "INSERT INTO audit_signature VALUES(?, ?, ?)",
            (seq, signer.fingerprint, signer.sign(NAMESPACE, leaf)),
        )
    event = _event(seq, time, entry, link)
    _index(connection, event)
    return event


def _index(connection: Connection, event: Event) -> None:
    connection.execute(
        "INSERT INTO audit_index VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", index_row(event)
    )


def _encoded(entry: Entry) -> tuple[Entry, bytes]:
    try:
        return entry, _SORTED.encode(entry)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(entry), ensure_ascii=False)
        entry = msgspec.json.decode(exact(text), type=Entry)
    return entry, _SORTED.encode(entry)


def index_row(event: Event) -> tuple[object, ...]:
    """What the index holds of an event."""
    return (
        event.seq,
        to_micros(event.time),
        event.actor.sudo_user or event.actor.user,
        event.actor.host,
        event.phase,
        event.action,
        event.subject,
        event.reason,
        event.ticket,
        event.caused_by,
    )


def _digest(salt: bytes, value: Any) -> str:
    if value is None:
        return ""
    # With the payload's salt, so that after an erasure nobody can try which short text it was.
    return sha256(salt + _SORTED.encode(value)).hexdigest()


def _event(seq: int, time: datetime, entry: Entry, link: bytes) -> Event:
    return Event(seq=seq, time=time, link=link.hex(), **msgspec.structs.asdict(entry))


def changed_here(connection: Connection, subject: str) -> bool:
    """Whether a plan has changed it here; what comes in from elsewhere then only adds to it."""
    row = connection.execute(
        "SELECT 1 FROM audit_index WHERE subject = ? AND phase = 'done' LIMIT 1", (subject,)
    ).fetchone()
    return row is not None


def events_by_seq(connection: Connection, seqs: Sequence[int]) -> Sequence[Event]:
    """The events of these numbers, in this order."""
    rows = connection.execute(
        "SELECT a.seq, a.leaf, p.body, a.link FROM audit a"
        " LEFT JOIN audit_payload p ON p.id = a.payload_id"
        " WHERE a.seq IN (SELECT value FROM json_each(?))",
        (json.dumps(list(seqs)),),
    )
    found = {}
    for seq, leaf, body, link in rows:
        stays = json.loads(leaf)
        entry = msgspec.json.decode(body, type=Entry) if body else _erased(stays)
        found[seq] = _event(seq, datetime.fromisoformat(stays["time"]), entry, link)
    return [found[seq] for seq in seqs if seq in found]


def _erased(leaf: Mapping[str, Any]) -> Entry:
    return Entry(
        actor=Actor(user=ERASED, host=ERASED, key=leaf["actor_key"] or None),
        tool="",
        context="",
        phase=leaf["phase"],
        action=leaf["action"],
        subject=ERASED,
        plan=leaf["plan"] or None,
        caused_by=leaf.get("caused_by"),
    )


def payload_state(connection: Connection, seq: int) -> str | None:
    """Whether the payload of an event is kept or erased; None when there is no such event."""
    row = connection.execute(
        "SELECT p.body FROM audit a LEFT JOIN audit_payload p ON p.id = a.payload_id"
        " WHERE a.seq = ?",
        (seq,),
    ).fetchone()
    return None if row is None else "erased" if row[0] is None else "kept"


def erase(connection: Connection, seq: int) -> None:
    """Forget what a person wrote or is in an event; every proof stays valid."""
    # What SQLite would leave in the free parts of its pages is overwritten.
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(
        "UPDATE audit_payload SET salt = NULL, body = NULL"
        " WHERE id = (SELECT payload_id FROM audit WHERE seq = ?)",
        (seq,),
    )
    connection.execute(
        "UPDATE audit_index SET actor = ?1, host = ?1, subject = ?1, reason = '', ticket = ''"
        " WHERE seq = ?2",
        (ERASED, seq),
    )


def rebuild_index(connection: Connection) -> None:
    """Make the index that filters and sorts read anew from the events themselves."""
    connection.execute("DELETE FROM audit_index")
    seqs = [row[0] for row in connection.execute("SELECT seq FROM audit ORDER BY seq")]
    for start in range(0, len(seqs), _PIECE):
        for event in events_by_seq(connection, seqs[start : start + _PIECE]):
            _index(connection, event)


def event_numbers(connection: Connection, where: Expression | None, sort: Sequence[Sort]) -> Sql:
    """The select of the numbers of matching events, newest first unless sorted otherwise."""
    prepare(connection)
    test = condition(connection, where, EVENT_COLUMNS) if where is not None else Sql("1")
    sorts = sort or _NEWEST
    order = ""
    for one in sorts:
        column, way = EVENT_COLUMNS[one.field.name], "DESC" if one.descending else "ASC"
        exact = one.field.name in ("seq", "time")
        order += (
            f"{column} {way}, " if exact else f"{column} IS NULL, {column} COLLATE NOCASE {way}, "
        )
    way = "DESC" if sorts[-1].descending else "ASC"
    return Sql(
        f"SELECT seq AS id FROM audit_index WHERE {test.text} ORDER BY {order}seq {way}",
        test.values,
    )


def verify(connection: Connection, first: int = 1, before: bytes = START) -> int | None:
    """The number of the first event whose leaf, payload or link does not hold; None when all do."""
    broken = first_broken(connection, first, before)
    return None if broken is None else broken.seq
