"""The time line of real registries: replayed, asked for an instant, far and near."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modeldeck.app.usecases import timeline as usecase
from modeldeck.app.usecases.aliases import plan_remove, plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.shelf import plan_shelf
from modeldeck.app.usecases.undo import plan_undo
from modeldeck.backends.api import address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.events import Entry
from modeldeck.backends.local.trail import erase, write
from tests.console.far import Clock, far_session
from tests.local.records import model_record, passing
from tests.servers.lab import make_lab
from tests.usecases.histories import event, histories, minute
from tests.usecases.project import NOW, refused, session_of

ENTRY = Entry.__struct_fields__
LONG = 10_000


def entry_of(one) -> Entry:
    return Entry(**{name: getattr(one, name) for name in ENTRY})


def tell(backend, events) -> None:
    """Write events as they are told, at their times."""

    def work(connection: Any) -> None:
        for one in events:
            write(connection, entry_of(one), one.time)

    backend.registry.write_now(work)


def answer(span):
    return span.alias, span.how, span.version, tuple(span.among)


def shadowed(events, offset: int):
    """The same moves of another alias, between those."""
    subject = address.alias("fraud", "shadow")
    return [msgspec.structs.replace(one, subject=subject, seq=one.seq + offset) for one in events]


@st.composite
def trails(draw):
    """Events of two aliases in any order of the clock, in the order in which they are written."""
    first = draw(histories(far=draw(st.booleans()))).events
    second = shadowed(draw(histories(far=False)).events, 1000)
    both = sorted([*first, *second], key=lambda one: (one.time, one.seq))
    numbers = {one.seq: at for at, one in enumerate(both, 1)}
    both = [
        msgspec.structs.replace(
            one, seq=numbers[one.seq], caused_by=numbers.get(one.caused_by or 0)
        )
        for one in both
    ]
    back = draw(st.integers(0, len(both)))
    by = draw(st.sampled_from([0, 0, 3, 7]))
    return [
        msgspec.structs.replace(one, time=one.time - timedelta(minutes=by)) if at >= back else one
        for at, one in enumerate(both)
    ]


BACK = [
    event(1, 1, "intent", None, 1),
    event(2, 2, "done", None, 1, caused_by=1),
    event(3, 3, "intent", 1, None),
    event(4, -3, "done", 1, None, caused_by=3),
]
"""The clock is set back while a change is under way."""
AHEAD = [event(1, 1, "done", None, 1), event(2, 3, "observed", 1, None, between=(5, 6))]
"""The looks went by a clock that was ahead."""


@example(BACK, 0)
@example(AHEAD, 6)
@settings(max_examples=60)
@given(trails(), st.integers(-4, 160))
def test_an_instant_alone_is_answered_as_from_the_whole(events, at):
    instant = minute(at / 2)
    with passing() as backend:
        tell(backend, events)
        session = session_of(backend)

        async def both():
            await backend.registry.write(
                lambda c: c.execute("INSERT OR IGNORE INTO model(name) VALUES('fraud')")
            )
            whole = await usecase.timeline(session, "fraud")
            part = await usecase.at(session, instant, "fraud")
            every = await usecase.at(session, instant)
            return whole, part, every

        whole, part, every = asyncio.run(both())
    found = [answer(span) for span in whole.at(instant)]
    assert [answer(span) for span in part.at(instant)] == found
    assert [answer(span) for span in every.at(instant)] == found


MOVES = st.lists(
    st.tuples(st.sampled_from(["champion", "next"]), st.sampled_from([None, 1, 2, 3])), max_size=8
)


async def test_replaying_gives_the_registrys_own_table(session):
    @settings(max_examples=12)
    @given(MOVES)
    def law(steps):
        async def walk():
            for alias, number in steps:
                aliases = (await session.registry.model("fraud")).aliases
                if number is not None:
                    plan = await plan_set(session, "fraud", alias, number)
                elif alias in aliases:
                    plan = await plan_remove(session, "fraud", alias)
                else:
                    continue
                await apply_plan(session, plan)
            found = await usecase.timeline(session, "fraud")
            spans = found.at(NOW + timedelta(days=1))
            assert all(span.known for span in spans)
            told = {span.alias: span.version for span in spans if span.version is not None}
            assert told == (await session.registry.model("fraud")).aliases
            assert found.now == {("fraud", alias): number for alias, number in told.items()}

        # The backend's own threads answer to any loop.
        asyncio.run(walk())

    await asyncio.to_thread(law)


async def test_undo_removal_and_setting_anew(session):
    plan = await plan_set(session, "fraud", "next", 3, reason="try", ticket="T1")
    events = await apply_plan(session, plan)
    await apply_plan(session, await plan_undo(session, str(events[-1].seq)))
    await apply_plan(session, await plan_set(session, "fraud", "next", 1))
    lane = await usecase.moves(session, "fraud", "next")
    assert [(move.before, move.after) for move in lane] == [(None, 3), (3, None), (None, 1)]
    assert lane[0].undone_by == lane[1].seq
    assert (lane[0].event.reason, lane[0].event.ticket) == ("try", "T1")
    assert await usecase.was_live(session, "fraud", "next", 3)
    assert not await usecase.was_live(session, "fraud", "next", 2)
    assert [move.alias for move in await usecase.moves(session, "fraud")].count("champion") == 2


async def test_what_was_deleted_then_is_told(session):
    await apply_plan(session, await plan_shelf(session, "version", ["fraud/1"], delete=True))
    gone = await usecase.timeline(session, "fraud")
    (move,) = [move for move in gone.moves if move.kind == "deleted"]
    before, after = move.event.time - timedelta(seconds=1), move.event.time
    assert usecase.gone_at(gone.moves, "fraud", 1, before) is None
    assert usecase.gone_at(gone.moves, "fraud", 1, after) is move
    assert usecase.gone_at(gone.moves, "fraud", 2, after) is None
    session.registry.clock = lambda: after + timedelta(seconds=1)
    await apply_plan(session, await plan_shelf(session, "version", ["fraud/1"], delete=False))
    back = await usecase.timeline(session, "fraud")
    assert usecase.gone_at(back.moves, "fraud", 1, after + timedelta(seconds=2)) is None


async def test_nobody_and_never(session):
    error = await refused(NotFoundError, lambda: usecase.timeline(session, "nobody"))
    assert "no model 'nobody'" in str(error)
    await refused(NotFoundError, lambda: usecase.at(session, NOW, "nobody"))
    assert (await usecase.timeline(session, "fraud", "nix")).at(NOW) == []


async def test_an_alias_that_came_with_an_import_is_known_from_then_on():
    with passing() as backend:
        session = session_of(backend)
        await backend.take("file:///x", "mlflow", models=[model_record(aliases={"champion": 2})])
        source = {"subject": "file:///x", "action": "import"}
        tell(backend, [event(1, 5, "ended", **source)])
        found = await usecase.timeline(session, "fraud")
        assert answer(found.at(minute(4))[0])[1:3] == ("before", None)
        assert answer(found.at(minute(6))[0])[1:3] == ("known", 2)
        tell(backend, [event(2, 20, before=2, after=3)])
        found = await usecase.at(session, minute(6), "fraud")
        assert answer(found.at(minute(6))[0])[1:3] == ("known", 2)


async def test_a_move_that_was_erased_is_counted_and_leaves_a_gap():
    with passing() as backend:
        session = session_of(backend)
        await backend.take("file:///x", "mlflow", models=[model_record(aliases={"champion": 3})])
        moves = [(None, 1), (1, 2), (2, 3)]
        tell(backend, [event(at, at * 5, "done", *move) for at, move in enumerate(moves, 1)])
        await backend.registry.write(lambda c: erase(c, 2))
        found = await usecase.timeline(session, "fraud")
        assert found.erased == 1
        assert answer(found.at(minute(12))[0]) == ("champion", "broken", None, (1, 2))


async def counted(monkeypatch, session, instant) -> tuple[int, usecase.Timeline]:
    reads = 0
    database = type(session.registry.registry)
    plain = database.read

    async def read(self, work):
        nonlocal reads
        reads += 1
        return await plain(self, work)

    with monkeypatch.context() as patched:
        patched.setattr(database, "read", read)
        found = await usecase.at(session, instant, "fraud")
    return reads, found


async def test_ten_thousand_events_cost_as_many_queries_as_ten(monkeypatch):
    with passing() as backend:
        session = session_of(backend)
        await backend.registry.write(lambda c: c.execute("INSERT INTO model(name) VALUES('fraud')"))
        tell(backend, [event(at + 1, at, "done", at or None, at + 1) for at in range(10)])
        few, found = await counted(monkeypatch, session, minute(5))
        tell(backend, [event(at + 1, at, "done", at, at + 1) for at in range(10, LONG)])
        for at in (5, LONG // 2, LONG - 2):
            many, found = await counted(monkeypatch, session, minute(at + 0.5))
            assert many == few
            assert len(found.moves) <= 4, "no more events are read than tell of the instant"
            assert found.at(minute(at + 0.5))[0].version == at + 1


async def test_the_index_finds_events_by_subject():
    with passing() as backend:
        await usecase.timeline(session_of(backend), "")
        from modeldeck.backends.local.trail import event_numbers

        def plans(connection: Any) -> str:
            select = event_numbers(connection, usecase._about("fraud", ""), ())
            rows = connection.execute(f"EXPLAIN QUERY PLAN {select.text}", select.values)
            return " ".join(row[3] for row in rows)

        found = await backend.registry.read(plans)
        assert found.count("audit_index_subject") == 3
        assert "SCAN" not in found


# A server.


@pytest.fixture
async def far(tmp_path, made):
    """A server with the project's models behind it, and the clock of both."""
    clock = Clock()
    session = far_session(made, tmp_path / "records", clock=clock)
    yield session, clock
    await session.registry.close()


async def looked(session) -> None:
    await session.registry.model("fraud")
    await session.registry.settled()


async def test_a_version_of_a_model_made_anew_is_another_one():
    with passing() as backend:
        session = session_of(backend)
        record = model_record(numbers=(1, 2))
        versions = [
            msgspec.structs.replace(one, created_at=minute(500)) if one.version == 2 else one
            for one in record.versions
        ]
        await backend.take("file:///x", "mlflow", models=[record_with(record, versions)])
        tell(backend, [event(1, 1, "done", None, 2), event(2, 2, "done", 2, 1)])
        assert not await usecase.was_live(session, "fraud", "champion", 2)
        # A clock that is a little ahead makes no other one of it.
        tell(backend, [event(3, 495, "done", 1, 2)])
        assert await usecase.was_live(session, "fraud", "champion", 2)


def record_with(record, versions):
    return msgspec.structs.replace(record, versions=versions)


async def test_a_shared_file_of_records_tells_only_of_its_own_context(far):
    session, _ = far
    await looked(session)
    records = session.registry.records
    other = event(1, 1, before=2, after=3, context="other")
    await records.note(entry_of(other))
    found = await usecase.at(session, session.clock(), "fraud")
    assert [move.event.context for move in found.moves if move.alias] == []
    assert found.at(session.clock())[0].version == 2


async def test_a_server_that_is_away_is_told_as_last_seen(far):
    session, clock = far
    await looked(session)
    clock.forward(60)
    session.registry.server.down = "no answer"
    found = await usecase.at(session, clock.now, "fraud")
    (span,) = found.at(clock.now)
    assert (span.how, span.among, found.now, found.trouble) == ("unlooked", (2,), None, "no answer")
    assert found.at(clock.now - timedelta(seconds=60, microseconds=1))[0].how == "before"


@pytest.mark.real
async def test_a_move_of_others_on_a_real_server(mlflow_server, tmp_path):
    from modeldeck.app.workspace import Wish, open_session

    server = mlflow_server("3")
    name = f"time {os.getpid()} {tmp_path.name}"
    server.api("POST", "registered-models/create", {"name": name})
    for _ in range(2):
        server.api("POST", "model-versions/create", {"name": name, "source": "s3://x/y"})

    def point(number: int) -> None:
        server.api(
            "POST", "registered-models/alias",
            {"name": name, "alias": "champion", "version": str(number)},
        )  # fmt: skip

    point(1)
    make_lab(server.url, auth="none", deadline=60)
    session = await open_session(Wish(), tmp_path)
    try:
        never = datetime.now(UTC)
        assert (await usecase.at(session, never, name)).at(never)[0].how == "before"
        point(2)
        moved = datetime.now(UTC)
        session.registry.forget()
        found = await usecase.at(session, moved, name)
        (span,) = found.at(moved)
        assert (span.how, span.among) == ("moving", (1, 2))
        assert span.to.outside
        assert span.to.earliest <= moved <= span.to.latest
        now = session.clock()
        assert found.at(now)[0].version == 2
        assert found.now == {(name, "champion"): 2}
        plan = await plan_set(session, name, "champion", 1, reason="back")
        await apply_plan(session, plan)
        lane = await usecase.moves(session, name)
        assert [(move.before, move.after, move.outside) for move in lane] == [
            (1, 2, True),
            (2, 1, False),
        ]
        assert lane[1].earliest <= lane[1].latest
        assert lane[1].event.actor == session.actor
        assert await usecase.was_live(session, name, "champion", 2)
    finally:
        await session.registry.close()
