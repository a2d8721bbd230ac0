"""Nouns as JSON objects and CSV rows: one explicit encoder a noun, so no rename changes a schema.

Values of tags and params that are called like secrets are masked (`app/config/redaction.py`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modeldeck.app.config.redaction import masked_map, masked_word
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.events import Actor, Event
from modeldeck.backends.api.models import Alias, Model, Version
from modeldeck.backends.api.plan import Plan, PolicyRef, Verdict
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Lock,
    Run,
    SeriesInfo,
    Usage,
)

# The others under this name too: `encode.time`.
from .encode_values import named
from .encode_values import number as number
from .encode_values import plain as plain
from .encode_values import time as time

SCHEMA = 1


def experiment(item: Experiment) -> dict[str, Any]:
    """An experiment."""
    return {
        "id": item.id,
        "name": item.name,
        "created_at": time(item.created_at),
        "updated_at": time(item.updated_at),
        "deleted_at": time(item.deleted_at),
        "runs": item.runs,
        "note": item.note,
        "tags": masked_map(item.tags),
        "origin": item.origin,
    }


def run(item: Run) -> dict[str, Any]:
    """A run with its latest values."""
    return {
        "id": item.id,
        "name": item.name,
        "experiment": item.experiment,
        "status": item.status.value,
        "started_at": time(item.started_at),
        "ended_at": time(item.ended_at),
        "deleted_at": time(item.deleted_at),
        "parent_id": item.parent_id,
        "children": item.children,
        "user": item.user,
        "reason": item.reason,
        "exit_code": item.exit_code,
        "git": item.git,
        "dirty": item.dirty,
        "lock": item.lock,
        "origin": item.origin,
        "note": item.note,
        "params": masked_map(item.params),
        "metrics": {key: number(value) for key, value in item.metrics.items()},
        "tags": masked_map(item.tags),
    }


def series(item: SeriesInfo) -> dict[str, Any]:
    """The figures of a series."""
    return {
        "key": item.key,
        "count": item.count,
        "first_step": item.first_step,
        "last_step": item.last_step,
        "first_time": time(item.first_time),
        "last_time": time(item.last_time),
        "low": number(item.low),
        "high": number(item.high),
        "total": number(item.total),
        "finite": item.finite,
    }


def dataset(item: Dataset) -> dict[str, Any]:
    """A dataset of a run."""
    return {
        "name": item.name,
        "digest": item.digest,
        "source_type": item.source_type,
        "source": item.source,
        "context": item.context,
        "schema": item.schema,
        "profile": item.profile,
        "labels": dict(item.labels),
    }


def evaluation(item: Evaluation) -> dict[str, Any]:
    """An evaluation."""
    return {
        "metric": item.metric,
        "value": number(item.value),
        "dataset": item.dataset,
        "dataset_digest": item.dataset_digest,
        "slice": item.slice,
        "n": item.n,
        "artifact": item.artifact,
        "run_id": item.run_id,
        "model": item.model,
        "version": item.version,
    }


def artifact(item: Artifact) -> dict[str, Any]:
    """A file."""
    return {
        "path": item.path,
        "size": item.size,
        "digest": item.digest,
        "location": item.location,
    }


def usage(item: Usage) -> dict[str, Any]:
    """What a run used."""
    return {
        "wall_seconds": item.wall_seconds,
        "cpu_seconds": item.cpu_seconds,
        "peak_memory_bytes": item.peak_memory_bytes,
    }


def lock(item: Lock) -> dict[str, Any]:
    """What a run or host really had."""
    git = item.git
    return {
        "python": item.python,
        "implementation": item.implementation,
        "executable": item.executable,
        "packages": [
            {"name": one.name, "version": one.version, "record": one.record}
            for one in item.packages
        ],
        "system": item.system,
        "machine": item.machine,
        "cpu": item.cpu,
        "cpus": item.cpus,
        "memory_bytes": item.memory_bytes,
        "gpus": list(item.gpus),
        "cuda": item.cuda,
        "git": None
        if git is None
        else {
            "commit": git.commit,
            "branch": git.branch,
            "remote": git.remote,
            "dirty": git.dirty,
            "diff": git.diff,
        },
        "extra": plain(item.extra),
    }


def model(item: Model) -> dict[str, Any]:
    """A model."""
    return {
        "name": item.name,
        "versions": item.versions,
        "latest": item.latest,
        "aliases": dict(item.aliases),
        "created_at": time(item.created_at),
        "updated_at": time(item.updated_at),
        "deleted_at": time(item.deleted_at),
        "note": item.note,
        "tags": masked_map(item.tags),
        "origin": item.origin,
    }


def version(item: Version) -> dict[str, Any]:
    """A version."""
    return {
        "model": item.model,
        "version": item.version,
        "aliases": list(item.aliases),
        "run_id": item.run_id,
        "digest": item.digest,
        "size": item.size,
        "format": item.format,
        "unsafe": None if item.unsafe is None else list(item.unsafe),
        "signature": plain(item.signature),
        "source": item.source,
        "status": item.status,
        "stage": item.stage,
        "lock": item.lock,
        "user": item.user,
        "created_at": time(item.created_at),
        "updated_at": time(item.updated_at),
        "deleted_at": time(item.deleted_at),
        "note": item.note,
        "card": item.card,
        "tags": masked_map(item.tags),
        "origin": item.origin,
    }


def alias(item: Alias) -> dict[str, Any]:
    """An alias."""
    return {
        "model": item.model,
        "alias": item.alias,
        "version": item.version,
        "moved_at": time(item.moved_at),
    }


def actor(item: Actor) -> dict[str, Any]:
    """Who acted."""
    return {
        "user": item.user,
        "sudo_user": item.sudo_user,
        "host": item.host,
        "session": item.session,
        "key": item.key,
        "on_behalf_of": item.on_behalf_of,
    }


def event(item: Event) -> dict[str, Any]:
    """One row of the audit trail."""
    return {
        "seq": item.seq,
        "time": time(item.time),
        "actor": actor(item.actor),
        "tool": item.tool,
        "context": item.context,
        "phase": item.phase,
        "action": item.action,
        "subject": item.subject,
        "before": plain(item.before),
        "after": plain(item.after),
        "reason": item.reason,
        "ticket": item.ticket,
        "plan": item.plan,
        "caused_by": item.caused_by,
        "undo_of": item.undo_of,
        "evidence": plain(item.evidence),
        "link": item.link,
    }


def plan(item: Plan) -> dict[str, Any]:
    """A plan."""
    return {
        "id": item.id,
        "digest": item.digest,
        "operation": item.operation,
        "arguments": plain(item.arguments),
        "context": item.context,
        "changes": [
            {
                "subject": c.subject,
                "field": c.field,
                "before": named(c.field, c.before),
                "after": named(c.field, c.after),
            }
            for c in item.changes
        ],
        "effects": list(item.effects),
        "untouched": list(item.untouched),
        "gates": [verdict(one) for one in item.gates],
        "command": [masked_word(word) for word in item.command],
        "request": item.request,
        "caveats": list(item.caveats),
        "policy": None if item.policy is None else policy(item.policy),
        "evidence": plain(item.evidence),
        "inverse": None
        if item.inverse is None
        else {
            "operation": item.inverse.operation,
            "arguments": plain(item.inverse.arguments),
        },
        "way_back": list(item.way_back),
        "agreed": item.agreed,
        "created_at": time(item.created_at),
        "lapses_at": time(item.lapses_at),
        "reason": item.reason,
        "ticket": item.ticket,
        "undo_of": item.undo_of,
    }


def verdict(item: Verdict) -> dict[str, Any]:
    """What a gate's rule said."""
    return {
        "gate": item.gate,
        "rule": item.rule,
        "kind": item.kind,
        "verdict": item.verdict,
        "shows": item.shows,
        "numbers": plain(item.numbers),
    }


def policy(item: PolicyRef) -> dict[str, Any]:
    """Which policy it was."""
    return {
        "place": item.place,
        "ref": item.ref,
        "commit": item.commit,
        "digest": item.digest,
        "notes": list(item.notes),
    }


Encoder = Callable[[Any], dict[str, Any]]
ENCODERS: Mapping[type, Encoder] = {
    Experiment: experiment,
    Run: run,
    SeriesInfo: series,
    Usage: usage,
    Lock: lock,
    Dataset: dataset,
    Evaluation: evaluation,
    Artifact: artifact,
    Model: model,
    Version: version,
    Alias: alias,
    Event: event,
    Plan: plan,
}


def encode(item: Any) -> dict[str, Any]:
    """Any noun as its JSON object; what is one already as it is."""
    return item if isinstance(item, dict) else ENCODERS[type(item)](item)


def one(item: Any) -> str:
    """One thing as a JSON document."""
    return text({"schema": SCHEMA, **(item if isinstance(item, dict) else encode(item))})


def many(items: Sequence[Any], following: str | None = None) -> str:
    """A list as a JSON document; `following` is the token of the next page."""
    rows = [item if isinstance(item, dict) else encode(item) for item in items]
    return text({"schema": SCHEMA, "items": rows, "next": following})


def line(item: Any) -> str:
    """One thing as a line of JSON."""
    return text(item if isinstance(item, dict) else encode(item))


def text(value: Any) -> str:
    """JSON in which all that is not ASCII is escaped: no foreign byte can steer a terminal."""
    # DEL is ASCII and yet a control; JSON itself lets it stand.
    return json.dumps(value, allow_nan=False).replace("\x7f", "\\u007f")


def flat(item: dict[str, Any]) -> dict[str, Any]:
    """A JSON object as one CSV row: maps become `params.depth`, lists are joined by spaces."""
    row: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, Mapping):
            row |= {f"{key}.{inner}": found for inner, found in value.items()}
        elif isinstance(value, list | tuple):
            row[key] = " ".join(map(str, value))
        else:
            row[key] = value
    return row
