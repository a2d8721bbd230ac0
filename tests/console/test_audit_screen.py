"""The audit trail in the console: an event whole, the trail verified."""

from __future__ import annotations

import pytest

from modeldeck.backends.local.trail import verify
from tests.console.dump import dump, open_console, press, session_of, settled
from tests.local.trails import HOST, owned


@pytest.fixture
async def session(registry):
    found = session_of(registry)
    yield found
    await found.registry.close()


async def test_an_event_is_shown_whole(session):
    session.registry.host_key = lambda: HOST
    kept = await session.registry.checkpoint()
    async with open_console(session, size=(120, 50)) as pilot:
        for key in ("enter", "y"):
            pilot.app.go("audit")
            await settled(pilot)
            await press(pilot, key)
            shown = dump(pilot.app)
            record = await session.registry.record(kept.size)
            assert f'"seq": {kept.size}' in shown
            assert f'"covered_by": {kept.size}' in shown
            assert record.leaf_hash in shown
            assert "payload_commit" in shown
            await press(pilot, "escape")


async def test_the_trail_is_verified(session):
    async with open_console(session, size=(120, 30)) as pilot:
        pilot.app.go("audit")
        await settled(pilot)
        await press(pilot, "V")
        size = await session.registry.trail_size()
        assert f"{size} events are as written" in dump(pilot.app)


async def test_what_is_broken_is_named(registry):
    with owned(registry.parent) as connection:
        connection.execute("UPDATE audit SET leaf = x'00' WHERE seq = 1")
    session = session_of(registry)
    assert session.registry.registry.read_now(verify) == 1
    async with open_console(session, size=(120, 30)) as pilot:
        pilot.app.go("audit")
        await settled(pilot)
        await press(pilot, "V")
        assert "BROKEN: event 1 is not what was written" in dump(pilot.app)
    await session.registry.close()
