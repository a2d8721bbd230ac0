"""A process that dies between intent and outcome: the next start says what happened."""

from __future__ import annotations

import signal

import pytest

from modeldeck.backends.api.errors import DamagedError, DeniedError, UnreachableError
from modeldeck.backends.local.trail import erase, rebuild_index, verify
from tests.local.records import ME, entry, piped, plan

from .scripted import CHAMPION, Clock, Filed, journaled
from .test_changes import champion, phases, raising, trail

pytestmark = pytest.mark.simulated

MAIN = """
import asyncio, sys
from pathlib import Path
from tests.journal.scripted import Clock, Filed, end_at, journaled
from tests.journal.test_changes import champion
from tests.local.records import ME, plan

async def main(folder, die):
    registry = journaled(Filed(folder / "server.json", die), folder, Clock())
    note = registry.records.note

    async def dying(entry):
        end_at(f"before noting {entry.phase}", die)
        event = await note(entry)
        end_at(f"after noting {entry.phase}", die)
        return event

    registry.records.note = dying
    await registry.apply(plan(champion(), reason="why"), ME, "here")
    await registry.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("die", "ends", "sent"),
    [
        ("before noting intent", None, 0),
        ("after noting intent", "failed", 0),
        ("before the write", "failed", 0),
        ("after the write", "done", 1),
        ("reading back", "done", 1),
        ("before noting done", "done", 1),
        ("after noting done", None, 1),
        ("", None, 1),
    ],
)
async def test_killed_at_each_point(tmp_path, die, ends, sent):
    process = piped(MAIN, str(tmp_path), die)
    process.communicate()
    assert process.returncode == (-signal.SIGKILL if die else 0)
    server = Filed(tmp_path / "server.json")
    registry = journaled(server, tmp_path, Clock())
    opened = await registry.records.opened()
    found = await registry.reconcile()
    assert [event.phase for event in found] == ([ends] if ends else [])
    for event, intent in zip(found, opened, strict=True):
        assert (event.caused_by, event.reason, event.actor) == (intent.seq, "why", ME)
        assert event.after["version"] == 2
        assert event.after["why"].endswith("at the next start")
    assert await registry.reconcile() == []
    assert await registry.records.opened() == []
    assert len(server.writes) == sent, "it is not sent again"
    before = server.aliases_of["fraud"]["champion"]
    assert before == (2 if sent else 1)
    # What it settled is known: the next look finds nothing that nobody did.
    await registry.model("fraud")
    await registry.settled()
    assert "observed" not in await phases(registry)
    # And life goes on.
    await registry.apply(plan(champion(before, 3)), ME, "here")
    assert await registry.records.registry.read(verify) is None
    await registry.close()


def intent(**fields):
    words = {
        "phase": "intent",
        "action": "alias.set",
        "subject": CHAMPION,
        "before": {"version": 1},
        "after": {"version": 2},
    }
    return entry(**(words | fields))


async def test_neither_before_nor_after_is_unknown(registry, server):
    await registry.records.note(intent())
    server.put(CHAMPION, 7)
    [event] = await registry.reconcile()
    assert (event.phase, event.after["why"]) == ("unknown", "found 7 at the next start")


async def test_a_subject_that_is_gone(registry, server):
    await registry.records.note(intent())
    await registry.records.note(intent(before={"version": 2}, after={"version": None}))
    del server.aliases_of["fraud"]
    assert [event.phase for event in await registry.reconcile()] == ["unknown", "done"]


@pytest.mark.parametrize(
    "error", [UnreachableError("away"), DeniedError("who are you?"), DamagedError("a login page")]
)
async def test_it_stays_open_while_the_server_cannot_be_asked(registry, server, error):
    await registry.records.note(intent())

    async def fails():
        raise error

    server.read = [fails]
    assert await registry.reconcile() == []
    [event] = await registry.reconcile()
    assert event.phase == "failed"


async def test_an_intent_of_another_context_is_its_own_affair(registry):
    await registry.records.note(intent(context="there"))
    assert await registry.reconcile() == []
    assert len(await registry.records.opened()) == 1


async def test_an_intent_has_one_outcome(registry):
    mine = await registry.records.note(intent())
    [first] = await registry.reconcile()
    again = await registry.records.note(intent(phase="done", caused_by=mine.seq))
    assert again == first
    assert await phases(registry) == ["intent", "failed"]


async def test_what_came_after_all_points_to_its_intent(registry, server, clock):
    """A request that was thought lost arrives later: it was ours, as far as one can tell."""
    await registry.model("fraud")
    await registry.settled()
    clock.forward(1)
    server.write = [raising(UnreachableError("no answer"))]
    with pytest.raises(UnreachableError):
        await registry.apply(plan(champion()), ME, "here")
    server.put(CHAMPION, 2)
    clock.forward(1)
    await registry.model("fraud")
    await registry.settled()
    mine, unknown, seen = await trail(registry)
    assert [mine.phase, unknown.phase, seen.phase] == ["intent", "unknown", "observed"]
    assert (seen.caused_by, seen.actor.user) == (mine.seq, "unknown")


async def test_what_was_erased_is_not_looked_into_again(registry):
    mine = await registry.records.note(intent())
    [outcome] = await registry.reconcile()
    other = await registry.records.note(intent())
    database = registry.records.registry

    def forget(connection):
        erase(connection, outcome.seq)
        erase(connection, other.seq)
        rebuild_index(connection)

    await database.write(forget)
    assert await database.read(verify) is None
    assert await registry.records.opened() == []
    assert (await trail(registry))[1].caused_by == mine.seq
