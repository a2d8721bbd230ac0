"""Removed for good: whole or not at all, every trace but the trail, and no number twice."""

from __future__ import annotations

import random
from array import array

import pytest

from modeldeck.backends.api.errors import ConflictError, RefusedError
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.locks import FIELD
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.purging import model_record, run_record, version_record
from modeldeck.backends.api.runs import Dataset, Points
from modeldeck.backends.local import open_registry
from modeldeck.backends.local.checkup import Weight, check
from modeldeck.backends.local.collect import collect, garbage

from .records import ME, NOW, ORIGIN, fresh, piped, plan, record
from .records import model_record as model_of

GONE = "2026-09-01T00:00:00Z"
TABLES = ("run", "metric", "param", "tag", "run_dataset", "dataset", "evaluation", "artifact")


async def begun(backend, *runs):
    for run in runs:
        await backend.begin_run(record(run), ME, "here")
        await backend.log(
            run,
            Batch(
                points={"loss": Points(array("q", [0, 1]), array("q", [1, 2]), array("d", [3, 4]))},
                params={"eta": "1"},
                tags={"t": "x"},
                datasets=[Dataset(name=run, digest="d")],
            ),
            last=True,
        )


def purge_run(uid, name=None, status="finished"):
    return Change(f"runs/{uid}", "record", run_record(name or uid, "first", status, GONE), None)


def purge_version(number, deleted=GONE):
    before = version_record(None, "unknown", None, deleted)
    return Change(f"models/fraud/{number}", "record", before, None)


async def delete(backend, *subjects):
    changes = [Change(subject, "deleted", None, GONE) for subject in subjects]
    await backend.apply(plan(*changes, operation="x.rm"), ME, "here")


async def apply(backend, operation, *changes, **fields):
    return await backend.apply(plan(*changes, operation=operation, **fields), ME, "here")


def rows(backend):
    return {
        table: backend.registry.read_now(
            lambda c, table=table: c.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        )
        for table in TABLES
    }


async def test_a_run_goes_with_all_it_held_and_the_trail_keeps_it(tmp_path):
    backend = fresh(tmp_path)
    await begun(backend, "kept")
    before = rows(backend)
    await begun(backend, "gone")
    (backend.layout.runs / "gone").mkdir(parents=True)
    await delete(backend, "runs/gone")
    [event] = await apply(backend, "run.purge", purge_run("gone"))
    assert rows(backend) == before
    assert len(await backend.points("kept", "loss")) == 2
    assert len(await backend.points("gone", "loss")) == 0
    assert not (backend.layout.runs / "gone").exists()
    assert event.before == {"record": run_record("gone", "first", "finished", GONE)}
    assert event.after == {"record": None}
    subjects = [one.subject for one in (await backend.events(first=50)).first]
    assert subjects.count("runs/gone") >= 2
    await backend.close()


@pytest.mark.parametrize("run", ["..", ".", "a/b", "x\x1b[31m"])
async def test_an_odd_id_removes_no_folder_but_its_own(tmp_path, run):
    backend = fresh(tmp_path)
    await begun(backend, run)
    (backend.layout.runs / "a" / "b").mkdir(parents=True)
    from modeldeck.backends.api import address

    subject = address.run(run)
    await delete(backend, subject)
    change = Change(subject, "record", run_record(run, "first", "finished", GONE), None)
    await apply(backend, "run.purge", change)
    assert backend.layout.database.exists()
    assert (backend.layout.runs / "a" / "b").exists()
    await backend.close()


async def test_what_is_not_deleted_or_otherwise_than_planned_stays(tmp_path):
    backend = fresh(tmp_path)
    await begun(backend, "r")
    live = Change("runs/r", "record", run_record("r", "first", "finished", None), None)
    with pytest.raises(RefusedError, match="is not deleted"):
        await apply(backend, "run.purge", live)
    await delete(backend, "runs/r")
    other = Change("runs/r", "record", run_record("r", "first", "failed", GONE), None)
    with pytest.raises(ConflictError):
        await apply(backend, "run.purge", other)
    await apply(backend, "run.purge", purge_run("r"))
    back = Change("runs/r", "record", None, run_record("r", "first", "finished", GONE))
    with pytest.raises(RefusedError, match="gone for good"):
        await apply(backend, "run.purge", back)
    await backend.close()


async def test_the_number_of_a_purged_version_is_never_used_again(tmp_path):
    backend = fresh(tmp_path)
    await backend.take(ORIGIN, "test", models=[model_of()])
    await delete(backend, "models/fraud/3")
    await apply(backend, "version.purge", purge_version(3))
    assert await backend.purged("fraud") == [3]
    again = Change("models/fraud/3", "content", None, {"digest": "sha256:0", "format": "skops"})
    with pytest.raises(ConflictError, match="no number is used again"):
        await apply(backend, "version.register", again)
    # What is imported once more does not bring it back.
    await backend.take(ORIGIN, "test", models=[model_of()])
    assert [v.version for v in (await backend.versions("fraud")).first] == [2, 1]
    await backend.close()


async def test_nor_after_the_model_itself_went_and_came_again(tmp_path):
    backend = fresh(tmp_path)
    await backend.take(ORIGIN, "test", models=[model_of()])
    await delete(backend, "models/fraud")
    change = Change("models/fraud", "record", model_record([1, 2, 3], GONE), None)
    await apply(backend, "model.purge", change)
    assert list((await backend.models()).first) == []
    assert await backend.purged("fraud") == [1, 2, 3]
    for number in (1, 3):
        made = Change(f"models/fraud/{number}", "content", None, {"format": "skops"})
        with pytest.raises(ConflictError):
            await apply(backend, "version.register", made)
    fourth = Change("models/fraud/4", "content", None, {"format": "skops"})
    await apply(backend, "version.register", fourth)
    assert [v.version for v in (await backend.versions("fraud")).first] == [4]
    await backend.close()


async def test_a_locked_version_keeps_itself_its_model_and_its_run(tmp_path):
    backend = fresh(tmp_path)
    await begun(backend, "r")
    made = {"format": "skops", "run_id": "r", "digest": "sha256:0"}
    await apply(backend, "version.register", Change("models/fraud/1", "content", None, made))
    lock = Change("models/fraud/1", FIELD, None, "ada: audit")
    with pytest.raises(RefusedError, match="need a reason"):
        await apply(backend, "version.lock", lock)
    with pytest.raises(RefusedError, match="locking and unlocking alone"):
        await apply(backend, "version.tag", lock, reason="sly")
    await apply(backend, "version.lock", lock, reason="audit")
    for change in (
        Change("models/fraud/1", "deleted", None, GONE),
        Change("models/fraud/1", "card", "", "x"),
        Change("models/fraud/1", "note", "", "x"),
        Change("models/fraud/1", "tag:a", None, "x"),
        Change("models/fraud", "deleted", None, GONE),
        Change("runs/r", "deleted", None, GONE),
    ):
        with pytest.raises(RefusedError, match="locked"):
            await apply(backend, "any.thing", change, reason="x")
    # Aliases move, and our own tags beside it are written.
    await apply(backend, "alias.set", Change("models/fraud@a", "version", None, 1))
    await apply(backend, "alias.set", Change("models/fraud/1", "tag:modeldeck.plan", None, "1"))
    off = Change("models/fraud/1", FIELD, "ada: audit", None)
    with pytest.raises(RefusedError, match="need a reason"):
        await apply(backend, "version.unlock", off)
    await apply(backend, "version.unlock", off, reason="over")
    await apply(backend, "version.tag", Change("models/fraud/1", "tag:a", None, "x"))
    await backend.close()


async def test_a_model_is_not_deleted_under_an_alias(tmp_path):
    backend = fresh(tmp_path)
    await backend.take(ORIGIN, "test", models=[model_of(aliases={"champion": 2})])
    with pytest.raises(RefusedError, match="champion"):
        await delete(backend, "models/fraud")
    gone = Change("models/fraud@champion", "version", 2, None)
    await apply(backend, "model.rm", Change("models/fraud", "deleted", None, GONE), gone)
    assert (await backend.model("fraud")).aliases == {}
    await backend.close()


PURGER = """
import asyncio, sys
from pathlib import Path
from modeldeck.backends.local import open_registry
from tests.local.records import ME, NOW, plan
from tests.local.test_purge import purge_run

async def main(folder, runs):
    backend = open_registry(Path(folder), clock=lambda: NOW)
    print("open", flush=True)
    sys.stdin.readline()
    changes = [purge_run(run) for run in runs]
    await backend.apply(plan(*changes, operation="run.purge"), ME, "here")
    print("purged", flush=True)
    await backend.close()
    print("closed", flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


@pytest.mark.real
@pytest.mark.parametrize("seed", range(6))
async def test_a_kill_leaves_all_or_nothing(tmp_path, seed):
    import threading

    runs = [f"run{n}" for n in range(30)]
    backend = fresh(tmp_path)
    await begun(backend, *runs)
    await delete(backend, *(f"runs/{run}" for run in runs))
    await backend.close()
    purger = piped(PURGER, str(tmp_path), *runs)
    assert purger.stdout.readline() == "open\n"
    # The moment is chosen by how much work this process does meanwhile.
    killer = threading.Timer(random.Random(seed).random() * 0.03, purger.kill)
    purger.stdin.write("\n")
    purger.stdin.flush()
    killer.start()
    out, _ = purger.communicate()
    killer.join()
    backend = open_registry(tmp_path, clock=lambda: NOW)
    left = rows(backend)["run"]
    assert left in (0, 30)
    if "purged" in out:
        assert left == 0
    purges = [e for e in (await backend.events(first=500)).first if e.action == "run.purge"]
    assert len(purges) == 30 - left, "an event for each, or none"
    await backend.close()
    # What a crash left beside the rows goes by the rule of `gc`.
    found = garbage(backend.layout, NOW)
    collect(backend.layout, found, NOW)
    assert garbage(backend.layout, NOW).series == []
    assert [one for one in check(backend.layout) if one.weight == Weight.BAD] == []
