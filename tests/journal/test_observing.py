"""What nobody did from here becomes one event, with the two times between which it happened."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.ages import kept_since
from modeldeck.backends.api.errors import BusyError, NotFoundError
from modeldeck.backends.api.events import UNKNOWN
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.local.trail import verify
from tests.local.records import ME, NOW, passing, piped, plan

from .scripted import CHAMPION
from .test_changes import champion, phases, trail

pytestmark = pytest.mark.simulated
SUBJECTS = [f"models/{name}@{alias}" for name in "ab" for alias in "xy"]
READS = {
    "models": lambda registry: registry.models(),
    "model": lambda registry: registry.model("fraud"),
    "aliases": lambda registry: registry.aliases(),
    "aliases of one": lambda registry: registry.aliases("fraud"),
}
WITH_VERSIONS = READS | {
    "versions": lambda registry: registry.versions("fraud"),
    "version": lambda registry: registry.version("fraud", 2),
}


async def looked(registry, how="model"):
    await WITH_VERSIONS[how](registry)
    await registry.settled()
    return await trail(registry)


@pytest.mark.parametrize("how", WITH_VERSIONS)
async def test_a_move_that_nobody_made_here(registry, server, clock, how):
    assert await looked(registry) == [], "what is seen first is only remembered"
    server.put(CHAMPION, 2)
    seen_at = clock.forward(20)
    [event] = await looked(registry, how)
    assert (event.phase, event.actor, event.context) == ("observed", UNKNOWN, "here")
    assert (event.action, event.subject) == ("alias.set", CHAMPION)
    assert event.before == {"version": 1}
    assert event.after == {"version": 2, "between": [rfc3339(NOW), rfc3339(seen_at)]}
    clock.forward(60)
    assert await looked(registry, how) == [event], "it is told once"


@pytest.mark.parametrize("how", READS)
async def test_what_appeared_and_what_disappeared(registry, server, clock, how):
    await looked(registry, how)
    server.put("models/fraud@shadow", 3)
    server.put(CHAMPION, None)
    clock.forward(1)
    events = {event.subject: event for event in await looked(registry, how)}
    assert len(events) == 2
    assert events[CHAMPION].action == "alias.rm"
    assert (events[CHAMPION].before, events[CHAMPION].after["version"]) == ({"version": 1}, None)
    new = events["models/fraud@shadow"]
    assert (new.action, new.before, new.after["version"]) == ("alias.set", {"version": None}, 3)
    server.put(CHAMPION, 1)
    clock.forward(1)
    assert len(await looked(registry, how)) == 3


@pytest.mark.parametrize("how", ["model", "models", "aliases"])
async def test_a_model_that_somebody_deleted(registry, server, clock, how):
    await looked(registry)
    del server.aliases_of["fraud"]
    clock.forward(1)
    if how == "model":
        with pytest.raises(NotFoundError):
            await registry.model("fraud")
        await registry.settled()
    else:
        await looked(registry, how)
    [event] = await trail(registry)
    assert (event.action, event.subject) == ("alias.rm", CHAMPION)


async def test_part_of_a_list_says_nothing_of_the_rest(registry, server, clock):
    server.aliases_of |= {"a": {"x": 1}, "b": {"x": 1}}
    server.counts = False
    window = await registry.models()
    assert [row.name for row in window.first] == ["fraud", "a"]
    await window.page(2, 1)
    await registry.settled()
    server.put("models/b@x", 2)
    clock.forward(1)
    assert await looked(registry, "models") == []
    window = await registry.models()
    await window.page(0, 1)
    assert await looked(registry, "models") == []
    await window.page(1, 2)
    [event] = await looked(registry)
    assert event.subject == "models/b@x"


async def test_a_list_that_is_whole_is_looked_at_beyond_its_first_page(registry, server, clock):
    server.aliases_of |= {"a": {"x": 1}, "b": {"x": 1}}
    await looked(registry, "models")
    server.put("models/b@x", 2)
    del server.aliases_of["a"]
    clock.forward(1)
    subjects = [event.subject for event in await looked(registry, "models")]
    assert sorted(subjects) == ["models/a@x", "models/b@x"]


async def test_own_changes_are_not_observed(registry, server, clock):
    await looked(registry)
    for before, after in ((1, 2), (2, None), (None, 3)):
        clock.forward(1)
        await registry.apply(plan(champion(before, after)), ME, "here")
        clock.forward(1)
        for how in READS:
            await looked(registry, how)
    assert await phases(registry) == ["intent", "done"] * 3
    server.put(CHAMPION, 1)
    clock.forward(1)
    assert [e.phase for e in await looked(registry)][6:] == ["observed"]


async def test_a_move_after_an_own_change_that_was_never_looked_at(registry, server, clock):
    await registry.apply(plan(champion()), ME, "here")
    server.put(CHAMPION, 3)
    clock.forward(5)
    event = (await looked(registry))[-1]
    assert (event.phase, event.before) == ("observed", {"version": 2})
    assert event.after["between"][0] == rfc3339(NOW)


async def test_what_is_being_changed_from_here_is_not_looked_at(registry, server, clock):
    await looked(registry)
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow(change):
        server.put(change.subject, change.after)
        inside.set()
        await go.wait()

    server.write = [slow]
    clock.forward(1)
    task = asyncio.create_task(registry.apply(plan(champion()), ME, "here"))
    await inside.wait()
    clock.forward(1)
    assert [event.phase for event in await looked(registry)] == ["intent"]
    go.set()
    await task
    clock.forward(1)
    assert [event.phase for event in await looked(registry)] == ["intent", "done"]


async def test_an_answer_that_was_asked_for_before_an_own_change(registry, server, clock):
    await looked(registry)
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow():
        inside.set()
        await go.wait()

    server.read = [slow]
    clock.forward(1)
    old = await server._found("fraud")
    task = asyncio.create_task(registry.model("fraud"))
    await inside.wait()
    found = server._found

    async def late(name):
        return old

    clock.forward(1)
    await registry.apply(plan(champion()), ME, "here")
    clock.forward(1)
    server._found = late
    go.set()
    assert (await task).aliases == {"champion": 1}
    server._found = found
    await registry.settled()
    clock.forward(1)
    assert [event.phase for event in await looked(registry)] == ["intent", "done"]


async def test_an_answer_from_memory_is_as_old_as_it_is(registry, server, clock, monkeypatch):
    old, begun = await server._found("fraud"), clock()
    await looked(registry)
    server.put(CHAMPION, 2)
    clock.forward(5)
    assert len(await looked(registry)) == 1

    async def kept(name):
        kept_since(begun)
        return old

    monkeypatch.setattr(server, "model", kept)
    clock.forward(1)
    assert len(await looked(registry)) == 1


@pytest.mark.parametrize("subject", ["models/fraud", "models/fraud/1"])
async def test_aliases_that_go_with_what_was_deleted_from_here(registry, server, clock, subject):
    server.put("models/fraud@other", 2)
    await looked(registry)

    async def drop(change):
        server.put(change.subject, change.after, "deleted")
        server.put(CHAMPION, None)

    server.write = [drop]
    gone = Change(subject, "deleted", None, rfc3339(NOW))
    clock.forward(1)
    await registry.apply(plan(gone), ME, "here")
    clock.forward(1)
    assert [event.phase for event in await looked(registry)] == ["intent", "done"]
    # It can be seen again from then on.
    server.put(CHAMPION, 2)
    clock.forward(1)
    event = (await looked(registry))[-1]
    assert (event.before, event.after["version"]) == ({"version": None}, 2)


async def test_looking_costs_no_write_while_nothing_changes(registry, server, clock, monkeypatch):
    server.aliases_of |= {f"m{n}": {"x": n} for n in range(20)}
    done = []
    write = registry.records.registry.write

    async def counted(work):
        done.append(work)
        return await write(work)

    monkeypatch.setattr(registry.records.registry, "write", counted)
    for how in WITH_VERSIONS:
        await looked(registry, how)
    first = len(done)
    for _ in range(5):
        clock.forward(5)
        for how in WITH_VERSIONS:
            await looked(registry, how)
    assert len(done) == first
    clock.forward(5)
    for how in WITH_VERSIONS:
        await looked(registry, how)
    renewed = len(done)
    assert renewed > first, "its time is written now and then"
    for how in WITH_VERSIONS:
        await looked(registry, how)
    assert len(done) == renewed
    server.put(CHAMPION, 2)
    clock.forward(1)
    [event] = await looked(registry)
    assert event.after["between"] == [rfc3339(clock.now.replace(second=30)), rfc3339(clock.now)]


async def test_a_clock_that_was_put_back_makes_nobody_blind(registry, server, clock):
    clock.forward(3600)
    await looked(registry)
    clock.forward(-3600)
    server.put(CHAMPION, 2)
    assert len(await looked(registry)) == 1


async def test_records_that_fail_trouble_no_read(registry, server, clock, monkeypatch):
    async def busy(*_, **__):
        raise BusyError("is locked by another process", where="registry.db")

    with monkeypatch.context() as patch:
        patch.setattr(registry.records, "observe", busy)
        assert (await registry.model("fraud")).aliases == {"champion": 1}
        await registry.settled()
        words = "what others changed could not be written down: registry.db: is locked"
        assert registry.notes[0].startswith(words)
        assert (await registry.models()).notes[0].startswith(words)
        await registry.settled()
    await looked(registry)
    assert registry.notes == (await registry.models()).notes == []
    registry.records.protect("the disk is full")
    assert (await registry.model("fraud")).aliases == {"champion": 1}
    assert registry.notes == ["what others changed could not be written down: the disk is full"]


LOOKER = """
import asyncio, sys
from pathlib import Path
from tests.journal.scripted import Clock, journaled, Scripted

async def main(folder):
    clock = Clock()
    clock.forward(1)
    server = Scripted()
    registry = journaled(server, folder, clock)
    print("ready", flush=True)
    for line in sys.stdin:
        server.put("models/fraud@champion", int(line))
        clock.forward(1)
        await registry.model("fraud")
        await registry.settled()
        print("looked", flush=True)
    await registry.close()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.real
async def test_two_processes_that_see_the_same_tell_it_once(registry, tmp_path):
    await looked(registry)
    lookers = [piped(LOOKER, str(tmp_path)) for _ in range(2)]
    for one in lookers:
        assert one.stdout.readline() == "ready\n"
    for version in range(2, 12):
        for one in lookers:
            one.stdin.write(f"{version}\n")
            one.stdin.flush()
        for one in lookers:
            assert await asyncio.to_thread(one.stdout.readline) == "looked\n"
    for one in lookers:
        one.communicate()
    events = await trail(registry)
    assert [event.after["version"] for event in events] == list(range(2, 12))
    assert [event.before["version"] for event in events] == list(range(1, 11))


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(SUBJECTS), st.integers(1, 3)),
            st.sampled_from([(), ("models/",), ("models/a@",), ("models/a@", "models/b@")]),
        ),
        max_size=8,
    )
)
async def test_the_events_lead_from_what_was_known_first_to_what_is_known_last(looks):
    with passing() as backend:
        known: dict[str, int | None] = {}
        whole: set[str] = set()
        count = 0
        for seen, below in looks:
            told = await backend.observe(seen, NOW, field="version", context="c", below=below)
            expected = {}
            gone = {s for s in known if s not in seen and s.startswith(tuple(below) or "-")}
            for subject, value in [*seen.items(), *((s, None) for s in gone)]:
                before = known.get(subject)
                was_known = subject in known or any(subject.startswith(w) for w in whole)
                if was_known and before != value:
                    expected[subject] = (before, value)
                known[subject] = value
            whole |= set(below)
            found = {e.subject: (e.before["version"], e.after["version"]) for e in told}
            assert found == expected
            count += len(told)
            assert await backend.observe(seen, NOW, field="version", context="c", below=below) == []
        assert (await backend.events()).count == count
        assert await backend.registry.read(verify) is None


async def test_a_name_that_begins_another_is_not_mistaken(registry, server, clock):
    server.aliases_of |= {"fraud2": {"x": 1}, "fraud/a": {"x": 1}, "fraud@a": {"x": 1}}
    await looked(registry, "aliases")
    server.put("models/fraud@champion", None)
    clock.forward(1)
    assert [event.subject for event in await looked(registry)] == [CHAMPION]


async def test_looking_at_all_of_it_renews_what_is_known_of_each(registry, server, clock):
    await looked(registry, "aliases")
    at = clock.forward(40)
    await looked(registry, "aliases")
    server.put(CHAMPION, 2)
    clock.forward(1)
    [event] = await looked(registry)
    assert event.after["between"] == [rfc3339(at), rfc3339(clock.now)]
