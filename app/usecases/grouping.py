"""Lists grouped by a value that rows share: counted by the backend, else over what is loaded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from modeldeck.app.config.redaction import names_secret
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.groups import ATTRIBUTES, MOST, Group, Grouping, Groups, Spread
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.order import experiment_fields, model_fields, run_fields, version_fields
from modeldeck.backends.api.query import Field
from modeldeck.backends.api.runs import Run

from .session import Session
from .words import field_text, quoted_text

_GETTERS: Mapping[str, Callable[[Any], Getter]] = {
    "experiments": experiment_fields,
    "models": model_fields,
    "versions": version_fields,
}
_NUMBERS = frozenset({"exit", "runs", "versions", "version"})
_DAYS = frozenset({"started", "ended", "created", "updated"})
_ALONE = frozenset({"id", "duration", "note", "digest"})


def why_not_by(noun: str, field: Field) -> str:
    """Why a list is not grouped by a field; empty where it is."""
    if field.of and names_secret(field.name):
        return f"the values of {field.name} are masked"
    if noun == "runs" and (field.of or field.name in ATTRIBUTES):
        return ""
    if noun in _GETTERS and not field.of and field.name not in (*_ALONE, "alias"):
        return ""
    return f"{noun} are not grouped by {field}"


async def group_runs(
    session: Session,
    query: RunQuery,
    by: Field,
    metrics: Sequence[str] = (),
    loaded: Sequence[Run] = (),
    *,
    whole: bool = False,
) -> Groups:
    """The runs of a query by a value.

    Where the backend does not count, `loaded` ones are; `whole` says that these are all.
    """
    registry = session.registry
    if why := why_not_by("runs", by):
        raise UsageError(why, way_out="Choose another column")
    if isinstance(registry, Grouping):
        return await registry.run_groups(query, by, metrics)
    now = session.clock()
    rows = [(run_fields(run, (), now), run.metrics) for run in loaded]
    return _grouped(rows, by, metrics, "" if whole else _partly("runs", len(rows)))


def group_loaded(noun: str, items: Sequence[Any], by: Field, *, whole: bool) -> Groups:
    """The loaded items of a short list by a value."""
    getter = _GETTERS[noun]
    rows: list[tuple[Getter, Mapping[str, float]]] = [(getter(item), {}) for item in items]
    return _grouped(rows, by, (), "" if whole else _partly(noun, len(rows)))


def term_of(by: Field, group: Group) -> str:
    """The filter that finds the rows of a group."""
    field, value = field_text(str(by)), group.value
    if value is None:
        return f"not has {field}"
    if not by.of and by.name in _DAYS:
        after = datetime.fromisoformat(value) + timedelta(days=1)
        return f"{field} >= {value}T00:00Z and {field} < {after:%Y-%m-%d}T00:00Z"
    if by.of == "metrics" or (not by.of and by.name in _NUMBERS):
        return f"{field} = {value}"
    return f"{field} = {quoted_text(value)}"


def narrowed(where: str, term: str) -> str:
    """A filter text and one more term."""
    return f"({where}) and {term}" if where.strip() else term


def _partly(noun: str, count: int) -> str:
    return f"of the {count:,} {noun} that are loaded; the server does not count"


def _grouped(
    rows: Iterable[tuple[Getter, Mapping[str, float]]],
    by: Field,
    metrics: Sequence[str],
    note: str,
) -> Groups:
    members: dict[str | None, list[Mapping[str, float]]] = {}
    counted = 0
    for get, values in rows:
        members.setdefault(_text(get(by), by), []).append(values)
        counted += 1
    found = [
        Group(value=value, count=len(inside), metrics=_spreads(inside, metrics))
        for value, inside in members.items()
    ]
    # As SQLite orders: the missing before all texts.
    found.sort(key=lambda group: (-group.count, group.value is not None, group.value or ""))
    return Groups(groups=found[:MOST], distinct=len(found), counted=counted, note=note)


def _text(value: Any, by: Field) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d}"
    if isinstance(value, float) and by.of != "metrics" and value.is_integer():
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _spreads(inside: Sequence[Mapping[str, float]], metrics: Sequence[str]) -> dict[str, Spread]:
    found = {}
    for name in metrics:
        values = [one[name] for one in inside if name in one and abs(one[name]) < float("inf")]
        if values:
            found[name] = Spread(min(values), max(values), sum(values) / len(values))
    return found
