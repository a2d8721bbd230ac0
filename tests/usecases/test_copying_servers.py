"""Copies to real MLflow servers and back again."""

from __future__ import annotations

import io
import math
import secrets
from array import array
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.usecases.copying import apply_copy, plan_copy
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.lists import RunQuery, all_of
from modeldeck.backends.api.receiving import TAG, WHOLE
from modeldeck.backends.api.runs import Dataset, Evaluation, Points, Run, Status, Usage
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local import create_registry
from tests.mlflow.reaching import reach
from tests.usecases.copies import bytes_of, empty_session, many_points, run_facts
from tests.usecases.project import (
    ACTOR,
    LOCK,
    NOW,
    START,
    Clock,
    add_run,
    alias_change,
    lock,
    plan_of,
    session_of,
    version_change,
)

pytestmark = [pytest.mark.real, pytest.mark.slow]
BIG = bytes(range(256)) * 20_000


@pytest.fixture(params=["3", "2", "3-postgres", "3-workspaces"])
def server(request, mlflow_server):
    return mlflow_server(request.param)


@pytest.fixture
def names():
    """Names of this test alone: the server is shared."""
    word = secrets.token_hex(4)
    return {"experiment": f"exp-{word}", "model": f"fraud {word}", "id": secrets.token_hex(16)}


@pytest.fixture
async def source(tmp_path, names):
    backend = create_registry(tmp_path / "there", clock=Clock())
    times = [to_micros(START) + 1000 * at for at in range(6)]
    odd = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1]
    folder = [
        backend.keep(io.BytesIO(b"flavors: {}\n"), "MLmodel"),
        backend.keep(io.BytesIO(BIG), "data/weights 1.bin"),
    ]
    await add_run(
        backend,
        Run(
            id=names["id"],
            name="parent \u2603 'x'",
            experiment=names["experiment"],
            status=Status.FAILED,
            started_at=START,
            ended_at=START + timedelta(hours=1),
            user="op1",
            reason="it broke",
            exit_code=3,
            git="a91c" * 10,
            dirty=True,
            lock=LOCK,
            note="first\nsecond",
        ),
        points={
            "odd": Points(array("q", [3, 3, 0, -2, 7, 8]), array("q", times), array("d", odd)),
            "many": Points(
                array("q", range(2500)),
                array("q", [to_micros(START) + 1000 * at for at in range(2500)]),
                many_points(2500).values,
            ),
        },
        params={"lr": "0.10", "a b/c-d.e_f": "\u2603 'quoted' \x1b[31m"},
        tags={"team": "risk", "x.y": "\u2603\n"},
        datasets=[
            Dataset(name="d", digest="1", source="s", source_type="t", context="training"),
        ],
        evaluations=[
            Evaluation(metric="auc", value=math.nan, dataset="d", dataset_digest="1", n=5),
        ],
        lock=lock(),
        usage=Usage(wall_seconds=3600.5, cpu_seconds=2.25, peak_memory_bytes=3 << 30),
        artifacts=[
            backend.keep(io.BytesIO(b"done\n"), "output.log"),
            backend.keep(io.BytesIO(BIG), "deep/er/big file.bin"),
            backend.keep(io.BytesIO(b""), "empty"),
        ],
    )
    await add_run(
        backend,
        Run(
            id=names["id"][::-1],
            name="fold-1",
            experiment=names["experiment"],
            status=Status.FINISHED,
            started_at=START,
            ended_at=START + timedelta(minutes=1),
            parent_id=names["id"],
        ),
    )
    content = version_change(
        names["model"],
        1,
        run_id=names["id"],
        files=[msgspec.to_builtins(file) for file in folder],
        size=len(BIG) + 12,
        note="a note",
        tags={"k": "v"},
    )
    await backend.apply(plan_of("version.register", content), ACTOR, "bank")
    alias = alias_change(names["model"], "champion", None, 1)
    await backend.apply(plan_of("alias.set", alias), ACTOR, "bank")
    session = session_of(backend)
    yield session
    await backend.close()


@pytest.fixture
async def target(server, tmp_path):
    records = create_registry(tmp_path / "records", clock=Clock(NOW))
    registry = Journaled(reach(server), records, tool="test", clock=lambda: NOW, context="prod")
    yield Session(context="prod", registry=registry, actor=ACTOR, clock=lambda: NOW)
    await registry.close()


async def copied(source, target, *what, **options):
    return await apply_copy(source, target, await plan_copy(source, target, what, **options))


async def test_to_a_server_and_back_all_of_it_is_the_same(source, target, names, tmp_path):
    plan = await plan_copy(source, target, [names["model"]], with_runs=True)
    assert "they get other ids there, and remember these" in plan.effects
    done = await apply_copy(source, target, plan)
    assert (done.problems, done.step.runs, done.step.versions) == ([], 1, 1)
    done = await copied(source, target, names["id"])
    assert (done.problems, done.step.runs, done.passed) == ([], 1, 0)
    assert (await plan_copy(source, target, [names["id"]])).empty
    assert (await plan_copy(source, target, [names["model"]])).empty
    home = source.registry.layout.database.as_uri()
    (version,) = await all_of(await target.registry.versions(names["model"]))
    run = await target.registry.run(version.run_id)
    assert run.tags[TAG] == f"{home}#runs/{names['id']}"
    assert run.tags[WHOLE]
    assert (run.name, run.status, run.experiment) == (
        "parent \u2603 'x'",
        Status.FAILED,
        names["experiment"],
    )
    assert version.aliases == []
    (child,) = await all_of(await target.registry.runs(RunQuery(parent=run.id)))
    assert child.name == "fold-1"

    third = empty_session(tmp_path / "third", "third")
    try:
        done = await copied(target, third, run.id)
        assert (done.problems, done.step.runs) == ([], 2)
        done = await copied(target, third, names["model"])
        assert (done.problems, done.step.versions) == ([], 1)
        # They are what they were at first, and their ids are free again.
        for run_id in (names["id"], names["id"][::-1]):
            found = await third.registry.run(run_id)
            assert found.origin == home
            assert facts(await run_facts(third, found)) == facts(
                await run_facts(source, await source.registry.run(run_id))
            )
        where = address.version(names["model"], 1)
        assert await bytes_of(third, where) == await bytes_of(source, where)
        here = await third.registry.version(names["model"], 1)
        assert (here.note, here.tags["k"], here.run_id) == ("a note", "v", names["id"])
        # Back where they were made, they are at home.
        assert (await plan_copy(target, source, [run.id])).empty
        assert (await plan_copy(third, source, [names["id"]])).empty
    finally:
        await third.registry.close()


def facts(found):
    """What a server can keep: times in milliseconds, the largest number for an infinity."""
    largest = 1.7976931348623157e308
    series = {}
    for key, (steps, times, values) in found["series"].items():
        kept = [
            "nan" if math.isnan(v) else max(min(v, largest), -largest) + 0.0
            for v in array("d", values)
        ]
        series[key] = sorted(zip(steps, [t // 1000 for t in times], map(str, kept), strict=True))
    run = found["run"]
    tags = {k: v for k, v in run.tags.items() if not k.startswith(("mlflow.", "modeldeck."))}
    return found | {
        "run": msgspec.structs.replace(run, tags=tags),
        "series": series,
        "metrics": sorted(found["metrics"]),
        "datasets": list(found["datasets"]),
    }


async def test_the_trail_beside_a_server_has_intent_and_outcome(source, target, names):
    await copied(source, target, names["model"])
    events = list(reversed(await all_of(await target.registry.events())))
    mine = [(e.phase, e.action) for e in events if e.phase != "observed"]
    assert mine == [
        ("started", "copy.model"),
        ("intent", "copy.model"),
        ("done", "copy.model"),
        ("ended", "copy.model"),
    ]
    assert await target.registry.records.opened() == []


async def test_a_name_that_mlflow_does_not_take_is_told_and_the_others_are_copied(
    source, target, names
):
    bad = secrets.token_hex(16)
    run = Run(
        id=bad,
        name="bad",
        experiment=names["experiment"],
        status=Status.FINISHED,
        started_at=START,
        ended_at=START,
    )
    await add_run(source.registry, run, params={"a\tb": "1"})
    done = await copied(source, target, bad, names["id"][::-1])
    assert [one.where for one in done.problems] == [f"runs/{bad}"]
    assert "MLflow takes no parameter called 'a\\tb'" in done.problems[0].what
    assert done.step.runs == 1


async def test_half_a_copy_is_gone_on_with(source, target, names, monkeypatch):
    server = target.registry.server
    sends = server.writing.log

    async def broken(run_id, **what):
        if what.get("points"):
            raise ConnectionError
        await sends(run_id, **what)

    monkeypatch.setattr(server.writing, "log", broken)
    plan = await plan_copy(source, target, [names["id"]])
    with pytest.raises(ConnectionError):
        await apply_copy(source, target, plan)
    monkeypatch.undo()
    half = await all_of(await target.registry.runs(RunQuery(experiments=[names["experiment"]])))
    assert [WHOLE in run.tags for run in half] == [False]
    done = await copied(source, target, names["id"])
    assert (done.problems, done.step.runs) == ([], 2)
    runs = await all_of(await target.registry.runs(RunQuery(experiments=[names["experiment"]])))
    # The half one was taken up again, not made anew.
    assert len(runs) == 2
    assert half[0].id in {run.id for run in runs}
