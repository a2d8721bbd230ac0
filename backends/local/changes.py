"""Plans applied: each change compared with what is there, then made, with its event.

What can change is a field of something that has an address. A field has a reader and a writer here,
and an operation is nothing but the fields that it may touch.

    runs/ID              deleted, note, tag:KEY, record
    experiments/ID       note, tag:KEY
    models/NAME          deleted, note, tag:KEY, record
    models/NAME/VERSION  content, deleted, card, note, tag:KEY, record
    models/NAME@ALIAS    version
    events/SEQ           payload

A `record` is what is left to say of something that is deleted; without it, it is purged.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ..api.address import Address, parse_address
from ..api.address import model as model_address
from ..api.errors import NotFoundError, RefusedError, UsageError
from ..api.events import Actor, Event
from ..api.locks import check_locks
from ..api.plan import Change, Plan, moved_on
from ..api.statements import Signer
from ..api.text import exact
from ..api.times import from_micros, rfc3339, to_micros
from .database import Connection
from .ingest import set_tag
from .models import model_id
from .purging import check_number, held, purge, read_record
from .trail import erase, payload_state, write
from .versions import write_version

Reader = Callable[[Connection, Address, str], Any]
Writer = Callable[[Connection, Address, str, Any, datetime], None]


def apply(
    connection: Connection,
    plan: Plan,
    actor: Actor,
    tool: str,
    context: str,
    now: datetime,
    signer: Signer | None = None,
) -> Sequence[Event]:
    """Make the changes of `plan` in the transaction of `connection`, each with its event.

    Raises ConflictError naming both values when something is not as the plan saw it.
    """
    plan.check(now)
    for change in plan.changes:
        found = read_field(connection, change.subject, change.field)
        if found != change.before:
            raise moved_on(change, found)
    check_locks(plan, held(connection))
    events = []
    moved = [change for change in plan.changes if change.before != change.after]
    for change in moved:
        write_field(connection, change, now)
    subjects = [parse_address(change.subject) for change in moved]
    for model in {subject.name for subject in subjects if subject.noun == "models"}:
        _check_aliases(connection, model)
    for change in moved:
        entry = plan.entry(change, "done", actor=actor, tool=tool, context=context)
        events.append(write(connection, entry, now, signer))
    return events


def read_field(connection: Connection, subject: str, field: str) -> Any:
    """What a field of a subject holds now; None when it is not there."""
    address = parse_address(subject)
    word, _, key = exact(field).partition(":")
    read, _ = _fields(address, word)
    return read(connection, address, key)


def write_field(connection: Connection, change: Change, now: datetime) -> None:
    """Make one change."""
    address = parse_address(change.subject)
    word, _, key = exact(change.field).partition(":")
    _, put = _fields(address, word)
    put(connection, address, key, change.after, now)


def _check_aliases(connection: Connection, model: str) -> None:
    """Refuse to leave an alias on a version that is deleted, or whose model is."""
    row = connection.execute(
        "SELECT a.name, a.number FROM alias a JOIN model m ON m.id = a.model_id"
        " JOIN version v ON v.model_id = m.id AND v.number = a.number"
        " WHERE m.name = ? AND (v.deleted_at IS NOT NULL OR m.deleted_at IS NOT NULL)",
        (model,),
    ).fetchone()
    if row is not None:
        raise RefusedError(
            f"the alias {row[0]!r} is on version {row[1]}",
            where=model_address(model),
            way_out="Move or remove the alias first",
        )


def _fields(address: Address, word: str) -> tuple[Reader, Writer]:
    kind = _kind(address)
    try:
        return _FIELDS[kind, word]
    except KeyError:
        raise UsageError(f"{address} has no field {word!r} that can be changed") from None


def _kind(address: Address) -> str:
    if address.alias is not None:
        return "alias"
    return "version" if address.version is not None else address.noun


def _row(connection: Connection, address: Address) -> int:
    queries = {
        "runs": ("SELECT id FROM run WHERE uid = ?", (address.name,)),
        "experiments": ("SELECT id FROM experiment WHERE uid = ?", (address.name,)),
        "models": ("SELECT id FROM model WHERE name = ?", (address.name,)),
        "version": (
            "SELECT v.id FROM version v JOIN model m ON m.id = v.model_id"
            " WHERE m.name = ? AND v.number = ?",
            (address.name, address.version),
        ),
    }
    row = connection.execute(*queries[_kind(address)]).fetchone()
    if row is None:
        raise NotFoundError("does not exist", where=str(address))
    return int(row[0])


_TABLES = {"runs": "run", "experiments": "experiment", "models": "model", "version": "version"}


def _column(name: str, *, time: bool = False) -> tuple[Reader, Writer]:
    def read(connection: Connection, address: Address, _: str) -> Any:
        table = _TABLES[_kind(address)]
        value = connection.execute(
            f"SELECT {name} FROM {table} WHERE id = ?", (_row(connection, address),)
        ).fetchone()[0]
        return rfc3339(from_micros(value)) if time and value is not None else value

    def put(connection: Connection, address: Address, _: str, value: Any, now: datetime) -> None:
        table = _TABLES[_kind(address)]
        if time:
            value = None if value is None else _time(value, address)
        else:
            value = "" if value is None else exact(str(value))
        touched = ", updated_at = ?2" if table != "run" else ""
        connection.execute(
            f"UPDATE {table} SET {name} = ?1{touched} WHERE id = ?3",
            (value, to_micros(now), _row(connection, address)),
        )

    return read, put


def _time(value: Any, address: Address) -> int:
    try:
        return to_micros(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        raise UsageError(f"{value!r} is no time", where=str(address)) from None


def _read_tag(connection: Connection, address: Address, key: str) -> str | None:
    owner, kind = _row(connection, address), _kind(address)
    if kind == "runs":
        row = connection.execute(
            "SELECT t.value FROM tag t JOIN key k ON k.id = t.key_id"
            " WHERE t.run_id = ? AND k.kind = 3 AND k.name = ?",
            (owner, exact(key)),
        ).fetchone()
    else:
        table = _TABLES[kind]
        row = connection.execute(
            f"SELECT value FROM {table}_tag WHERE {table}_id = ? AND name = ?", (owner, key)
        ).fetchone()
    return row[0] if row else None


def _put_tag(
    connection: Connection, address: Address, key: str, value: str | None, _: datetime
) -> None:
    owner, kind = _row(connection, address), _kind(address)
    if kind == "runs":
        set_tag(connection, owner, key, value)
        return
    table = _TABLES[kind]
    if value is None:
        connection.execute(
            f"DELETE FROM {table}_tag WHERE {table}_id = ? AND name = ?", (owner, key)
        )
    else:
        connection.execute(
            f"INSERT INTO {table}_tag VALUES(?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            (owner, key, exact(str(value))),
        )


def _read_alias(connection: Connection, address: Address, _: str) -> int | None:
    row = connection.execute(
        "SELECT number FROM alias WHERE model_id = ? AND name = ?",
        (model_id(connection, address.name), address.alias),
    ).fetchone()
    return row[0] if row else None


def _put_alias(
    connection: Connection, address: Address, _: str, number: int | None, now: datetime
) -> None:
    owner = model_id(connection, address.name)
    if number is None:
        connection.execute(
            "DELETE FROM alias WHERE model_id = ? AND name = ?", (owner, address.alias)
        )
        return
    row = connection.execute(
        "SELECT 1 FROM version v JOIN model m ON m.id = v.model_id WHERE m.id = ?"
        " AND v.number = ? AND v.deleted_at IS NULL AND m.deleted_at IS NULL",
        (owner, number),
    ).fetchone()
    if row is None:
        raise NotFoundError(f"version {number} does not exist", where=str(address))
    connection.execute(
        "INSERT INTO alias VALUES(?, ?, ?, ?) ON CONFLICT(model_id, name)"
        " DO UPDATE SET number = excluded.number, moved_at = excluded.moved_at",
        (owner, address.alias, number, to_micros(now)),
    )


def _read_content(connection: Connection, address: Address, _: str) -> Any:
    row = connection.execute(
        "SELECT v.digest, v.format FROM version v JOIN model m ON m.id = v.model_id"
        " WHERE m.name = ? AND v.number = ?",
        (address.name, address.version),
    ).fetchone()
    return {"digest": row[0], "format": row[1]} if row else None


def _put_content(
    connection: Connection, address: Address, _: str, value: Any, now: datetime
) -> None:
    if value is None:
        raise RefusedError(
            "a version cannot be unmade", where=str(address), way_out="Delete it instead"
        )
    check_number(connection, address.name, address.version or 0)
    write_version(connection, address.name, address.version or 0, value, now)


def _seq(address: Address) -> int:
    return int(address.name) if address.name.isascii() and address.name.isdigit() else 0


def _read_payload(connection: Connection, address: Address, _: str) -> str | None:
    return payload_state(connection, _seq(address))


def _put_payload(
    connection: Connection, address: Address, _: str, value: Any, __: datetime
) -> None:
    if value != "erased":
        raise RefusedError("a payload can only be erased", where=str(address))
    erase(connection, _seq(address))


_TAG = (_read_tag, _put_tag)
_RECORD = (read_record, purge)
_FIELDS: dict[tuple[str, str], tuple[Reader, Writer]] = {
    ("runs", "deleted"): _column("deleted_at", time=True),
    ("runs", "note"): _column("note"),
    ("runs", "tag"): _TAG,
    ("runs", "record"): _RECORD,
    ("experiments", "note"): _column("note"),
    ("experiments", "tag"): _TAG,
    ("models", "deleted"): _column("deleted_at", time=True),
    ("models", "note"): _column("note"),
    ("models", "tag"): _TAG,
    ("models", "record"): _RECORD,
    ("version", "content"): (_read_content, _put_content),
    ("version", "deleted"): _column("deleted_at", time=True),
    ("version", "card"): _column("card"),
    ("version", "note"): _column("note"),
    ("version", "tag"): _TAG,
    ("version", "record"): _RECORD,
    ("alias", "version"): (_read_alias, _put_alias),
    ("events", "payload"): (_read_payload, _put_payload),
}
