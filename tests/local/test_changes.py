"""Plans applied: all or nothing, compared and set, each change with its event."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from modeldeck.backends.api.plan import Change, Verdict
from modeldeck.backends.api.query import Compare, Field, Sort
from modeldeck.backends.api.runs import Experiment, Shelf
from modeldeck.backends.local import open_registry

from .records import ME, NOW, ORIGIN, fresh, model_record, piped, plan, record

FIRST = [Experiment(id="first", name="first")]


@pytest.fixture
async def backend(tmp_path):
    found = fresh(tmp_path)
    await found.take(ORIGIN, "test", experiments=FIRST, runs=[record("r")], models=[model_record()])
    yield found
    await found.close()


def champion(before, after):
    return Change("models/fraud@champion", "version", before, after)


async def test_an_alias_is_set_moved_and_removed(backend):
    for before, after in ((None, 1), (1, 2), (2, None)):
        [event] = await backend.apply(plan(champion(before, after), reason="why"), ME, "here")
        assert (event.before, event.after) == ({"version": before}, {"version": after})
        found = await backend.aliases("fraud")
        assert [one.version for one in found] == ([] if after is None else [after])
    events = (await backend.events()).first
    assert [one.seq for one in events] == [3, 2, 1]
    assert events[0].reason == "why"
    assert events[0].plan == plan(champion(2, None), reason="why").digest


async def test_a_conflict_names_both_values_and_changes_nothing(backend):
    await backend.apply(plan(champion(None, 1)), ME, "here")
    note = Change("runs/r", "note", "", "x")
    with pytest.raises(ConflictError, match="version is 1 now, the plan expects 2"):
        await backend.apply(plan(note, champion(2, 3)), ME, "here")
    with pytest.raises(ConflictError, match="version is 1 now, the plan expects not there"):
        await backend.apply(plan(champion(None, 3)), ME, "here")
    assert (await backend.run("r")).note == ""
    assert len((await backend.events()).first) == 1


async def test_a_plan_lapses_and_a_gate_refuses(backend):
    late = plan(champion(None, 1), lapses_at=NOW - timedelta(seconds=1))
    with pytest.raises(RefusedError, match="lapsed at 2026-11-23T11:59:59Z"):
        await backend.apply(late, ME, "here")
    for verdict in ("fail", "wait", "unknown"):
        gated = plan(champion(None, 1), gates=[Verdict(rule="auc", verdict=verdict)])
        with pytest.raises(RefusedError, match="gate"):
            await backend.apply(gated, ME, "here")
    assert await backend.aliases() == []


async def test_what_is_already_so_leaves_no_event(backend):
    assert await backend.apply(plan(champion(None, None)), ME, "here") == []
    assert (await backend.events()).count == 0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (champion(None, 9), NotFoundError, "version 9 does not exist"),
        (Change("models/none@x", "version", None, 1), NotFoundError, "no model 'none'"),
        (Change("runs/none", "note", "", "x"), NotFoundError, "does not exist"),
        (Change("runs/r", "status", "finished", "failed"), UsageError, "no field 'status'"),
        (Change("runs/r", "deleted", None, "soon"), UsageError, "'soon' is no time"),
        (Change("models/fraud/1", "content", {"digest": None, "format": "unknown"}, None),
         RefusedError, "cannot be unmade"),
        (Change("nonsense", "note", "", "x"), UsageError, "is no address"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_whole(backend, change, error, words):
    with pytest.raises(error, match=words):
        await backend.apply(plan(Change("runs/r", "note", "", "x"), change), ME, "here")
    assert (await backend.run("r")).note == ""
    assert (await backend.events()).count == 0


async def test_tags_notes_cards_and_deletion(backend):
    deleted = "2026-11-23T12:00:00Z"
    changes = [
        Change("runs/r", "tag:team:x", None, "risk"),
        Change("runs/r", "deleted", None, deleted),
        Change("models/fraud/3", "card", "", "# card"),
        Change("models/fraud", "tag:k", None, "v"),
    ]
    await backend.apply(plan(*changes), ME, "here")
    run = await backend.run("r")
    assert (run.tags, run.deleted_at) == ({"team:x": "risk"}, NOW)
    assert (await backend.version("fraud", 3)).card == "# card"
    back = [
        Change("runs/r", "tag:team:x", "risk", None),
        Change("runs/r", "deleted", deleted, None),
    ]
    await backend.apply(plan(*back), ME, "here")
    run = await backend.run("r")
    assert (run.tags, run.deleted_at) == ({}, None)


async def test_a_version_is_made_once(backend):
    content = {"digest": "sha256:" + "0" * 64, "format": "skops", "files": [{"path": "m.skops"}]}
    made = plan(Change("models/new/1", "content", None, content))
    await backend.apply(made, ME, "here")
    version = await backend.version("new", 1)
    assert (version.format, version.digest) == ("skops", content["digest"])
    assert [one.path for one in await backend.artifacts("models/new/1")] == ["m.skops"]
    with pytest.raises(ConflictError):
        await backend.apply(made, ME, "here")


async def test_a_version_with_an_alias_is_not_deleted(backend):
    await backend.apply(plan(champion(None, 2)), ME, "here")
    gone = Change("models/fraud/2", "deleted", None, "2026-11-23T12:00:00Z")
    with pytest.raises(RefusedError, match="alias 'champion' is on version 2"):
        await backend.apply(plan(gone), ME, "here")
    await backend.apply(plan(gone, champion(2, None)), ME, "here")
    assert [one.version for one in (await backend.versions("fraud")).first] == [3, 1]
    assert (await backend.versions("fraud", shelf=Shelf.DELETED)).count == 1
    with pytest.raises(NotFoundError):
        await backend.apply(plan(champion(None, 2)), ME, "here")


async def test_nothing_is_added_to_a_deleted_model(backend):
    gone = Change("models/fraud", "deleted", None, "2026-11-23T12:00:00Z")
    await backend.apply(plan(gone), ME, "here")
    with pytest.raises(ConflictError, match="deleted"):
        await backend.apply(
            plan(Change("models/fraud/4", "content", None, {"format": "onnx"})), ME, "here"
        )
    with pytest.raises(NotFoundError):
        await backend.apply(plan(champion(None, 1)), ME, "here")
    assert (await backend.models()).count == 0


async def test_a_read_only_registry_says_why(backend, tmp_path):
    other = open_registry(tmp_path, read_only="the context is read-only")
    with pytest.raises(ReadOnlyError, match="the context is read-only"):
        await other.apply(plan(champion(None, 1)), ME, "here")
    await other.close()


async def test_events_are_filtered_and_sorted(backend):
    for number in (1, 2, 3):
        before = None if number == 1 else number - 1
        await backend.apply(plan(champion(before, number), reason=f"R{number}"), ME, "here")
    window = await backend.events(Compare(Field("reason"), "~", "r[12]"), [Sort(Field("time"))])
    assert [one.seq for one in window.first] == [1, 2]
    window = await backend.events(sort=[Sort(Field("reason"), descending=True)])
    assert [one.seq for one in window.first] == [3, 2, 1]
    assert await window.index_of("2") == 1
    for odd in ("x", "²", "-1", "99999999999999999999"):
        assert await window.index_of(odd) is None


RACER = """
import asyncio, sys
from pathlib import Path
from modeldeck.backends.api.errors import ConflictError
from modeldeck.backends.api.plan import Change
from modeldeck.backends.local import open_registry
from tests.local.records import ME, NOW, plan

async def main(folder, mine):
    backend = open_registry(Path(folder), clock=lambda: NOW)
    print("ready", flush=True)
    sys.stdin.readline()
    won, lost = 0, 0
    for _ in range(25):
        found = await backend.aliases("fraud")
        before = found[0].version if found else None
        change = Change("models/fraud@champion", "version", before, mine if before != mine else 3)
        try:
            await backend.apply(plan(change), ME, "here")
            won += 1
        except ConflictError as error:
            assert "now, the plan expects" in str(error), error
            lost += 1
    await backend.close()
    print(won, lost, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.real
async def test_two_processes_race_for_an_alias(backend, tmp_path):
    racers = [piped(RACER, str(tmp_path), str(number)) for number in (1, 2)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [(await asyncio.to_thread(racer.communicate))[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    won = sum(int(words[0]) for words in said)
    assert won + sum(int(words[1]) for words in said) == 50
    window = await backend.events(sort=[Sort(Field("seq"))], first=100)
    assert window.count == won
    last = None
    for event in window.first:
        assert event.before == {"version": last}, "each change began where the one before ended"
        last = event.after["version"]
