"""Moves and answers as JSON objects. Times are RFC 3339 in UTC."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import encode
from .moves import Move
from .spans import Lane, Span
from .timeline import Timeline, gone_at
from .timeline_words import span_words, who_words


def move(item: Move) -> dict[str, Any]:
    """One move; `before` and `after` are versions where it is one of an alias."""
    event, policy = item.event, item.policy
    return {
        "seq": event.seq,
        "time": encode.time(event.time),
        "model": item.model,
        "kind": item.kind,
        "alias": item.alias or None,
        "version": item.version,
        "before": item.before,
        "after": item.after,
        "phase": event.phase,
        "earliest": encode.time(item.earliest),
        "latest": encode.time(item.latest),
        "actor": encode.actor(event.actor),
        "person": item.person or None,
        "reason": event.reason,
        "ticket": event.ticket,
        "why": item.why,
        "purpose": item.purpose or None,
        "gates": [encode.verdict(one) for one in item.gates],
        "policy": None if policy is None else encode.policy(policy),
        "approvals": list(item.approvals),
        "glass": item.glass or None,
        "plan": event.plan,
        "caused_by": event.caused_by,
        "undo_of": event.undo_of,
        "undone_by": item.undone_by,
    }


def span(item: Span) -> dict[str, Any]:
    """One answer; `by` and `to` are the events that it begins and ends with."""
    return {
        "model": item.model,
        "alias": item.alias,
        "state": item.how,
        "known": item.known,
        "version": item.version,
        "among": list(item.among),
        "start": encode.time(item.start),
        "end": encode.time(item.end),
        "by": item.by.seq if item.by else None,
        "to": item.to.seq if item.to else None,
    }


def answer(item: Span, instant: datetime, now: datetime, found: Timeline) -> dict[str, Any]:
    """Where an alias was at an instant, beside where it is."""
    lane: Lane = (item.model, item.alias)
    by = item.by
    gone = None
    if item.known and item.version is not None:
        gone = gone_at(found.moves, item.model, item.version, instant)
    return {
        **span(item),
        "words": span_words(item, instant, now),
        "who": None if by is None else who_words(by),
        "reason": by.event.reason if by else "",
        "ticket": by.event.ticket if by else "",
        "deleted_by": gone.seq if gone else None,
        "now": _now(found.now, lane),
        "now_known": found.now is not None,
    }


def _now(now: Mapping[Lane, int] | None, lane: Lane) -> int | None:
    return None if now is None else now.get(lane)


def at(found: Timeline, instant: datetime, now: datetime) -> dict[str, Any]:
    """All answers for an instant."""
    return {
        "at": encode.time(instant),
        "model": found.model or None,
        "read_at": encode.time(found.read_at) if found.now is not None else None,
        "trouble": found.trouble or None,
        "begun": encode.time(found.begun),
        "erased": found.erased,
        "items": [answer(one, instant, now, found) for one in found.at(instant)],
    }
