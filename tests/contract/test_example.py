"""The contract on the example adapter, which is a package of its own, loaded by its entry point."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from modeldeck.app.remote import load_adapter
from modeldeck.app.usecases.aliases import list_aliases, plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.undo import plan_undo
from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.api.connect import Connection
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.runs import Experiment, Run
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.testing import Contract, opened
from modeldeck.backends.testing.maker import START

pytestmark = pytest.mark.contract
SOURCE = Path(__file__).parent.parent / "example_adapter"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder it is installed in: its modules, and what says which entry points it has."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    target = tmp_path_factory.mktemp("site")
    shutil.copytree(SOURCE / "src", target, dirs_exist_ok=True)
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    words = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(words, encoding="utf-8")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


@pytest.fixture
def connect(installed, monkeypatch):
    """What modeldeck finds under the name that a context would give."""
    monkeypatch.syspath_prepend(installed)
    yield load_adapter("json-file")
    for name in [name for name in sys.modules if name.partition(".")[0] == "modeldeck_json"]:
        del sys.modules[name]


class FileMaker:
    """Edits the file."""

    def __init__(self, path):
        import modeldeck_json.store as stores

        self.stores = stores
        self.path = path

    def edit(self, change):
        store = self.stores.read(self.path)
        found = change(store)
        self.stores.write(self.path, store)
        return found

    async def experiment(self, name, *, tags, note):
        def work(store):
            made = Experiment(id=f"e{len(store.experiments)}", name=name, tags=tags, note=note)
            store.experiments.append(made)
            return made.id

        return self.edit(work)

    async def run(self, experiment, given):
        def work(store):
            [name] = [one.name for one in store.experiments if one.id == experiment]
            run_id = f"{len(store.runs) + 1:031x}0"
            start = to_micros(given.started_at)
            made = Run(
                id=run_id,
                name=given.name,
                experiment=name,
                status=given.status,
                started_at=given.started_at,
                ended_at=given.ended_at,
                parent_id=given.parent,
                params=given.params,
                metrics={key: rows[-1][1] for key, rows in given.series.items()},
                tags=given.tags,
            )
            store.runs.append(made)
            store.datasets[run_id] = list(given.datasets)
            store.series[run_id] = {
                key: [(step, start + n * 1_000_000, value) for n, (step, value) in enumerate(rows)]
                for key, rows in given.series.items()
            }
            return run_id

        return self.edit(work)

    async def file(self, run_id, path, content):
        target = self.path.parent / "files" / run_id / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    async def model(self, name, *, versions, tags, note):
        def work(store):
            store.models[name] = Model(
                name=name, tags=tags, note=note, created_at=START, versions=versions,
                latest=versions or None,
            )  # fmt: skip
            numbers = range(1, versions + 1)
            store.versions[name] = [Version(model=name, version=n) for n in numbers]

        self.edit(work)

    async def point(self, model, alias, version):
        def work(store):
            aliases = {**store.models[model].aliases, alias: version}
            kept = {word: at for word, at in aliases.items() if at is not None}
            store.models[model] = msgspec.structs.replace(store.models[model], aliases=kept)

        self.edit(work)


class TestExample(Contract):
    @pytest.fixture
    def path(self, tmp_path):
        found = tmp_path / "registry.json"
        found.write_text("{}", encoding="utf-8")
        return found

    @pytest.fixture
    async def registry(self, connect, path, tmp_path):
        connection = Connection(context="test", url="", options={"path": str(path)})
        found = opened(connect(connection), tmp_path / "records")
        yield found
        await found.close()

    @pytest.fixture
    def maker(self, registry, path):
        return FileMaker(path)


async def test_a_context_of_its_type_is_operated_like_any_other(connect, tmp_path, monkeypatch):
    """From config.toml to a move, its undo, and what somebody else did meanwhile."""
    path = tmp_path / "registry.json"
    path.write_text("{}", encoding="utf-8")
    maker = FileMaker(path)
    await maker.model("fraud", versions=2, tags={}, note="")
    await maker.point("fraud", "champion", 1)
    config = tmp_path / "config.toml"
    words = f'[contexts.notebook.registry]\ntype = "json-file"\noptions.path = "{path}"\n'
    config.write_text(words, encoding="utf-8")
    monkeypatch.setenv("MODELDECK_CONFIG", str(config))
    session = await open_session(Wish(context="notebook"), tmp_path)
    move = await plan_set(session, "fraud", "champion", 2, reason="better")
    assert move.caveats == ("whoever may write the file can change anything in it",)
    await apply_plan(session, move)
    await apply_plan(session, await plan_undo(session))
    await maker.point("fraud", "champion", 2)
    await list_aliases(session, "fraud")
    await session.registry.close()
    session = await open_session(Wish(context="notebook"), tmp_path)
    found = (await session.registry.events(sort=[Sort(Field("seq"))])).first
    assert [one.phase for one in found] == ["intent", "done", "intent", "done", "observed"]
    assert [one.after["version"] for one in found] == [2, 2, 1, 1, 2]
    assert {one.context for one in found} == {"notebook"}
    await session.registry.close()
