"""Runs and versions copied between registries of ours: the same in all, twice, and half way."""

from __future__ import annotations

import io
import shutil
import sqlite3
from contextlib import closing

import msgspec
import pytest

from modeldeck.app.usecases.copying import apply_copy, plan_copy
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.plan import Change, Verdict
from modeldeck.backends.api.runs import Run, Status
from tests.usecases.copies import (
    CHILD,
    GRANDCHILD,
    PARENT,
    all_facts,
    empty_session,
    make_odd,
    opened,
)
from tests.usecases.project import ACTOR, START, add_run, plan_of, refused, version_change

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return make_odd(tmp_path_factory.mktemp("odd") / "there")


@pytest.fixture
async def source(odd, tmp_path):
    session = opened(shutil.copytree(odd, tmp_path / "there"))
    yield session
    await session.registry.close()


@pytest.fixture
async def target(tmp_path):
    session = empty_session(tmp_path / "here")
    yield session
    await session.registry.close()


async def copied(source, target, *what, **options):
    plan = await plan_copy(source, target, what, **options)
    return await apply_copy(source, target, plan)


def rows(session):
    """How many rows each table of both files has, but for the trail."""
    found = {}
    for path in (session.registry.layout.database, session.registry.layout.telemetry):
        with closing(sqlite3.connect(path)) as connection:
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                if not table.startswith("audit"):
                    found[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return found


async def test_all_of_it_is_the_same_there(source, target):
    done = await copied(source, target, "fraud", with_runs=True)
    assert (done.step.runs, done.step.versions, done.problems) == (1, 2, [])
    done = await copied(source, target, PARENT)
    # Its children came along, and it itself was there.
    assert (done.step.runs, done.passed, done.problems) == (2, 0, [])
    expected = await all_facts(source)
    found = await all_facts(target)
    assert found.keys() == expected.keys()
    for where, facts in expected.items():
        for part, value in facts.items():
            assert found[where][part] == value, (where, part)
    model = await target.registry.model("fraud")
    assert (model.note, model.tags, model.aliases) == (
        "which card is stolen",
        {"owner": "risk"},
        {},
    )


async def test_everything_remembers_where_it_came_from(source, target):
    await copied(source, target, "fraud", with_runs=True)
    home = source.registry.layout.database.as_uri()
    assert (await target.registry.run(PARENT)).origin == home
    assert (await target.registry.version("fraud", 1)).origin == home


async def test_a_second_copy_changes_nothing(source, target):
    await copied(source, target, PARENT)
    await copied(source, target, "fraud")
    before = rows(target), await all_facts(target)
    for what in (PARENT, "fraud"):
        plan = await plan_copy(source, target, [what])
        assert plan.empty
        done = await apply_copy(source, target, plan)
        assert (done.step.runs, done.step.versions, done.step.points) == (0, 0, 0)
    assert (rows(target), await all_facts(target)) == before


async def test_what_has_changed_since_is_brought_up_to_date(source, target):
    run = "4d" * 16
    going = Run(id=run, name="going", experiment="odd", status=Status.RUNNING, started_at=START)
    await add_run(source.registry, going, params={"a": "1"})
    plan = await plan_copy(source, target, [run])
    assert "going is running: what it logs from now on stays behind" in plan.effects
    await apply_copy(source, target, plan)
    ended = msgspec.structs.replace(going, status=Status.FINISHED, ended_at=START)
    from modeldeck.backends.api.ingest import RunRecord

    await source.registry.end_run(RunRecord(run=ended), ACTOR, "bank")
    plan = await plan_copy(source, target, [run])
    (change,) = plan.changes
    assert change.before["stamp"] != change.after["stamp"]
    await apply_copy(source, target, plan)
    assert (await target.registry.run(run)).status is Status.FINISHED
    assert (await plan_copy(source, target, [run])).empty
    # The copy of a run that is still going is nobody's to be finished here.
    assert await target.registry.open_runs() == []


async def test_ids_and_numbers_that_are_taken_become_others(source, target):
    mine = Run(id=CHILD, name="mine", experiment="x", status=Status.FINISHED, started_at=START)
    await add_run(target.registry, mine)
    change = version_change("fraud", 2)
    await target.registry.apply(plan_of("version.register", change), ACTOR, "prod")
    await copied(source, target, PARENT)
    await copied(source, target, "fraud")
    assert (await target.registry.run(CHILD)).name == "mine"
    (child,) = [run for run in await runs_of(target) if run.parent_id == PARENT]
    assert (child.name, child.id != CHILD) == ("fold-2b", True)
    # Its own children know it by its new id.
    assert (await target.registry.run(GRANDCHILD)).parent_id == child.id
    numbers = {v.version: v.origin for v in await all_of(await target.registry.versions("fraud"))}
    home = source.registry.layout.database.as_uri()
    assert numbers == {1: home, 2: None, 3: home}
    assert (await target.registry.version("fraud", 1)).note
    assert (await plan_copy(source, target, [PARENT])).empty
    assert (await plan_copy(source, target, ["fraud"])).empty


async def runs_of(session):
    from modeldeck.backends.api.lists import RunQuery

    return await all_of(await session.registry.runs(RunQuery()))


async def test_on_and_back_again_nothing_is_there_twice(source, target, tmp_path):
    third = empty_session(tmp_path / "third", "third")
    try:
        for what in (PARENT, "fraud"):
            await copied(source, target, what)
            await copied(target, third, what)
            # By another way it is still the same.
            assert (await plan_copy(source, third, [what])).empty
            # And where it was made it is at home.
            assert (await plan_copy(third, source, [what])).empty
        home = source.registry.layout.database.as_uri()
        assert (await third.registry.run(PARENT)).origin == home
    finally:
        await third.registry.close()


async def test_into_another_experiment_and_under_another_name(source, target):
    await copied(source, target, CHILD, experiment="trial")
    assert {run.experiment for run in await runs_of(target)} == {"trial"}
    await copied(source, target, "fraud/2", name="theirs")
    (version,) = await all_of(await target.registry.versions("theirs"))
    assert (version.version, version.source) == (2, "/models/2")


async def test_what_the_plan_says(source, target):
    plan = await plan_copy(
        source, target, ["fraud"], with_runs=True, places=["--to", "prod"], reason="go", ticket="T1"
    )
    assert (plan.operation, plan.context, plan.reason, plan.ticket) == (
        "copy.model",
        "prod",
        "go",
        "T1",
    )
    assert [(c.subject, c.field, c.before) for c in plan.changes] == [
        (f"runs/{PARENT}", "content", None),
        ("models/fraud/1", "content", None),
        ("models/fraud/2", "content", None),
    ]
    assert plan.changes[1].after["digest"] == f"sha256:{1:064x}"
    assert plan.command == (
        *("modeldeck", "copy", "fraud/1", "fraud/2", "--to", "prod", "--with-runs"),
    )
    assert "fraud/1: skops, 2 files, 4.2 MiB" in plan.effects
    assert "what points at them here stays here: @champion" in plan.effects
    assert "1 of 1 runs: 5,016 points, 4 files, 4.2 MiB" in plan.effects
    # It is data: what is stored can be carried out.
    again = msgspec.json.decode(msgspec.json.encode(plan), type=type(plan))
    assert (await apply_copy(source, target, again)).step.versions == 2


async def test_the_trail_says_who_copied_what_by_which_plan(source, target):
    plan = await plan_copy(source, target, ["fraud/1"], with_runs=True, reason="released")
    await apply_copy(source, target, plan)
    events = list(reversed(await all_of(await target.registry.events())))
    home = source.registry.layout.database.as_uri()
    assert [(e.phase, e.action, e.subject) for e in events] == [
        ("started", "copy.model", home),
        ("done", "copy.model", "models/fraud/1"),
        ("ended", "copy.model", home),
    ]
    assert {(e.plan, e.reason, e.actor) for e in events} == {(plan.digest, "released", ACTOR)}
    assert events[2].caused_by == events[0].seq
    assert (events[2].after["runs"], events[2].after["versions"]) == (1, 1)


async def test_a_gate_that_says_no_is_obeyed(source, target):
    plan = await plan_copy(source, target, ["fraud"])
    gated = msgspec.structs.replace(plan, gates=(Verdict(rule="auc", verdict="fail"),))
    await refused(RefusedError, lambda: apply_copy(source, target, gated))
    assert await all_facts(target) == {}
    assert not await all_of(await target.registry.events())


@pytest.mark.parametrize(
    ("what", "options", "kind", "words"),
    [
        (["nothing"], {}, NotFoundError, "no run and no model 'nothing'"),
        (["fraud/9"], {}, NotFoundError, "no version 9"),
        (["fraud", PARENT], {}, UsageError, "fraud, runs"),
        ([PARENT], {"name": "x"}, UsageError, "--as"),
        (["fraud"], {"experiment": "x"}, UsageError, "--experiment"),
    ],
)
async def test_what_is_refused(source, target, what, options, kind, words):
    error = await refused(kind, lambda: plan_copy(source, target, what, **options))
    assert words in str(error)


async def test_a_place_is_not_copied_to_itself(source):
    await refused(RefusedError, lambda: plan_copy(source, source, [PARENT]))


async def test_a_deleted_run_stays_where_it_is(source, target):
    gone = Change(f"runs/{CHILD}", "deleted", None, "2026-11-22T00:00:00Z")
    await source.registry.apply(plan_of("run.rm", gone), ACTOR, "bank")
    await refused(RefusedError, lambda: plan_copy(source, target, [CHILD]))
    # It is no child that comes along.
    await copied(source, target, PARENT)
    assert [run.id for run in await runs_of(target)] == [PARENT]


async def test_a_number_that_was_taken_meanwhile_is_not_written_over(source, target):
    plan = await plan_copy(source, target, ["fraud/2"])
    taken = version_change("fraud", 2)
    await target.registry.apply(plan_of("version.register", taken), ACTOR, "prod")
    await refused(ConflictError, lambda: apply_copy(source, target, plan))
    version = await target.registry.version("fraud", 2)
    assert (version.origin, version.source) == (None, None)


class Bad:
    """A registry that reads as another one does, but for the bytes of one file."""

    def __init__(self, registry, path, change):
        self._registry, self._path, self._change = registry, path, change

    def __getattr__(self, name):
        return getattr(self._registry, name)

    async def read_artifact(self, owner, path, start=0, limit=1 << 20):
        data = await self._registry.read_artifact(owner, path, start, limit)
        return self._change(data) if path == self._path else data


def flipped(data):
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("what", [PARENT, "fraud/1"])
@pytest.mark.parametrize("change", [flipped, lambda data: data[:-1]], ids=["flipped", "short"])
async def test_bytes_that_are_not_what_they_should_be_are_not_called_copied(
    source, target, what, change
):
    path = "output.log" if what == PARENT else "MLmodel"
    bad = msgspec.structs.replace(source, registry=Bad(source.registry, path, change))
    done = await copied(bad, target, what)
    assert [problem.where.rpartition("/")[2] for problem in done.problems] == [path]
    assert "is damaged there" in done.problems[0].what
    assert done.step.versions == 0
    assert done.step.runs == (2 if what == PARENT else 0)
    # Nothing is marked as whole: the next copy does it again, and right.
    assert not (await plan_copy(source, target, [what])).empty
    done = await copied(source, target, what)
    assert (done.problems, done.step.runs + done.step.versions) == ([], 1)
    expected, found = await all_facts(source), await all_facts(target)
    assert all(found[where] == expected[where] for where in found)


async def test_bytes_that_are_written_otherwise_are_seen(source, target, monkeypatch):
    class Forgetful(type(target.registry)):
        async def receive_file(self, owner, file, pieces):
            kept = await super().receive_file(owner, file, pieces)
            other = self.keep(io.BytesIO(b"other"), file.path)
            return other if file.path == "output.log" else kept

    target.registry.__class__ = Forgetful
    done = await copied(source, target, PARENT)
    (problem,) = done.problems
    assert problem.where == f"runs/{PARENT}/output.log"
    assert " here and " in problem.what


async def test_points_that_did_not_come_over_are_seen(source, target):
    class Lossy(type(target.registry)):
        async def receive_series(self, series, latest):
            await super().receive_series(
                {
                    run: {key: p.cut(0, len(p) - 1) for key, p in h.items()}
                    for run, h in series.items()
                },
                latest,
            )

    target.registry.__class__ = Lossy
    done = await copied(source, target, CHILD)
    assert {problem.what for problem in done.problems} == {"has 2 points here and 3 there"}
    assert done.step.runs == 0


class Breaking:
    """A registry that stops to answer after so many reads."""

    def __init__(self, registry, after):
        self._registry, self.left = registry, after

    def __getattr__(self, name):
        found = getattr(self._registry, name)
        if name not in ("points", "read_artifact", "lock"):
            return found
        self.left -= 1
        if self.left < 0:
            raise UnreachableError("did not answer")
        return found


@pytest.mark.slow
async def test_stopped_anywhere_the_next_one_ends_it(source, tmp_path):
    expected = await all_facts(source)
    stops = 0
    for after in range(0, 30, 2):
        target = empty_session(tmp_path / f"t{after}")
        try:
            plan = await plan_copy(source, target, ["fraud"], with_runs=True)
            broken = msgspec.structs.replace(source, registry=Breaking(source.registry, after))
            try:
                await apply_copy(broken, target, plan)
            except UnreachableError:
                stops += 1
                events = await all_of(await target.registry.events())
                assert (events[0].phase, events[0].after["why"]) == ("failed", "did not answer")
            assert (await copied(source, target, "fraud", with_runs=True)).problems == []
            assert (await plan_copy(source, target, ["fraud"], with_runs=True)).empty
            found = await all_facts(target)
            assert found == {where: expected[where] for where in found}
            assert len(found) == 3
        finally:
            await target.registry.close()
    assert stops > 5
