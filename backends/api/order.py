"""Filtering and ordering of short lists in memory, by the same rules as everywhere."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .evaluate import Getter, matches, number_of
from .models import Model, Version
from .query import Expression, Field, Sort
from .runs import Dataset, Experiment, Run, Status

T = TypeVar("T")
_SECOND = timedelta(seconds=1)
_CAPITALS = re.compile("[A-Z]+")


def arranged(
    items: Sequence[T],
    getter: Callable[[T], Getter],
    where: Expression | None,
    sort: Sequence[Sort],
) -> Sequence[T]:
    """The items that fit, ordered: numbers, then texts or NaN, then missing, in both directions.

    Texts are ordered without regard to ASCII case, as SQLite does. What is equal stays in order.
    """
    found = [i for i in items if where is None or matches(where, getter(i))]
    for one in reversed(sort):
        ranked = [(_rank(getter(item)(one.field), one.field), item) for item in found]
        order: list[T] = []
        for group in range(4):
            members = [(key[1], item) for key, item in ranked if key[0] == group]
            if group < 2:
                members.sort(key=lambda pair: pair[0], reverse=one.descending)
            order.extend(item for _, item in members)
        found = order
    return found


def folded(text: str) -> str:
    """`text` with ASCII letters in lower case."""
    return text.lower() if text.isascii() else _CAPITALS.sub(lambda m: m[0].lower(), text)


def _rank(value: Any, field: Field) -> tuple[int, Any]:
    if value is None or (not field.of and value in ("", (), [])):
        return 3, None
    if isinstance(value, str):
        number = number_of(value) if field.of else None
        if number is None or number != number:
            return 1, value if field.name == "id" and not field.of else folded(value)
        return 0, (number, folded(value))
    if isinstance(value, datetime):
        return 0, value
    if isinstance(value, int | float):
        return (2, None) if value != value else (0, value)
    return 1, folded(",".join(value))


def experiment_fields(item: Experiment) -> Getter:
    """What filters read of an experiment."""
    return _fields(
        item.tags,
        name=item.name,
        id=item.id,
        created=item.created_at,
        updated=item.updated_at,
        runs=item.runs,
        note=item.note or None,
    )


def run_fields(item: Run, datasets: Sequence[Dataset], now: datetime) -> Getter:
    """What filters read of a run; a running one has lasted until `now`."""
    until = item.ended_at or (now if item.status is Status.RUNNING else None)
    lasted = until - item.started_at if until and item.started_at else None
    attributes: dict[str, Any] = {
        "name": item.name,
        "id": item.id,
        "experiment": item.experiment,
        "status": item.status.value,
        "started": item.started_at,
        "ended": item.ended_at,
        "duration": None if lasted is None else lasted / _SECOND,
        "user": item.user or None,
        "parent": item.parent_id,
        "reason": item.reason or None,
        "exit": None if item.exit_code is None else float(item.exit_code),
        "git": item.git or None,
        "note": item.note or None,
        "dataset": [text for one in datasets for text in (one.name, one.digest)],
    }
    maps = {"metrics": item.metrics, "params": item.params, "tags": item.tags}

    def get(field: Field) -> Any:
        return maps[field.of].get(field.name) if field.of else attributes.get(field.name)

    return get


def model_fields(item: Model) -> Getter:
    """What filters read of a model."""
    return _fields(
        item.tags,
        name=item.name,
        created=item.created_at,
        updated=item.updated_at,
        versions=item.versions,
        alias=tuple(item.aliases),
        note=item.note or None,
    )


def version_fields(item: Version) -> Getter:
    """What filters read of a version."""
    return _fields(
        item.tags,
        model=item.model,
        version=item.version,
        alias=tuple(item.aliases),
        run=item.run_id,
        digest=item.digest,
        format=item.format,
        status=item.status,
        stage=item.stage,
        created=item.created_at,
        user=item.user or None,
        note=item.note or None,
    )


def _fields(tags: Any, **attributes: Any) -> Getter:
    def get(field: Field) -> Any:
        if field.of == "tags":
            return tags.get(field.name)
        value = attributes.get(field.name)
        return float(value) if isinstance(value, int) else value

    return get
