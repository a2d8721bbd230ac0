"""Promoting, rolling back, drilling: what is checked, what refuses, what the glass waives."""

from __future__ import annotations

import shutil
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.usecases import promotion
from modeldeck.app.usecases.drills import apply_drill, plan_drill
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.shelf import plan_shelf
from modeldeck.app.usecases.timeline import timeline
from modeldeck.app.usecases.timeline_words import step_words
from modeldeck.app.usecases.undo import plan_undo
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from tests.console.dump import NOW, session_of
from tests.console.releases import make
from tests.usecases.gated import with_rules
from tests.usecases.project import refused

FREEZE = {"kind": "freeze", "windows": [{"from": "2026-11-01", "to": "2026-12-20"}]}
APPROVALS = {"kind": "approvals", "count": 1}
METRIC = {"kind": "metric", "metric": "auc", "at_least": 0.99}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
def past(made, tmp_path):
    return shutil.copytree(made, tmp_path / ".modeldeck")


@pytest.fixture
async def session(past):
    session = session_of(past)
    yield session
    await session.registry.close()


async def last_step(session):
    return step_words((await timeline(session, "fraud", "champion")).moves[-1])


async def champion(session):
    return (await session.registry.model("fraud")).aliases.get("champion")


def file_of(past, registry, digest):
    return registry.store.path(digest)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("fraud@champion", ("fraud", "champion")),
        ("models/fraud@champion", ("fraud", "champion")),
        ("a@b@c", ("a@b", "c")),
    ],
)
def test_an_alias_is_named_by_its_model(text, parts):
    assert promotion.alias_ref(text) == parts


@pytest.mark.parametrize("text", ["", "fraud", "@champion", "fraud@", "fraud@v3"])
def test_and_these_name_none(text):
    with pytest.raises(UsageError):
        promotion.alias_ref(text)


async def test_a_promotion_says_whether_the_way_back_would_work(session):
    plan = await promotion.plan_promote(session, "fraud", "champion", 3)
    assert plan.operation == "alias.set"
    assert plan.arguments["as"] == "promote"
    assert plan.command[1:] == ("promote", "fraud@champion", "3", "--expect", "2")
    assert plan.way_back == [
        "rollback to 2: artifact ok, lock ok, never drilled",
        "undo of champion alone: z, or modeldeck undo",
    ]
    (event,) = await apply_plan(session, plan)
    assert event.evidence == {"as": "promote"}
    assert await champion(session) == 3


async def test_a_promotion_from_somewhere_else_names_both_values(session):
    error = await refused(
        ConflictError,
        lambda: promotion.plan_promote(session, "fraud", "champion", 3, expect=1),
    )
    assert "it is version 2 now, version 1 was expected" in str(error)


async def test_rolling_back_goes_to_what_was_there_before(session):
    told = []
    plan = await promotion.plan_rollback(session, "fraud", "champion", tell=told.append)
    assert told == ["fraud@champion was 1 before"]
    assert plan.command[1:] == ("rollback", "fraud@champion", "1", "--expect", "2")
    assert {gate.rule: gate.verdict for gate in plan.gates} == {
        "version exists": "pass",
        "was live before": "pass",
        "artifact is whole": "pass",
        "signature fits 2": "pass",
        "lock is there": "pass",
    }
    (event,) = await apply_plan(session, plan)
    assert event.evidence["as"] == "rollback"
    assert [one["kind"] for one in event.evidence["gates"]] == ["rollback"] * 5
    assert await champion(session) == 1


async def test_a_second_rollback_does_not_return_to_what_was_left(session):
    await apply_plan(session, await promotion.plan_promote(session, "fraud", "champion", 3))
    await apply_plan(session, await promotion.plan_rollback(session, "fraud", "champion"))
    assert await champion(session) == 2
    await apply_plan(session, await promotion.plan_rollback(session, "fraud", "champion"))
    assert await champion(session) == 1
    error = await refused(
        RefusedError, lambda: promotion.plan_rollback(session, "fraud", "champion")
    )
    assert "nothing is known to have been fraud@champion before 1" in str(error)
    # What was named is believed, as long as it was live.
    assert not (await promotion.plan_rollback(session, "fraud", "champion", 3)).refused


async def test_after_a_promotion_of_an_older_version_the_way_back_is_the_one_that_was_promised(
    session,
):
    await apply_plan(session, await promotion.plan_promote(session, "fraud", "champion", 3))
    plan = await promotion.plan_promote(session, "fraud", "champion", 1)
    assert plan.way_back[0] == "rollback to 3: artifact ok, lock ok, never drilled"
    await apply_plan(session, plan)
    await apply_plan(session, await promotion.plan_rollback(session, "fraud", "champion"))
    assert await champion(session) == 3
    # From there on as if it had not been: 2 was before 3.
    await apply_plan(session, await promotion.plan_rollback(session, "fraud", "champion"))
    assert await champion(session) == 2
    # And who takes a promotion back has gone back.
    plan = await promotion.plan_promote(session, "fraud", "champion", 3)
    (done,) = await apply_plan(session, plan)
    await apply_plan(session, await plan_undo(session, str(done.seq)))
    await apply_plan(session, await promotion.plan_rollback(session, "fraud", "champion"))
    assert await champion(session) == 1


async def test_a_version_that_was_never_live_is_not_rolled_back_to(session):
    plan = await promotion.plan_rollback(session, "fraud", "champion", 3)
    bad = [gate for gate in plan.gates if not gate.holds]
    assert [(gate.rule, gate.shows) for gate in bad] == [
        ("was live before", "3 was never fraud@champion: promote it instead")
    ]
    error = await refused(RefusedError, lambda: apply_plan(session, plan))
    assert "was live before" in str(error)
    assert await champion(session) == 2


async def test_no_alias_has_nothing_to_go_back_to(session):
    await refused(NotFoundError, lambda: promotion.plan_rollback(session, "fraud", "shadow"))


async def break_file(session, how):
    version = await session.registry.version("fraud", 1)
    path = session.registry.store.path(version.digest)
    path.chmod(0o600)
    if how == "removed":
        path.unlink()
    elif how == "changed":
        data = path.read_bytes()
        path.write_bytes(b"x" + data[1:])
    else:
        path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("how", "shows"),
    [
        ("removed", "model.skops: its bytes are not kept here"),
        ("changed", "was recorded"),
        ("cut", "bytes, 700 were recorded"),
    ],
)
async def test_without_its_bytes_the_plan_refuses_and_says_which_step(session, how, shows):
    await break_file(session, how)
    plan = await promotion.plan_rollback(session, "fraud", "champion")
    (bad,) = [gate for gate in plan.gates if not gate.holds]
    assert (bad.rule, bad.kind) == ("artifact is whole", "rollback")
    assert shows in bad.shows
    error = await refused(RefusedError, lambda: apply_plan(session, plan))
    assert "artifact is whole" in str(error)


async def test_bytes_that_go_between_plan_and_change_refuse_it(session):
    plan = await promotion.plan_rollback(session, "fraud", "champion")
    await break_file(session, "changed")
    error = await refused(RefusedError, lambda: apply_plan(session, plan))
    assert "a gate says no: fail artifact is whole" in str(error)
    assert await champion(session) == 2


async def test_a_deleted_version_is_named(session):
    await apply_plan(session, await plan_shelf(session, "version", ["fraud/1"], delete=True))
    error = await refused(
        RefusedError, lambda: promotion.plan_rollback(session, "fraud", "champion", 1)
    )
    assert "is deleted" in str(error)


async def test_a_lock_that_is_gone_is_a_failing_step(session):
    await session.registry.registry.write(
        lambda c: c.execute("UPDATE version SET lock_digest = 'sha256:zz' WHERE number = 1")
    )
    plan = await promotion.plan_rollback(session, "fraud", "champion")
    assert [gate.rule for gate in plan.gates if not gate.holds] == ["lock is there"]


async def test_what_was_never_recorded_is_said_to_be_not_known(session):
    await session.registry.registry.write(
        lambda c: c.execute(
            "UPDATE version SET lock_digest = NULL, run_uid = NULL, signature = NULL"
            " WHERE number = 1"
        )
    )
    plan = await promotion.plan_rollback(session, "fraud", "champion")
    assert not plan.refused
    said = " ".join(plan.caveats)
    assert "no lock was recorded with version 1" in said
    assert "version 1 has no signature" in said


async def test_a_drill_reads_all_and_the_next_plan_says_when(session, past):
    before = await champion(session)
    plan = await plan_drill(session, "fraud", "champion")
    found = await apply_drill(session, plan)
    assert found.holds
    assert (found.live, found.version, found.read) == (2, 1, 719)
    assert await champion(session) == before
    assert await last_step(session) == "drill: back to 1"
    assert found.event.action == "rollback.drill"
    assert found.event.after == {"drill": "passed", "to": 1, "seconds": "0.0", "bytes": 719}
    later = session_of(past, clock=lambda: NOW + timedelta(days=9))
    back = await promotion.plan_rollback(later, "fraud", "champion")
    assert back.way_back[0] == "this rollback was drilled 9 d ago, took 0 s"
    await later.registry.close()


async def test_a_drill_that_fails_is_written_down_too(session):
    await break_file(session, "changed")
    found = await apply_drill(session, await plan_drill(session, "fraud", "champion"))
    assert not found.holds
    assert found.event.after["drill"] == "failed"
    plan = await promotion.plan_rollback(session, "fraud", "champion")
    assert plan.way_back[0] == "this rollback was drilled 0 s ago and FAILED"
    assert await last_step(session) == "drill: back to 1, FAILED"


async def test_a_drill_is_about_what_is_live_now(session):
    plan = await plan_drill(session, "fraud", "champion")
    await apply_plan(session, await promotion.plan_promote(session, "fraud", "champion", 3))
    error = await refused(RefusedError, lambda: apply_drill(session, plan))
    assert "it is 3 now, the plan expects 2" in str(error)


async def test_a_rollback_meets_freezes_and_approvals_but_no_metric(session):
    gated = with_rules(session, FREEZE, METRIC)
    promoted = await promotion.plan_promote(gated, "fraud", "champion", 3, reason="r")
    assert {gate.kind for gate in promoted.gates} == {"freeze", "metric"}
    back = await promotion.plan_rollback(gated, "fraud", "champion", reason="r")
    assert {gate.kind for gate in back.gates} == {"freeze", "rollback"}
    assert [gate.kind for gate in back.gates if not gate.holds] == ["freeze"]


async def test_broken_glass_waives_the_freeze_and_says_so_everywhere(session):
    gated = with_rules(session, FREEZE)
    plan = await promotion.plan_rollback(
        gated, "fraud", "champion", glass="INC0042", reason="it eats customers"
    )
    assert plan.command[-2:] == ("--break-glass", "INC0042")
    assert plan.effects[0].startswith("BREAKS GLASS with INC0042: waives ")
    assert plan.ticket == "INC0042"
    assert [gate.verdict for gate in plan.gates if gate.kind == "freeze"] == ["waived"]
    told = []
    (event,) = await apply_plan(gated, plan, tell=told.append)
    assert event.evidence["glass"] == "INC0042"
    assert event.evidence["due"] == "2026-11-26T12:30:00Z"
    assert told == ["BROKE GLASS with INC0042: an approval is due until 2026-11-26T12:30:00Z"]
    assert await champion(gated) == 1


async def test_the_glass_is_not_broken_where_nothing_is_waived(session):
    plan = await promotion.plan_rollback(session, "fraud", "champion", glass="INC0042")
    assert "the glass is whole" in plan.effects[0]
    (event,) = await apply_plan(session, plan)
    assert "glass" not in event.evidence


async def test_the_glass_breaks_for_nothing_else(session):
    gated = with_rules(session, FREEZE)
    never = await promotion.plan_rollback(gated, "fraud", "champion", 3, glass="I", reason="r")
    assert [gate.kind for gate in never.gates if not gate.holds] == ["freeze", "rollback"]
    await refused(RefusedError, lambda: apply_plan(gated, never))
    await break_file(session, "removed")
    broken = await promotion.plan_rollback(gated, "fraud", "champion", glass="I", reason="r")
    assert [gate.rule for gate in broken.gates if not gate.holds] == ["artifact is whole"]
    await refused(RefusedError, lambda: apply_plan(gated, broken))
    fixed = msgspec.structs.replace(gated, readonly="it is frozen")
    await refused(ReadOnlyError, lambda: apply_plan(fixed, broken))


async def test_a_promotion_that_says_it_is_a_rollback_is_none(session):
    """Who writes `rollback` into a plan for what was never live gets the rules of a promotion."""
    gated = with_rules(session, METRIC)
    plan = await promotion.plan_promote(gated, "fraud", "champion", 3, reason="r")
    forged = msgspec.structs.replace(
        plan, gates=(), arguments={**plan.arguments, "as": "rollback", "glass": "I"}
    )
    error = await refused(RefusedError, lambda: apply_plan(gated, forged))
    assert "the plan does not know the rule" in str(error)
    assert await champion(gated) == 2
