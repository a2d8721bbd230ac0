"""`modeldeck audit show`."""

import json
from collections.abc import Iterator

import click

from modeldeck.app.usecases import audit as usecase
from modeldeck.app.usecases import audit_encode, encode
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.trail import Record
from modeldeck.widgets.text import show as safe

from . import output, words
from .common import with_session
from .options import formats_option, place_options


@click.command()
@click.argument("seq", type=click.IntRange(1))
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def show(session: Session, seq: int, form: str) -> None:
    """Show all of an event: what it says, and what proves it."""
    record = await usecase.event_record(session, seq)
    if form != "table":
        output.write_document(audit_encode.record(record), form)
        return
    now = session.clock()
    output.write_pairs(_pairs(record, words.long_time(record.event.time, now)))
    for title, value in (
        ("before", record.event.before),
        ("after", record.event.after),
        ("evidence", record.event.evidence),
    ):
        if value is not None:
            output.write_part(title, _lines(value))
    output.write_part("leaf", [safe(record.leaf)])
    output.write_part("proof", _proof(record))


def _pairs(record: Record, time: str) -> output.Pairs:
    event = record.event
    actor = event.actor
    pairs = [
        ("seq", str(event.seq)),
        ("time", time),
        ("user", actor.user),
        ("sudo user", actor.sudo_user),
        ("on behalf of", actor.on_behalf_of),
        ("host", actor.host),
        ("session", actor.session),
        ("tool", event.tool),
        ("context", event.context),
        ("phase", event.phase),
        ("action", event.action),
        ("subject", event.subject),
        ("reason", event.reason),
        ("ticket", event.ticket),
        ("plan", event.plan),
        ("caused by", None if event.caused_by is None else f"event {event.caused_by}"),
        ("undoes", None if event.undo_of is None else f"event {event.undo_of}"),
    ]
    return [(name, value) for name, value in pairs if value]


def _lines(value: object) -> list[str]:
    text = json.dumps(encode.plain(value), indent=2, ensure_ascii=False)
    return [safe(line) for line in text.split("\n")]


def _proof(record: Record) -> Iterator[str]:
    yield f"leaf hash   {record.leaf_hash}"
    yield f"link        {record.link}"
    erased = record.payload is None
    yield f"payload     {'erased: only its commitment is left' if erased else 'kept'}"
    yield f"signature   {safe(record.key) if record.key else 'none'}"
    counts = f"a checkpoint of {record.covered:,} events" if record.covered else "none yet"
    yield f"counted by  {counts}"
