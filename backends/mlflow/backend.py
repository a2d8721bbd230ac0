"""An MLflow server behind the verbs of every registry."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..api.address import parse_address
from ..api.ages import Age
from ..api.artifacts import Artifact
from ..api.checkup import Finding
from ..api.connect import Connection
from ..api.errors import DeniedError, ModeldeckError, UsageError
from ..api.exchanges import Exchange
from ..api.lists import ListWindow, RunQuery, Window
from ..api.models import Alias, Model, Version
from ..api.order import arranged, experiment_fields, model_fields, version_fields
from ..api.plan import Change
from ..api.protocols import Availability
from ..api.query import Expression, Sort
from ..api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Keys,
    Lock,
    Points,
    Run,
    SeriesInfo,
    Shelf,
    Usage,
)
from . import checkup, fields, mapping, permits
from .artifacts import Files
from .client import Client, explain
from .histories import Histories
from .links import link
from .names import Names, on_shelf
from .receiving import Receiver
from .registered import Registered
from .runs import Runs
from .writing import Writing

CACHES = ("off", "memory", "disk")


def _now() -> datetime:
    return datetime.now(UTC)


class MlflowServer(Receiver):
    """One tracking server and registry. `mlflow.connect` makes one."""

    name = "mlflow"

    def __init__(self, connection: Connection, clock: Callable[[], datetime] = _now) -> None:
        keep = str(connection.options.get("cache") or "memory")
        if keep not in CACHES:
            raise UsageError(
                f"cache = {keep!r} is not known for MLflow servers",
                where=f"context {connection.context}",
                way_out=f"Give one of {', '.join(CACHES)}",
            )
        if keep == "disk" and connection.cache_folder is None:
            raise UsageError(
                'cache = "disk" needs a folder to keep answers in',
                where=f"context {connection.context}",
                way_out="Give another cache",
            )
        self.place = connection.url.rstrip("/")
        self.read_only = connection.read_only
        self.clock = clock
        self.client = Client(connection)
        self._connection = connection
        self._rooms = {}
        self._workspace = str(connection.options.get("workspace") or "")
        self._log = mapping.Trouble()
        kept = keep != "off"
        self._names = Names(self.client, self._log, clock, keep=kept)
        self._runs = Runs(self.client, self._names, self._log, clock, keep=kept)
        self._registered = Registered(self.client, self._log, clock, keep=kept)
        self._files = Files(self.client, self._runs, self._registered, self._log, keep=kept)
        self._fields = fields.FieldAccess(self.client, self._runs, self._registered, self._log)
        self._histories = Histories(self.client, self.server_version)
        self.writing = Writing(self.client, self.forget)
        self._version: tuple[int, int] | None = None
        self._grants: permits.Grants | None = None
        self._met = asyncio.Lock()
        self._greeting: asyncio.Task[None] | None = None
        self._asked_version = self._asked_grants = False

    # What it is

    async def server_version(self) -> tuple[int, int] | None:
        """The first two numbers of its version, asked once; None when it does not say."""
        async with self._met:
            if not self._asked_version:
                self._version = await self.client.version()
                self._asked_version = True
        return self._version

    async def greet(self) -> None:
        """Learn its version and what it lets us do; `availability` is narrowed by that."""
        with contextlib.suppress(DeniedError):
            await self.server_version()
            await self._learn_grants()

    async def checkup(self) -> AsyncIterator[Finding]:
        """What `modeldeck doctor` should know of it."""
        from ..http import Http

        given = self._connection
        bare = Http(self.place, trust=given.trust, limits=given.limits, explain=explain)
        try:
            async for found in checkup.look(self.client, bare, self._header):
                yield found
        finally:
            await bare.close()
        await self._learn_grants()
        yield checkup.who(await self._header(), self._grants)
        if self.client.http.disk is not None:
            yield await asyncio.to_thread(checkup.kept, self.client.http.disk)

    def _greet_later(self) -> None:
        """Greet beside what is asked, once a first answer has come, where there are accounts."""
        if self._connection.credentials is not None and self._greeting is None:
            self._greeting = asyncio.get_running_loop().create_task(self._greet_quietly())

    async def _greet_quietly(self) -> None:
        with contextlib.suppress(ModeldeckError):
            await self.greet()

    def availability(self, operation: str, subject: str = "") -> Availability:
        """What MLflow has, narrowed by what is known of the server."""
        experiment = ""
        if subject.startswith("runs/"):
            experiment = self._runs.experiment_of(parse_address(subject).name)
        return permits.availability(operation, subject, self.read_only, self._grants, experiment)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The latest requests, oldest first."""
        return self.client.http.exchanges

    def link(self, address: str) -> str | None:
        """The address of a thing in MLflow's own pages."""
        experiment = ""
        if address.startswith("runs/"):
            experiment = self._runs.experiment_of(parse_address(address).name)
        workspace = str(self._connection.options.get("workspace") or "")
        return link(self.place, address, experiment, workspace)

    async def close(self) -> None:
        """Let go of connections."""
        if self._greeting is not None:
            self._greeting.cancel()
            await asyncio.wait([self._greeting])
        await self.client.http.close()

    async def _header(self) -> str | None:
        credentials = self._connection.credentials
        return await credentials.header() if credentials else None

    async def _learn_grants(self) -> None:
        async with self._met:
            if not self._asked_grants:
                self._grants = await self._ask_grants()
                self._asked_grants = True

    async def _ask_grants(self) -> permits.Grants | None:
        """What MLflow's own accounts let us do; None where it has none."""
        user = permits.user_of(await self._header())
        if user is None:
            return None
        http = self.client
        found = await http.exists(
            "GET", "/api/3.0/mlflow/users/current/permissions", permits.Grants
        )
        if found is not None:
            return found
        old = await http.exists(
            "GET", "/api/2.0/mlflow/users/get", permits.OldAnswer, username=user
        )
        return None if old is None else permits.grants_of(old)

    # Experiments

    async def experiments(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Experiment]:
        found = on_shelf(await self._names.all(fresh=True), shelf)
        rows = arranged(found, experiment_fields, where, sort)
        return ListWindow(rows, [row.id for row in rows])

    async def experiment(self, ref: str) -> Experiment:
        return await self._names.find(ref)

    # Runs

    async def runs(self, query: RunQuery, first: int = 100) -> Window[Run]:
        window = await self._runs.window(query, first)
        self._greet_later()
        return window

    async def run(self, ref: str) -> Run:
        return await self._runs.find(ref)

    async def run_keys(self, query: RunQuery) -> Keys:
        return await self._runs.keys(query)

    async def datasets(self, run_id: str) -> Sequence[Dataset]:
        return mapping.datasets_of(await self._runs.item(run_id))

    async def evaluations(self, run_id: str) -> Sequence[Evaluation]:
        """None: MLflow's are metrics and tables of the run."""
        return ()

    async def usage(self, run_id: str) -> Usage:
        run = await self._runs.run(run_id)
        if run.started_at is None or run.ended_at is None:
            return Usage()
        return Usage(wall_seconds=(run.ended_at - run.started_at).total_seconds())

    async def lock(self, digest: str) -> Lock | None:
        """None: MLflow keeps no locks."""
        return None

    # Histories

    async def series(self, run_id: str) -> Sequence[SeriesInfo]:
        return mapping.series_of(await self._runs.item(run_id))

    async def points(
        self,
        run_id: str,
        key: str,
        *,
        low: int | None = None,
        high: int | None = None,
        by: str = "step",
    ) -> Points:
        return await self._histories.points(run_id, key, low=low, high=high, by=by)

    async def sampled(
        self,
        run_ids: Sequence[str],
        key: str,
        most: int,
        low: int | None = None,
        high: int | None = None,
    ) -> Mapping[str, Points]:
        return await self._histories.sampled(run_ids, key, most, low, high)

    # Artifacts

    async def artifacts(self, owner: str) -> Sequence[Artifact]:
        return await self._files.artifacts(owner)

    async def read_artifact(
        self, owner: str, path: str, start: int = 0, limit: int = 1 << 20
    ) -> bytes:
        return await self._files.read(owner, path, start, limit)

    async def download(self, owner: str, path: str, target: Path) -> str:
        """A whole file to `target`, resumed where it broke off; gives its digest."""
        return await self._files.download(owner, path, target)

    # Models

    async def models(
        self,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Model]:
        found = [] if shelf is Shelf.DELETED else await self._registered.models()
        self._greet_later()
        rows = arranged(found, model_fields, where, sort)
        return ListWindow(rows, [row.name for row in rows])

    async def model(self, name: str) -> Model:
        found = await self._registered.model(name)
        self._greet_later()
        return found

    async def versions(
        self,
        model: str | None = None,
        where: Expression | None = None,
        sort: Sequence[Sort] = (),
        shelf: Shelf = Shelf.ACTIVE,
    ) -> Window[Version]:
        found: Sequence[Version] = []
        if shelf is not Shelf.DELETED:
            found = await self._registered.versions(model, where)
        rows = arranged(found, version_fields, where, sort)
        return ListWindow(rows, [f"{row.model}/{row.version}" for row in rows])

    async def version(self, model: str, number: int) -> Version:
        return await self._registered.version(model, number)

    async def aliases(self, model: str | None = None) -> Sequence[Alias]:
        if model is not None:
            return mapping.aliases_of([await self._registered.model(model)])
        return mapping.aliases_of(await self._registered.models())

    # Fields

    async def read_field(self, subject: str, field: str) -> Any:
        with Age(self.clock(), old=False):
            return await self._fields.read(subject, field)

    async def write_field(self, change: Change) -> None:
        try:
            with Age(self.clock(), old=False):
                await self._fields.write(change)
        finally:
            self._names.forget()

    def request(self, changes: Sequence[Change]) -> str:
        """The requests that would be sent."""
        return fields.request(changes, self.place)

    def caveats(self, operation: str) -> Sequence[str]:
        """Who may do it past every gate."""
        return (permits.CAVEAT,) if operation in ("alias.set", "alias.rm") else ()
