"""Changes on a server: what is written down of each, whatever becomes of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from modeldeck.backends.api.errors import (
    BusyError,
    ConflictError,
    DamagedError,
    ReadOnlyError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from modeldeck.backends.api.events import UNKNOWN
from modeldeck.backends.api.plan import OPERATIONS, RECORDED, Change, Verdict
from modeldeck.backends.api.protocols import Availability, Registry
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.local.trail import verify
from tests.local.records import ME, NOW, plan

from .scripted import CHAMPION, TOOL, journaled

pytestmark = pytest.mark.simulated
AWAY = UnreachableError("no answer within 10 s", where="http://server")


def champion(before=1, after=2):
    return Change(CHAMPION, "version", before, after)


def tag(number, before=None, after="x"):
    return Change(f"runs/{number}", "tag:k", before, after)


async def trail(registry):
    """The events, oldest first; their chain holds."""
    assert await registry.records.registry.read(verify) is None
    return list((await registry.events(sort=[Sort(Field("seq"))])).first)


async def phases(registry):
    return [event.phase for event in await trail(registry)]


def raising(error, server=None):
    """A write that arrives, if there is a `server`, and ends in `error`."""

    async def act(change):
        if server is not None:
            server.put(change.subject, change.after, change.field)
        raise error

    return act


def away():
    return raising(AWAY)(None)


async def test_it_is_a_registry(registry):
    assert isinstance(registry, Registry)
    assert (registry.name, registry.place, registry.exchanges) == ("scripted", "memory", ())
    assert registry.link("runs/1") == "http://server/runs/1"
    assert registry.request([champion()]) == "1 requests"
    assert registry.caveats("alias.set") == ("anybody may do it there",)


async def test_an_intent_and_then_what_became_of_it(registry, server):
    why = {"reason": "better", "ticket": "T-1", "operation": "alias.set"}
    [event] = await registry.apply(plan(champion(), **why), ME, "here")
    intent, done = await trail(registry)
    assert (intent.phase, done.phase, done) == ("intent", "done", event)
    assert (done.caused_by, intent.caused_by) == (intent.seq, None)
    assert (done.before, done.after) == ({"version": 1}, {"version": 2})
    for one in (intent, done):
        assert (one.actor, one.tool, one.action, one.subject) == (ME, TOOL, "alias.set", CHAMPION)
        assert (one.reason, one.ticket) == ("better", "T-1")
        assert one.plan == plan(champion(), **why).digest
    assert server.aliases_of["fraud"] == {"champion": 2}
    assert await registry.records.opened() == []


async def test_nothing_is_sent_when_the_state_is_another(registry, server):
    with pytest.raises(ConflictError, match="version is 1 now, the plan expects 5"):
        await registry.apply(plan(tag(1), champion(before=5)), ME, "here")
    server.put("models/fraud/2", "2026-11-23T12:00:00Z", "deleted")
    gone = Change("models/fraud/2", "deleted", None, None)
    with pytest.raises(ConflictError, match="the plan expects not there"):
        await registry.apply(plan(champion(), gone), ME, "here")
    assert (server.writes, await trail(registry)) == ([], [])


async def test_a_time_of_deletion_is_the_server_s_own(registry, server):
    async def at_its_own_time(change):
        server.put(change.subject, "2026-11-23T12:00:03Z", "deleted")

    server.write = [at_its_own_time]
    gone = Change("runs/1", "deleted", None, "2026-11-23T12:00:00Z")
    await registry.apply(plan(gone), ME, "here")
    back = Change("runs/1", "deleted", "2026-11-23T12:00:00Z", None)
    await registry.apply(plan(back), ME, "here")
    assert await phases(registry) == ["intent", "done"] * 2


async def test_a_plan_that_lapsed_or_that_a_gate_refuses_is_not_sent(registry, server):
    for fields in (
        {"lapses_at": NOW - timedelta(seconds=1)},
        {"gates": [Verdict(rule="auc", verdict="fail")]},
    ):
        with pytest.raises(RefusedError):
            await registry.apply(plan(champion(), **fields), ME, "here")
    assert server.writes == []


async def test_what_is_already_so_is_not_sent(registry, server):
    assert await registry.apply(plan(champion(after=1)), ME, "here") == []
    assert (server.writes, await trail(registry)) == ([], [])


@pytest.mark.parametrize("error", [RefusedError("you may not"), UsageError("no such version")])
async def test_a_no_of_the_server(registry, server, error):
    server.write = [raising(error)]
    with pytest.raises(type(error), match=error.what):
        await registry.apply(plan(champion()), ME, "here")
    intent, failed = await trail(registry)
    assert (failed.phase, failed.caused_by) == ("failed", intent.seq)
    assert failed.after == {"version": 2, "why": error.what}


async def test_no_answer_but_it_arrived(registry, server):
    server.write = [raising(AWAY, server)]
    [event] = await registry.apply(plan(champion()), ME, "here")
    assert event.after == {"version": 2, "why": "found so after: no answer within 10 s"}
    assert await phases(registry) == ["intent", "done"]
    assert len(server.writes) == 1


@pytest.mark.parametrize(
    ("read", "why"),
    [
        ([], "no answer within 10 s; 1 when it was read back"),
        ([away], "no answer within 10 s"),
    ],
)
async def test_no_answer_and_nobody_knows(registry, server, read, why):
    async def no_answer(change):
        server.read = list(read)
        raise AWAY

    server.write = [no_answer]
    with pytest.raises(UnreachableError) as caught:
        await registry.apply(plan(champion()), ME, "here")
    assert "whether version went from 1 to 2 is not known" in str(caught.value)
    assert "it is not sent a second time" in caught.value.way_out
    assert (await trail(registry))[-1].after == {"version": 2, "why": why}
    assert await phases(registry) == ["intent", "unknown"]
    assert len(server.writes) == 1


async def test_what_never_left_has_failed(registry, server):
    error = UnreachableError("connection refused")
    error.sent = False
    server.write = [raising(error)]
    with pytest.raises(UnreachableError, match="connection refused"):
        await registry.apply(plan(champion()), ME, "here")
    assert await phases(registry) == ["intent", "failed"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_answer_that_cannot_be_read_is_no_refusal(registry, server, arrived):
    error = DamagedError("a page of HTML came instead")
    server.write = [raising(error, server if arrived else None)]
    if arrived:
        await registry.apply(plan(champion()), ME, "here")
    else:
        with pytest.raises(DamagedError, match="is not known"):
            await registry.apply(plan(champion()), ME, "here")
    assert await phases(registry) == ["intent", "done" if arrived else "unknown"]


async def test_taken_and_then_away_is_done(registry, server):
    async def takes_it(change):
        server.put(change.subject, change.after)
        server.read = [away]

    server.write = [takes_it]
    [event] = await registry.apply(plan(champion()), ME, "here")
    assert event.after == {"version": 2, "why": "it was not read back"}


async def test_a_lost_race_names_both_values(registry, server, clock):
    async def overtaken(change):
        clock.forward(1)
        server.put(change.subject, 3)

    server.write = [overtaken]
    with pytest.raises(ConflictError, match="version was set to 2 and is 3 now: somebody else"):
        await registry.apply(plan(champion()), ME, "here")
    intent, done, seen = await trail(registry)
    assert [intent.phase, done.phase, seen.phase] == ["intent", "done", "observed"]
    assert (seen.actor, seen.action) == (UNKNOWN, "alias.set")
    times = [rfc3339(NOW), rfc3339(clock.now)]
    assert (seen.before, seen.after) == ({"version": 2}, {"version": 3, "between": times})
    # It is known now: looking again tells nothing new.
    clock.forward(60)
    await registry.model("fraud")
    await registry.settled()
    assert len(await trail(registry)) == 3


async def test_a_plan_that_stops_in_the_middle_says_how_far_it_came(registry, server):
    server.write = [*[writing(server)] * 2, raising(RefusedError("you may not"))]
    with pytest.raises(RefusedError) as caught:
        await registry.apply(plan(*[tag(n) for n in range(4)]), ME, "here")
    assert "2 of 4 changes are made: tag:k of runs/0, tag:k of runs/1" in str(caught.value)
    assert await phases(registry) == ["intent", "done", "intent", "done", "intent", "failed"]
    assert len(server.writes) == 3


def writing(server):
    async def act(change):
        server.put(change.subject, change.after, change.field)

    return act


async def test_records_that_cannot_be_written_stop_it_before_it_is_sent(registry, server):
    registry.records.protect("the disk is full")
    assert registry.availability("alias.set").reason == (
        "changes cannot be written down: the disk is full"
    )
    assert registry.availability("runs.list").supported
    with pytest.raises(ReadOnlyError, match="cannot be written down"):
        await registry.apply(plan(champion()), ME, "here")
    assert server.writes == []


async def test_what_is_only_recorded_is_not_asked_of_the_server(
    registry, server, tmp_path, clock, monkeypatch
):
    no = Availability(supported=False, reason="it has nothing like that")
    monkeypatch.setattr(server, "availability", lambda *_: no)
    recorded = {one for one in OPERATIONS if registry.availability(one).supported}
    assert recorded == {one for one in OPERATIONS if one.startswith(RECORDED)}
    assert {"approval.ask", "audit.erase", "rollback.drill"} <= recorded
    shut = journaled(server, tmp_path / "shut", clock, read_only="prod is read-only")
    assert {shut.availability(one).reason for one in recorded} == {"prod is read-only"}
    registry.records.protect("the disk is full")
    assert {registry.availability(one).reason for one in recorded} == {"the disk is full"}
    await shut.close()


async def test_a_read_only_context(server, tmp_path, clock):
    registry = journaled(server, tmp_path, clock, read_only="prod is read-only")
    with pytest.raises(ReadOnlyError, match="prod is read-only"):
        await registry.apply(plan(champion()), ME, "here")
    assert server.writes == []
    await registry.close()


async def test_two_that_apply_with_the_same_records_take_turns(
    registry, server, tmp_path, clock, monkeypatch
):
    monkeypatch.setattr("modeldeck.backends.journal.WAIT", 0.0)
    other = journaled(server, tmp_path, clock)
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow(change):
        inside.set()
        await go.wait()
        server.put(change.subject, change.after)

    server.write = [slow]
    task = asyncio.create_task(registry.apply(plan(champion()), ME, "here"))
    await inside.wait()
    assert await other.reconcile() == [], "its intent is not one that a crash left"
    with pytest.raises(BusyError, match="another modeldeck is applying"):
        await other.apply(plan(champion()), ME, "here")
    go.set()
    await task
    with pytest.raises(ConflictError, match="version is 2 now, the plan expects 1"):
        await other.apply(plan(champion()), ME, "here")
    await other.close()
    assert await phases(registry) == ["intent", "done"]


# Cancellation


@pytest.mark.parametrize(
    ("arrived", "last"), [(True, "done"), (False, "unknown")], ids=["arrived", "not there"]
)
async def test_cancelled_while_it_is_sent(registry, server, arrived, last):
    inside = asyncio.Event()

    async def hang(change):
        if arrived:
            server.put(change.subject, change.after)
        inside.set()
        await asyncio.Event().wait()

    server.write = [hang]
    task = asyncio.create_task(registry.apply(plan(champion(), tag(1)), ME, "here"))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    events = await trail(registry)
    assert [event.phase for event in events] == ["intent", last]
    assert "cancelled while it was sent" in events[-1].after["why"]
    assert len(server.writes) == 1
    assert await registry.records.opened() == []


@pytest.mark.parametrize("phase", ["intent", "done"])
async def test_cancelled_while_it_is_written_down(registry, server, monkeypatch, phase):
    inside, go = asyncio.Event(), asyncio.Event()
    note = registry.records.note

    async def slow(entry):
        if entry.phase == phase:
            inside.set()
            await go.wait()
        return await note(entry)

    monkeypatch.setattr(registry.records, "note", slow)
    task = asyncio.create_task(registry.apply(plan(champion()), ME, "here"))
    await inside.wait()
    task.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    events = await trail(registry)
    if phase == "intent":
        assert [event.phase for event in events] == ["intent", "failed"]
        assert events[-1].after["why"] == "it was cancelled before it was sent"
        assert server.writes == []
    else:
        assert [event.phase for event in events] == ["intent", "done"]


async def test_cancelled_twice_it_is_finished_behind(registry, server, monkeypatch):
    inside, go = asyncio.Event(), asyncio.Event()
    note = registry.records.note

    async def slow(entry):
        if entry.phase == "done":
            inside.set()
            await go.wait()
        return await note(entry)

    monkeypatch.setattr(registry.records, "note", slow)
    task = asyncio.create_task(registry.apply(plan(champion()), ME, "here"))
    await inside.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await registry.settled()
    assert await phases(registry) == ["intent", "done"]


async def test_cancelled_while_it_compares_nothing_was_begun(registry, server):
    inside = asyncio.Event()

    async def hang():
        inside.set()
        await asyncio.Event().wait()

    server.read = [hang]
    task = asyncio.create_task(registry.apply(plan(champion()), ME, "here"))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (server.writes, await trail(registry)) == ([], [])
    await registry.apply(plan(champion()), ME, "here")
