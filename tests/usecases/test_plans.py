"""Plans applied: gates asked again, edited ones refused, reasons, roles, clocks, files."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.config.policy import Person, Policy
from modeldeck.app.usecases import aliases, promotion, saved_plans, shelf
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.errors import (
    ConflictError,
    DamagedError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.ingest import ModelRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change, PolicyRef
from modeldeck.backends.local import create_registry, open_registry
from tests.console.dump import ACTOR, NOW, session_of
from tests.console.releases import make
from tests.usecases.gated import with_rules
from tests.usecases.people import Place
from tests.usecases.project import refused
from tests.usecases.project import session_of as plain_session

FREEZE = {"kind": "freeze", "windows": [{"from": "2026-11-01", "to": "2026-12-20"}]}
FLOOR = {"kind": "metric", "metric": "auc", "at_least": 0.5}
CEILING = {"kind": "metric", "metric": "auc", "at_least": 0.99}
TICKET = {"kind": "ticket"}
LONG = "x" * 255


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
def past(made, tmp_path):
    return shutil.copytree(made, tmp_path / "one" / ".modeldeck")


@pytest.fixture
async def session(past):
    session = session_of(past)
    yield session
    await session.registry.close()


async def champion(session):
    return (await session.registry.model("fraud")).aliases.get("champion")


async def set_champion(session, number=3, **more):
    return await aliases.plan_set(session, "fraud", "champion", number, **more)


# Gates: one hook for every road


async def test_every_road_to_an_alias_meets_the_same_gate(session):
    gated = with_rules(session, FREEZE)
    plans = [
        await aliases.plan_set(gated, "fraud", "champion", 3),
        await aliases.plan_remove(gated, "fraud", "champion"),
        await promotion.plan_promote(gated, "fraud", "champion", 3),
        await promotion.plan_rollback(gated, "fraud", "champion"),
        await shelf.plan_shelf(gated, "model", ["fraud"], delete=True, with_aliases=True),
    ]
    for plan in plans:
        assert [g.verdict for g in plan.gates if g.kind == "freeze"] == ["wait"], plan.operation
        plan = msgspec.structs.replace(plan, reason="r")
        await refused(RefusedError, lambda plan=plan: apply_plan(gated, plan))
    assert await champion(gated) == 2


async def test_an_alias_without_a_gate_carries_nothing(session):
    gated = with_rules(session, FREEZE)
    plan = await aliases.plan_set(gated, "fraud", "shadow", 3)
    assert (plan.gates, plan.policy, plan.evidence) == ((), None, None)
    (event,) = await apply_plan(gated, plan)
    assert event.evidence is None


async def test_the_event_says_what_it_stood_on(session):
    gated = with_rules(session, FLOOR, TICKET)
    source = PolicyRef(place="modeldeck.toml", commit="a1b2", digest="sha256:12")
    gated = msgspec.structs.replace(
        gated, policy=msgspec.structs.replace(gated.policy, source=source)
    )
    plan = await promotion.plan_promote(
        gated, "fraud", "champion", 3, reason="week 48", ticket="CHG0431"
    )
    (event,) = await apply_plan(gated, plan)
    assert event.evidence["as"] == "promote"
    assert [(one["kind"], one["verdict"]) for one in event.evidence["gates"]] == [
        ("metric", "pass"),
        ("ticket", "pass"),
    ]
    assert event.evidence["policy"]["commit"] == "a1b2"
    assert event.evidence["root"].startswith("sha256:")
    assert event.plan == plan.digest, "the plan that was agreed to"


async def test_gates_taken_out_of_a_plan_come_back(session):
    gated = with_rules(session, FLOOR)
    plan = await set_champion(gated, reason="r")
    forged = msgspec.structs.replace(plan, gates=(), evidence={"as": "promote"})
    error = await refused(RefusedError, lambda: apply_plan(gated, forged))
    assert "the plan does not know the rule" in str(error)


async def test_a_verdict_written_into_a_plan_is_not_believed(session):
    gated = with_rules(session, CEILING)
    plan = await set_champion(gated, reason="r")
    assert plan.refused
    lies = tuple(msgspec.structs.replace(gate, verdict="pass") for gate in plan.gates)
    error = await refused(
        RefusedError, lambda: apply_plan(gated, msgspec.structs.replace(plan, gates=lies))
    )
    assert "a gate says no: fail" in str(error)


async def test_a_plan_that_waited_is_applied_when_its_gate_lets_it_through(session):
    waited = await set_champion(with_rules(session, FREEZE), reason="r")
    assert waited.refused
    thawed = with_rules(session, FREEZE, clock=lambda: NOW + timedelta(days=28))
    plan = saved_plans.living(waited, timedelta(days=30))
    (event,) = await apply_plan(thawed, plan)
    assert event.evidence["gates"][0]["verdict"] == "pass"
    assert event.plan == plan.digest


async def test_another_policy_since_the_plan_is_refused(session):
    source = PolicyRef(commit="a1b2c3d4", ref="main", digest="sha256:01")
    gated = with_rules(session, FLOOR)

    def under(digest, commit="e5f6a7b8", **policy):
        ref = msgspec.structs.replace(source, digest=digest, commit=commit)
        policy = msgspec.structs.replace(gated.policy, source=ref, **policy)
        return msgspec.structs.replace(gated, policy=policy)

    plan = await set_champion(under("sha256:01", "a1b2c3d4"), reason="r")
    for other in (under("sha256:02"), under("sha256:02", gates={}), under("sha256:01", gates={})):
        error = await refused(RefusedError, lambda other=other: apply_plan(other, plan))
        assert "the plan was checked against a1b2c3d main" in str(error)
    await apply_plan(under("sha256:01", "a1b2c3d4"), plan)
    unknown = await set_champion(session, 1, reason="r")
    error = await refused(RefusedError, lambda: apply_plan(under("sha256:02"), unknown))
    assert "the plan was checked against none" in str(error)


async def test_a_policy_that_cannot_be_read_lets_nothing_through(session):
    blind = msgspec.structs.replace(session, policy=Policy(trouble="line 3: what"))
    plan = await set_champion(blind, reason="r")
    assert [gate.verdict for gate in plan.gates] == ["unknown"]
    error = await refused(RefusedError, lambda: apply_plan(blind, plan))
    assert "line 3: what" in str(error)


async def test_approvals_taken_back_between_plan_and_change(made, tmp_path):
    place = Place(open_registry(shutil.copytree(made, tmp_path / "p" / ".modeldeck")))
    ana, rev1, rev2 = (place.of(name) for name in ("ana", "rev1", "rev2"))
    from modeldeck.app.usecases import approving

    try:
        asked = await approving.plan_ask(ana, "fraud/3", "champion", reason="please")
        await apply_plan(ana, asked)
        for reviewer in (rev1, rev2):
            said = await approving.plan_approve(reviewer, "fraud/3", reason="fine")
            await apply_plan(reviewer, said)
        plan = await promotion.plan_promote(ana, "fraud", "champion", 3, reason="r")
        assert not plan.refused, plan.gates
        approved = {one["person"]: one["id"] for one in plan.evidence["approved"]}
        assert approved.keys() == {"rev1", "rev2"}
        assert len(plan.evidence["approvals"]) == 2
        back = await approving.plan_withdraw(rev2, approved["rev2"], reason="I was wrong")
        await apply_plan(rev2, back)
        error = await refused(RefusedError, lambda: apply_plan(ana, plan))
        assert "approvals" in str(error)
        assert await champion(ana) == 2
    finally:
        await place.registry.close()


# Roles, reasons, clocks


async def test_who_may_not_is_named_with_the_role(session):
    people = {"ada": Person(logins=("ada",), roles=("viewer",))}
    plan = await set_champion(session)
    viewer = msgspec.structs.replace(session, policy=Policy(people=people))
    error = await refused(RefusedError, lambda: apply_plan(viewer, plan))
    assert "ada is viewer" in str(error)
    assert any("roles hold inside modeldeck" in one for one in (await set_champion(viewer)).caveats)


@pytest.mark.parametrize("reason", ["", "   "])
@pytest.mark.parametrize("where", ["protected", "gated"])
async def test_a_reason_is_needed(session, where, reason):
    if where == "protected":
        asked, says = msgspec.structs.replace(session, protected=True), "context lab is protected"
    else:
        asked, says = with_rules(session, FLOOR), "a gate stands before fraud@champion"
    plan = await set_champion(asked, reason=reason)
    error = await refused(RefusedError, lambda: apply_plan(asked, plan))
    assert "a reason is needed: " in str(error)
    assert says in str(error)
    await apply_plan(asked, msgspec.structs.replace(plan, reason="because"))


async def test_a_clock_set_back_is_no_longer_life(session):
    plan = await set_champion(session)
    early = msgspec.structs.replace(session, clock=lambda: NOW - timedelta(hours=1))
    error = await refused(RefusedError, lambda: apply_plan(early, plan))
    assert "the clock was set back" in str(error)
    skewed = msgspec.structs.replace(session, clock=lambda: NOW - timedelta(minutes=2))
    await apply_plan(skewed, plan)


async def test_a_plan_lapses(session):
    plan = await set_champion(session)
    late = msgspec.structs.replace(session, clock=lambda: NOW + timedelta(minutes=16))
    error = await refused(RefusedError, lambda: apply_plan(late, plan))
    assert "the plan lapsed at 2026-11-23T12:45:00Z" in str(error)


async def test_long_names(session):
    await aliases.plan_set(session, "fraud", LONG, 3)
    plan = await promotion.plan_promote(session, "fraud", LONG, 3)
    (event,) = await apply_plan(session, plan)
    assert event.subject == f"models/fraud@{LONG}"
    back = await promotion.plan_promote(session, "fraud", LONG, 2)
    assert back.command[-4:] == (f"fraud@{LONG}", "2", "--expect", "3")


async def test_a_plan_for_a_thousand_versions_makes_its_digest_once(tmp_path, monkeypatch):
    backend = create_registry(tmp_path, clock=lambda: NOW)
    versions = [Version(model="many", version=n, created_at=NOW) for n in range(1, 1001)]
    await backend.take(
        "test", "test", models=[ModelRecord(model=Model(name="many"), versions=versions)]
    )
    session = plain_session(backend, context="lab", actor=ACTOR, clock=lambda: NOW)
    plan = await shelf.plan_tags(
        session, "version", [f"many/{n}" for n in range(1, 1001)], {"seen": "1"}
    )
    encoded = []
    encode = msgspec.json.encode

    def counted(item, **options):
        encoded.append(item is plan or type(item) is type(plan))
        return encode(item, **options)

    monkeypatch.setattr("modeldeck.backends.api.plan.msgspec.json.encode", counted)
    events = await apply_plan(session, plan)
    assert len(events) == 1000
    assert {event.plan for event in events} == {plan.digest}
    assert sum(encoded) <= 2, "not once a change"
    await backend.close()


# Files


def written(tmp_path):
    return str(tmp_path / "plan.json")


async def test_a_saved_plan_is_applied_later(session, tmp_path):
    plan = await set_champion(session, reason="week 48")
    saved = await saved_plans.save_plan(session, plan, written(tmp_path))
    assert saved.lapses_at == NOW + timedelta(days=1)
    found = saved_plans.read_plan(written(tmp_path))
    assert found.digest == saved.digest
    later = msgspec.structs.replace(session, clock=lambda: NOW + timedelta(hours=20))
    (event,) = await apply_plan(
        later, await saved_plans.check_place(later, found), agreed=found.digest
    )
    assert (event.plan, event.reason) == (saved.digest, "week 48")


async def test_the_registry_may_go_by_another_name_but_not_be_another(session, past, tmp_path):
    saved = await saved_plans.save_plan(session, await set_champion(session), written(tmp_path))
    found = saved_plans.read_plan(written(tmp_path))
    moved = session_of(shutil.copytree(past, tmp_path / "two"), context="prod")
    plan = await saved_plans.check_place(moved, found)
    (event,) = await apply_plan(moved, plan, agreed=found.digest)
    assert (event.context, event.plan) == ("prod", saved.digest)
    await moved.registry.close()
    other = create_registry(tmp_path / "three", clock=lambda: NOW)
    error = await refused(
        RefusedError,
        lambda: saved_plans.check_place(plain_session(other), found),
    )
    assert "the plan is for trail:" in str(error)
    await other.close()


async def test_a_file_that_is_there_is_not_written_over_and_only_its_owner_reads_it(
    session, tmp_path
):
    target = tmp_path / "plan.json"
    await saved_plans.save_plan(session, await set_champion(session), str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    error = await refused(
        RefusedError,
        lambda: saved_plans.save_plan(session, plan_of(target), str(target)),
    )
    assert "is there already" in str(error)


def plan_of(target):
    return saved_plans.read_plan(str(target)).plan


EDITS = {
    "the version": lambda d: d["plan"]["arguments"].update(version=4),
    "the change": lambda d: d["plan"]["changes"][0].update(after=4),
    "the gates": lambda d: d["plan"].update(gates=[]),
    "the reason": lambda d: d["plan"].update(reason="another"),
    "the lapse": lambda d: d["plan"].update(lapses_at="2027-01-01T00:00:00Z"),
    "the digest": lambda d: d.update(digest="sha256:" + "0" * 64),
}


@pytest.mark.parametrize("what", EDITS)
async def test_an_edited_file_says_that_it_was_edited(session, tmp_path, what):
    gated = with_rules(session, FLOOR)
    await saved_plans.save_plan(gated, await set_champion(gated, reason="r"), written(tmp_path))
    document = json.loads((tmp_path / "plan.json").read_text())
    EDITS[what](document)
    (tmp_path / "plan.json").write_text(json.dumps(document))
    with pytest.raises(DamagedError, match="was edited since it was saved"):
        saved_plans.read_plan(written(tmp_path))


async def test_a_file_edited_with_its_digest_is_still_refused_by_its_gates(session, tmp_path):
    gated = with_rules(session, CEILING)
    plan = msgspec.structs.replace(await set_champion(gated, reason="r"), gates=())
    await saved_plans.save_plan(gated, plan, written(tmp_path))
    found = saved_plans.read_plan(written(tmp_path))
    await refused(RefusedError, lambda: apply_plan(gated, found.plan))
    assert await champion(gated) == 2


async def test_a_plan_that_would_live_for_ever_is_none_of_ours(session, tmp_path):
    plan = await set_champion(session)
    await saved_plans.save_plan(session, plan, written(tmp_path), timedelta(days=400))
    with pytest.raises(DamagedError, match="is no plan that modeldeck saved"):
        saved_plans.read_plan(written(tmp_path))
    agreed = msgspec.structs.replace(plan, agreed="sha256:00")
    await saved_plans.save_plan(session, agreed, str(tmp_path / "two"))
    with pytest.raises(DamagedError, match="is no plan that modeldeck saved"):
        saved_plans.read_plan(str(tmp_path / "two"))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]", b"[" * 100_000, b"\x1b[2J"])
def test_what_is_no_plan_is_named(tmp_path, content):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(DamagedError, match="is no saved plan"):
        saved_plans.read_plan(written(tmp_path))
    with pytest.raises(NotFoundError):
        saved_plans.read_plan(str(tmp_path / "no-such"))


@pytest.mark.parametrize(
    ("text", "span"),
    [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("30d", timedelta(days=30))],
)
def test_how_long_a_plan_may_live(text, span):
    assert saved_plans.span_of(text) == span


@pytest.mark.parametrize("text", ["", "0d", "31d", "721h", "1w", "-1d", "1", "d", "9999999d"])
def test_how_long_it_may_not(text):
    with pytest.raises(UsageError):
        saved_plans.span_of(text)


async def test_a_state_that_moved_since_it_was_saved_is_a_conflict(session, tmp_path):
    await saved_plans.save_plan(session, await set_champion(session, 3), written(tmp_path))
    await apply_plan(session, await set_champion(session, 1))
    found = saved_plans.read_plan(written(tmp_path)).plan
    error = await refused(ConflictError, lambda: apply_plan(session, found))
    assert "version is 1 now, the plan expects 2" in str(error)


def test_other_changes_are_no_moves():
    from modeldeck.app.usecases.gated import moves_of

    changes = [
        Change(run_address("x@y"), "tag:a", None, "1"),
        Change("models/fraud@champion", "version", 2, 2),
        Change("models/fraud/3", "version", 1, 2),
        Change("no address@x", "version", 1, 2),
    ]
    assert moves_of(changes) == []


async def test_a_session_that_is_open_for_long_meets_the_policy_of_now(session):
    """A console reads the policy again for each plan, and when it is applied."""
    gated = with_rules(session, CEILING).policy
    policies = [Policy()]
    lasting = msgspec.structs.replace(session, reread=lambda: policies[-1])
    plan = await set_champion(lasting, reason="r")
    policies.append(gated)
    error = await refused(RefusedError, lambda: apply_plan(lasting, plan))
    assert "the plan does not know the rule" in str(error)
    assert (await set_champion(lasting, reason="r")).refused

    def broken():
        raise UsageError("is not TOML")

    blind = msgspec.structs.replace(session, reread=broken)
    error = await refused(RefusedError, lambda: apply_plan(blind, plan))
    assert "is not TOML" in str(error)
