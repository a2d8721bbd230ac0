"""What a server says -> nouns, equal to what the readers of MLflow's own stores give.

What REST loses: when a run was deleted (its end stands in), who made a version, and infinities,
which the server keeps as the largest number there is.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import structs

from ..api.artifacts import Artifact
from ..api.errors import DamagedError
from ..api.models import Alias, Model, Version
from ..api.runs import Dataset, Experiment, Metric, Points, Run, SeriesInfo
from ..api.text import exact
from ..api.times import from_micros, to_micros
from ..mlflow_words import (
    CONTEXT,
    NOTE,
    PARENT,
    PROMPT,
    Log,
    deletion,
    moment,
    run_record,
    version_noun,
    whole,
)
from . import wire


class Trouble(Log):
    """What of an answer was no value of its kind; asked for by tests and by whoever wonders."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, where: str, what: str) -> None:
        """Note it; the value reads as missing."""
        if len(self.found) < 100:
            self.found.append((where, what))


def pairs(items: Iterable[wire.Pair]) -> dict[str, str]:
    """Parameters or tags, by key."""
    return dict(sorted((exact(item.key), exact(item.value or "")) for item in items))


def real(value: wire.Real) -> float | None:
    """The number of a metric; None when it is none."""
    try:
        return None if value is None else float(value)
    except (ValueError, OverflowError):
        return None


def run_of(item: wire.Run, names: Mapping[str, str], log: Log) -> Run:
    """A run; `names` are those of experiments by id."""
    info = item.info
    run_id = exact(info.run_id or info.run_uuid)
    tags = pairs(item.data.tags)
    record = run_record(
        where=f"run {run_id}",
        log=log,
        run_id=run_id,
        experiment_id=info.experiment_id,
        experiment=names.get(info.experiment_id, f"experiment {info.experiment_id}"),
        name=None if info.run_name is None else exact(info.run_name),
        status=info.status,
        started=info.start_time,
        ended=info.end_time,
        stage=info.lifecycle_stage,
        deleted=None,
        user=None if info.user_id is None else exact(info.user_id),
        parent=tags.get(PARENT) or None,
        params=pairs(item.data.params),
        tags=tags,
        latest={},
        datasets=(),
    )
    return structs.replace(record.run, metrics=values_of(item))


def values_of(item: wire.Run) -> dict[str, float]:
    """The latest value of each metric."""
    found = {}
    for point in item.data.metrics:
        value = real(point.value)
        if value is not None:
            found[exact(point.key)] = value
    return dict(sorted(found.items()))


def latest_of(item: wire.Run) -> dict[str, Metric]:
    """The latest point of each metric."""
    found = {}
    for point in item.data.metrics:
        value, step, millis = real(point.value), whole(point.step), whole(point.timestamp)
        if value is not None and step is not None:
            at = None if millis is None else from_micros(millis * 1000)
            found[exact(point.key)] = Metric(value, step, at)
    return found


def series_of(item: wire.Run) -> Sequence[SeriesInfo]:
    """What latest points tell of a run's series: where each ends, and no more."""
    return [
        SeriesInfo(
            key=key,
            count=None,
            first_step=None,
            last_step=last.step,
            first_time=None,
            last_time=last.time,
            low=None,
            high=None,
            total=None,
            finite=None,
        )
        for key, last in sorted(latest_of(item).items())
    ]


def datasets_of(item: wire.Run) -> Sequence[Dataset]:
    """The datasets of a run, in the order of their names."""
    found = []
    for one in item.inputs.dataset_inputs:
        labels, data = pairs(one.tags), one.dataset
        found.append(
            Dataset(
                name=exact(data.name or ""),
                digest=exact(data.digest or ""),
                source_type=exact(data.source_type or ""),
                source=exact(data.source or ""),
                schema=None if data.schema is None else exact(data.schema),
                profile=None if data.profile is None else exact(data.profile),
                context=labels.pop(CONTEXT, None),
                labels=labels,
            )
        )
    return sorted(found, key=lambda one: (one.name, one.context or ""))


def experiment_of(item: wire.Experiment, log: Log) -> Experiment:
    """An experiment; how many runs it has is not said."""
    where = f"experiment {item.experiment_id}"
    created = moment(item.creation_time, where, "its creation time", log)
    updated = moment(item.last_update_time, where, "its update time", log)
    tags = pairs(item.tags)
    return Experiment(
        id=item.experiment_id,
        name=exact(item.name),
        created_at=created,
        updated_at=updated,
        deleted_at=deletion(item.lifecycle_stage, updated, created),
        note=tags.get(NOTE, ""),
        tags=tags,
    )


def is_prompt(item: wire.Model) -> bool:
    """Whether MLflow keeps a prompt under this name."""
    return any(tag.key == PROMPT and tag.value == "true" for tag in item.tags)


def model_of(item: wire.Model, log: Log) -> Model:
    """A model; how many versions it has is not said."""
    where = f"model {item.name!r}"
    numbers = [whole(version.version) for version in item.latest_versions]
    aliases = {exact(one.alias): whole(one.version) for one in item.aliases}
    return Model(
        name=exact(item.name),
        created_at=moment(item.creation_timestamp, where, "its creation time", log),
        updated_at=moment(item.last_updated_timestamp, where, "its update time", log),
        note=exact(item.description or ""),
        tags=pairs(item.tags),
        aliases={alias: number for alias, number in sorted(aliases.items()) if number is not None},
        latest=max((number for number in numbers if number is not None), default=None),
    )


def version_of(item: wire.Version, log: Log, aliases: Mapping[str, int] | None = None) -> Version:
    """A version; `aliases` are those of its model, where the answer has none of its own."""
    number = whole(item.version)
    if number is None:
        raise DamagedError(f"a version of {item.name!r} has the number {item.version!r}")
    mine = item.aliases
    if aliases is not None:
        mine = [alias for alias, of in aliases.items() if of == number]
    return version_noun(
        where=f"version {item.name!r} {number}",
        log=log,
        model=exact(item.name),
        number=number,
        aliases=[exact(alias) for alias in mine],
        run_id=item.run_id,
        source=None if item.source is None else exact(item.source),
        kind="unknown",
        status=item.status,
        stage=item.current_stage,
        user=None if item.user_id is None else exact(item.user_id),
        note=exact(item.description or ""),
        created=item.creation_timestamp,
        updated=item.last_updated_timestamp,
        tags=pairs(item.tags),
    )


def aliases_of(models: Iterable[Model]) -> Sequence[Alias]:
    """The aliases of models, by model and name; MLflow does not say when one moved."""
    return [
        Alias(model=model.name, alias=alias, version=number)
        for model in sorted(models, key=lambda model: model.name)
        for alias, number in sorted(model.aliases.items())
    ]


def points_of(items: Iterable[wire.Point]) -> Points:
    """Points ordered by step, time, value, NaN last of its kind, as the stores' readers do."""
    rows = []
    for item in items:
        value, step, millis = real(item.value), whole(item.step), whole(item.timestamp)
        if value is not None and step is not None:
            rows.append((step, (millis or 0) * 1000, math.isnan(value), value))
    rows.sort(key=lambda row: row[:3] if row[2] else row)
    points = Points()
    for step, time, _, value in rows:
        points.append(step, time, value)
    return points


def file_of(item: wire.File, root: str) -> Artifact:
    """A file below a folder whose URI is `root`."""
    return Artifact(
        path=exact(item.path),
        size=whole(item.file_size) or 0,
        location=f"{root.rstrip('/')}/{item.path}" if root else None,
    )


def millis_of(time: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return to_micros(time) // 1000
