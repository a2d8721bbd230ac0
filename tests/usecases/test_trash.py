"""Deleting, restoring, locking, purging: what breaks, who did it, when it goes, many at once."""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.config.policy import Policy, Trash
from modeldeck.app.usecases import bulk, shelf
from modeldeck.app.usecases.confirming import to_type
from modeldeck.app.usecases.locks import plan_lock, plan_unlock
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.purging import plan_purges
from modeldeck.app.usecases.register import plan_register
from modeldeck.app.usecases.restoring import plan_restores
from modeldeck.app.usecases.texts import plan_card
from modeldeck.app.usecases.trash import days_left, find_trashed, list_trash
from modeldeck.app.usecases.undo import plan_undo
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.lists import all_of
from modeldeck.backends.api.locks import LOCKED
from modeldeck.backends.api.plan import Change
from tests.usecases.project import (
    CHILD,
    FIRST,
    GONE,
    NOW,
    RUNNING,
    SECOND,
    Clock,
    plan_of,
    refused,
    session_of,
    version_change,
)

HOSTILE = "\x1b]52;c;x\x07[/] %@ a/b\u202e"


def at(session, moment, **changed):
    """The same registry at another moment."""
    session.registry.clock = lambda: moment
    return msgspec.structs.replace(session, clock=lambda: moment, **changed)


async def rm(session, noun, *refs, reason="", **options):
    plan = await shelf.plan_shelf(session, noun, refs, delete=True, reason=reason, **options)
    return await apply_plan(session, plan)


async def shown(session, **asked):
    return await all_of(await list_trash(session, **asked))


async def test_what_would_break_stands_in_the_plan(session):
    plan = await shelf.plan_shelf(session, "run", [SECOND, RUNNING], delete=True)
    assert list(plan.effects) == [
        "fraud 2 (@champion) came from xgb-deep and stays",
        "logit is running, and goes on",
        "logit: its 1 children stay, without it",
    ]
    same = version_change("fraud", 4, digest=f"sha256:{1:064x}")
    await session.registry.apply(plan_of("version.register", same), session.actor, "bank")
    plan = await shelf.plan_shelf(session, "version", ["fraud/1"], delete=True)
    assert list(plan.effects) == ["fraud/4 has the content of fraud/1 and stays"]
    plan = await shelf.plan_shelf(session, "model", ["fraud"], delete=True, with_aliases=True)
    assert list(plan.effects) == [
        "fraud@champion is version 2; who reads it finds nothing from now on",
        "4 versions of fraud go with it: 1, 2, 3, 4",
    ]
    assert to_type(plan) == "fraud@champion"


async def test_a_model_goes_with_its_aliases_and_undo_brings_both_back(session):
    before = await session.registry.model("fraud")
    error = await refused(RefusedError, lambda: rm(session, "model", "fraud"))
    assert "fraud@champion points at its versions" in str(error)
    await rm(session, "model", "fraud", with_aliases=True)
    assert list((await session.registry.models()).first) == []
    assert [one.subject for one in await shown(session, where="what = model")] == ["models/fraud"]
    await apply_plan(session, await plan_undo(session))
    after = await session.registry.model("fraud")
    assert (after.aliases, after.versions, after.deleted_at) == (before.aliases, 3, None)


async def test_the_trash_says_who_why_how_long_and_what_holds(session):
    lock = await plan_lock(session, ["fraud/1"], reason="audit")
    await apply_plan(session, lock)
    await rm(session, "run", CHILD, reason="a try")
    await rm(session, "version", "fraud/3", reason="unsafe")
    found = {one.subject: one for one in await shown(session)}
    version = found["models/fraud/3"]
    assert (version.by, version.why, version.name) == ("op1", "unsafe", "fraud/3")
    assert days_left(version, NOW) == pytest.approx(30)
    old = found[f"runs/{GONE}"]
    assert (old.by, round(days_left(old, NOW), 1)) == ("op1", 28.5)
    assert [one.subject for one in await shown(session, where="why ~ try")] == [f"runs/{CHILD}"]
    assert [one.what for one in await shown(session, sort="what")] == ["run", "run", "version"]
    by_name = await find_trashed(session, ["fold-1", GONE[:5], "fraud/3", f"runs/{CHILD}"])
    assert len(by_name) == 3
    await refused(NotFoundError, lambda: find_trashed(session, ["nothing"]))


async def test_restored_things_have_their_ids_and_an_event_each(session):
    ids = {FIRST, SECOND, CHILD}
    await rm(session, "run", *ids)
    [restored] = await plan_restores(session, refs=sorted(ids))
    done = await bulk.apply_bulk(session, restored)
    assert {one.subject for one in done.events} == {f"runs/{one}" for one in ids}
    for one in ids:
        run = await session.registry.run(one)
        assert (run.id, run.deleted_at) == (one, None)
    assert (await session.registry.run(FIRST)).params["depth"] == "6"


async def test_purging_waits_for_the_last_moment_of_the_retention(session):
    await rm(session, "version", "fraud/3")
    policy = Policy(trash=Trash(retention_days=7))
    almost = at(session, NOW + timedelta(days=7) - timedelta(microseconds=1), policy=policy)
    plans = {one.plan.operation: one for one in await plan_purges(almost)}
    assert plans["version.purge"].plan.empty
    assert "7 in all" in plans["version.purge"].left["models/fraud/3"]
    over = at(session, NOW + timedelta(days=7, seconds=10), policy=policy)
    plans = {one.plan.operation: one for one in await plan_purges(over)}
    plan = plans["version.purge"].plan
    assert plan.inverse is None
    assert "this cannot be undone" in plan.effects[0]
    # Made when it was over, applied when it is not: the plan itself is no proof.
    error = await refused(RefusedError, lambda: apply_plan(almost, plan))
    assert "more days" in error.what or "set back" in error.what
    [event] = await apply_plan(over, plan)
    assert event.before["record"]["digest"] == f"sha256:{3:064x}"
    await refused(NotFoundError, lambda: session.registry.version("fraud", 3))
    await refused(NotFoundError, lambda: find_trashed(over, ["fraud/3"]))


async def test_the_next_version_skips_the_numbers_that_were_purged(session, tmp_path):
    await rm(session, "version", "fraud/3")
    [only] = await plan_purges(session, refs=["fraud/3"], now=True, reason="by order")
    await apply_plan(session, only.plan)
    (tmp_path / "model.bin").write_bytes(b"x")
    plan = await plan_register(session, tmp_path / "model.bin", "fraud")
    assert plan.changes[0].subject == "models/fraud/4"


async def test_before_its_time_only_with_a_reason(session):
    await refused(UsageError, lambda: plan_purges(session, refs=[GONE], now=True))
    [one] = await plan_purges(session, refs=[GONE], now=True, reason="by order")
    silent = msgspec.structs.replace(one.plan, reason="")
    await refused(UsageError, lambda: apply_plan(session, silent))
    hidden = msgspec.structs.replace(one.plan, arguments={})
    await refused(RefusedError, lambda: apply_plan(session, hidden))
    [event] = await apply_plan(session, one.plan)
    assert (event.action, event.reason) == ("run.purge", "by order")


async def test_a_clock_set_back_at_the_deletion_shortens_nothing(session):
    early = at(session, NOW - timedelta(days=60))
    await rm(early, "version", "fraud/3")
    today = at(session, NOW)
    found = {one.plan.operation: one for one in await plan_purges(today)}
    assert found["version.purge"].plan.empty
    assert "models/fraud/3" in found["version.purge"].left
    later = at(session, NOW + timedelta(days=31))
    found = {one.plan.operation: one for one in await plan_purges(later)}
    assert not found["version.purge"].plan.empty


async def test_a_clock_set_back_now_purges_nothing(session):
    before = at(session, NOW - timedelta(days=400))
    for one in await plan_purges(before):
        assert one.plan.empty
    [item] = await shown(before)
    assert days_left(item, before.clock()) > 30


async def test_what_is_still_needed_is_not_purged(session):
    await rm(session, "run", FIRST)
    late = at(session, NOW + timedelta(days=90))
    [runs] = await plan_purges(late)
    assert "fraud/1 came from it" in runs.left[f"runs/{FIRST}"]
    assert [c.subject for c in runs.plan.changes] == [f"runs/{GONE}"]
    await rm(late, "version", "fraud/1")
    [runs] = await plan_purges(late, refs=[FIRST])
    assert not runs.left


async def test_an_unreadable_policy_purges_nothing(session):
    late = at(session, NOW + timedelta(days=90), policy=Policy(trouble="it cannot be read"))
    error = await refused(RefusedError, lambda: plan_purges(late))
    assert "it cannot be read" in error.what


async def test_a_lock_says_who_and_why_and_refuses_with_that(session):
    await apply_plan(session, await plan_lock(session, ["fraud/1"], reason="audit 2026"))
    version = await session.registry.version("fraud", 1)
    assert version.tags[LOCKED] == "op1: audit 2026"
    works = (
        lambda: shelf.plan_shelf(session, "version", ["fraud/1"], delete=True),
        lambda: shelf.plan_tags(session, "version", ["fraud/1"], {"a": "b"}),
        lambda: plan_card(session, "fraud", 1, "x"),
        lambda: shelf.plan_shelf(session, "run", [FIRST], delete=True),
    )
    for work in works:
        assert "op1: audit 2026" in (await refused(RefusedError, work)).what
    sly = {LOCKED: None}
    await refused(RefusedError, lambda: shelf.plan_tags(session, "version", ["fraud/2"], sly))
    await refused(UsageError, lambda: plan_unlock(session, ["fraud/1"], reason=" "))
    await apply_plan(session, await plan_unlock(session, ["fraud/1"], reason="over"))
    events = (await session.registry.events(first=2)).first
    assert [one.action for one in events] == ["version.unlock", "version.lock"]
    await rm(session, "version", "fraud/1")


async def test_a_lock_that_came_after_the_plan_still_refuses(session):
    plan = await shelf.plan_shelf(session, "run", [FIRST], delete=True)
    await apply_plan(session, await plan_lock(session, ["fraud/1"], reason="audit"))
    await refused(RefusedError, lambda: apply_plan(session, plan))


async def test_by_filter_what_refuses_is_left_out_and_told(session):
    await apply_plan(session, await plan_lock(session, ["fraud/1"], reason="audit"))
    found = await bulk.plan_bulk(session, "version", "rm", where="*", of=["fraud"])
    assert [c.subject for c in found.plan.changes] == ["models/fraud/3"]
    assert set(found.left) == {"models/fraud/1", "models/fraud/2"}
    done = await bulk.apply_bulk(session, found)
    assert [(one.subject, one.result) for one in done.outcomes] == [
        ("models/fraud/3", "done"),
        ("models/fraud/2", "refused"),
        ("models/fraud/1", "refused"),
    ]
    runs = await bulk.plan_bulk(session, "run", "tag", where="status = running", tags={"a": "b"})
    assert [c.subject for c in runs.plan.changes] == [f"runs/{RUNNING}"]
    await refused(UsageError, lambda: bulk.plan_bulk(session, "run", "rm", where=" "))
    marked = await bulk.plan_bulk(session, "run", "rm", refs=[GONE, CHILD])
    assert marked.left == {f"runs/{GONE}": "it is deleted already"}


async def thousand(session, model):
    for start in range(0, 1000, 250):
        changes = [version_change(model, n) for n in range(start + 1, start + 251)]
        await session.registry.apply(plan_of("version.register", *changes), session.actor, "bank")


async def test_a_thousand_at_once_with_hostile_names(session):
    await thousand(session, HOSTILE)
    refs = [version_address(HOSTILE, n) for n in range(1, 1001)]
    plan = await shelf.plan_shelf(session, "version", refs, delete=True)
    assert (len(plan.changes), to_type(plan)) == (1000, "1000")
    assert plan.command[-1] == "-"
    events = await apply_plan(session, plan)
    assert len({event.subject for event in events}) == 1000
    assert len(await shown(session, where="what = version")) == 1000
    [restored] = await plan_restores(session, where="what = version")
    assert to_type(restored.plan) == "1000"
    await apply_plan(session, restored.plan)
    late = at(session, NOW + timedelta(days=60))
    await rm(late, "model", HOSTILE)
    [purged] = await plan_purges(late, refs=[HOSTILE], now=True, reason="x")
    await apply_plan(late, purged.plan)
    assert len(await session.registry.purged(HOSTILE)) == 1000
    await refused(NotFoundError, lambda: session.registry.model(HOSTILE))


async def test_a_thousand_versions_are_planned_by_few_questions(session):
    await thousand(session, "many")
    asked = 0
    read = session.registry.registry.read

    async def counted(work):
        nonlocal asked
        asked += 1
        return await read(work)

    session.registry.registry.read = counted
    plan = await shelf.plan_shelf(
        session, "version", [f"many/{n}" for n in range(1, 1001)], delete=True
    )
    assert len(plan.changes) == 1000
    assert asked < 10


@pytest.mark.real
@pytest.mark.parametrize("kind", ["3", "2"])
async def test_on_a_real_server(kind, mlflow_server, tmp_path):
    """Locks hold there too, runs come back, nothing is purged; each is done by itself."""
    from modeldeck.backends.journal import Journaled
    from modeldeck.backends.local import create_registry
    from tests.mlflow.reaching import reach

    server = reach(mlflow_server(kind))
    records = create_registry(tmp_path / "records", clock=Clock(NOW))
    registry = Journaled(server, records, tool="", clock=Clock(NOW), context="bank")
    session = session_of(records, registry=registry, folder=None, clock=Clock(NOW))
    word = secrets.token_hex(4)
    experiment = await server.writing.experiment(f"trash {word}", {})
    from modeldeck.backends.api.runs import Run, Status

    ids = []
    for n in range(12):
        run = Run(id="", name=f"r{n} {word}", experiment="x", status=Status.RUNNING,
                  started_at=NOW)  # fmt: skip
        ids.append(await server.writing.run(experiment, run, {}))
    found = await bulk.plan_bulk(session, "run", "rm", where=f'name ~ "{word}"')
    assert {c.subject for c in found.plan.changes} == {f"runs/{one}" for one in ids}
    await registry.apply(  # somebody is quicker with one of them
        plan_of("run.rm", Change(f"runs/{ids[0]}", "deleted", None, "2026-11-23T00:00:00Z")),
        session.actor,
        "bank",
    )
    done = await bulk.apply_bulk(session, found)
    results = {one.subject: one.result for one in done.outcomes}
    assert results.pop(f"runs/{ids[0]}") == "refused"
    assert set(results.values()) == {"done"}
    items = [one for one in await shown(session) if word in one.name]
    assert {one.ref for one in items} == set(ids)
    assert {(one.by, one.goes_at) for one in items} == {("op1", None)}
    error = await refused(RefusedError, lambda: plan_purges(session))
    assert "mlflow gc" in error.what
    [restored] = await plan_restores(session, refs=ids)
    assert {one.result for one in (await bulk.apply_bulk(session, restored)).outcomes} == {"done"}

    model = f"m {word}"
    await server.client.send("POST", "registered-models/create", {"name": model}, dict)
    await server.client.send(
        "POST", "model-versions/create", {"name": model, "source": "s3://x/y"}, dict
    )
    ref = f"{model}/1"
    tagged = await shelf.plan_tags(session, "version", [ref], {"a": "b"})
    await apply_plan(session, await plan_lock(session, [ref], reason="audit"))
    assert (await registry.version(model, 1)).tags[LOCKED] == "op1: audit"
    await refused(RefusedError, lambda: shelf.plan_tags(session, "version", [ref], {"a": "b"}))
    error = await refused(RefusedError, lambda: apply_plan(session, tagged))
    assert not isinstance(error, ConflictError)
    await apply_plan(session, await plan_unlock(session, [ref], reason="over"))
    await apply_plan(session, tagged)
    for noun, name in (("model", model), ("version", ref)):
        error = await refused(RefusedError, lambda n=noun, r=name: rm(session, n, r))
        assert "for good" in error.what
    await registry.close()
