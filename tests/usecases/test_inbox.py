"""What waits for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modeldeck.app.config.policy import Policy
from modeldeck.app.usecases.approving import (
    plan_approve,
    plan_ask,
    plan_refuse,
    plan_withdraw,
)
from modeldeck.app.usecases.inbox import inbox
from modeldeck.app.usecases.requests import list_requests, requests
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.statements import Sync
from tests.usecases.people import OTHER_DIGEST, Place, policy_of
from tests.usecases.project import NOW, plan_of
from tests.usecases.test_approving import done


@pytest.fixture
def place(session):
    return Place(session.registry)


async def ask(place, number=3, **given):
    return await done(place, "ana", plan_ask, f"fraud/{number}", "champion", **given)


async def waits(place, who, **given):
    return [(one.kind, one.words) for one in await inbox(place.of(who), **given)]


@pytest.mark.parametrize("deep", [True, False])
async def test_a_request_waits_for_those_who_may_decide(place, deep):
    request = await ask(place)
    (one,) = await inbox(place.of("rev1"), deep=deep)
    assert (one.kind, one.id, one.person) == ("decide", request, "ana")
    assert (one.model, one.version, one.target) == ("fraud", 3, "fraud@champion")
    assert one.words == "0 of 2 approved: because"
    assert one.until == NOW + timedelta(days=14)
    assert one.command == f"modeldeck approvals show {request[:8]}"
    assert await waits(place, "ana", deep=deep) == []
    assert await waits(place, "root", deep=deep) == []


async def test_the_author_is_not_asked_once_the_registry_is_looked_at(place):
    await ask(place)
    assert await waits(place, "op1") == []


async def test_what_one_has_decided_waits_no_more(place):
    await ask(place)
    await done(place, "rev1", plan_approve, "fraud/3")
    assert await waits(place, "rev1") == []
    assert await waits(place, "rev2") == [("decide", "1 of 2 approved: because")]
    await done(place, "rev2", plan_approve, "fraud/3", reason="fine")
    assert await waits(place, "rev2") == []
    assert await waits(place, "ana") == [("decided", "approved: fine")]


async def test_a_refusal_is_told_to_who_asked(place):
    await ask(place)
    await done(place, "rev1", plan_refuse, "fraud/3", reason="worse for new customers")
    assert await waits(place, "ana") == [("decided", "REFUSED: worse for new customers")]
    assert await waits(place, "rev2") == []


async def test_what_has_arrived_waits_no_more(place):
    await ask(place, 2)
    await done(place, "rev1", plan_approve, "fraud/2")
    await done(place, "rev2", plan_approve, "fraud/2")
    assert await waits(place, "ana") == []
    live = {"fraud@champion": 2}
    assert await waits(place, "ana", deep=False, live=live) == []
    assert len(await waits(place, "ana", deep=False)) == 1


async def test_an_approval_that_became_void_is_told_with_why(place):
    await ask(place)
    await done(place, "rev1", plan_approve, "fraud/3")
    plan = plan_of("version.card", Change("models/fraud/3", "card", "", "# new"), now=place.now)
    await place.registry.apply(plan, place.of("ana").actor, "bank")
    void = ("void", "your approval counts no more: the evidence changed since")
    assert await waits(place, "rev1") == [void]
    assert await waits(place, "rev1", deep=False) == []
    place.policy = policy_of(OTHER_DIGEST)
    void = ("void", "your approval counts no more: the policy changed since")
    assert await waits(place, "rev1", deep=False) == [void]
    place.now += timedelta(days=15)
    assert await waits(place, "rev1") == []


async def test_what_one_took_back_is_not_told(place):
    await ask(place)
    approval = await done(place, "rev1", plan_approve, "fraud/3")
    await done(place, "rev1", plan_withdraw, approval)
    assert await waits(place, "rev1") == [("decide", "0 of 2 approved: because")]


async def test_several_versions_for_the_same_alias_are_a_conflict(place):
    await ask(place, 1)
    await ask(place, 3)
    found = await waits(place, "ana")
    assert found == [("conflict", "several are asked for: v1 by ana, v3 by ana")]
    assert [kind for kind, _ in await waits(place, "rev1")] == ["decide", "decide", "conflict"]


async def test_a_debt_of_broken_glass_is_due_and_then_wrong(place):
    await ask(place, 3, ticket="INC-7", due=NOW + timedelta(days=3))
    words = "went there on a broken glass (INC-7): 0 of 2 approved"
    for who in ("ana", "rev1", "root"):
        assert await waits(place, who) == [("due", words)]
    place.now += timedelta(days=3)
    assert await waits(place, "root") == [("wrong", words)]
    await done(place, "rev1", plan_approve, "fraud/3")
    await done(place, "rev2", plan_approve, "fraud/3")
    assert await waits(place, "root") == []


async def test_a_debt_that_only_the_trail_tells_of(place):
    entry = Entry(
        actor=place.of("ana").actor,
        tool="",
        context="bank",
        phase="done",
        action="alias.set",
        subject="models/fraud@champion",
        before={"version": 2},
        after={"version": 1},
        evidence={"as": "rollback", "glass": "INC-7", "due": "2026-11-26T12:00:00Z"},
    )
    await place.registry.note(entry)
    words = "broke the glass with INC-7, nobody was asked to approve it"
    assert await waits(place, "rev1", deep=False) == [("due", words)]
    place.now = NOW + timedelta(days=4)
    (one,) = await inbox(place.of("ana"))
    assert (one.kind, one.command) == ("wrong", "modeldeck approvals ask fraud/1 --for champion")
    await done(place, "ana", plan_ask, "fraud/1", "champion", due=place.now)
    assert [one.kind for one in await inbox(place.of("rev1"))] == ["wrong"]
    assert "broken glass" in (await waits(place, "rev1"))[0][1]


async def test_records_that_were_rewritten_are_wrong(place, monkeypatch):
    async def status():
        return Sync(place="git", rewritten=True, trouble="the head went back")

    monkeypatch.setattr(place.statements, "status", status)
    assert await waits(place, "ana", deep=False) == [
        ("wrong", "the shared records were rewritten: the head went back")
    ]


async def test_without_people_nothing_waits(place):
    await ask(place)
    assert await inbox(place.of("rev1", policy=Policy())) == ()


async def test_without_deep_nothing_but_statements_and_trail_is_read(place, monkeypatch):
    await ask(place)

    def never(*_, **__):
        raise AssertionError("asked")

    for name in ("model", "version", "versions", "run", "evaluations", "aliases"):
        monkeypatch.setattr(place.registry, name, never)
    monkeypatch.setattr(place.statements, "sync", never)
    assert len(await inbox(place.of("rev1"), deep=False)) == 1


async def test_lists_of_requests_leave_out_what_is_over(place):
    first = await ask(place, 1)
    await done(place, "ana", plan_withdraw, first)
    await ask(place, 3)
    session = place.of("rev1")
    assert [one.word.number for one in (await list_requests(session)).first] == [3]
    every = (await list_requests(session, every=True, sort="version")).first
    assert [(one.word.number, one.state) for one in every] == [(1, "withdrawn"), (3, "wait")]
    found = await list_requests(session, every=True, where="state = withdrawn and by = ana")
    assert found.count == 1


async def test_states(place):
    await ask(place)
    states = []

    async def look():
        (one,) = await requests(place.of("ana"))
        states.append(one.state)

    await look()
    await done(place, "rev1", plan_approve, "fraud/3")
    await done(place, "rev2", plan_approve, "fraud/3")
    await look()
    place.now += timedelta(days=14)
    await look()
    place.policy = policy_of(OTHER_DIGEST)
    await look()
    assert states == ["wait", "approved", "expired", "void"]
