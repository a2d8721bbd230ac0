"""What MLflow's words are in ours: statuses, tags with a meaning, times."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from .api.ingest import RunRecord
from .api.models import Version
from .api.runs import Dataset, Metric, Run, Status
from .api.times import EPOCH, from_micros

STATUSES = {
    "RUNNING": Status.RUNNING,
    "SCHEDULED": Status.SCHEDULED,
    "FINISHED": Status.FINISHED,
    "FAILED": Status.FAILED,
    "KILLED": Status.KILLED,
}
# File stores keep the number of a status.
NUMBERED = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}

PARENT = "mlflow.parentRunId"
NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
USER = "mlflow.user"
COMMIT = "mlflow.source.git.commit"
CONTEXT = "mlflow.data.context"
PROMPT = "mlflow.prompt.is_prompt"

DELETED = "deleted"
DELETED_VERSION = "Deleted_Internal"
_REDACTED = re.compile("REDACTED-[A-Z-]+")
_WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)


class Log(Protocol):
    """Takes what could not be read."""

    def add(self, where: str, what: str) -> None:
        """Note that at `where` something is wrong."""


def whole(value: object) -> int | None:
    """The integer that `value` is or spells; None when it is none that fits 64 bits."""
    if isinstance(value, int):
        return int(value) if -(1 << 63) <= value < 1 << 63 else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


def moment(value: object, where: str, what: str, log: Log) -> datetime | None:
    """The time that is `value` milliseconds since 1970; None for none, and for what is no time."""
    if value is None:
        return None
    millis = whole(value)
    if millis is None:
        log.add(where, f"{what} is {_short(value)}, which is no time")
        return None
    return from_micros(millis * 1000)


def deletion(stage: object, *times: datetime | None) -> datetime | None:
    """When something was deleted: the first time that is known. None for what is not deleted."""
    if stage != DELETED:
        return None
    return next((time for time in times if time is not None), EPOCH)


def run_record(
    *,
    where: str,
    log: Log,
    run_id: str,
    experiment_id: str,
    experiment: str,
    name: str | None,
    status: object,
    started: object,
    ended: object,
    stage: object,
    deleted: object,
    user: str | None,
    parent: str | None,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    latest: Mapping[str, Metric],
    datasets: Sequence[Dataset],
) -> RunRecord:
    """A run from what a store or a server holds of it. Times in milliseconds."""
    started_at = moment(started, where, "its start time", log)
    ended_at = moment(ended, where, "its end time", log)
    deleted_at = moment(deleted, where, "its deletion time", log)
    word = NUMBERED.get(status, status) if isinstance(status, int) else status
    known = STATUSES.get(word) if isinstance(word, str) else None
    reason = None
    if word is None:
        known = Status.RUNNING
    elif known is None:
        known = Status.FAILED
        reason = f"MLflow's status of it is {_short(word)}"
        log.add(where, f"its status is {_short(word)}, which is none")
    run = Run(
        id=run_id,
        name=name or tags.get(NAME, ""),
        experiment=experiment,
        status=known,
        started_at=started_at,
        ended_at=ended_at,
        deleted_at=deletion(stage, deleted_at, ended_at, started_at),
        parent_id=parent,
        user=tags.get(USER) or user or "",
        reason=reason,
        note=tags.get(NOTE, ""),
        git=tags.get(COMMIT) or None,
        params=params,
        tags=tags,
    )
    return RunRecord(
        run=run, experiment_id=experiment_id, native_id=run_id, latest=latest, datasets=datasets
    )


def version_noun(
    *,
    where: str,
    log: Log,
    model: str,
    number: int,
    aliases: Sequence[str],
    run_id: str | None,
    source: str | None,
    kind: str,
    status: str | None,
    stage: str | None,
    user: str | None,
    note: str | None,
    created: object,
    updated: object,
    tags: Mapping[str, str],
) -> Version:
    """A version from what a store or a server holds of it. Times in milliseconds."""
    created_at = moment(created, where, "its creation time", log)
    updated_at = moment(updated, where, "its update time", log)
    gone = stage == DELETED_VERSION
    return Version(
        model=model,
        version=number,
        aliases=sorted(aliases),
        run_id=_unless_redacted(run_id) or None,
        format=kind,
        source=_unless_redacted(source),
        status=(status or "ready").lower(),
        stage=None if gone or stage in (None, "", "None") else stage,
        user=user or "",
        note=note or "",
        created_at=created_at,
        updated_at=updated_at,
        deleted_at=(updated_at or created_at or EPOCH) if gone else None,
        tags=tags,
    )


def _unless_redacted(text: str | None) -> str | None:
    return None if text is None or _REDACTED.fullmatch(text) else text


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
