"""The verbs: lists are whole and in memory, so modeldeck's own filters and orders do the work."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from modeldeck.backends.api.address import parse_address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.connect import Connection
from modeldeck.backends.api.errors import NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.exchanges import Exchange
from modeldeck.backends.api.lists import ListWindow, RunQuery
from modeldeck.backends.api.models import Alias, Model, Version
from modeldeck.backends.api.order import (
    arranged,
    experiment_fields,
    model_fields,
    run_fields,
    version_fields,
)
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.protocols import READS, YES, Availability
from modeldeck.backends.api.query import Expression, Field, Sort
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Fields,
    Keys,
    Lock,
    Points,
    Run,
    SeriesInfo,
    Shelf,
    Usage,
)
from modeldeck.backends.api.times import from_micros, rfc3339

from .store import Store, read, write

T = TypeVar("T")
CHANGES = ("alias.set", "alias.rm")
NEWEST = (Sort(Field("started"), descending=True),)


class JsonServer:
    """A registry in a file. Files of runs lie in `files/RUN/` beside it."""

    name = "json"
    exchanges: Sequence[Exchange] = ()

    def __init__(self, connection: Connection) -> None:
        self.path = Path(str(connection.options.get("path") or "registry.json")).expanduser()
        self.place = str(self.path)
        self.read_only = connection.read_only

    def availability(self, operation: str, subject: str = "") -> Availability:
        if operation.rpartition(".")[2] in READS:
            return YES
        if self.read_only:
            return Availability(supported=False, reason=self.read_only)
        if operation not in CHANGES:
            return Availability(supported=False, reason="a JSON file holds it, edit that")
        return YES

    def link(self, address: str) -> str | None:
        """None: a file has no pages."""
        return None

    async def close(self) -> None:
        """Nothing is open."""

    async def _store(self) -> Store:
        return await asyncio.to_thread(read, self.path)

    # Experiments and runs

    async def experiments(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Experiment]:
        found = _on(shelf, (await self._store()).experiments)
        rows = arranged(found, experiment_fields, where, sort)
        return ListWindow(rows, [row.id for row in rows])

    async def experiment(self, ref: str) -> Experiment:
        return _one(ref, (await self._store()).experiments, "experiment")

    async def runs(self, query: RunQuery, first: int = 100) -> ListWindow[Run]:
        store, now = await self._store(), datetime.now(UTC)
        there = {run.id for run in store.runs if run.deleted_at is None}
        found = [
            run
            for run in _on(query.shelf, store.runs)
            if (query.experiments is None or run.experiment in query.experiments)
            and (query.parent is None or run.parent_id == query.parent)
            and not (query.top and query.parent is None and run.parent_id in there)
        ]
        rows = arranged(
            found,
            lambda run: run_fields(run, store.datasets.get(run.id, ()), now),
            query.where,
            query.sort or NEWEST,
        )
        rows = [_cut(run, query.fields) for run in rows]
        return ListWindow(rows, [row.id for row in rows], first=first)

    async def run(self, ref: str) -> Run:
        return _one(ref, (await self._store()).runs, "run")

    async def run_keys(self, query: RunQuery) -> Keys:
        window = await self.runs(query)
        runs = await window.page(0, window.count)
        return Keys(
            metrics=sorted({key for run in runs for key in run.metrics}),
            params=sorted({key for run in runs for key in run.params}),
            tags=sorted({key for run in runs for key in run.tags}),
        )

    async def datasets(self, run_id: str) -> Sequence[Dataset]:
        return (await self._store()).datasets.get(run_id, ())

    async def evaluations(self, run_id: str) -> Sequence[Evaluation]:
        return ()

    async def usage(self, run_id: str) -> Usage:
        return Usage()

    async def lock(self, digest: str) -> Lock | None:
        return None

    # Series

    async def series(self, run_id: str) -> Sequence[SeriesInfo]:
        found = (await self._store()).series.get(run_id, {})
        return [_info(key, rows) for key, rows in found.items() if rows]

    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        points, column = Points(), ("step", "time").index(by)
        for row in (await self._store()).series.get(run_id, {}).get(key, ()):
            if (low is None or row[column] >= low) and (high is None or row[column] <= high):
                points.append(*row)
        return points

    async def sampled(
        self,
        run_ids: Sequence[str],
        key: str,
        most: int,
        low: int | None = None,
        high: int | None = None,
    ) -> Mapping[str, Points]:
        return {run: await self.points(run, key, low=low, high=high) for run in run_ids}

    # Files

    async def artifacts(self, owner: str) -> Sequence[Artifact]:
        folder = self._folder(owner)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return [
            Artifact(path=path.relative_to(folder).as_posix(), size=path.stat().st_size)
            for path in paths
        ]

    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes:
        if path not in [one.path for one in await self.artifacts(owner)]:
            raise NotFoundError(f"no artifact {path!r}", where=owner)
        return (self._folder(owner) / path).read_bytes()[start : start + limit]

    async def download(self, owner: str, path: str, target: Path) -> str:
        content = await self.read_artifact(owner, path, 0, 1 << 40)
        await asyncio.to_thread(target.write_bytes, content)
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def _folder(self, owner: str) -> Path:
        address = parse_address(owner)
        if address.noun != "runs" or "/" in address.name or address.name in ("", ".", ".."):
            return self.path.with_name("nothing")
        return self.path.with_name("files") / address.name

    # Models

    async def models(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Model]:
        found = _on(shelf, (await self._store()).models.values())
        rows = arranged(found, model_fields, where, sort)
        return ListWindow(rows, [row.name for row in rows])

    async def model(self, name: str) -> Model:
        return _model(await self._store(), name)

    async def versions(
        self,
        model: str | None = None,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Version]:
        store = await self._store()
        names = store.versions if model is None else [model]
        found = [one for name in names for one in _versions(store, name)]
        rows = arranged(_on(shelf, found), version_fields, where, sort)
        return ListWindow(rows, [f"{row.model}/{row.version}" for row in rows])

    async def version(self, model: str, number: int) -> Version:
        store = await self._store()
        _model(store, model)
        for one in _versions(store, model):
            if one.version == number:
                return one
        raise NotFoundError(f"model {model!r} has no version {number}")

    async def aliases(self, model: str | None = None) -> Sequence[Alias]:
        store = await self._store()
        models = store.models.values() if model is None else [_model(store, model)]
        return [
            Alias(model=one.name, alias=alias, version=number)
            for one in models
            for alias, number in one.aliases.items()
        ]

    # Changes: single fields; modeldeck's journal compares, reads back and writes down

    async def read_field(self, subject: str, field: str) -> Any:
        address = parse_address(subject)
        word, _, key = field.partition(":")
        if address.alias is not None:
            return (await self.model(address.name)).aliases.get(address.alias)
        item: Any
        if address.version is not None:
            item = await self.version(address.name, address.version)
        elif address.noun == "models":
            item = await self.model(address.name)
        else:
            item = await (self.run if address.noun == "runs" else self.experiment)(address.name)
        if word == "deleted":
            return rfc3339(item.deleted_at) if item.deleted_at else None
        if word not in ("tag", "note"):
            raise UsageError(f"{subject} has no field {field!r} that could be changed")
        return item.tags.get(key) if word == "tag" else item.note

    async def write_field(self, change: Change) -> None:
        address = parse_address(change.subject)
        if address.alias is None:
            raise RefusedError(self.availability("").reason, where=change.subject)
        if change.after is not None:
            await self.version(address.name, change.after)
        await asyncio.to_thread(self._point, address.name, address.alias, change.after)

    def _point(self, name: str, alias: str, number: int | None) -> None:
        store = read(self.path)
        aliases = dict(_model(store, name).aliases)
        aliases.pop(alias, None)
        if number is not None:
            aliases[alias] = number
        store.models[name] = replace(store.models[name], aliases=aliases)
        write(self.path, store)

    def request(self, changes: Sequence[Change]) -> str:
        return f"{len(changes)} changes of {self.path}"

    def caveats(self, operation: str) -> Sequence[str]:
        return ("whoever may write the file can change anything in it",)


def _on(shelf: Shelf, items: Any) -> Any:
    if shelf is Shelf.ALL:
        return list(items)
    return [one for one in items if (one.deleted_at is None) == (shelf is Shelf.ACTIVE)]


def _one(ref: str, items: Sequence[T], noun: str) -> T:
    """By id, by name, or by the beginning of an id, when there is just one."""
    for fits in (
        lambda one: one.id == ref,
        lambda one: one.name == ref,
        lambda one: bool(ref) and one.id.startswith(ref),
    ):
        found = [one for one in items if fits(one)]
        if len(found) == 1:
            return found[0]
    raise NotFoundError(f"no {noun} {ref!r}")


def _model(store: Store, name: str) -> Model:
    try:
        return store.models[name]
    except KeyError:
        raise NotFoundError(f"no model {name!r}") from None


def _versions(store: Store, name: str) -> Sequence[Version]:
    aliases = store.models[name].aliases if name in store.models else {}
    return [
        replace(one, aliases=[word for word, at in aliases.items() if at == one.version])
        for one in store.versions.get(name, ())
    ]


def _cut(run: Run, fields: Fields) -> Run:
    kept = {}
    for of in ("metrics", "params", "tags"):
        wanted, there = getattr(fields, of), getattr(run, of)
        kept[of] = there if wanted is None else {k: v for k, v in there.items() if k in wanted}
    return replace(run, **kept)


def _info(key: str, rows: Sequence[tuple[int, int, float]]) -> SeriesInfo:
    finite = [value for _, _, value in rows if abs(value) < float("inf")]
    return SeriesInfo(
        key=key,
        count=len(rows),
        first_step=min(row[0] for row in rows),
        last_step=max(row[0] for row in rows),
        first_time=from_micros(min(row[1] for row in rows)),
        last_time=from_micros(max(row[1] for row in rows)),
        low=min(finite, default=None),
        high=max(finite, default=None),
        total=sum(finite),
        finite=len(finite),
    )
