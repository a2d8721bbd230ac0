"""Events told to others, what others told, and moves whose word comes late."""

from __future__ import annotations

import shutil
from typing import Any

import msgspec
import pytest

from modeldeck.app.usecases import sharing
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.sharing import accept, plan_accept, publish, refresh, shared
from modeldeck.backends.api.errors import RefusedError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.statements import EVENT
from modeldeck.backends.statements.here import LocalStatements
from modeldeck.backends.statements.shared import GitStatements
from tests.journal.scripted import CHAMPION, Clock, Scripted, journaled
from tests.local.records import ME
from tests.statements.signing import NOW, git, key_of, policy, repository

pytestmark = pytest.mark.real


class Office:
    """A person with a session on the server that all of them use."""

    def __init__(self, folder, clock, server, address=None, person="ada"):
        self.registry = journaled(server, folder, clock)
        records, people = self.registry.records, lambda: policy("ada", "bob")
        self.statements: Any = (
            LocalStatements(records, people, clock)
            if address is None
            else GitStatements(
                records, people, clock, address=str(address), branch="modeldeck",
                clone=folder / "clone.git", seconds=30.0,
            )
        )  # fmt: skip
        self.registry.learn_from(self.statements)
        self.session = Session(
            context="here", registry=self.registry, actor=ME, clock=clock,
            statements=self.statements, signer=lambda: key_of(person) if person else None,
        )  # fmt: skip


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    return Scripted()


@pytest.fixture
def address(tmp_path):
    return repository(tmp_path)


@pytest.fixture
async def office(tmp_path, clock, server, address):
    made = []

    def make(name="ada", **fields):
        found = Office(tmp_path / name, clock, server, **({"address": address} | fields))
        made.append(found)
        return found

    yield make
    for one in made:
        await one.registry.close()


def event(**fields: Any) -> Event:
    defaults: dict[str, Any] = {
        "seq": 7, "time": NOW, "actor": ME, "tool": "modeldeck 1", "context": "here",
        "phase": "done", "action": "alias.set", "subject": CHAMPION,
        "before": {"version": 1}, "after": {"version": 2}, "reason": "better",
    }  # fmt: skip
    return Event(**(defaults | fields))


async def test_an_event_is_told_to_the_others(office):
    ada, bob = office(), office("bob", person="bob")
    assert await publish(ada.session, [event()]) == ""
    [told] = await shared(bob.session, (EVENT,), CHAMPION)
    assert (told.valid, told.person, told.statement.time) == (True, "ada", NOW)
    body = told.statement.body
    assert (body["action"], body["after"], body["seq"]) == ("alias.set", {"version": 2}, 7)
    assert body["actor"]["user"] == ME.user


async def test_what_runs_log_and_what_was_not_done_is_not_told(office):
    ada = office()
    others = [
        event(action="run.tag"),
        event(action="import", phase="ended"),
        event(phase="intent"),
        event(phase="failed"),
        event(phase="unknown"),
        event(phase="observed"),
        event(phase="learned"),
    ]
    assert await publish(ada.session, others) == ""
    assert await ada.statements.statements() == []
    assert ada.statements.repository.ran == 0


@pytest.mark.parametrize("action", ["version.card", "model.rm", "copy.model", "drill", "alias.rm"])
async def test_what_governs_models_is(office, action):
    ada = office()
    await publish(ada.session, [event(action=action)])
    assert len(await ada.statements.statements()) == 1


async def test_many_are_told_at_once(office):
    ada = office()
    await publish(ada.session, [event(subject=f"models/m/{n}") for n in range(300)])
    assert len(await ada.statements.statements()) == 300
    assert ada.statements.repository.ran <= 6


async def test_long_texts_and_large_numbers_are_told_in_short(office):
    ada = office()
    card = {"card": "x" * 100_000}
    after = {"n": 1 << 70, "x": 2.0**60, "nan": float("nan"), "l": [1, "y"]}
    assert await publish(ada.session, [event(before=card, after=after)]) == ""
    [told] = await ada.statements.statements()
    assert told.statement.body["before"]["card"]["bytes"] == 100_000
    assert told.statement.body["after"] == {
        "n": str(1 << 70), "x": str(2.0**60), "nan": "NaN", "l": [1, "y"],
    }  # fmt: skip


async def test_without_a_key_it_is_said_once_and_only_where_others_wait(office):
    ada = office(person="")
    assert "`modeldeck key new` makes one" in await publish(ada.session, [event()])
    assert await publish(ada.session, [event()]) == ""
    alone = office("alone", address=None, person="")
    assert await publish(alone.session, [event()]) == ""


async def test_a_key_that_fails_and_a_place_that_is_away_harm_no_change(office, address):
    ada = office()

    def broken():
        raise RefusedError("the key does not sign", where="token")

    session = msgspec.structs.replace(ada.session, signer=broken)
    assert "the key does not sign" in await publish(session, [event()])
    shutil.rmtree(address)
    words = await publish(ada.session, [event()])
    assert words.startswith("1 statement wait")
    assert "git: fatal:" in words
    assert await publish(msgspec.structs.replace(ada.session, statements=None), [event()]) == ""


async def test_a_hardware_key_is_not_touched_for_each_of_many(office):
    class Token:
        public, fingerprint = "sk-ssh-ed25519@openssh.com AAAA", "SHA256:x"

        def sign(self, *_):
            raise AssertionError

    ada = office()
    session = msgspec.structs.replace(ada.session, signer=Token)
    words = await publish(session, [event()] * (sharing.TOUCHES + 1))
    assert "each would ask for a touch" in words


async def test_what_is_shared_is_asked_at_most_every_half_minute(office, clock):
    ada = office()
    await shared(ada.session, (EVENT,))
    ran = ada.statements.repository.ran
    clock.forward(sharing.FRESH - 1)
    await shared(ada.session, (EVENT,))
    assert ada.statements.repository.ran == ran
    clock.forward(1)
    await shared(ada.session, (EVENT,))
    assert ada.statements.repository.ran > ran
    assert await shared(msgspec.structs.replace(ada.session, statements=None), (EVENT,)) == ()


async def trail(office):
    window = await office.registry.events(first=100)
    return [(one.phase, one.actor.user) for one in reversed(window.first)]


async def test_a_move_of_another_is_learned(office, server, clock):
    ada, bob = office(), office("bob", person="bob")
    await bob.registry.model("fraud")
    await bob.registry.settled()
    server.put(CHAMPION, 2)
    clock.forward(5)
    await publish(ada.session, [event(time=clock.now)])
    clock.forward(5)
    await bob.registry.model("fraud")
    await bob.registry.settled()
    assert await trail(bob) == [("learned", ME.user)]


async def test_a_word_that_comes_late_says_whose_an_observed_move_was(office, server, clock):
    ada, bob = office(), office("bob", person="bob")
    await bob.registry.model("fraud")
    await bob.registry.settled()
    server.put(CHAMPION, 2)
    moved = clock.forward(60)
    clock.forward(5)
    await bob.registry.model("fraud")
    await bob.registry.settled()
    assert await trail(bob) == [("observed", "unknown")]
    await publish(ada.session, [event(time=moved), event(seq=8, time=moved)])
    for _ in range(2):
        clock.forward(60)
        await refresh(bob.session)
        assert await trail(bob) == [("observed", "unknown"), ("learned", ME.user)]
    first = await bob.registry.events(first=1)
    assert first.first[0].caused_by == 1
    server.put(CHAMPION, 1)
    clock.forward(60)
    await bob.registry.model("fraud")
    await bob.registry.settled()
    assert (await trail(bob))[2:] == [("observed", "unknown")], "what it taught is not looked at"


async def test_rewritten_records_are_accepted_by_a_plan_with_its_event(office, address):
    ada = office()
    await publish(ada.session, [event()])
    git("update-ref", "-d", "refs/heads/modeldeck", cwd=address)
    assert (await refresh(ada.session)).rewritten
    plan = await plan_accept(ada.session, reason="the bank moved it")
    assert {change.field for change in plan.changes} == {"head", "trouble"}
    assert not plan.empty
    events = await accept(ada.session, plan)
    assert [one.action for one in events] == [sharing.ACCEPT] * 2
    assert events[0].subject == str(address)
    assert events[0].reason == "the bank moved it"
    assert not (await refresh(ada.session)).trouble
    assert (await plan_accept(ada.session)).empty


async def test_records_of_nobody_else_are_not_accepted(office):
    alone = office("alone", address=None)
    with pytest.raises(RefusedError, match="shared with nobody"):
        await plan_accept(alone.session)
    with pytest.raises(RefusedError, match="no records"):
        await plan_accept(msgspec.structs.replace(alone.session, statements=None))
