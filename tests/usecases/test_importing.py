"""Stores of a real MLflow, copied in and opened in place: all that its own client reads."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.mirror import mirror_folder, open_in_place, open_store
from modeldeck.app.usecases.importing import import_store
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import ConflictError, NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.runs import Shelf
from modeldeck.backends.local import create_registry
from tests.mlflow_store import KINDS
from tests.usecases.equality import every, held, wanted
from tests.usecases.project import ACTOR, CONTEXT

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(params=KINDS)
def store(request, mlflow_store):
    return mlflow_store(request.param)


@pytest.fixture
def small(mlflow_store, tmp_path):
    """A copy of a small store, which the test may change."""
    shared = mlflow_store("3-sqlite", "small")
    return Path(shutil.copytree(shared.root, tmp_path / "origin")) / "mlflow.db"


@pytest.fixture
async def session(tmp_path):
    registry = create_registry(tmp_path / "ours")
    yield Session(context=CONTEXT, registry=registry, actor=ACTOR)
    await registry.close()


async def imported(session, path, **options):
    source = open_store(path)
    try:
        return await import_store(session, source, **options)
    finally:
        source.close()


def counts(session):
    """How many rows each table of both files has."""
    found = {}
    for path in (session.registry.layout.database, session.registry.layout.telemetry):
        with closing(sqlite3.connect(path)) as connection:
            tables = [r[0] for r in connection.execute("SELECT name FROM sqlite_master"
                                                       " WHERE type = 'table'")]  # fmt: skip
            for table in tables:
                found[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def compare(found, expected):
    """Part by part: a difference in one is easier to read than in all."""
    assert found["experiments"] == expected["experiments"]
    assert [run["id"] for run in found["runs"]] == [run["id"] for run in expected["runs"]]
    for one, other in zip(found["runs"], expected["runs"], strict=True):
        assert one.keys() == other.keys()
        for key, value in other.items():
            assert one[key] == value, (other["name"], key)
    assert found["models"] == expected["models"]


async def test_all_of_a_store_is_in_the_registry(store, session):
    done = await imported(session, store.path)
    compare(await held(session.registry), wanted(store.dump))
    assert (done.runs, done.runs_taken) == (len(store.dump["runs"]),) * 2
    assert done.conflicts == []
    versions = await every(await session.registry.versions("fraud"))
    unsafe = [v.unsafe for v in versions if v.run_id]
    # The models of 2.x are pickles, those of 3.x skops files.
    assert all(unsafe) if store.kind.startswith("2") else unsafe == [()] * 3 or unsafe == [[]] * 3
    assert all(v.digest and v.size and v.signature for v in versions if v.run_id)


async def test_all_of_a_store_is_there_in_place_and_it_is_not_touched(store):
    before = listing(store.root)
    registry = await open_in_place(store.path, Settings(), tool="test")
    try:
        compare(await held(registry), wanted(store.dump))
        assert not registry.availability("run.tag").supported
    finally:
        await registry.close()
    assert listing(store.root) == before


def listing(root):
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        # SQLite's readers of a file in WAL mode make these.
        if not path.name.endswith(("-wal", "-shm"))
    }


async def test_a_second_import_changes_nothing(store, session):
    await imported(session, store.path)
    before = counts(session)
    done = await imported(session, store.path)
    assert (done.runs_taken, done.points, done.files) == (0, 0, 0)
    assert counts(session) == before


async def test_what_changed_there_comes_with_the_next_import(small, session):
    await imported(session, small)
    (run,) = [
        r for r in await every(await session.registry.runs(RunQuery())) if r.name == "running"
    ]
    assert run.status == "running"
    change(
        small,
        f"UPDATE runs SET status = 'FINISHED', end_time = 1 WHERE run_uuid = '{run.id}'",
        f"INSERT INTO metrics VALUES('auc', 0.75, 1700009998000, '{run.id}', 9, 0)",
        "UPDATE latest_metrics SET value = 0.75, step = 9, timestamp = 1700009998000"
        f" WHERE run_uuid = '{run.id}'",
    )
    done = await imported(session, small)
    assert done.runs_taken == 1
    now = await session.registry.run(run.id)
    assert (now.status, now.metrics["auc"]) == ("finished", 0.75)
    points = await session.registry.points(run.id, "auc")
    assert list(points.steps) == [0, 9]
    assert await session.registry.open_runs() == []


async def test_an_alias_that_moved_there_is_a_conflict_and_stays_here(small, session):
    await imported(session, small)
    change(small, "UPDATE registered_model_aliases SET version = 1 WHERE alias = 'champion'")
    done = await imported(session, small)
    assert done.conflicts == ["fraud@champion is 1 there, 2 here"]
    aliases = await session.registry.aliases("fraud")
    assert {a.alias: a.version for a in aliases}["champion"] == 2


async def test_names_that_are_taken_are_refused_before_anything_is_copied(small, session, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(small.parent, other)
    await imported(session, small)
    before = counts(session)
    with pytest.raises(ConflictError, match=r"nothing was imported.*--as fraud=NAME"):
        await imported(session, other / "mlflow.db")
    assert counts(session) == before
    models = [model.name for model in await every(await session.registry.models())]
    rename = {name: f"other {name}" for name in models}
    done = await imported(session, other / "mlflow.db", rename=rename)
    assert done.models == len(models)
    versions = await every(await session.registry.versions("other fraud"))
    theirs = await every(await session.registry.versions("fraud"))
    assert [v.digest for v in versions] == [v.digest for v in theirs]
    # The same runs from elsewhere are other runs.
    runs = await every(await session.registry.runs(RunQuery(shelf=Shelf.ALL)))
    assert len(runs) == len({run.id for run in runs}) == 2 * done.runs
    # The new names are remembered.
    before = counts(session)
    await imported(session, other / "mlflow.db")
    assert counts(session) == before
    with pytest.raises(UsageError, match="was imported as 'other fraud' before"):
        await imported(session, other / "mlflow.db", rename={"fraud": "third"})


async def test_odd_new_names_are_refused(small, session):
    with pytest.raises(NotFoundError, match="no model 'nothing'"):
        await imported(session, small, rename={"nothing": "x"})
    with pytest.raises(UsageError, match="at most 255"):
        await imported(session, small, rename={"fraud": "x" * 300})
    with pytest.raises(ConflictError, match="two models would be called 'new name'"):
        await imported(session, small, rename={"fraud": "new name"})
    assert counts(session)["run"] == 0


async def test_a_damaged_store_gives_the_rest_and_says_what_is_wrong(
    mlflow_store, session, tmp_path
):
    shared = mlflow_store("3-files", "small")
    root = Path(shutil.copytree(shared.root, tmp_path / "damaged"))
    metas = sorted((root / "mlruns").glob("[1-9]*/*/meta.yaml"))
    runs = [meta for meta in metas if (meta.parent / "params").is_dir()]
    runs[0].write_text("run_id: [oh\n  no")
    runs[1].unlink()
    (runs[2].parent / "metrics" / "auc").write_text("1 2\nx y z\n1700000000000 0.5 0\n")
    done = await imported(session, root / "mlruns")
    told = " ".join(f"{problem.where}: {problem.what}" for problem in done.problems)
    for meta in runs[:2]:
        assert str(meta.parent) in told
    assert str(runs[2].parent / "metrics" / "auc") in told
    assert done.runs == len(shared.dump["runs"]) - 2


async def indexed(path):
    """What a console that opens it sees."""
    registry = await open_in_place(path, Settings(), tool="test")
    try:
        return await held(registry)
    finally:
        await registry.close()


async def test_a_mirror_follows_its_origin(small):
    first = await indexed(small)
    gone, tagged = (run["id"] for run in first["runs"] if run["name"] == "twin")
    change(
        small,
        *(f"DELETE FROM {table} WHERE run_uuid = '{gone}'"
          for table in ("metrics", "latest_metrics", "params", "tags", "runs")),
        f"DELETE FROM tags WHERE run_uuid = '{tagged}' AND key = 'mlflow.user'",
        f"UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 1700009999000"
        f" WHERE run_uuid = '{tagged}'",
        "UPDATE registered_model_aliases SET version = 1 WHERE alias = 'champion'",
        "DELETE FROM registered_model_aliases WHERE alias = 'challenger'",
        "DELETE FROM model_versions WHERE name = 'fraud' AND version = 5",
        "DELETE FROM registered_models WHERE name LIKE '[bold]%'",
        "DELETE FROM model_versions WHERE name LIKE '[bold]%'",
        "UPDATE experiments SET name = 'called otherwise' WHERE name = 'fraud'",
        "DELETE FROM experiments WHERE name = 'empty'",
    )  # fmt: skip
    second = await indexed(small)
    assert gone not in {run["id"] for run in second["runs"]}
    (run,) = [run for run in second["runs"] if run["id"] == tagged]
    assert run["lifecycle_stage"] == "deleted"
    assert "mlflow.user" not in run["tags"]
    names = {e["name"] for e in second["experiments"]}
    assert "called otherwise" in names
    assert not names & {"fraud", "empty"}
    models = {model["name"]: model for model in second["models"]}
    assert models["fraud"]["aliases"] == {"champion": "1", "also-champion": "2"}
    assert [v["version"] for v in models["fraud"]["versions"]] == ["1", "2", "4"]
    assert len(models) == len(first["models"]) - 1
    # Bringing it up to date comes to what indexing it anew comes to.
    shutil.rmtree(mirror_folder(small.as_uri()))
    assert await indexed(small) == second


async def test_a_mirror_that_is_damaged_is_made_anew(small):
    first = await indexed(small)
    database = mirror_folder(small.as_uri()) / "registry.db"
    database.write_bytes(b"no database" * 1000)
    assert await indexed(small) == first


async def test_a_cache_that_cannot_be_written_is_told(small, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(RefusedError, match="Point XDG_CACHE_HOME"):
        await indexed(small)
