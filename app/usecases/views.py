"""Documents that are put together from several nouns, as JSON objects."""

from collections.abc import Iterator
from typing import Any

from modeldeck.backends.api.statements import Signed, Sync

from . import encode
from .asked import Approval, Request, Waiting
from .compare import Comparison, MetricRow, TextRow
from .describe import RunDetail
from .export import Point
from .findings import Finding
from .models import ModelDetail
from .overview import Best, Counts, Overview
from .versions import VersionDetail


def run_detail(item: RunDetail) -> dict[str, Any]:
    """A run and what it holds; `lock` is the lock itself with its digest."""
    return {
        **encode.run(item.run),
        "usage": encode.usage(item.usage),
        "series": [encode.series(one) for one in item.series],
        "datasets": [encode.dataset(one) for one in item.datasets],
        "evaluations": [encode.evaluation(one) for one in item.evaluations],
        "artifacts": [encode.artifact(one) for one in item.artifacts],
        "lock": None
        if item.run.lock is None
        else {"digest": item.run.lock, **(encode.lock(item.lock) if item.lock else {})},
        "versions": [{"model": one.model, "version": one.version} for one in item.versions],
    }


def model_detail(item: ModelDetail) -> dict[str, Any]:
    """A model with `all_versions`, deleted ones too."""
    return {
        **encode.model(item.model),
        "all_versions": [encode.version(one) for one in item.versions],
    }


def version_detail(item: VersionDetail) -> dict[str, Any]:
    """A version and what it holds; `run` is its source run without params, metrics and tags."""
    run = None if item.run is None else encode.run(item.run)
    return {
        **encode.version(item.version),
        "run": run and {key: run[key] for key in run if key not in {"params", "metrics", "tags"}},
        "artifacts": [encode.artifact(one) for one in item.artifacts],
        "evaluations": [encode.evaluation(one) for one in item.evaluations],
        "lock": None
        if item.version.lock is None and item.lock is None
        else {
            "digest": item.version.lock or (item.run.lock if item.run else None),
            **(encode.lock(item.lock) if item.lock else {}),
        },
    }


def comparison(item: Comparison) -> dict[str, Any]:
    """A comparison; values stand in the order of `runs`."""
    return {
        "baseline": item.runs[item.baseline].id,
        "runs": [
            {
                "id": run.id,
                "name": run.name,
                "experiment": run.experiment,
                "status": run.status.value,
                "started_at": encode.time(run.started_at),
            }
            for run in item.runs
        ],
        "metrics": [
            {
                "key": row.key,
                "direction": row.direction,
                "values": [encode.number(value) for value in row.values],
                "deltas": [None if delta is None else float(delta) for delta in row.deltas],
                "best": [place in row.best for place in range(len(row.values))],
            }
            for row in item.metrics
        ],
        "params": [_texts(row) for row in item.params],
        "datasets": [_texts(row) for row in item.datasets],
        "git": [_texts(row) for row in item.git],
        "lock": [_texts(row) for row in item.lock],
        "warnings": list(item.warnings),
    }


def _texts(row: TextRow) -> dict[str, Any]:
    return {"key": row.key, "values": list(row.values), "differs": row.differs}


def comparison_rows(item: Comparison) -> Iterator[dict[str, Any]]:
    """A comparison in long form: one row for each key of each run."""
    metric: MetricRow
    for metric in item.metrics:
        for place, run in enumerate(item.runs):
            delta = metric.deltas[place]
            yield {
                "kind": "metric",
                "key": metric.key,
                "run": run.id,
                "value": encode.number(metric.values[place]),
                "delta": None if delta is None else float(delta),
                "best": place in metric.best,
            }
    for kind in ("params", "datasets", "git", "lock"):
        row: TextRow
        for row in getattr(item, kind):
            for place, run in enumerate(item.runs):
                yield {
                    "kind": kind.removesuffix("s"),
                    "key": row.key,
                    "run": run.id,
                    "value": row.values[place],
                    "delta": None,
                    "best": False,
                }


def point(item: Point) -> dict[str, Any]:
    """One point of a series."""
    return {
        "run": item.run,
        "key": item.key,
        "step": item.step,
        "time": encode.time(item.time),
        "value": encode.number(item.value),
    }


def best(item: Best) -> dict[str, Any]:
    """The best run of an experiment."""
    return {
        "experiment": item.experiment,
        "metric": item.metric,
        "direction": item.direction,
        "value": encode.number(item.value),
        "run_id": item.run.id,
        "run": item.run.name,
    }


def overview(item: Overview) -> dict[str, Any]:
    """The overview."""
    return {
        "context": item.context,
        "place": item.place,
        "readonly": item.readonly or None,
        "experiments": item.experiments,
        "runs": item.runs,
        "newest": item.newest,
        "running": {"count": item.running_count, "items": [encode.run(r) for r in item.running]},
        "failed": {"count": item.failed_lately, "items": [encode.run(r) for r in item.failed]},
        "recent": [encode.run(run) for run in item.recent],
        "best": [best(one) for one in item.best],
        "models": {"count": item.model_count, "items": [encode.model(m) for m in item.models]},
        "changes": [encode.event(event) for event in item.changes],
        "next": [{"words": words, "command": command} for words, command in item.next],
        "waiting": [waiting(one) for one in item.waiting],
    }


def counts(item: Counts) -> dict[str, Any]:
    """The figures of a status line."""
    return {
        "context": item.context,
        "runs": item.runs,
        "newest": item.newest,
        "running": item.running,
        "failed_lately": item.failed_lately,
        "models": item.models,
        "waiting": item.waiting,
    }


def request(item: Request) -> dict[str, Any]:
    """A request for approval, and all that was said of the same version and alias."""
    word, itself = item.word, item.itself
    return {
        "id": word.id,
        "state": item.state,
        "model": word.model,
        "version": word.number,
        "target": word.target,
        "digest": word.digest,
        "evidence": word.evidence,
        "policy": {"commit": word.commit, "digest": word.policy},
        "gates": [encode.verdict(one) for one in word.gates],
        "person": word.person,
        "key": word.key,
        "time": encode.time(word.time),
        "expires": encode.time(itself.expires if itself else word.expires),
        "due": encode.time(word.due),
        "reason": word.why,
        "ticket": word.ticket,
        "valid": word.valid,
        "needed": item.needed,
        "approved": len(item.approved),
        "said": [approval(one) for one in item.said],
    }


def approval(item: Approval) -> dict[str, Any]:
    """One signed word."""
    return {
        "id": item.id,
        "decision": item.decision,
        "person": item.person,
        "key": item.key,
        "time": encode.time(item.time),
        "expires": encode.time(item.expires),
        "counts": item.counts,
        "why": item.why,
        "request": item.request,
        "reason": item.reason,
    }


def waiting(item: Waiting) -> dict[str, Any]:
    """One thing that waits for a person."""
    return {
        "kind": item.kind,
        "id": item.id,
        "model": item.model,
        "version": item.version,
        "target": item.target,
        "person": item.person,
        "time": encode.time(item.time),
        "until": encode.time(item.until),
        "words": item.words,
        "command": item.command,
    }


def signed(item: Signed) -> dict[str, Any]:
    """A statement as it was found."""
    said = item.statement
    return {
        "id": item.id,
        "kind": said.kind,
        "subject": said.subject,
        "digest": said.digest or None,
        "time": encode.time(said.time),
        "person": item.person or None,
        "key": item.key or None,
        "valid": item.valid,
        "why": item.why or None,
        "received_at": encode.time(item.received_at),
        "origin": item.origin or None,
        "body": encode.plain(said.body),
    }


def sync(item: Sync) -> dict[str, Any]:
    """How far what is shared has come."""
    return {
        "place": item.place,
        "shared": item.shared,
        "at": encode.time(item.at),
        "away": item.away,
        "rewritten": item.rewritten,
        "waiting": item.waiting,
        "new": list(item.new),
        "trouble": item.trouble or None,
    }


def finding(item: Finding) -> dict[str, Any]:
    """One thing that `doctor` looked at."""
    return {
        "about": item.about,
        "state": item.state,
        "shows": item.shows,
        "way_out": item.way_out or None,
    }
