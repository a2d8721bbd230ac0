"""Things made on a server: experiments, runs with all they hold, models, versions.

What MLflow takes at a time is bounded; what is sent again after a doubtful answer is only what
leaves nothing twice: a batch of points, parameters and tags.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

import msgspec

from ..api.errors import RefusedError, UsageError
from ..api.runs import Dataset, Points, Run, Status
from ..mlflow_words import CONTEXT, NAME, NOTE, STATUSES, whole
from . import wire
from .artifacts import PROXY, is_safe, proxied
from .client import API, Client, refused
from .mapping import millis_of

T = TypeVar("T")
MOST_METRICS, MOST_PARAMS, MOST_TAGS = 1000, 100, 100
MOST_BYTES = 900_000
MOST_DATASETS = 1000
_WORDS = {status: word for word, status in STATUSES.items()}


class Writing:
    """What can be made on one server; `changed` is called after each request."""

    def __init__(self, client: Client, changed: Callable[[], None]) -> None:
        self._client = client
        self._changed = changed

    async def experiment(self, name: str, tags: Mapping[str, str]) -> str:
        """A new experiment; gives its id."""
        body = {"name": name, "tags": _pairs(tags)}
        made = await self._send("experiments/create", body, wire.ExperimentMade)
        return made.experiment_id

    async def run(self, experiment_id: str, run: Run, tags: Mapping[str, str]) -> str:
        """A new run with the name and start of `run`, running; gives its id.

        Without a start time MLflow would say 1970.
        """
        body: dict[str, Any] = {
            "experiment_id": experiment_id,
            "run_name": run.name,
            "tags": _pairs({NAME: run.name, **tags} if run.name else tags),
        }
        if run.started_at is not None:
            body["start_time"] = millis_of(run.started_at)
        if run.user:
            body["user_id"] = run.user
        made = await self._send("runs/create", body, wire.RunAnswer)
        return made.run.info.run_id or made.run.info.run_uuid

    async def log(
        self,
        run_id: str,
        *,
        points: Mapping[str, Points] = {},
        params: Mapping[str, str] = {},
        tags: Mapping[str, str] = {},
    ) -> None:
        """What a run logged, in as many requests as it takes."""
        for batch in batches(points, params, tags):
            try:
                await self._client.http.ask(
                    "POST",
                    f"{API}runs/log-batch",
                    wire.Nothing,
                    body={"run_id": run_id, **batch},
                    repeatable=True,
                )
            except UsageError as error:
                raise refused(error) from error
            finally:
                self._changed()

    async def datasets(self, run_id: str, datasets: Sequence[Dataset]) -> None:
        """The datasets that a run used."""
        for at in range(0, len(datasets), MOST_DATASETS):
            inputs = [_input(one) for one in datasets[at : at + MOST_DATASETS]]
            body = {"run_id": run_id, "datasets": inputs}
            await self._send("runs/log-inputs", body, wire.Nothing)

    async def end(self, run_id: str, run: Run) -> None:
        """How and when a run ended."""
        body: dict[str, Any] = {"run_id": run_id, "status": _WORDS[run.status]}
        if run.ended_at is not None:
            body["end_time"] = millis_of(run.ended_at)
        if run.status is not Status.RUNNING:
            await self._send("runs/update", body, wire.Nothing)
        if run.note:
            await self.log(run_id, tags={NOTE: run.note})

    async def file(self, run_id: str, path: str, source: BinaryIO | Path) -> None:
        """A file of a run, through the server to wherever it keeps them."""
        if not is_safe(path):
            raise RefusedError(f"{path!r} leaves its folder", where=f"run {run_id}")
        item = (await self._client.get("runs/get", wire.RunAnswer, run_id=run_id)).run
        root = proxied(item.info.artifact_uri or "")
        if root is None:
            raise RefusedError(
                f"its files go to {item.info.artifact_uri}, and not through the server",
                where=f"run {run_id}",
                way_out="Write into an experiment whose artifacts the server serves"
                " (`mlflow server --artifacts-destination`)",
            )
        await self._client.http.upload(f"{PROXY}/{quote(f'{root}/{path}')}", source)

    async def model(self, name: str, note: str, tags: Mapping[str, str]) -> None:
        """A new registered model."""
        body = {"name": name, "description": note, "tags": _pairs(tags)}
        await self._send("registered-models/create", body, wire.ModelAnswer)

    async def version(
        self, model: str, source: str, run_id: str | None, note: str, tags: Mapping[str, str]
    ) -> int:
        """A new version of a model; gives its number. MLflow does not look at its source."""
        body = {"name": model, "source": source, "description": note, "tags": _pairs(tags)}
        if run_id:
            body["run_id"] = run_id
        made = await self._send("model-versions/create", body, wire.VersionAnswer)
        return whole(made.model_version.version) or 0

    async def _send(self, path: str, body: Mapping[str, Any], shape: type[T]) -> T:
        try:
            return await self._client.send("POST", path, body, shape)
        except UsageError as error:
            raise refused(error) from error
        finally:
            self._changed()


def batches(
    points: Mapping[str, Points], params: Mapping[str, str], tags: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Bodies of log-batch, none of them above what MLflow takes."""
    yield from _parts("params", _pairs(params), MOST_PARAMS)
    yield from _parts("tags", _pairs(tags), MOST_TAGS)
    yield from _parts("metrics", _metrics(points), MOST_METRICS)


def _parts(kind: str, items: Iterable[Mapping[str, Any]], most: int) -> Iterator[Mapping[str, Any]]:
    part: list[Mapping[str, Any]] = []
    size = 0
    for item in items:
        length = len(msgspec.json.encode(item)) + 1
        if part and (len(part) == most or size + length > MOST_BYTES):
            yield {kind: part}
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield {kind: part}


def _metrics(points: Mapping[str, Points]) -> Iterator[Mapping[str, Any]]:
    for key, series in points.items():
        for step, time, value in zip(series.steps, series.times, series.values, strict=True):
            said = value if math.isfinite(value) else _odd(value)
            yield {"key": key, "value": said, "timestamp": time // 1000, "step": step}


def _odd(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _pairs(items: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"key": key, "value": value} for key, value in items.items()]


def _input(item: Dataset) -> Mapping[str, Any]:
    labels = dict(item.labels)
    if item.context is not None:
        labels[CONTEXT] = item.context
    dataset = {
        "name": item.name,
        "digest": item.digest,
        "source_type": item.source_type,
        "source": item.source,
        "schema": item.schema,
        "profile": item.profile,
    }
    kept = {key: value for key, value in dataset.items() if value is not None}
    return {"tags": _pairs(labels), "dataset": kept}
