"""A dossier of a model: what was live at an instant, who put it there, on what evidence, and proof.

It is one JSON object, from which every form is made. It holds no time of its own making: of the
same registry and the same instant it is the same. Times are UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from modeldeck.backends.api import address
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError, RefusedError
from modeldeck.backends.api.models import Version
from modeldeck.backends.api.runs import Run
from modeldeck.backends.api.statements import APPROVAL, REFUSAL, REQUEST, WITHDRAWAL, Signed
from modeldeck.backends.api.trail import Auditing

from . import encode
from . import timeline_views as views
from .moves import Move
from .session import Session
from .spans import Span
from .timeline import SKEW, Timeline, gone_at, timeline
from .timeline_words import gaps_words, outcome_words, span_words, step_words, who_words

WORDS = (REQUEST, APPROVAL, REFUSAL, WITHDRAWAL)
_OF_VERSION = ("registered", "copied", "deleted", "restored", "purged", "card", "approved")


async def dossier(session: Session, model: str, instant: datetime | None = None) -> dict[str, Any]:
    """All that is known of `model` at `instant`, or as it is read.

    NotFoundError where there never was such a model.
    """
    found = await timeline(session, model)
    instant = (instant or found.read_at).astimezone(UTC)
    spans = found.at(instant)
    live = [
        await _live(session, found, span, span.version, instant)
        for span in spans
        if span.known and span.version is not None
    ]
    since = [move for move in found.moves if move.event.time > instant]
    return {
        "context": session.context,
        "place": session.registry.place,
        "model": model,
        "at": encode.time(instant),
        "deleted_by": _seq(gone_at(found.moves, model, None, instant)),
        "aliases": [_alias(found, span, instant) for span in spans],
        "live": live,
        "since": [_happened(move, instant) for move in since],
        "gaps": [
            words
            for lane in found.spans().values()
            for words in gaps_words([one for one in lane if _touches(one, instant)], instant)
        ],
        "notes": _notes(found),
        "events": await _proofs(session, _proven(found, spans, live)),
    }


def _seq(move: Move | None) -> int | None:
    return None if move is None else move.seq


def _touches(span: Span, instant: datetime) -> bool:
    """Whether a gap is no older than the instant: older ones change nothing of it."""
    return span.end is None or span.end > instant


def _alias(found: Timeline, span: Span, instant: datetime) -> dict[str, Any]:
    """Where an alias was, since when and until when, and where it is now."""
    return {
        **views.span(span),
        "words": span_words(span, instant, instant),
        "now": None if found.now is None else found.now.get((span.model, span.alias)),
        "now_known": found.now is not None,
    }


def _happened(move: Move, instant: datetime) -> dict[str, Any]:
    return {
        "seq": move.seq,
        "time": encode.time(move.event.time),
        "alias": move.alias or None,
        "what": step_words(move),
        "who": who_words(move),
        "reason": move.event.reason,
        "ticket": move.event.ticket,
        "outcome": outcome_words(move, instant),
    }


def _notes(found: Timeline) -> list[str]:
    said = []
    if found.erased:
        said.append(f"{found.erased} moves were erased from the trail: of which alias is not known")
    if found.far:
        said.append("others can move aliases on the server without modeldeck; looks find it later")
    if found.trouble:
        said.append("where aliases are now could not be read")
    return said


# What was live.


async def _live(
    session: Session, found: Timeline, span: Span, number: int, instant: datetime
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "alias": span.alias,
        "version": number,
        "since": encode.time(span.start),
        "till": encode.time(span.end),
        "put_there": None if span.by is None else _put(span.by, instant),
        "gates": [] if span.by is None else [encode.verdict(one) for one in span.by.gates],
        "taken_away": None if span.to is None else _put(span.to, instant),
        "deleted_by": _seq(gone_at(found.moves, span.model, number, instant)),
        "statements": await _statements(session, span, number, instant),
    }
    return {**told, **await _version(session, found, span.model, number, instant)}


def _put(move: Move, instant: datetime) -> dict[str, Any]:
    """Who moved it, why, and on what grounds."""
    event, policy = move.event, move.policy
    return {
        **_happened(move, instant),
        "host": event.actor.host,
        "key": event.actor.key,
        "purpose": move.purpose or None,
        "plan": event.plan,
        "policy": None if policy is None else encode.policy(policy),
        "approvals": list(move.approvals),
        "glass": move.glass or None,
        "undone_by": move.undone_by,
    }


async def _statements(
    session: Session, span: Span, number: int, instant: datetime
) -> list[dict[str, Any]]:
    """What people had signed by then of this version going there, and what the move cites."""
    if session.statements is None:
        return []
    subject = address.version(span.model, number)
    cited = frozenset(span.by.approvals) if span.by is not None else frozenset()
    target = f"{span.model}@{span.alias}"
    signed = await session.statements.statements(WORDS, subject)
    return [
        _signed(one, cited)
        for one in sorted(signed, key=lambda one: (one.statement.time, one.id))
        if one.id in cited
        or (one.statement.time <= instant and one.statement.body.get("target") == target)
    ]


def _signed(one: Signed, cited: frozenset[str]) -> dict[str, Any]:
    body = one.statement.body
    return {
        "id": one.id,
        "kind": one.statement.kind,
        "time": encode.time(one.statement.time),
        "person": one.person or None,
        "key": one.key,
        "valid": one.valid,
        "why_not": one.why or None,
        "digest": one.statement.digest,
        "target": encode.plain(body.get("target")),
        "evidence": encode.plain(body.get("evidence")),
        "policy": encode.plain(body.get("policy")),
        "expires": encode.plain(body.get("expires")),
        "why": encode.plain(body.get("why")),
        "cited": one.id in cited,
    }


async def _version(
    session: Session, found: Timeline, model: str, number: int, instant: datetime
) -> dict[str, Any]:
    """Facts of the version; `missing` says why there are none."""
    try:
        version = await session.registry.version(model, number)
    except NotFoundError:
        return {"missing": f"version {number} is not in the registry any more"}
    except ModeldeckError as error:
        return {"missing": f"version {number} could not be read: {error.what}"}
    if version.created_at is not None and version.created_at > instant + SKEW:
        made = encode.time(version.created_at)
        return {"missing": f"version {number} of now was made later ({made}): it is another one"}
    run = await _run(session, version)
    lock = version.lock or (run.lock if run is not None else None)
    read = await session.registry.lock(lock) if lock else None
    datasets = await session.registry.datasets(run.id) if run is not None else ()
    return {
        "missing": None,
        "facts": {
            "digest": version.digest,
            "size": version.size,
            "format": version.format,
            "unsafe": None if version.unsafe is None else list(version.unsafe),
            "created_at": encode.time(version.created_at),
            "by": version.user,
            "source": version.source,
            "origin": version.origin,
            "run": version.run_id,
            "lock": lock,
        },
        "run": None
        if run is None
        else {
            "id": run.id,
            "name": run.name,
            "experiment": run.experiment,
            "git": run.git,
            "dirty": run.dirty,
            "started_at": encode.time(run.started_at),
            "params": dict(sorted(run.params.items())),
            "metrics": {key: encode.number(run.metrics[key]) for key in sorted(run.metrics)},
        },
        "datasets": [
            {"name": one.name, "digest": one.digest, "context": one.context, "source": one.source}
            for one in datasets
        ],
        "lock": None
        if read is None
        else {
            "python": read.python,
            "system": read.system,
            "packages": [f"{one.name} {one.version}" for one in read.packages],
        },
        "card": _card(session, found, version, instant),
    }


async def _run(session: Session, version: Version) -> Run | None:
    if not version.run_id:
        return None
    try:
        return await session.registry.run(version.run_id)
    except NotFoundError:
        return None


def _card(session: Session, found: Timeline, version: Version, instant: datetime) -> dict[str, Any]:
    """The card as the trail says that it was then, else as it is."""
    edits = [move for move in found.moves if (move.kind, move.version) == ("card", version.version)]
    before = [move for move in edits if move.event.time <= instant]
    later = [move for move in edits if move.event.time > instant]
    text: Any = version.card
    said = "as it is now; no event has changed it since then"
    if later:
        text, said = _field(later[0].event.before), f"as event {later[0].seq} found it"
    elif before:
        text, said = _field(before[-1].event.after), f"as event {before[-1].seq} left it"
    elif session.remote:
        said = "as it is now; on the server others may have changed it since then"
    return {"text": text if isinstance(text, str) else "", "as_of": said}


def _field(value: Any) -> Any:
    return value.get("card") if isinstance(value, Mapping) else None


# Proofs.


def _proven(
    found: Timeline, spans: Sequence[Span], live: Sequence[Mapping[str, Any]]
) -> Sequence[int]:
    """The events that the answer stands on."""
    moves = [move for span in spans for move in (span.by, span.to) if move is not None]
    numbers = {one["version"] for one in live}
    moves += [m for m in found.moves if m.kind in _OF_VERSION and m.version in numbers]
    causes = {move.event.caused_by for move in moves if move.event.caused_by is not None}
    return sorted({move.seq for move in moves} | causes)


async def _proofs(session: Session, seqs: Sequence[int]) -> list[dict[str, Any]]:
    trail = getattr(session.registry, "records", session.registry)
    if not isinstance(trail, Auditing):
        return [{"seq": seq, "checkpoint": "no proof: the trail gives none"} for seq in seqs]
    return [await _proof(trail, seq) for seq in seqs]


async def _proof(trail: Auditing, seq: int) -> dict[str, Any]:
    """An event as it is hashed, and that the newest checkpoint counts it."""
    record = await trail.record(seq)
    try:
        proof, why = await trail.prove(seq), None
    except RefusedError as error:
        proof, why = None, f"no checkpoint: {error.what}"
    return {
        "seq": seq,
        "time": encode.time(record.event.time),
        "leaf": record.leaf,
        "leaf_hash": record.leaf_hash,
        "link": record.link,
        "payload": record.payload,
        "salt": record.salt,
        "key": record.key or None,
        "signature": record.signature or None,
        "proof": proof,
        "checkpoint": why,
    }
