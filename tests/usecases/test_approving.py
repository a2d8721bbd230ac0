"""Asking, approving, refusing, taking back: what a plan has signed, and who may not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from modeldeck.app.config.policy import Person, Policy
from modeldeck.app.usecases.approvals import approvals_of
from modeldeck.app.usecases.approving import (
    find_request,
    plan_approve,
    plan_ask,
    plan_refuse,
    plan_withdraw,
)
from modeldeck.app.usecases.attest import signed_lines
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.plan import Change
from tests.usecases.people import KEYS, OTHER_DIGEST, Key, Place, policy_of
from tests.usecases.project import plan_of, refused

HOSTILE = "\x1b]52;c;x\x07 [/] \u202e@x/1"


@pytest.fixture
def place(session):
    return Place(session.registry)


async def done(place, who, make, *args, reason="because", **given):
    """Plan and apply as somebody; gives the id of what was signed."""
    session = place.of(who)
    plan = await make(session, *args, reason=reason, **given)
    (event,) = await apply_plan(session, plan)
    place.now += timedelta(minutes=1)
    return event.evidence["statement"]


async def counting(place, number=2):
    session = place.of("ana")
    version = await place.registry.version("fraud", number)
    report = await check_gate(session, "fraud", "champion", number)
    found = await approvals_of(session, version, "fraud@champion", report.evidence)
    return {one.person for one in found if one.counts and one.decision == "approved"}


async def test_asked_approved_twice_and_counted(place):
    request = await done(place, "ana", plan_ask, "fraud/2", "champion")
    assert await counting(place) == set()
    await done(place, "rev1", plan_approve, request[:8])
    await done(place, "rev2", plan_approve, "fraud/2", "champion", reason="looked at it")
    assert await counting(place) == {"rev1", "rev2"}


def short(digest):
    return f"{digest[:23]}..{digest[-4:]}"


async def test_a_plan_shows_what_exactly_is_signed_and_changes_nothing(place):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion", reason="retrained", ticket="CHG-1")
    report = await check_gate(session, "fraud", "champion", 2)
    version = await place.registry.version("fraud", 2)
    assert plan.changes == (Change("models/fraud/2", "request", None, "fraud@champion"),)
    assert dict(signed_lines(plan)) | {"gate": ""} == {
        "says": "request of models/fraud/2 for fraud@champion",
        "digest": short(version.digest),
        "policy": f"a1b2a1b {short(place.policy.source.digest)}",
        "evidence": short(report.evidence),
        "gate": "",
        "expires": "2026-12-07T12:00:00Z",
        "key": KEYS["ana"].fingerprint,
    }
    said = plan.arguments["statement"]
    assert (said["digest"], said["body"]["evidence"]) == (version.digest, report.evidence)
    assert said["body"]["policy"]["digest"] == place.policy.source.digest
    assert plan.inverse is None
    assert plan.request == "a signed statement to the records"
    assert await place.statements.statements() == []


async def test_its_event_says_who_signed_what(place):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion", reason="retrained", ticket="CHG-1")
    (event,) = await apply_plan(session, plan)
    (signed,) = await place.statements.statements()
    assert (event.action, event.phase, event.subject) == ("approval.ask", "done", "models/fraud/2")
    assert event.evidence == {
        "statement": signed.id,
        "key": KEYS["ana"].fingerprint,
        "person": "ana",
    }
    assert (event.reason, event.ticket, event.plan) == ("retrained", "CHG-1", event.plan)
    assert signed.statement.body["why"] == "retrained"
    assert signed.statement.body["ticket"] == "CHG-1"


async def test_what_is_typed_into_the_dialog_is_what_is_signed(place):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion")
    await apply_plan(session, replace(plan, reason=HOSTILE))
    (signed,) = await place.statements.statements()
    assert signed.statement.body["why"] == HOSTILE
    assert signed.valid


@pytest.mark.parametrize("reason", ["", "  \n"])
async def test_an_empty_reason_is_refused(place, reason):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion", reason=reason)
    error = await refused(RefusedError, lambda: apply_plan(session, plan))
    assert "reason" in error.what
    assert await place.statements.statements() == []


WHO_MAY_NOT = {
    "an approver asks": ("rev1", plan_ask, "rev1 is approver, and approval.ask needs author"),
    "an author approves": ("ana", plan_approve, "ana is author and operator, and approval.approve"),
    "an admin approves": ("root", plan_approve, "root is admin, and approval.approve needs"),
    "an admin refuses": ("root", plan_refuse, "root has not the role approver"),
    "the author approves": ("op1", plan_approve, "you registered it, so somebody else must"),
}


@pytest.mark.parametrize("case", WHO_MAY_NOT)
async def test_who_may_not_is_refused_at_once(place, case):
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    who, make, why = WHO_MAY_NOT[case]
    error = await refused(RefusedError, lambda: make(place.of(who), "fraud/2", "champion"))
    assert error.what.startswith(why)
    assert len(await place.statements.statements()) == 1


async def test_who_asked_may_not_approve_whatever_the_roles(place):
    both = Person(keys=(KEYS["ana"].public,), roles=("author", "approver"), logins=("ana",))
    place.policy = policy_of(ana=both)
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    error = await refused(RefusedError, lambda: plan_approve(place.of("ana"), "fraud/2"))
    assert error.what == "you asked for it, so somebody else must approve it"


async def test_a_key_that_the_policy_does_not_name_signs_nothing(place):
    session = place.of("ana", Key("mine"))
    error = await refused(RefusedError, lambda: plan_ask(session, "fraud/2", "champion"))
    assert "is nobody's by the policy" in error.what
    session = place.of("ana", actor=replace(place.of("ana").actor, key=None), signer=lambda: None)
    error = await refused(RefusedError, lambda: plan_ask(session, "fraud/2", "champion"))
    assert error.what == "there is no key to sign with"
    assert "modeldeck key new" in error.way_out


async def test_without_people_or_records_there_is_nothing_to_ask(place):
    for changed, what in (
        ({"policy": Policy()}, "the policy names no people"),
        ({"statements": None}, "there are no records to put it in"),
    ):
        session = place.of("ana", **changed)
        error = await refused(RefusedError, lambda s=session: plan_ask(s, "fraud/2", "champion"))
        assert error.what.startswith(what)


async def test_a_readonly_session_signs_nothing(place):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion", reason="because")
    readonly = place.of("ana", readonly="--readonly")
    await refused(ReadOnlyError, lambda: apply_plan(readonly, plan))


async def test_asking_twice_for_the_same_is_refused_and_for_another_alias_is_not(place):
    request = await done(place, "ana", plan_ask, "fraud/2", "champion")
    error = await refused(RefusedError, lambda: plan_ask(place.of("ana"), "fraud/2", "champion"))
    assert error.what == f"you asked for it already, request {request[:8]}"
    await done(place, "ana", plan_ask, "fraud/2", "candidate")
    error = await refused(UsageError, lambda: plan_approve(place.of("rev1"), "fraud/2"))
    assert error.what == "fraud/2 was asked for several: candidate, champion"


async def test_approving_twice_is_refused(place):
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    await done(place, "rev1", plan_approve, "fraud/2")
    error = await refused(RefusedError, lambda: plan_approve(place.of("rev1"), "fraud/2"))
    assert error.what == "you approved it already"


CHANGES = {
    "the evidence": Change("models/fraud/2", "card", "", "# fraud"),
}


async def change_card(place):
    plan = plan_of("version.card", CHANGES["the evidence"], now=place.now)
    await place.registry.apply(plan, place.of("ana").actor, "bank")


async def change_policy(place):
    place.policy = policy_of(OTHER_DIGEST)


@pytest.mark.parametrize(
    ("change", "why"),
    [(change_card, "the evidence changed since"), (change_policy, "the policy changed since")],
)
async def test_what_changes_voids_request_and_approval(place, change, why):
    request = await done(place, "ana", plan_ask, "fraud/2", "champion")
    await done(place, "rev1", plan_approve, request)
    waiting = await plan_approve(place.of("rev2"), request, reason="because")
    await change(place)
    assert await counting(place) == set()
    session = place.of("rev2")
    error = await refused(RefusedError, lambda: plan_approve(session, request))
    assert error.what == f"request {request[:8]} does not stand: {why}"
    # A plan from before is not applied either.
    await refused(RefusedError, lambda: apply_plan(session, waiting))
    assert len(await place.statements.statements()) == 2


async def test_a_plan_for_another_key_is_not_signed_with_this_one(place):
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    plan = await plan_approve(place.of("rev1"), "fraud/2", reason="because")
    await refused(ConflictError, lambda: apply_plan(place.of("rev2"), plan))


async def test_an_edited_plan_is_not_signed(place):
    session = place.of("ana")
    plan = await plan_ask(session, "fraud/2", "champion", reason="because")
    said = plan.arguments["statement"]
    for edited in (
        {**said, "digest": OTHER_DIGEST},
        {**said, "body": {**said["body"], "evidence": OTHER_DIGEST}},
        {**said, "body": {**said["body"], "policy": {"commit": "", "digest": OTHER_DIGEST}}},
    ):
        arguments = {**plan.arguments, "statement": edited}
        changed = replace(plan, arguments=arguments)
        await refused(ConflictError, lambda p=changed: apply_plan(session, p))
    assert await place.statements.statements() == []


async def test_an_expired_request_cannot_be_approved(place):
    await done(place, "ana", plan_ask, "fraud/2", "champion", days=2)
    place.now += timedelta(days=2)
    error = await refused(RefusedError, lambda: plan_approve(place.of("rev1"), "fraud/2"))
    assert "does not stand: it expired" in error.what


async def test_a_request_from_a_clock_ahead_waits(place):
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    place.now -= timedelta(minutes=3)
    error = await refused(RefusedError, lambda: plan_approve(place.of("rev1"), "fraud/2"))
    assert error.what == "the request is dated ahead of the clock here"


async def test_a_refusal_stops_and_its_withdrawal_lets_go(place):
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    await done(place, "rev1", plan_approve, "fraud/2")
    await done(place, "rev2", plan_refuse, "fraud/2", reason="new customers are worse")
    assert await counting(place) == set()
    error = await refused(RefusedError, lambda: plan_approve(place.of("rev2"), "fraud/2"))
    assert error.what == "you refused it"
    await done(place, "rev2", plan_withdraw, "fraud/2", "champion")
    assert await counting(place) == {"rev1"}
    await done(place, "rev2", plan_approve, "fraud/2")
    assert await counting(place) == {"rev1", "rev2"}


async def test_only_ones_own_words_can_be_withdrawn(place):
    request = await done(place, "ana", plan_ask, "fraud/2", "champion")
    approval = await done(place, "rev1", plan_approve, "fraud/2")
    for who, what in (("rev2", approval), ("rev1", request), ("root", request)):
        session = place.of(who)
        await refused(NotFoundError, lambda s=session, w=what: plan_withdraw(s, w))
    await done(place, "rev1", plan_withdraw, approval[:10])
    assert await counting(place) == set()
    session = place.of("rev1")
    await refused(NotFoundError, lambda: plan_withdraw(session, approval))


async def test_a_request_that_was_withdrawn_is_not_found_by_its_version(place):
    request = await done(place, "ana", plan_ask, "fraud/2", "champion")
    await done(place, "ana", plan_withdraw, request)
    await refused(NotFoundError, lambda: find_request(place.of("rev1"), "fraud/2"))
    await done(place, "ana", plan_ask, "fraud/2", "champion")


async def test_the_touch_of_a_key_in_hardware_is_told(place):
    told = []
    key = Key("rev1")
    key.public = f"sk-{key.public}"
    await done(place, "ana", plan_ask, "fraud/2", "champion")
    session = place.of("rev1", key)
    plan = await plan_approve(session, "fraud/2", reason="because")
    await apply_plan(session, plan, tell=told.append)
    assert told == ["touch your key"]


async def test_a_key_that_does_not_sign_leaves_nothing_behind(place):
    class Broken(Key):
        def sign(self, namespace, message):
            raise RefusedError("it was not touched", where="signing key")

    session = place.of("ana", Broken("ana"))
    plan = await plan_ask(session, "fraud/2", "champion", reason="because")
    before = (await place.registry.events()).first[0].seq
    await refused(RefusedError, lambda: apply_plan(session, plan))
    assert (await place.registry.events()).first[0].seq == before
    assert await place.statements.statements() == []


async def test_a_deleted_version_is_not_asked_for(place):
    plan = plan_of("version.rm", Change("models/fraud/3", "deleted", None, "2026-11-23T00:00:00Z"))
    await place.registry.apply(plan, place.of("ana").actor, "bank")
    error = await refused(RefusedError, lambda: plan_ask(place.of("ana"), "fraud/3", "champion"))
    assert error.what == "is deleted"


@pytest.mark.parametrize("alias", ["", "a/b", "a@b", "latest", "v3"])
async def test_what_cannot_be_an_alias_is_refused(place, alias):
    await refused(UsageError, lambda: plan_ask(place.of("ana"), "fraud/2", alias))
