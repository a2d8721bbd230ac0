"""The embedded registry as a backend: every protocol, over the files of one folder."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..api.address import run as run_address
from ..api.artifacts import Artifact
from ..api.errors import DamagedError, ModeldeckError, NotFoundError
from ..api.events import Actor, Event
from ..api.groups import Groups
from ..api.ingest import Source
from ..api.lists import ListWindow, RunQuery
from ..api.models import Alias, Model, Version
from ..api.order import arranged, experiment_fields, model_fields, version_fields
from ..api.plan import Change, Plan
from ..api.protocols import READS, YES, Availability
from ..api.query import Expression, Field, Sort
from ..api.runs import (
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
from ..api.times import to_micros
from . import experiments, models, runs, series, trail
from .database import Connection, Database
from .errors import clear_errors
from .files import Layout
from .groups import groups_of
from .happened import Happened
from .receiving import Receiver
from .store import Store, copy
from .windows import SqlListing, SqlWindow, run_window


def _now() -> datetime:
    return datetime.now(UTC)


class LocalBackend(Receiver, Happened):
    """A registry in a folder; over a `source`, one that mirrors it and reads series from there.

    `opening.open_registry` and `opening.create_registry` make one.
    """

    name = "local"

    def __init__(
        self,
        layout: Layout,
        *,
        read_only: str = "",
        source: Source | None = None,
        tool: str = "modeldeck",
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.layout = layout
        self.place = str(source.origin if source else layout.database)
        self.source = source
        self.tool = tool
        self.clock = clock
        self.registry = Database(layout.database, synchronous="FULL")
        self.telemetry = Database(layout.telemetry, synchronous="NORMAL")
        self.store = Store(layout.artifacts)
        self.protect(read_only)

    def protect(self, reason: str) -> None:
        """Change nothing from here on, for that reason; an empty one takes it back."""
        self.read_only = self.registry.read_only = self.telemetry.read_only = reason

    def availability(self, operation: str, subject: str = "") -> Availability:
        """Reads always can; changes unless the registry is read-only."""
        if self.read_only and operation.rpartition(".")[2] not in READS:
            return Availability(supported=False, reason=self.read_only)
        return YES

    def changed(self) -> str:
        """A text that differs after every write, whoever wrote: sizes and times of the files."""
        found = []
        for path in (self.layout.database, self.layout.telemetry):
            for name in (path.name, f"{path.name}-wal"):
                try:
                    status = path.with_name(name).stat()
                except OSError:
                    continue
                found.append(f"{name} {status.st_size} {status.st_mtime_ns}")
        return ", ".join(found)

    async def close(self) -> None:
        """Let go of all files."""
        try:
            await self.sealed()
            await self.registry.close()
        finally:
            await self.telemetry.close()
            if self.source is not None:
                await asyncio.to_thread(self.source.close)

    # Experiments

    async def experiments(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Experiment]:
        found = await self.registry.read(lambda c: experiments.all_experiments(c, shelf))
        rows = arranged(found, experiment_fields, where, sort)
        return ListWindow(rows, [row.id for row in rows])

    async def experiment(self, ref: str) -> Experiment:
        return await self.registry.read(lambda c: experiments.find_experiment(c, ref))

    # Runs

    async def runs(self, query: RunQuery, first: int = 100) -> SqlWindow[Run]:
        window = run_window(self.registry, query, to_micros(self.clock()))
        await window.open(first)
        return window

    async def run_groups(
        self, query: RunQuery, by: Sequence[Field], metrics: Sequence[str]
    ) -> Groups:
        now = to_micros(self.clock())
        return await self.registry.read(lambda c: groups_of(c, query, now, by, metrics))

    async def run(self, ref: str) -> Run:
        def work(connection: Connection) -> Run:
            found = runs.runs_by_id(connection, [runs.find_run(connection, ref)], Fields())
            if not found:
                raise DamagedError(
                    f"an index names run {ref!r}, and its row is not there",
                    where=str(self.layout.database),
                    way_out="`modeldeck doctor` says more",
                )
            return found[0]

        return await self.registry.read(work)

    async def run_keys(self, query: RunQuery) -> Keys:
        return await self.registry.read(lambda c: runs.keys_of(c, query))

    async def datasets(self, run_id: str) -> Sequence[Dataset]:
        return await self.registry.read(lambda c: runs.datasets_of(c, run_id))

    async def evaluations(self, run_id: str) -> Sequence[Evaluation]:
        return await self.registry.read(lambda c: runs.evaluations_of(c, run_id))

    async def usage(self, run_id: str) -> Usage:
        return await self.registry.read(lambda c: runs.usage_of(c, run_id))

    async def lock(self, digest: str) -> Lock | None:
        return await self.registry.read(lambda c: runs.lock_of(c, digest))

    # Histories

    async def series(self, run_id: str) -> Sequence[SeriesInfo]:
        native = await self._native(run_id)
        if native is not None and self.source is not None:
            return await asyncio.to_thread(self.source.series, native)
        return await self.from_telemetry(lambda c: series.infos(c, run_id), [])

    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        return await self.outline(run_id, key, 0, low=low, high=high, by=by)

    async def outline(
        self,
        run_id: str,
        key: str,
        most: int,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        """Points of a series, see `Outlines`; `most` 0 gives all. A source gives all, too."""
        from . import columns, points

        native = await self._native(run_id)
        if native is not None and self.source is not None:
            found = await asyncio.to_thread(self.source.points, native, key)
            return columns.between(found, low, high, by)
        return await self.from_telemetry(
            lambda c: points.read(c, run_id, key, low, high, by, most), Points()
        )

    async def sampled(
        self,
        run_ids: Sequence[str],
        key: str,
        most: int,
        low: int | None = None,
        high: int | None = None,
    ) -> Mapping[str, Points]:
        """All points: reading them is quicker here than choosing some."""
        return {run: await self.points(run, key, low=low, high=high) for run in run_ids}

    async def _native(self, run_id: str) -> str | None:
        if self.source is None:
            return None
        row = await self.registry.read(
            lambda c: c.execute("SELECT native_id FROM run WHERE uid = ?", (run_id,)).fetchone()
        )
        return row[0] if row else None

    # Artifacts

    async def artifacts(self, owner: str) -> Sequence[Artifact]:
        def work(connection: Connection) -> Sequence[Artifact]:
            rows = connection.execute(
                "SELECT path, size, digest, location FROM artifact WHERE owner = ? ORDER BY path",
                (owner,),
            )
            return [Artifact(path=r[0], size=r[1], digest=r[2], location=r[3]) for r in rows]

        known = await self.registry.read(work)
        if known or self.source is None:
            return known
        native = owner
        if owner.startswith("runs/"):
            known_as = await self._native(owner.removeprefix("runs/"))
            native = run_address(known_as or "")
        return await asyncio.to_thread(self.source.artifacts, native)

    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes:
        artifact = await self._artifact(owner, path)
        return await asyncio.to_thread(self._bytes, artifact, start, limit)

    async def download(self, owner: str, path: str, target: Path) -> str:
        return await asyncio.to_thread(self._save, await self._artifact(owner, path), target)

    async def _artifact(self, owner: str, path: str) -> Artifact:
        for artifact in await self.artifacts(owner):
            if artifact.path == path:
                return artifact
        raise NotFoundError(f"no artifact {path!r}", where=owner)

    def _bytes(self, artifact: Artifact, start: int, limit: int) -> bytes:
        with self.open_artifact(artifact) as file:
            file.seek(start)
            return file.read(limit)

    def _save(self, artifact: Artifact, target: Path) -> str:
        part = target.with_name(f"{target.name}.part")
        with self.open_artifact(artifact) as source, clear_errors(target):
            try:
                with part.open("wb") as file:
                    digest, _ = copy(source, file)
                if artifact.digest not in (None, digest):
                    raise DamagedError("its bytes are not those of its digest", where=artifact.path)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        return digest

    def open_artifact(self, artifact: Artifact) -> BinaryIO:
        """The bytes of an artifact of this registry; blocks."""
        if artifact.digest is not None and self.store.path(artifact.digest).exists():
            return self.store.open(artifact.digest)
        if self.source is not None and artifact.location:
            return self.source.open(artifact)
        raise NotFoundError(
            "its bytes are not kept here",
            where=artifact.path,
            way_out=f"They lie at {artifact.location}" if artifact.location else "",
        )

    # Models

    async def models(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Model]:
        found = await self.registry.read(lambda c: models.all_models(c, shelf))
        rows = arranged(found, model_fields, where, sort)
        return ListWindow(rows, [row.name for row in rows])

    async def model(self, name: str) -> Model:
        return await self.registry.read(lambda c: models.find_model(c, name))

    async def versions(
        self,
        model: str | None = None,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> ListWindow[Version]:
        found = await self.registry.read(lambda c: models.all_versions(c, shelf, model))
        rows = arranged(found, version_fields, where, sort)
        return ListWindow(rows, [f"{row.model}/{row.version}" for row in rows])

    async def version(self, model: str, number: int) -> Version:
        return await self.registry.read(lambda c: models.find_version(c, model, number))

    async def aliases(self, model: str | None = None) -> Sequence[Alias]:
        return await self.registry.read(lambda c: models.all_aliases(c, model))

    # Trail and changes

    async def events(
        self, where: Expression | None = None, sort: Sequence[Sort] = (), first: int = 100
    ) -> SqlWindow[Event]:
        window = SqlWindow(
            self.registry,
            SqlListing(lambda c: trail.event_numbers(c, where, sort)),
            trail.events_by_seq,
            lambda _, key: int(key) if key.isascii() and key.isdigit() else None,
            lambda _, numbers: [str(number) for number in numbers],
        )
        await window.open(first)
        return window

    def request(self, changes: Sequence[Change]) -> str:
        """What applying them would do."""
        return f"one transaction on {self.place}"

    def caveats(self, operation: str) -> Sequence[str]:
        """None: who may write the file may do anything with it, which `doctor` looks after."""
        return ()

    async def apply(self, plan: Plan, actor: Actor, context: str) -> Sequence[Event]:
        from .changes import apply

        events = await self.recorded(
            lambda c: apply(c, plan, actor, self.tool, context, self.clock(), self.signer),
            at_once=plan.operation in trail.PROMOTIONS,
        )
        if plan.operation == "run.purge":
            from .purging import sweep

            # It is done by now; what this cannot do is left to `gc`.
            with contextlib.suppress(ModeldeckError):
                subjects = [event.subject for event in events]
                await asyncio.to_thread(sweep, self.telemetry, self.layout, subjects)
        return events

    async def sizes(self, owners: Sequence[str]) -> Mapping[str, int]:
        from .purging import sizes

        return await self.registry.read(lambda c: sizes(c, owners))

    async def purged(self, model: str) -> Sequence[int]:
        from .purging import numbers_of

        return await self.registry.read(lambda c: numbers_of(c, model))
