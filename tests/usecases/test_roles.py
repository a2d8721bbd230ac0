"""Who may do what."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from modeldeck.app.config.policy import Person, Policy
from modeldeck.app.config.policy_file import unreadable
from modeldeck.app.config.public_keys import fingerprint
from modeldeck.app.usecases.roles import MAY, check_role, may, person_of, role_caveats
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.plan import OPERATIONS, PolicyRef
from tests.config.test_policy import key_line
from tests.usecases.project import ACTOR

ONE, TWO = key_line(1), key_line(2)


def with_(session, *roles, actor=ACTOR, **people):
    known = {"op": Person(roles=roles, logins=("op1@jump1",)), **people}
    return msgspec.structs.replace(session, policy=Policy(people=known), actor=actor)


_AUTHOR = {
    "run.tag",
    "run.rm",
    "version.register",
    "version.card",
    "copy.runs",
    "approval.ask",
    "approval.withdraw",
}
_OPERATOR = {
    *_AUTHOR,
    "alias.set",
    "alias.rm",
    "copy.model",
    "version.rm",
    "version.lock",
    "model.restore",
}
_APPROVER = {"approval.approve", "approval.refuse", "approval.withdraw"}
_AUDITOR = {"audit.checkpoint", "audit.accept", "attestation.sign"}
ALL = {
    *_OPERATOR,
    *_APPROVER,
    *_AUDITOR,
    "run.purge",
    "version.unlock",
    "audit.erase",
    "something.new",
}
ALLOWED = {
    "viewer": set(),
    "author": _AUTHOR,
    "operator": _OPERATOR,
    "approver": _APPROVER,
    "auditor": _AUDITOR,
    "admin": ALL - {"approval.approve"},
}


@pytest.mark.parametrize("role", MAY)
def test_the_table(role):
    assert {operation for operation in ALL if may(role, operation)} == ALLOWED[role]


def test_an_admin_cannot_approve():
    assert not may("admin", "approval.approve")
    assert may("admin", "alias.set")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_is_somebody_s(operation):
    assert any(may(role, operation) for role in MAY)


async def test_without_people_everybody_may_do_everything(session):
    check_role(session, "alias.set")
    check_role(session, "trash.purge")
    assert role_caveats(session) == ()


async def test_a_role_that_is_missing_is_named_with_the_person(session):
    check_role(with_(session, "operator"), "alias.set")
    with pytest.raises(RefusedError) as caught:
        check_role(with_(session, "author", "auditor"), "alias.set", "models/fraud@champion")
    assert str(caught.value).startswith(
        "models/fraud@champion: op is author and auditor, and alias.set needs operator or admin."
    )
    with pytest.raises(RefusedError, match=r"op is nothing, and run.tag needs author or operator"):
        check_role(with_(session), "run.tag")


async def test_somebody_of_no_name_may_nothing_once_there_are_people(session):
    other = msgspec.structs.replace(ACTOR, host="jump2")
    with pytest.raises(RefusedError) as caught:
        check_role(with_(session, "admin", actor=other), "run.tag")
    assert "op1@jump2 is nobody of the policy" in str(caught.value)
    assert 'Add "op1@jump2" to the logins' in str(caught.value)


async def test_a_person_is_known_by_key_before_the_login(session):
    signed = msgspec.structs.replace(ACTOR, key=fingerprint(ONE))
    people = {"rev1": Person(keys=(ONE,), roles=("approver",))}
    found = with_(session, "admin", actor=signed, **people)
    assert person_of(found) == "rev1"
    with pytest.raises(RefusedError, match="rev1 is approver"):
        check_role(found, "alias.set")
    strange = msgspec.structs.replace(ACTOR, key=fingerprint(TWO))
    assert person_of(with_(session, "admin", actor=strange, **people)) == "op"


async def test_a_revoked_key_is_nobody_s(session):
    signed = msgspec.structs.replace(ACTOR, user="x", key=fingerprint(ONE))
    revoked = {fingerprint(ONE): date(2026, 11, 23)}
    people = {"rev1": Person(keys=(ONE,), roles=("approver",), revoked=revoked)}
    assert person_of(with_(session, actor=signed, **people)) == ""


async def test_behind_sudo_it_is_the_one_who_called_it(session):
    root = msgspec.structs.replace(ACTOR, user="root", sudo_user="op1")
    found = with_(session, "operator", actor=root, boss=Person(roles=("admin",), logins=("root",)))
    assert person_of(found) == "op"


async def test_where_the_policy_cannot_be_read_nobody_may_do_anything(session):
    found = msgspec.structs.replace(session, policy=unreadable("the ref is gone", None))
    with pytest.raises(RefusedError, match=r"nobody knows who may do run.tag: the ref is gone"):
        check_role(found, "run.tag")


async def test_what_a_file_cannot_keep_anybody_from_is_said(session):
    found = with_(session, "operator")
    assert role_caveats(found) == [
        "roles hold inside modeldeck; who can write the registry's file can change it",
        "that op1 is op is this machine's word alone",
    ]
    policy = found.policy
    lying = PolicyRef(place="/p/modeldeck.toml", digest="sha256:1")
    there = msgspec.structs.replace(lying, ref="main", commit="a1b2")
    for source, words in (
        (lying, "the policy is a file as it lies here; who can write it can change it"),
        (there, "who can write to /p/modeldeck.toml can move main"),
    ):
        held = msgspec.structs.replace(policy, source=source)
        assert words in role_caveats(msgspec.structs.replace(found, policy=held))
    signed = msgspec.structs.replace(ACTOR, key=fingerprint(ONE))
    sure = with_(session, actor=signed, rev1=Person(keys=(ONE,), roles=("approver",)))
    assert len(role_caveats(sure)) == 1
