"""The contract on the embedded registry."""

from __future__ import annotations

import inspect
import io

import pytest

from modeldeck.backends import testing
from modeldeck.backends.api.ingest import ModelRecord, RunRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Experiment, Metric, Points, Run
from modeldeck.backends.api.times import from_micros, to_micros
from modeldeck.backends.local import create_registry
from modeldeck.backends.testing import (
    BackendContract,
    ChangesContract,
    Contract,
    TrailContract,
)
from modeldeck.backends.testing.maker import START

pytestmark = pytest.mark.contract
ORIGIN = "file:///elsewhere"


class LocalMaker:
    """Puts things in as records of another store come in."""

    def __init__(self, backend):
        self.backend = backend
        self.names = {}
        self.count = 0

    async def take(self, **what):
        # Each from a place of its own: what comes from one place is known by its ids there.
        self.count += 1
        await self.backend.take(f"{ORIGIN}/{self.count}", "test", **what)

    async def experiment(self, name, *, tags, note):
        made = Experiment(id=f"e{self.count}", name=name, tags=tags, note=note, created_at=START)
        await self.take(experiments=[made])
        found = await self.backend.experiment(name)
        self.names[found.id] = (f"{ORIGIN}/{self.count}", made.id)
        return found.id

    async def run(self, experiment, given):
        origin, native = self.names[experiment]
        self.count += 1
        start = to_micros(given.started_at)
        history, latest = {}, {}
        for key, rows in given.series.items():
            history[key] = points = Points()
            for n, (step, value) in enumerate(rows):
                points.append(step, start + n * 1_000_000, value)
            latest[key] = Metric(value, step, from_micros(points.times[-1]))
        run = Run(
            id=f"{self.count:032x}",
            name=given.name,
            experiment="",
            status=given.status,
            started_at=given.started_at,
            ended_at=given.ended_at,
            parent_id=given.parent,
            params=given.params,
            tags=given.tags,
        )
        record = RunRecord(run=run, experiment_id=native, latest=latest, datasets=given.datasets)
        await self.backend.take(origin, "test", runs=[record])
        ids = await self.backend.native_ids(origin, [run.id])
        await self.backend.take_histories({ids[run.id]: history})
        return ids[run.id]

    async def file(self, run_id, path, content):
        kept = self.backend.keep(io.BytesIO(content), path)
        await self.backend.take_artifacts(f"runs/{run_id}", [kept])

    async def model(self, name, *, versions, tags, note):
        made = Model(name=name, tags=tags, note=note, created_at=START)
        numbers = range(1, versions + 1)
        record = ModelRecord(model=made, versions=[Version(model=name, version=n) for n in numbers])
        await self.take(models=[record])

    async def point(self, model, alias, version):
        before = (await self.backend.model(model)).aliases.get(alias)
        row = await self.backend.registry.write(
            lambda c: c.execute("SELECT id FROM model WHERE name = ?", (model,)).fetchone()
        )
        assert before is None, "only made, never moved: nobody is behind a local registry's back"
        await self.backend.registry.write(
            lambda c: (
                c.execute(
                    "INSERT INTO alias VALUES(?, ?, ?, NULL)", (*row, alias, version)
                ).rowcount
            )
        )


class TestLocal(Contract):
    @pytest.fixture
    async def registry(self, tmp_path):
        found = create_registry(tmp_path)
        yield found
        await found.close()

    @pytest.fixture
    def maker(self, registry):
        return LocalMaker(registry)


class TestReadOnly(BackendContract, ChangesContract, TrailContract):
    """One that changes nothing refuses with its reason, and reads as ever."""

    @pytest.fixture
    async def registry(self, tmp_path):
        found = create_registry(tmp_path)
        yield found
        await found.close()

    @pytest.fixture
    def maker(self, registry):
        return ReadOnlyMaker(registry)


class ReadOnlyMaker(LocalMaker):
    """Lifts the protection for as long as it makes something."""

    def __init__(self, backend):
        super().__init__(backend)
        backend.protect("only to look at")

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in ("experiment", "run", "file", "model", "point"):
            return found

        async def made(*args, **options):
            self.backend.protect("")
            try:
                return await found(*args, **options)
            finally:
                self.backend.protect("only to look at")

        return made


def test_no_part_of_the_contract_hides_a_test_of_another():
    names = [
        name
        for part in Contract.__bases__
        for name, _ in inspect.getmembers(part, inspect.isfunction)
        if name.startswith("test_")
    ]
    assert sorted(names) == sorted(set(names))
    assert len(names) > 40
    assert set(Contract.__bases__) == {
        value for name, value in vars(testing).items() if name.endswith("Contract")
    } - {Contract}
