"""`modeldeck runs ls --by`: what `B` shows in the console."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from modeldeck.app.usecases import grouping
from modeldeck.app.usecases.encode import number
from modeldeck.app.usecases.runs import metric_title, metrics_in_order
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.words import fields_of, sort_of
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.groups import Group
from modeldeck.backends.api.lists import ListWindow, RunQuery
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.query import RUNS, Field
from modeldeck.backends.api.runs import Fields

from . import words
from .output import Columns
from .pages import print_list


async def print_groups(
    session: Session, query: RunQuery, by: str, *, sort: str, chosen: Sequence[str], **how: Any
) -> None:
    """The runs of a query, counted; with the metrics that are sorted by or `chosen`, else some."""
    fields, sorts = fields_of(by, RUNS), sort_of(sort, grouping.GROUPS)
    keys = await session.registry.run_keys(RunQuery(experiments=query.experiments))
    usual = [key[8:] for key in chosen if key.startswith("metrics.")]
    usual = usual or metrics_in_order(keys.metrics, session.directions)
    asked = [_measured(one.field) for one in sorts if one.field.of]
    metrics = list(dict.fromkeys([*asked, *usual[: grouping.MEASURED]]))
    read = Fields(
        metrics=[*metrics, *_keys(fields, "metrics")],
        params=_keys(fields, "params"),
        tags=_keys(fields, "tags"),
    )
    found = await grouping.group_runs(session, replace(query, fields=read), fields, metrics)
    grouping.check_known(found, fields, keys)
    groups = arranged(found.groups, partial(grouping.group_fields, session), None, sorts)
    items = [_encoded(session, fields, one) for one in groups]
    window = ListWindow(items, [_key(one) for one in items])
    window.notes = grouping.notes_of(found)
    await print_list(window, _key, lambda _: _columns(session, fields, metrics), **how)


def _measured(field: Field) -> str:
    word, _, name = field.name.partition(" ")
    if word not in ("best", "mean") or not name:
        way_out = f'Sort by metrics."best {field.name}" or metrics."mean {field.name}"'
        raise UsageError(f"groups have no {field}", where="sort", way_out=way_out)
    return name


def _keys(fields: Sequence[Field], of: str) -> list[str]:
    return [field.name for field in fields if field.of == of]


def _encoded(session: Session, by: Sequence[Field], group: Group) -> dict[str, Any]:
    best = {name: grouping.best_of(session, group, name) for name in group.metrics}
    return {
        "by": dict(zip(map(str, by), group.values, strict=True)),
        "count": group.count,
        "best": {name: number(value) for name, value in best.items() if value is not None},
        "mean": {name: number(spread.mean) for name, spread in group.metrics.items()},
    }


def _key(item: dict[str, Any]) -> str:
    return json.dumps(item["by"])


def _columns(session: Session, by: Sequence[Field], metrics: Sequence[str]) -> Columns:
    columns: dict[str, Callable[[dict[str, Any]], str]] = {}
    for field in by:
        columns[grouping.title_of(field)] = partial(_value, str(field))
    columns["RUNS"] = lambda item: f"{item['count']:,}"
    for name in metrics:
        way = session.directions.get(name)
        if way is not None:
            columns[f"best {metric_title(name, way)}"] = partial(_figure, "best", name)
        columns[f"mean {name}"] = partial(_figure, "mean", name)
    return columns


def _value(field: str, item: dict[str, Any]) -> str:
    value = item["by"][field]
    return "(none)" if value is None else str(value)


def _figure(word: str, metric: str, item: dict[str, Any]) -> str:
    value = item[word].get(metric)
    return words.figure(None if value is None else float(value))
