"""Lists grouped by values that rows share: counted by the backend, else over what is loaded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from modeldeck.app.config.redaction import names_secret
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.groups import ATTRIBUTES, MOST, Group, Grouping, Groups, Spread
from modeldeck.backends.api.lists import PIECE, RunQuery, all_of
from modeldeck.backends.api.order import experiment_fields, model_fields, run_fields, version_fields
from modeldeck.backends.api.query import Attribute, Field, Vocabulary
from modeldeck.backends.api.runs import Keys, Run

from .session import Session
from .words import field_text, quoted_text

GROUPS = Vocabulary(
    "groups", {"value": Attribute("text"), "count": Attribute("number")}, ("metrics",), "value"
)
"""Metrics are `metrics.best NAME` and `metrics.mean NAME`."""
MAPPED = ("metrics", "params", "tags")
MEASURED = 3
"""So many metrics are shown of each group."""
DEEPEST = 8
"""By so many fields at most."""
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
    by: Sequence[Field],
    metrics: Sequence[str] = (),
    loaded: Sequence[Run] | None = None,
    *,
    whole: bool = False,
) -> Groups:
    """The runs of a query by their values of some fields.

    Where the backend does not count, `loaded` ones are; `whole` says that these are all. Without
    `loaded` all are read.
    """
    registry = session.registry
    for why in filter(None, (why_not_by("runs", one) for one in by)):
        raise UsageError(why, way_out="Choose another column")
    if len(by) > DEEPEST:
        raise UsageError(f"runs are grouped by {DEEPEST} fields at most", way_out="Choose fewer")
    if isinstance(registry, Grouping):
        return await registry.run_groups(query, by, metrics)
    if loaded is None:
        loaded, whole = await all_of(await registry.runs(query, PIECE)), True
    now = session.clock()
    rows = [(run_fields(run, (), now), run.metrics) for run in loaded]
    return _grouped(rows, by, metrics, "" if whole else _partly("runs", len(rows)))


def check_known(found: Groups, by: Sequence[Field], keys: Keys) -> None:
    """UsageError for a metric, parameter or tag that no run has, with what may be meant."""
    for at, field in enumerate(by):
        known = getattr(keys, field.of) if field.of else ()
        if not field.of or field.name in known or not found.counted:
            continue
        if all(group.values[at] is None for group in found.groups):
            from difflib import get_close_matches

            every = [f"{of}.{key}" for of in MAPPED for key in getattr(keys, of)]
            near = get_close_matches(str(field), every, 1)
            hint = f"Did you mean {near[0]}?" if near else "`modeldeck runs ls -o csv` has them"
            raise UsageError(f"no run has {field}", where="--by", way_out=hint)


def group_loaded(noun: str, items: Sequence[Any], by: Field, *, whole: bool) -> Groups:
    """The loaded items of a short list by a value."""
    getter = _GETTERS[noun]
    rows: list[tuple[Getter, Mapping[str, float]]] = [(getter(item), {}) for item in items]
    return _grouped(rows, [by], (), "" if whole else _partly(noun, len(rows)))


def group_fields(session: Session, group: Group) -> Getter:
    """What filters and sorts of groups read of one."""

    def get(field: Field) -> Any:
        if not field.of:
            return text_of(group) if field.name == "value" else float(group.count)
        word, _, name = field.name.partition(" ")
        spread = group.metrics.get(name)
        if spread is None:
            return None
        return spread.mean if word == "mean" else best_of(session, group, name)

    return get


def title_of(by: Field) -> str:
    """What stands above the values of a field."""
    return f"{by} (UTC day)" if is_day(by) else str(by)


def is_day(by: Field) -> bool:
    """Whether groups are of the UTC day of a time."""
    return not by.of and by.name in _DAYS


def text_of(group: Group) -> str | None:
    """Its values in one text; None where it has none."""
    return ", ".join(value or "" for value in group.values) if any(group.values) else None


def best_of(session: Session, group: Group, metric: str) -> float | None:
    """What a group reached of a metric of which the project says what is better."""
    spread, way = group.metrics.get(metric), session.directions.get(metric)
    if spread is None or way is None:
        return None
    return spread.high if way == "higher" else spread.low


def notes_of(found: Groups) -> Sequence[str]:
    """Where not all is counted, or not all are shown."""
    notes = [found.note] if found.note else []
    if found.distinct > len(found.groups):
        notes.append(f"the {len(found.groups):,} largest of {found.distinct:,} groups")
    return notes


def term_of(by: Field, group: Group) -> str:
    """The filter that finds the rows of a group by one field."""
    field, value = field_text(str(by)), group.values[0]
    if value is None:
        return f"not has {field}"
    if is_day(by):
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
    by: Sequence[Field],
    metrics: Sequence[str],
    note: str,
) -> Groups:
    members: dict[tuple[str | None, ...], list[Mapping[str, float]]] = {}
    counted = 0
    for get, values in rows:
        members.setdefault(tuple(_text(get(one), one) for one in by), []).append(values)
        counted += 1
    found = [
        Group(values=values, count=len(inside), metrics=_spreads(inside, metrics))
        for values, inside in members.items()
    ]
    # As SQLite orders: the missing before all texts.
    found.sort(key=lambda group: (-group.count, _place(group)))
    return Groups(groups=found[:MOST], distinct=len(found), counted=counted, note=note)


def _place(group: Group) -> Sequence[tuple[bool, str]]:
    return [(value is not None, value or "") for value in group.values]


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
