"""Approvals as a rule: enough distinct people with distinct keys who did not make it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from modeldeck.app.config.policy import Gate, Person, Policy
from modeldeck.app.usecases import approvals as source
from modeldeck.app.usecases.approvals import Approval
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.makers import Maker
from tests.usecases.gated import CANDIDATE, Side, registry_of, with_rules
from tests.usecases.people import KEYS, ROLES
from tests.usecases.project import NOW, session_of

PEOPLE = {
    name: Person(keys=(KEYS[name].public,), roles=tuple(roles), logins=(name,))
    for name, roles in ROLES.items()
}
RULE = {"kind": "approvals", "count": 2}


def said(person: str, decision: str = "approved", **changed) -> Approval:
    given = {
        "id": f"{person}-{decision}",
        "person": person,
        "key": KEYS[person].fingerprint if person in KEYS else "SHA256:other",
        "decision": decision,
        "time": NOW,
        "expires": NOW + timedelta(days=14),
        "counts": True,
    }
    return Approval(**(given | changed))


@pytest.fixture
async def judge(tmp_path, monkeypatch):
    """What the rule makes of what was said. The words themselves are those of test_approvals."""
    backend = await registry_of(tmp_path / "m", Side(), Side(user="ds1"))

    async def ask(*words, rule=RULE, people=PEOPLE, **how):
        async def approvals_of(session, version, target, evidence):
            assert target == "fraud@champion"
            assert evidence.startswith("sha256:")
            assert version.version == CANDIDATE
            return words

        monkeypatch.setattr(source, "approvals_of", approvals_of)
        session = with_rules(session_of(backend, policy=Policy(people=people)), rule)
        return (await check_gate(session, "fraud", "champion", CANDIDATE, **how)).rules[0]

    yield ask
    await backend.close()


async def test_enough_pass(judge):
    found = await judge(said("rev1"), said("rev2"))
    assert (found.verdict, found.rule) == ("pass", "2 approvals")
    assert found.shows == "2 of 2; signed by rev1, rev2"
    assert found.numbers["ids"] == ["rev1-approved", "rev2-approved"]


async def test_too_few_wait(judge):
    found = await judge(said("rev1"))
    assert (found.verdict, found.shows) == ("wait", "1 of 2; signed by rev1")
    assert (await judge()).verdict == "wait"


async def test_only_what_counts_counts(judge):
    found = await judge(
        said("rev1"), said("rev2", counts=False, why="expired"), said("rev2", "asked")
    )
    assert found.verdict == "wait"
    assert found.shows == "1 of 2; signed by rev1; rev2 expired"


async def test_one_person_counts_once_and_so_does_a_key(judge):
    twice = await judge(said("rev1"), said("rev1", id="again", key="SHA256:second"))
    assert (twice.verdict, twice.numbers["have"]) == ("wait", 1)
    shared = await judge(said("rev1"), said("rev2", key=KEYS["rev1"].fingerprint))
    assert (shared.verdict, shared.numbers["have"]) == ("wait", 1)


async def test_whoever_made_it_does_not_count(judge):
    """ds1 ran it, and op1 registered it and so is known by the trail."""
    makers = {"ds1": Person(keys=(KEYS["ana"].public,), roles=("approver",), logins=("ds1",))}
    found = await judge(said("rev1"), said("ds1"), said("op1"), people={**PEOPLE, **makers})
    assert (found.verdict, found.numbers["have"]) == ("wait", 1)
    assert "ds1 may not: " in found.shows
    assert "op1 may not: " in found.shows


async def test_a_role_is_needed(judge):
    found = await judge(said("rev1"), said("root"))
    assert found.shows == "1 of 2; signed by rev1; root is no approver"
    gone = await judge(said("rev1"), said("who"))
    assert "who is nobody of the policy" in gone.shows
    other = await judge(said("root"), rule={"kind": "approvals", "roles": ["admin", "auditor"]})
    assert other.verdict == "pass"


async def test_a_refusal_that_stands_fails(judge):
    found = await judge(said("rev1"), said("rev2"), said("op1", "refused"))
    assert (found.verdict, found.shows) == ("fail", "op1 refused it")
    taken_back = await judge(
        said("rev1"), said("rev2"), said("op1", "refused", counts=False, why="withdrawn")
    )
    assert taken_back.verdict == "pass"


async def test_without_people_nobody_can_approve(judge):
    found = await judge(said("rev1"), said("rev2"), people={})
    assert (found.verdict, found.shows) == (
        "unknown",
        "the policy names no people, so nobody can approve",
    )


async def test_where_no_maker_is_known_nobody_can_be_told_apart(judge, monkeypatch):
    async def nobody(session, version):
        return [Maker(did="wrote its card last")]

    monkeypatch.setattr("modeldeck.app.usecases.makers.makers_of", nobody)
    found = await judge(said("rev1"), said("rev2"))
    assert found.verdict == "unknown"
    assert "who made it is not known" in found.shows


async def test_a_rollback_wants_them_too(judge):
    assert (await judge(said("rev1"), purpose="rollback")).verdict == "wait"


async def test_a_gate_of_its_own_is_met_by_real_words(tmp_path):
    """No statement was made here: nothing counts, and nothing is an error."""
    backend = await registry_of(tmp_path / "m", Side(), Side())
    gate = Gate(targets=("*@champion",), rules=(RULE,))
    policy = Policy(people=PEOPLE, gates={"g": gate})
    session = replace(session_of(backend), policy=policy)
    report = await check_gate(session, "fraud", "champion", CANDIDATE)
    await backend.close()
    assert (report.verdict, report.rules[0].shows) == ("wait", "0 of 2")
