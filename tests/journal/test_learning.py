"""Moves that others have signed for are theirs in the trail, not nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from modeldeck.backends.api.events import UNKNOWN, Actor
from modeldeck.backends.api.statements import EVENT, Signed, Statement, Sync
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.local.trail import verify
from tests.local.records import ME, NOW, plan

from .scripted import CHAMPION
from .test_changes import champion, trail
from .test_observing import looked

pytestmark = pytest.mark.simulated
BOB = Actor(user="bob", host="jump2", key="SHA256:bob")


class Told:
    """Statements as a test tells them; `late` come with the next sync."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.all: list[Signed] = []
        self.late: list[Signed] = []
        self.synced = 0

    def add(self, before: Any, after: Any, *, ago: float = 0.0, late: bool = False, **fields: Any):
        number = len(self.all) + len(self.late)
        time = self.clock.forward(0) if not ago else self.clock.now - _seconds(ago)
        body = {
            "phase": "done", "action": "alias.set", "subject": CHAMPION, "tool": "modeldeck 9",
            "actor": {"user": "bob", "host": "jump2", "session": None, "odd": 3},
            "before": {"version": before}, "after": {"version": after}, "reason": "better",
            "ticket": "T-1",
        }  # fmt: skip
        said = Statement(
            kind=EVENT, subject=CHAMPION, time=time, body=body | fields.pop("body", {})
        )
        defaults = {"key": "SHA256:bob", "person": "bob", "valid": True, "origin": "git"}
        signed = Signed(id=f"{number:064}", statement=said, **(defaults | fields))
        (self.late if late else self.all).append(signed)
        return signed

    async def sync(self, *, older: float = 0.0) -> Sync:
        self.synced += 1
        self.all += self.late
        self.late = []
        return Sync(place="git")

    async def statements(self, kinds: Any = (), subject: str = "") -> Any:
        found = [one for one in self.all if one.statement.kind in kinds]
        return sorted(
            (one for one in found if one.statement.subject == subject),
            key=lambda one: one.statement.time,
        )


def _seconds(count: float) -> Any:
    from datetime import timedelta

    return timedelta(seconds=count)


@pytest.fixture
async def told(registry, clock):
    found = Told(clock)
    registry.learn_from(found)
    await looked(registry)
    clock.forward(600)
    return found


def steps(events):
    return [(e.phase, e.before["version"], e.after["version"]) for e in events]


async def test_a_move_that_somebody_signed_for_is_theirs(registry, server, clock, told):
    server.put(CHAMPION, 2)
    signed = told.add(1, 2, late=True)
    clock.forward(1)
    [event] = await looked(registry)
    assert (event.phase, event.action, event.subject) == ("learned", "alias.set", CHAMPION)
    assert event.actor == BOB
    assert (event.before, event.after) == ({"version": 1}, {"version": 2})
    assert (event.tool, event.context, event.caused_by) == ("modeldeck 9", "here", None)
    assert (event.reason, event.ticket) == ("better", "T-1")
    assert event.evidence == {
        "statement": signed.id,
        "key": "SHA256:bob",
        "person": "bob",
        "time": rfc3339(signed.statement.time),
    }
    clock.forward(60)
    assert await looked(registry) == [event]
    assert await registry.records.registry.read(verify) is None


async def test_nobody_is_asked_while_nothing_moves(registry, told):
    await looked(registry)
    assert told.synced == 0


async def test_without_a_word_it_is_nobody_s(registry, server, clock, told):
    server.put(CHAMPION, 2)
    clock.forward(1)
    [event] = await looked(registry)
    assert (event.phase, event.actor) == ("observed", UNKNOWN)
    assert told.synced == 1


WORTHLESS = {
    "invalid": {"valid": False, "why": "revoked"},
    "our own": {"origin": ""},
    "not made": {"body": {"phase": "failed"}},
    "of another subject in its body": {"body": {"subject": "models/other@x"}},
    "of another field": {"body": {"after": {"note": 2}}},
    "of nothing": {"body": {"after": None}},
    "of nobody": {"body": {"actor": "bob"}},
    "from before": {"ago": 700.0},
}


@pytest.mark.parametrize("about", WORTHLESS)
async def test_a_word_that_teaches_nothing(registry, server, clock, told, about):
    server.put(CHAMPION, 2)
    told.add(1, 2, **WORTHLESS[about])
    clock.forward(1)
    assert steps(await looked(registry)) == [("observed", 1, 2)]


async def test_all_moves_of_a_chain_are_told(registry, server, clock, told):
    told.add(1, 2)
    clock.forward(5)
    told.add(2, None, body={"action": "alias.rm"})
    clock.forward(5)
    told.add(None, 3)
    server.put(CHAMPION, 3)
    clock.forward(1)
    events = await looked(registry)
    assert steps(events) == [("learned", 1, 2), ("learned", 2, None), ("learned", None, 3)]
    assert [event.action for event in events] == ["alias.set", "alias.rm", "alias.set"]


async def test_what_others_did_after_it_is_still_nobody_s(registry, server, clock, told):
    told.add(1, 2)
    server.put(CHAMPION, 3)
    clock.forward(1)
    assert steps(await looked(registry)) == [("learned", 1, 2), ("observed", 2, 3)]


async def test_what_others_did_before_it_is_still_nobody_s(registry, server, clock, told):
    told.add(2, 3)
    server.put(CHAMPION, 3)
    clock.forward(1)
    assert steps(await looked(registry)) == [("observed", 1, 2), ("learned", 2, 3)]


async def test_a_word_is_good_for_one_move(registry, server, clock, told):
    server.put(CHAMPION, 2)
    told.add(1, 2)
    clock.forward(1)
    await looked(registry)
    for value in (1, 2):
        clock.forward(2)
        server.put(CHAMPION, value)
        clock.forward(2)
        await looked(registry)
    found = await trail(registry)
    assert steps(found) == [("learned", 1, 2), ("observed", 2, 1), ("observed", 1, 2)]


async def test_own_changes_go_on_from_what_was_learned(registry, server, clock, told):
    server.put(CHAMPION, 2)
    told.add(1, 2)
    clock.forward(1)
    await looked(registry)
    await registry.apply(plan(champion(2, 3), lapses_at=clock.now), ME, "here")
    clock.forward(1)
    await looked(registry)
    assert [e.phase for e in await trail(registry)] == ["learned", "intent", "done"]


async def test_clocks_may_differ_a_little(registry, server, clock, told):
    await looked(registry)
    clock.forward(40)
    await looked(registry)
    server.put(CHAMPION, 2)
    told.add(1, 2, ago=50.0)
    clock.forward(1)
    assert steps(await looked(registry)) == [("learned", 1, 2)]
    assert clock.now > NOW
