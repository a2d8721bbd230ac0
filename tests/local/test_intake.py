"""What other stores hold comes in as it is, twice changes nothing, and clashes harm nobody."""

from __future__ import annotations

import io
import math

import pytest

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import ConflictError, NotFoundError, ReadOnlyError
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Experiment,
    Lock,
    Package,
    Status,
    Usage,
)
from modeldeck.backends.local import open_registry

from .records import (
    ME,
    MICROS,
    NOW,
    ORIGIN,
    entry,
    exact,
    fresh,
    model_record,
    plan,
    points,
    record,
)

OTHER = "file:///other/mlruns"
FIRST = [Experiment(id="first", name="first", tags={"a": "1"}, note="n")]


@pytest.fixture
async def backend(tmp_path):
    found = fresh(tmp_path)
    yield found
    await found.close()


def everything():
    return {
        "experiments": FIRST,
        "runs": [
            record(
                "parent",
                params={"p": "1", "odd\x1b": ""},
                tags={"t": "x\ud800"},
                metrics={"m": math.nan, "n": -0.0, "o": math.inf},
                datasets=[Dataset(name="d", digest="1", labels={"k": "v"}, context="training")],
                evaluations=[Evaluation(metric="auc", value=0.5, dataset="d")],
                artifacts=[Artifact(path="a/b", size=3, location="s3://x")],
                lock=Lock(packages=[Package("numpy", "2.0")]),
            ),
            record("child", parent_id="parent", deleted_at=NOW),
        ],
        "models": [model_record(aliases={"champion": 2}, tags={"k": "v"})],
    }


def dump(backend):
    """Every row of the registry, but for the rows that say when it was made."""

    def work(connection):
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith("_")
        ]
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    return backend.registry.read_now(work)


async def test_taking_twice_changes_nothing(backend):
    assert await backend.take(ORIGIN, "test", **everything()) == []
    before = dump(backend)
    assert await backend.take(ORIGIN, "test", **everything()) == []
    assert dump(backend) == before
    assert len(before["run"]) == 2
    assert (await backend.run("parent")).tags == {"t": "x\ufffd"}


async def test_what_changed_there_changes_here(backend):
    await backend.take(ORIGIN, "test", **everything())
    changed = record("parent", name="new", tags={"u": "y"}, params={"p": "2"}, metrics={"m": 2.0})
    await backend.take(ORIGIN, "test", runs=[changed])
    run = await backend.run("parent")
    assert (run.name, run.tags, run.params) == ("new", {"u": "y"}, {"p": "2"})
    assert math.isnan(run.metrics["m"]), "an equal step and time leaves the greater value, NaN"


async def test_what_a_plan_changed_here_stays(backend):
    await backend.take(ORIGIN, "test", **everything())
    changes = [
        Change("runs/parent", "tag:t", "x\ufffd", "mine"),
        Change("runs/parent", "note", "", "mine"),
        Change("models/fraud", "tag:k", "v", "mine"),
        Change("models/fraud/1", "note", "", "mine"),
        Change("experiments/first", "tag:a", "1", "mine"),
    ]
    await backend.apply(plan(*changes), ME, "here")
    await backend.take(ORIGIN, "test", **everything())
    run = await backend.run("parent")
    assert (run.note, run.tags["t"]) == ("mine", "mine")
    assert (await backend.model("fraud")).tags == {"k": "mine"}
    assert (await backend.version("fraud", 1)).note == "mine"
    assert (await backend.experiment("first")).tags == {"a": "mine"}


async def test_ids_that_clash_between_stores_are_told_apart(backend):
    await backend.take(ORIGIN, "test", **everything())
    await backend.take(
        OTHER, "test", experiments=[Experiment(id="first", name="other")],
        runs=[record("parent", name="theirs"), record("child", parent_id="parent")],
        models=[model_record("theirs", numbers=[])],
    )  # fmt: skip
    ids = await backend.native_ids(OTHER)
    assert ids["parent"] != "parent"
    theirs, child = await backend.run(ids["parent"]), await backend.run(ids["child"])
    assert (theirs.name, theirs.experiment, child.parent_id) == ("theirs", "other", ids["parent"])
    assert (await backend.run("parent")).name == "parent"
    before = dump(backend)
    await backend.take(OTHER, "test", runs=[record("parent", name="theirs")])
    assert dump(backend) == before
    assert await backend.native_ids("nowhere") == {}


async def test_a_model_of_the_same_name_is_refused_and_nothing_comes_in(backend):
    await backend.take(ORIGIN, "test", **everything())
    before = dump(backend)
    with pytest.raises(ConflictError, match="--as fraud=NAME"):
        await backend.take(OTHER, "test", experiments=FIRST, models=[model_record()])
    assert dump(backend) == before


async def test_an_alias_that_moved_there_is_reported_and_not_moved(backend):
    await backend.take(ORIGIN, "test", **everything())
    moved = model_record(aliases={"champion": 3, "new": 1})
    said = await backend.take(ORIGIN, "test", models=[moved])
    assert said == [
        "fraud@champion is 3 there, 2 here",
        "fraud@new is 1 there, not set here",
    ]
    assert (await backend.model("fraud")).aliases == {"champion": 2}
    assert await backend.take(ORIGIN, "test", models=[moved], mirror=True) == []
    assert (await backend.model("fraud")).aliases == {"champion": 3, "new": 1}


async def test_a_run_is_recorded_while_it_runs(backend):
    started = record("r1", experiment="live", status=Status.RUNNING, started_at=NOW)
    await backend.begin_run(started, ME, "here")
    assert await backend.open_runs() == ["r1"]
    await backend.log(
        "r1",
        Batch(
            points={"loss": points([(0, MICROS, 1.0), (1, MICROS, 0.5)])},
            params={"lr": "0.1"},
            evaluations=[Evaluation(metric="auc", value=math.nan, dataset="d")],
            positions={"metrics.jsonl": 40},
        ),
    )
    run = await backend.run("r1")
    assert (run.metrics, run.params, run.experiment) == ({"loss": 0.5}, {"lr": "0.1"}, "live")
    assert await backend.positions("r1") == {"metrics.jsonl": 40}
    await backend.log("r1", Batch(), last=True)
    ended = record("r1", status=Status.FAILED, ended_at=NOW, reason="boom\udc80", exit_code=3,
                   usage=Usage(wall_seconds=1.5))  # fmt: skip
    await backend.end_run(ended, ME, "here")
    run = await backend.run("r1")
    assert (run.status, run.reason, run.exit_code) == (Status.FAILED, "boom\ufffd", 3)
    assert (await backend.usage("r1")).wall_seconds == 1.5
    assert math.isnan((await backend.evaluations("r1"))[0].value)
    assert await backend.open_runs() == []
    events = (await backend.events()).first
    assert [(one.phase, one.action, one.subject) for one in events] == [
        ("ended", "run", "runs/r1"),
        ("started", "run", "runs/r1"),
    ]
    series = await backend.series("r1")
    assert [(one.key, one.count) for one in series] == [("loss", 2)]


async def test_what_is_logged_again_after_a_crash_comes_out_the_same(backend):
    await backend.begin_run(record("r1", status=Status.RUNNING), ME, "here")
    batch = Batch(
        points={"loss": points([(0, MICROS, 1.0)])},
        params={"a": "1"},
        evaluations=[Evaluation(metric="auc", value=0.5, dataset="d")],
        positions={"metrics.jsonl": 9},
    )
    telemetry, backend.telemetry = backend.telemetry, None
    with pytest.raises(AttributeError):
        await backend.log("r1", batch)
    backend.telemetry = telemetry
    assert await backend.positions("r1") == {}
    await backend.log("r1", batch)
    assert (await backend.series("r1"))[0].count == 1
    assert len(await backend.evaluations("r1")) == 1
    assert (await backend.run("r1")).metrics == {"loss": 1.0}


async def test_a_run_is_not_begun_over_one_from_elsewhere(backend):
    await backend.take(ORIGIN, "test", **everything())
    with pytest.raises(ConflictError):
        await backend.begin_run(record("parent"), ME, "here")
    with pytest.raises(NotFoundError):
        await backend.log("none", Batch(params={"a": "1"}))


async def test_histories_are_written_anew(backend):
    await backend.take(ORIGIN, "test", **everything())
    rows = [(n, MICROS, float(n)) for n in range(5000)]
    for _ in range(2):
        await backend.take_histories({"parent": {"m": points(rows)}})
    assert exact(await backend.points("parent", "m")) == exact(points(rows))
    near = await backend.points("parent", "m", low=2000, high=2002)
    assert list(near.steps) == [2000, 2001, 2002]
    await backend.mark_loaded({"parent": "stamp"})
    assert await backend.loaded() == {"parent": "stamp"}


async def test_stamps_and_events_of_an_import(backend):
    assert await backend.stamp(ORIGIN) is None
    await backend.note_stamp(ORIGIN, "test", "abc")
    assert await backend.stamp(ORIGIN) == "abc"
    event = await backend.note(entry(after={"runs": 2}))
    assert (event.seq, event.actor.user) == (1, "ada")


async def test_artifacts_are_kept_by_content(backend):
    kept = backend.keep(io.BytesIO(b"abc"), "out/x.txt")
    again = backend.keep(io.BytesIO(b"abc"), "y.txt")
    assert kept.digest == again.digest
    await backend.take(ORIGIN, "test", **everything())
    await backend.take_artifacts("runs/parent", [kept])
    assert [one.path for one in await backend.artifacts("runs/parent")] == ["a/b", "out/x.txt"]
    assert await backend.read_artifact("runs/parent", "out/x.txt", 1, 1) == b"b"
    with pytest.raises(NotFoundError, match="s3://x"):
        await backend.read_artifact("runs/parent", "a/b")
    with pytest.raises(NotFoundError):
        await backend.read_artifact("runs/parent", "none")


async def test_names_without_end_or_with_controls_or_none_at_all(backend):
    names = ["", "x" * 20_000, "a\x00\x1b[31mb", "[@click=quit]x[/]", "名" * 50]
    await backend.take(
        ORIGIN, "test", experiments=FIRST,
        runs=[record(f"r{n}", name=name, tags={name: name}) for n, name in enumerate(names)],
    )  # fmt: skip
    for n, name in enumerate(names):
        run = await backend.run(f"r{n}")
        assert (run.name, run.tags) == (name, {name: name})
        if name:
            assert (await backend.run(name)).id == f"r{n}"


async def test_a_run_is_found_by_id_name_or_beginning(backend):
    runs = [record("abc1", name="one"), record("abd2", name="two"), record("x", name="two"),
            record("y", name="gone", deleted_at=NOW), record("z", name="gone")]  # fmt: skip
    await backend.take(ORIGIN, "test", experiments=FIRST, runs=runs)
    for ref, uid in (("abc1", "abc1"), ("abd", "abd2"), ("one", "abc1"), ("gone", "z")):
        assert (await backend.run(ref)).id == uid
    for ref, words in (("ab", "more than one"), ("two", "abd2, x"), ("tw", "Near it: two"),
                       ("", "no run ''")):  # fmt: skip
        with pytest.raises(NotFoundError, match=words):
            await backend.run(ref)


async def test_models_and_experiments_that_are_not_there_name_what_came_near(backend):
    await backend.take(ORIGIN, "test", **everything())
    with pytest.raises(NotFoundError, match="Near it: fraud"):
        await backend.model("frauds")
    with pytest.raises(NotFoundError, match="has no version 9"):
        await backend.version("fraud", 9)
    with pytest.raises(NotFoundError, match="Near it: first"):
        await backend.experiment("fist")


async def test_a_read_only_registry_takes_nothing_in(backend, tmp_path):
    await backend.take(ORIGIN, "test", **everything())
    other = open_registry(tmp_path, read_only="you asked for it")
    with pytest.raises(ReadOnlyError, match="you asked for it"):
        await other.take(OTHER, "test", experiments=FIRST)
    with pytest.raises(ReadOnlyError):
        other.keep(io.BytesIO(b"x"), "x")
    assert not other.availability("runs.tag").supported
    assert other.availability("runs.list").supported
    assert (await other.runs(RunQuery())).count == 1
    await other.close()
